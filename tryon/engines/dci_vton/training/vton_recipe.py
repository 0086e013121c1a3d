"""How the diffusion network is trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.core.config import Schema
from pipeline.core.errors import UsageError
from tryon.engines.dci_vton.architecture import FULL, Architecture
from tryon.engines.dci_vton.checkpoint import empty_network, fill_network
from tryon.engines.dci_vton.folder import CLASS_NAME, PARTS, WITH_QUERIES
from tryon.engines.dci_vton.training.config import VTON_PRESETS, VTON_SECTION, VTON_SECTIONS, VtonTraining
from tryon.engines.dci_vton.training.published_flags import VTON_FLAGS
from tryon.engines.dci_vton.training.vton_item import WANTED, VtonItem, read_vton_item
from tryon.engines.dci_vton.training.vton_start import VtonStart, counted_values, read_start, write_official
from tryon.engines.dci_vton.training.vton_trainee import PICTURES, VtonBatch, VtonTrainee
from tryon.network_folder import new_folder, write_index, write_parts
from tryon.networks import clip
from tryon.networks.compvis_names import with_values
from tryon.networks.savings.switches import TRAINING, Savings
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.training.config import DataConfig, PrecisionConfig, Settings, section_of
from tryon.training.data.tree import Kind, TrainingPair, Tree, refuse_dresscode
from tryon.training.judges.vgg import SECOND_OF_LEVEL, VggDistance, build_distance, open_vgg
from tryon.training.official_file import digest_of_weights
from tryon.training.parameters import Weights

TORCHVISION_SHARE = 255.0
"""Of a network that is shown numbers up to 1 instead of levels: its maps are as many times smaller."""


class VtonRecipe:
    """See `protocol.Recipe`.

    Args:
        architecture: the widths; tests give smaller ones.
    """

    name = "dci-vton"
    presets: Mapping[str, tuple[str, ...]] = VTON_PRESETS
    sections: Schema = VTON_SECTIONS
    starts = "Paint-by-Example's model.ckpt, a DCI-VTON checkpoint or folder"
    from_nothing = False
    continues = frozenset({"dci-vton"})
    own_garments = True

    def __init__(self, architecture: Architecture = FULL) -> None:
        self._architecture = architecture

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """What the variant's loader reads.

        Raises:
            InputError: a DressCode tree.
        """
        refuse_dresscode(tree)
        return WANTED[_own(settings).variant]

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> VtonItem:
        """See `vton_item.read_vton_item`."""
        return read_vton_item(pair, size)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Flags of the published training script."""
        return VTON_FLAGS.translate(words)

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> VtonTrainee:
        """See `protocol.Recipe`."""
        own, begun = _own(settings), self._start(start, settings, vae)
        judge, said = _judge(own, begun)
        network = fill_network(
            with_values({**begun.weights, **trained}), torch.float32, self._architecture, self._savings(settings)
        )
        about = (f"{start}: {begun.about}", f"data: as the loader of DCI-VTON {own.variant} shows them", said)
        return VtonTrainee(network, own, judge, _precision(settings).recompute, about)

    def simulated(self, settings: Settings) -> tuple[VtonTrainee, Callable[[int], VtonBatch]]:
        """See `protocol.Recipe`; the judge is counted, because most starts have one."""
        network = empty_network(self._architecture, self._savings(settings)).requires_grad_(False)
        with torch.device("meta"):
            judge = VggDistance(SECOND_OF_LEVEL, caffe=True)
        data = section_of(settings, "data", DataConfig)
        trainee = VtonTrainee(network, _own(settings), judge, _precision(settings).recompute)
        return trainee, lambda pairs: _empty_batch(pairs, data.height)

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """Write what the engine loads, fp32, with its variant."""
        begun, own = self._start(start, settings, vae), _own(settings)
        identity = hashlib.sha256(f"{begun.sha256} {digest_of_weights(trained)}".encode()).hexdigest()
        weights = with_values({**begun.weights, **trained})
        facts = {"architecture": asdict(self._architecture), "variant": own.variant, "dtype": "fp32", "source_sha256": identity}
        with new_folder(folder) as made:
            write_parts(made, PARTS, weights, empty_network(self._architecture, WITH_QUERIES), torch.float32)
            write_index(made, {"_class_name": CLASS_NAME, **facts, "source_bytes": counted_values(begun.weights)})

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """Write what the published code loads, with the start file's VGG-19 where it had one."""
        begun = self._start(start, settings, vae)
        write_official(file, {**begun.weights, **trained}, self._architecture, begun.judge[0] if begun.judge else None)

    def _start(self, start: Path | None, settings: Settings, vae: Path | None) -> VtonStart:
        if vae is not None:
            raise UsageError("--vae: DCI-VTON was published with its own VAE, inside the checkpoint", "leave it out")
        assert start is not None, "the room asks for one"
        return read_start(start, self._architecture, _own(settings).variant)

    def _savings(self, settings: Settings) -> Savings:
        return replace(TRAINING, channels_last=_precision(settings).channels_last)


RECIPE = VtonRecipe()


def _judge(own: VtonTraining, begun: VtonStart) -> tuple[VggDistance | None, str]:
    """VGG of a file, of the start, or none; and a line about it."""
    found: tuple[dict[str, Tensor], bool] | None = open_vgg(Path(own.vgg_file)) if own.vgg_file else begun.judge
    if found is None:
        return None, f"loss: without VGG-19's part, which the published loss has (--set {VTON_SECTION}.vgg_file=FILE)"
    weights, caffe = found
    judge = build_distance(weights, SECOND_OF_LEVEL, caffe=caffe, share=1.0 if caffe else TORCHVISION_SHARE)
    where = own.vgg_file or "the start file"
    if caffe:
        return judge, f"loss: with VGG-19 of {where}, as published"
    return judge, f"loss: with VGG-19 of {where}, torchvision's, its distance times 255; published was another"


def _empty_batch(pairs: int, side: int) -> VtonBatch:
    """A batch without contents, for a count of memory."""
    grid, kinds = side // LATENT_STRIDE, len(PICTURES)
    with torch.device("meta"):
        latents: list[Any] = [torch.empty(pairs, LATENT_CHANNELS, grid, grid) for _ in range(2)]
        return VtonBatch(
            pictures=torch.empty(pairs * kinds, 3, side, side),
            draws=torch.empty(pairs * kinds, LATENT_CHANNELS, grid, grid),
            reference=torch.empty(pairs, 3, clip.SIDE, clip.SIDE),
            keep=torch.empty(pairs, 1, grid, grid),
            noise=latents[0],
            warped_noise=latents[1],
            timesteps=torch.zeros(pairs, dtype=torch.long),
            dropped=torch.zeros(pairs, dtype=torch.bool),
        )


def _own(settings: Settings) -> VtonTraining:
    return section_of(settings, VTON_SECTION, VtonTraining)


def _precision(settings: Settings) -> PrecisionConfig:
    return section_of(settings, "precision", PrecisionConfig)
