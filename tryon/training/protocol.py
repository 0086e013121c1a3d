"""What an engine gives the training room: trainable groups, one loss call, one sample. The room never imports an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from pipeline.core.arrays import RGB
from pipeline.core.config import Schema
from tryon.training.config import Settings
from tryon.training.data.items import Item
from tryon.training.data.tree import Kind, Tree
from tryon.training.parameters import Groups, Weights
from tryon.training.randomness import SampleDraws

Batch = Any
"""What a trainee's module is called with; `moved` brings it to a device. Opaque to the room."""


class Trainee(Protocol):
    """A network that can be trained."""

    @property
    def module(self) -> nn.Module:
        """Its forward is the loss call: a batch → name → scalar; `loss` is what is minimised, the rest its parts."""

    def groups(self) -> Groups:
        """What is trained; everything else is frozen."""

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

    def draw(self, trained: Weights, items: Sequence[Item], seed: int) -> list[RGB]:
        """Pictures by the inference engine with other trained weights, (h, w, 3) uint8 RGB each."""


class Recipe(Protocol):
    """How an engine is trained: what the catalogue names."""

    name: str
    presets: Mapping[str, tuple[str, ...]]
    sections: Schema

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """The kinds of files that each pair of a tree must have."""

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """The published script's flags as settings, and a line for each that says what became of it."""

    def open(self, start: Path, settings: Settings, trained: Weights, vae: Path | None = None) -> Trainee:
        """The network with its start weights, on the CPU.

        Args:
            start: what the start weights are read from.
            settings: of the run.
            trained: weights that replace those of the start, from another run.
            vae: a fine-tuned VAE that replaces the one inside.

        Raises:
            WeightsError: a file is not there, or of another model.
        """

    def simulated(self, settings: Settings) -> tuple[Trainee, Callable[[int], Batch]]:
        """The trainee without memory behind it (meta device), and what makes a batch of so many pairs for it."""

    def export_folder(self, start: Path, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None) -> None:
        """Write what the engine loads; all or nothing."""

    def export_official(self, start: Path, settings: Settings, trained: Weights, file: Path, vae: Path | None = None) -> None:
        """Write what the published code loads; all or nothing."""
