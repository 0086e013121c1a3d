"""What an engine gives the training room: trainable groups, one loss call, one sample. The room never imports an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from pipeline.core.arrays import RGB
from pipeline.core.config import Schema
from pipeline.core.labels import Category
from tryon.training.config import Settings
from tryon.training.data.items import Item
from tryon.training.data.tree import Kind, TrainingPair, Tree
from tryon.training.optimiser import OptimiserConfig
from tryon.training.parameters import Groups, Weights
from tryon.training.randomness import SampleDraws

Batch = Any
"""What a trainee's module is called with; `moved` brings it to a device. Opaque to the room."""


class Trainee(Protocol):
    """A network that can be trained."""

    @property
    def module(self) -> nn.Module:
        """Its forward is the loss call: a batch → name → scalar; `loss` is what is minimised, the rest its parts."""

    @property
    def about(self) -> Sequence[str]:
        """A line each for what was opened, and for what is left out; said before the first step."""

    def groups(self) -> Groups:
        """What is trained; everything else is frozen."""

    def buffers(self) -> Mapping[str, Tensor]:
        """What a step changes beside trained weights: running statistics, by names as those of weights."""

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> Batch:
        """Tensors of one micro-batch, on the CPU.

        Args:
            items: pairs, augmented.
            draws: randomness of each.
            step: optimiser step, for what is decided once per batch.
            micro: number of the micro-batch in the step.
        """

    def validation_batch(self, items: Sequence[Item], timestep: int) -> Batch:
        """The same with a fixed timestep, fixed noise and nothing left out."""

    def moved(self, batch: Batch, device: Any) -> Batch:
        """A batch on a device."""

    def target(self, item: Item) -> RGB:
        """What a drawn picture is measured against: the photo, or a part of it. (h, w, 3) uint8 RGB."""

    def draw(self, trained: Weights, items: Sequence[Item], seed: int) -> list[RGB]:
        """Pictures by the inference engine with other trained weights, (h, w, 3) uint8 RGB each."""


@dataclass(frozen=True)
class Turn:
    """One of the updates of a step: who learns in it, and how.

    Args:
        name: what the module is called with beside the batch; "" = with the batch alone, the first turn.
        groups: names of the groups that learn.
        optimiser: settings of its own optimiser.
    """

    name: str
    groups: tuple[str, ...]
    optimiser: OptimiserConfig


@runtime_checkable
class TakesTurns(Protocol):
    """A trainee whose step has several updates: a network, then its discriminator."""

    def turns(self) -> Sequence[Turn]:
        """In their order; every group learns in exactly one."""


class Recipe(Protocol):
    """How an engine is trained: what the catalogue names."""

    name: str
    presets: Mapping[str, tuple[str, ...]]
    sections: Schema
    """Beside those of every run, or in their place where defaults differ."""
    starts: str
    """What `--start` may be, for people."""
    from_nothing: bool
    """Whether a run may begin without `--start`, with new weights."""
    continues: frozenset[str]
    """Names of recipes whose runs may be a start."""
    own_garments: bool
    """Whether held-out people are shown in the garment that they wear alone: a loss that compares pictures knows no other."""

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """The kinds of files that each pair of a tree must have."""

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> Item:
        """A pair as the trainee wants it.

        Args:
            pair: all wanted files are there.
            size: (height, width) of what is shown and measured.

        Raises:
            InputError: a file cannot be read, or is another thing than its folder says.
        """

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """The published script's flags as settings, and a line for each that says what became of it."""

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> Trainee:
        """The network with its start weights, on the CPU.

        Args:
            start: what the start weights are read from; None = new weights, where the recipe has them.
            settings: of the run.
            trained: weights that replace those of the start, from another run.
            vae: a fine-tuned VAE that replaces the one inside.

        Raises:
            WeightsError: a file is not there, or of another model.
        """

    def simulated(self, settings: Settings) -> tuple[Trainee, Callable[[int], Batch]]:
        """The trainee without memory behind it (meta device), and what makes a batch of so many pairs for it."""

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """Write what the engine loads; all or nothing."""

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """Write what the published code loads; all or nothing."""


@runtime_checkable
class DressesMore(Protocol):
    """A recipe that trains on other garments than upper ones."""

    def categories(self, settings: Settings) -> tuple[Category, ...]:
        """Of the garments that are trained; of a tree that does not say what it holds, the first."""


@runtime_checkable
class ManyFiles(Protocol):
    """A recipe whose start is a folder with files of several models, and maybe with others."""

    def start_files(self, start: Path, settings: Settings) -> tuple[Path, ...]:
        """Those that decide what is trained, whose hashes are the start's identity.

        Raises:
            WeightsError: one is not there.
        """
