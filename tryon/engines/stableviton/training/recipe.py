"""How StableVITON is trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import torch

from pipeline.core.config import Schema
from pipeline.core.errors import UsageError
from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.checkpoint import empty_network, fill_network
from tryon.engines.stableviton.folder import Index, write_folder
from tryon.engines.stableviton.training import official_flags
from tryon.engines.stableviton.training.config import PRESETS, WITHOUT_AUGMENTATION, StableVitonTraining
from tryon.engines.stableviton.training.official_file import write_official
from tryon.engines.stableviton.training.start import Start, read_start
from tryon.engines.stableviton.training.trainee import PICTURES, PictureBatch, StableVitonTrainee
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.compvis_names import with_values
from tryon.networks.savings.switches import TRAINING, Savings
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig, Settings, section_of
from tryon.training.data.augment import AugmentConfig
from tryon.training.data.items import Item, read_item
from tryon.training.data.tree import WANTED, Kind, TrainingPair, Tree
from tryon.training.official_file import digest_of_weights
from tryon.training.parameters import Weights

SECTION = "stableviton"


class StableVitonRecipe:
    """See `protocol.Recipe`.

    Args:
        architecture: the widths; tests give smaller ones.
    """

    name = "stableviton"
    presets: Mapping[str, tuple[str, ...]] = PRESETS
    sections: Schema = MappingProxyType({SECTION: StableVitonTraining})
    starts = "Paint-by-Example's model.ckpt, a StableVITON checkpoint or folder"
    from_nothing = False
    continues = frozenset({"stableviton", "vae-decoder"})
    own_garments = False

    def __init__(self, architecture: Architecture = FULL) -> None:
        self._architecture = architecture

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """What every pair must have: the worn garment's mask only for the attention loss."""
        _refuse_cache_of_changed_pictures(settings)
        needed = WANTED[tree.kind]
        return (*needed, Kind.WORN) if _own(settings).attention_loss else needed

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> Item:
        """See `protocol.Recipe`."""
        return read_item(pair, size)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """See `official_flags.translate`."""
        return official_flags.translate(words)

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> StableVitonTrainee:
        """See `protocol.Recipe`."""
        begun = self._start(start, settings, vae)
        network = fill_network(
            self._shape(settings), with_values({**begun.weights, **trained}), torch.float32, self._savings(settings)
        )
        return StableVitonTrainee(network, _own(settings), _precision(settings).recompute, (f"{start}: {begun.about}",))

    def simulated(self, settings: Settings) -> tuple[StableVitonTrainee, Callable[[int], PictureBatch]]:
        """See `protocol.Recipe`."""
        network = empty_network(self._shape(settings), self._savings(settings)).requires_grad_(False)
        data = section_of(settings, "data", DataConfig)
        return StableVitonTrainee(network, _own(settings), _precision(settings).recompute), _empty_batches(data, _own(settings))

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """Write what the engine loads, fp32."""
        begun = self._start(start, settings, vae)
        weights = with_values({**begun.weights, **trained})
        identity = hashlib.sha256(f"{begun.sha256} {digest_of_weights(trained)}".encode()).hexdigest()
        index = Index(
            architecture=self._shape(settings),
            variant=STABLEVITON.name,
            dtype="fp32",
            source_sha256=identity,
            source_bytes=4 * sum(tensor.numel() for tensor in begun.weights.values()),
        )
        write_folder(folder, weights, index)

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """Write what the published code loads."""
        begun = self._start(start, settings, vae)
        write_official(file, {**begun.weights, **trained}, self._shape(settings))

    def _start(self, start: Path | None, settings: Settings, vae: Path | None) -> Start:
        assert start is not None, "the room asks for one"
        loop = section_of(settings, "loop", LoopConfig)
        return read_start(start, self._shape(settings), seed=loop.seed, vae_file=vae)

    def _shape(self, settings: Settings) -> Architecture:
        return replace(self._architecture, plain_addition=_own(settings).plain_addition)

    def _savings(self, settings: Settings) -> Savings:
        return replace(TRAINING, channels_last=_precision(settings).channels_last)


RECIPE = StableVitonRecipe()


def _empty_batches(data: DataConfig, own: StableVitonTraining) -> Callable[[int], PictureBatch]:
    """Batches without contents, for a count of memory."""
    grid = (data.height // LATENT_STRIDE, data.width // LATENT_STRIDE)

    def make(pairs: int) -> PictureBatch:
        with torch.device("meta"):
            return PictureBatch(
                pictures=torch.empty(pairs * len(PICTURES), 3, *data.size),
                draws=torch.empty(pairs * len(PICTURES), LATENT_CHANNELS, *grid),
                keep=torch.empty(pairs, 1, *grid),
                worn=torch.empty(pairs, 1, *data.size) if own.attention_loss else None,
                noise=torch.empty(pairs, LATENT_CHANNELS, *grid),
                timesteps=torch.zeros(pairs, dtype=torch.long),
                dropped=False,
            )

    return make


def _refuse_cache_of_changed_pictures(settings: Settings) -> None:
    augment = section_of(settings, "augment", AugmentConfig)
    if _own(settings).cache and augment.any:
        raise UsageError(
            "stableviton.cache: augmentation changes every picture, so no encoding would be asked for twice",
            "--set stableviton.cache=0, or without augmentation: " + " ".join(f"--set {each}" for each in WITHOUT_AUGMENTATION),
        )


def _own(settings: Settings) -> StableVitonTraining:
    return section_of(settings, SECTION, StableVitonTraining)


def _precision(settings: Settings) -> PrecisionConfig:
    return section_of(settings, "precision", PrecisionConfig)
