"""What an engine tells the study about its network; everything else is found in the network itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Size = tuple[int, int]
"""(height, width) in pixels."""

Shapes = Mapping[str, tuple[int, ...]]
"""Name → shape, outermost axis first."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of the table: weights that do one thing.

    Args:
        name: as shown.
        about: what it does, in a line.
        prefixes: of its tensors' names; a tensor belongs to the part with the longest prefix that fits.
        model: the sub-model that it is extracted with: the name of a file.
        origin: whose weights training starts from.
        calls: how often it runs for a picture, as the engine works by default.
    """

    name: str
    about: str
    prefixes: tuple[str, ...]
    model: str
    origin: str
    calls: int = 1


@dataclass(frozen=True)
class Point:
    """Something worth knowing that no table shows."""

    title: str
    text: str


class Anatomy(Protocol):
    """A network that can be studied."""

    name: str
    training: str
    """What `train` is told of it, one word and options; "" = there is no recipe."""
    size: Size
    parts: tuple[Part, ...]
    spared: frozenset[str]
    """Tensors that other ways through the network use than the one that `run` takes: not dead though unseen."""

    def network(self, weight_format: str = "full") -> nn.Module:
        """The network without memory behind its weights (meta device).

        Args:
            weight_format: `full` = everything that a published file holds, nothing saved; `int8` = what the engine keeps then.

        Raises:
            UsageError: the engine has no such weight format.
        """

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> nn.Module:
        """The whole network with weights, on the CPU, ready to run."""

    def inputs(self, size: Size) -> Shapes:
        """What one picture is made of, at a size; the names are drawn."""

    def run(self, network: Any, inputs: Mapping[str, Tensor]) -> Tensor:
        """Once through every part: encode, one model call, decode. A picture's whole way but for repeated calls."""

    def stage(self, tensor: str) -> str:
        """The box of the drawing that a tensor belongs to; boxes must not feed each other in a circle."""

    def trained(self) -> frozenset[str]:
        """Tensors that this project's training changes; empty where the engine has no recipe."""

    def points(self, size: Size) -> Sequence[Point]:
        """What the paper, or the published code, does in a special way."""

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """A published file, or a folder that was made of one: the network's name → tensor, mapped from it.

        Raises:
            WeightsError: unsafe, damaged, or another model, with the names that differ.
        """


def part_of(tensor: str, parts: Sequence[Part]) -> Part:
    """The part with the longest fitting prefix.

    Raises:
        LookupError: none fits: the engine's list has a hole.
    """
    fitting = [(len(prefix), part) for part in parts for prefix in part.prefixes if tensor.startswith(prefix)]
    if not fitting:
        raise LookupError(f"no part for the tensor {tensor}")
    return max(fitting, key=lambda found: found[0])[1]
