"""How OOTDiffusion is trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from pipeline.core.config import Schema
from pipeline.core.errors import UsageError
from pipeline.core.labels import Category
from pipeline.core.weights.files import digest_of
from tryon.engines.ootdiffusion.architecture import FULL, Architecture
from tryon.engines.ootdiffusion.checkpoint import empty_network, fill_network
from tryon.engines.ootdiffusion.folder import description, eye_facts, trained_sources, write_folder
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.training.config import PRESETS, SECTION, SECTIONS, OotdTraining
from tryon.engines.ootdiffusion.training.item import WANTED, OotdItem, read_ootd_item
from tryon.engines.ootdiffusion.training.published_flags import FLAGS
from tryon.engines.ootdiffusion.training.said import about_lines
from tryon.engines.ootdiffusion.training.start import read_start, start_files
from tryon.engines.ootdiffusion.training.trainee import PICTURES, OotdBatch, OotdTrainee, whole_weights, words_in
from tryon.engines.ootdiffusion.wiring import PUBLISHED
from tryon.engines.ootdiffusion.words import PUBLISHED as PUBLISHED_WORDS
from tryon.networks.savings.switches import TRAINING, Savings
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig, Settings, section_of
from tryon.training.data.tree import Kind, TrainingPair, Tree
from tryon.training.official_file import digest_of_weights
from tryon.training.parameters import Weights


class OotdRecipe:
    """See `protocol.Recipe`.

    Args:
        architecture: the widths; tests give smaller ones.
    """

    name = "ootdiffusion"
    presets: Mapping[str, tuple[str, ...]] = PRESETS
    sections: Schema = SECTIONS
    starts = "the weights folder, or a folder with Stable Diffusion 1.5 (`unet`) or OOTDiffusion (`unet_garm`, `unet_vton`) in it"
    from_nothing = False
    continues = frozenset({"ootdiffusion"})
    own_garments = False

    def __init__(self, architecture: Architecture = FULL) -> None:
        self._architecture = architecture

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """Photo, mask and garment, and the skeleton where it is looked at; the masked person is made of the first two."""
        return (*WANTED, Kind.POSE) if _own(settings).wiring.sees_pose else WANTED

    def categories(self, settings: Settings) -> tuple[Category, ...]:
        """See `protocol.DressesMore`."""
        return _own(settings).dressed

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> OotdItem:
        """See `item.read_ootd_item`."""
        return read_ootd_item(pair, size)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Flags of the unofficial training script."""
        return FLAGS.translate(words)

    def start_files(self, start: Path, settings: Settings) -> tuple[Path, ...]:
        """See `protocol.ManyFiles`."""
        return start_files(start, _own(settings))

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> OotdTrainee:
        """See `protocol.Recipe`."""
        assert start is not None, "the room asks for one"
        own = _own(settings)
        changes = {name: each for name, each in trained.items() if ".lora_" in name}
        whole = {name: each for name, each in trained.items() if name not in changes}
        begun = read_start(start, own, self._architecture, vae, whole)
        network = fill_network(begun.weights, torch.float32, self._architecture, self._savings(settings), own.wiring)
        trainee = self._trainee(network, settings, (*begun.about, *about_lines(settings)))
        _take_up(trainee, changes)
        return trainee

    def simulated(self, settings: Settings) -> tuple[OotdTrainee, Callable[[int], OotdBatch]]:
        """See `protocol.Recipe`."""
        network = empty_network(self._architecture, self._savings(settings), _own(settings).wiring).requires_grad_(False)
        with torch.device("meta"):
            trainee = self._trainee(network, settings)
        data = section_of(settings, "data", DataConfig)
        return trainee, lambda pairs: self._empty_batch(pairs, data.size, _own(settings))

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """Both U-Nets in the published layout, fp32: what the engine loads, and the published code too."""
        assert start is not None, "the room asks for one"
        own = _own(settings)
        begun = read_start(start, own, self._architecture, vae)
        weights = whole_weights(begun.weights, trained, own)
        digests = {file: digest_of(file).sha256 for file in start_files(start, own)}
        origin = " ".join(digests.values())
        identity = hashlib.sha256(f"{origin} {digest_of_weights(trained)}".encode()).hexdigest()
        about = {**trained_sources(identity, weights), "training": own.model_dump(mode="json")}
        described = description(own.model, own.prompts, "fp32", own.wiring)
        if begun.files.eye is not None:
            described |= eye_facts(own.wiring, digests[begun.files.eye])
        write_folder(folder, weights, {**described, **about}, "fp32", self._architecture)

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """The published code reads a folder, not a file: the same as `export_folder`."""
        if file.suffix:
            raise UsageError(
                f"--official {file}: OOTDiffusion's code reads a folder with unet_garm and unet_vton",
                "--official checkpoint-36000",
            )
        own = _own(settings)
        other: dict[str, object] = dict(asdict(own.wiring).items() - asdict(PUBLISHED).items())
        other |= {} if own.prompts == PUBLISHED_WORDS else {"prompts": own.prompts}
        if other:
            said = ", ".join(f"{name}={value}" for name, value in sorted(other.items()))
            raise UsageError(f"--official {file}: the published code knows no {said}", "--to DIR, for this project")
        self.export_folder(start, settings, trained, file, vae)

    def _trainee(self, network: OotDiffusion, settings: Settings, about: Sequence[str] = ()) -> OotdTrainee:
        loop, precision = settings["loop"], _precision(settings)
        assert isinstance(loop, LoopConfig)
        return OotdTrainee(network, _own(settings), loop.seed, precision.recompute, about)

    def _savings(self, settings: Settings) -> Savings:
        return replace(TRAINING, channels_last=_precision(settings).channels_last)

    def _empty_batch(self, pairs: int, size: tuple[int, int], own: OotdTraining) -> OotdBatch:
        """A batch without contents, for a count of memory."""
        latent = (pairs, LATENT_CHANNELS, size[0] // LATENT_STRIDE, size[1] // LATENT_STRIDE)
        side, words = self._architecture.clip.image_size, words_in(own)
        told = [next(iter(ids.values())) for ids in (words.ids, words.garment_ids or words.ids)]
        with torch.device("meta"):
            return OotdBatch(
                pictures=torch.empty(pairs * len(PICTURES), 3, *size),
                draws=torch.empty(latent),
                squares=torch.empty(pairs, 3, side, side),
                words=torch.zeros(pairs, len(told[0]), dtype=torch.long),
                garment_words=torch.zeros(pairs, len(told[1]), dtype=torch.long),
                noise=torch.empty(latent),
                timesteps=torch.zeros(pairs, dtype=torch.long),
                dropped=torch.zeros(pairs, dtype=torch.bool),
                without_text=torch.zeros(pairs, dtype=torch.bool),
                without_picture=torch.zeros(pairs, dtype=torch.bool),
                repaint=torch.empty(pairs, 1, *latent[2:]),
                poses=torch.empty(pairs, 3, *size) if own.inputs == "pose" else None,
                drawings=torch.empty(pairs, 3, *size) if own.branch != "none" else None,
            )


RECIPE = OotdRecipe()


@torch.no_grad()
def _take_up(trainee: OotdTrainee, changes: Weights) -> None:
    """Give a LoRA the weights that another run trained.

    Raises:
        UsageError: it has another rank, or is beside other layers.
    """
    own = {name: each for group in trainee.groups().values() for name, each in group.items()}
    for name, each in changes.items():
        if name not in own or own[name].shape != each.shape:
            raise UsageError(f"{name}: the run to start from has another LoRA", "--set ootd.lora_rank and lora_on as there")
        own[name].copy_(each)


def _own(settings: Settings) -> OotdTraining:
    return section_of(settings, SECTION, OotdTraining)


def _precision(settings: Settings) -> PrecisionConfig:
    return section_of(settings, "precision", PrecisionConfig)
