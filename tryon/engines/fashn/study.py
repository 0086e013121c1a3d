"""What the study asks about FASHN VTON's network. Facts: docs/facts/fashn_vton.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import UsageError
from tryon.engines.fashn.architecture import FULL, Architecture
from tryon.engines.fashn.checkpoint import empty_network, fill_network, read_published
from tryon.engines.fashn.network import FashnVton
from tryon.engines.fashn.presets import PRESETS
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.networks.savings.switches import OFFICIAL
from tryon.study.protocol import Part, Point, Shapes, Size

OWN = "trained from scratch"
CALLS = 2 * PRESETS["balanced"].steps - PRESETS["balanced"].unguided_steps
"""Guided steps ask twice."""


def _part(name: str, about: str, *prefixes: str, calls: int = CALLS) -> Part:
    return Part(name=name, about=about, prefixes=prefixes, model=name.replace(" ", "_"), origin=OWN, calls=calls)


PARTS = (
    _part("pictures in", "pictures and poses → tokens of 12 × 12 pixels", "person_in.", "garment_in."),
    _part("time and category", "a moment and a garment's kind → a vector", "time.", "category."),
    _part("modulation", "that vector → shift, scale and gate of every block", "out_modulation."),
    _part("mixer blocks", "the person's tokens alone", "mixer_blocks."),
    _part("pair blocks", "person and garment, each with weights of its own, look at both", "pair_blocks."),
    _part("joint blocks", "one sequence of both, one set of weights", "joint_blocks."),
    _part("picture out", "the person's tokens → the velocity in each patch", "out."),
)


class FashnAnatomy:
    """FASHN VTON 1.5.

    Args:
        architecture: the widths.
    """

    name = "fashn"
    training = ""
    spared: frozenset[str] = frozenset()

    def __init__(self, architecture: Architecture = FULL) -> None:
        self.architecture, self.size = architecture, architecture.canvas
        modulations = [name for name, _ in self.network().named_parameters() if ".modulation." in name]
        self.parts = tuple(
            part if part.name != "modulation" else Part(**{**vars(part), "prefixes": (*part.prefixes, *modulations)})
            for part in PARTS
        )

    def network(self, weight_format: str = FULL_FORMAT) -> FashnVton:
        """See `protocol.Anatomy`."""
        if weight_format != FULL_FORMAT:
            raise UsageError(f"fashn: its weights are not kept in {weight_format}", "weight_format is a setting of stableviton")
        return empty_network(self.architecture, OFFICIAL)

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> FashnVton:
        """See `protocol.Anatomy`."""
        return fill_network(weights, dtype, self.architecture, OFFICIAL)

    def inputs(self, size: Size) -> Shapes:
        """See `protocol.Anatomy`; it works at one size."""
        if size != self.architecture.canvas:
            raise UsageError(f"fashn works at {self.architecture.canvas} only, not at {size}", "leave the size out")
        pictures = {"noisy picture": 3, "person": 3, "person's pose": 1, "garment": 3, "wearer's pose": 1}
        return {name: (1, channels, *size) for name, channels in pictures.items()} | {"moment": (1,), "kind of garment": (1,)}

    def run(self, network: FashnVton, inputs: Mapping[str, Tensor]) -> Tensor:
        """See `protocol.Anatomy`."""
        person = torch.cat([inputs["person"], inputs["person's pose"]], dim=1)
        garment = torch.cat([inputs["garment"], inputs["wearer's pose"]], dim=1)
        told = network.modulations(inputs["moment"], inputs["kind of garment"].long())
        return network.forward(inputs["noisy picture"], person, network.garment_tokens(garment), told)

    def stage(self, tensor: str) -> str:
        """See `protocol.Anatomy`."""
        if ".modulation." in tensor or tensor.startswith("out_modulation."):
            return "modulation"
        words = tensor.split(".")
        return ".".join(words[:2]) if words[0].endswith("_blocks") else words[0]

    def trained(self) -> frozenset[str]:
        """See `protocol.Anatomy`: it has no recipe here."""
        return frozenset()

    def points(self, size: Size) -> Sequence[Point]:
        """See `protocol.Anatomy`."""
        return _POINTS

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """See `protocol.Anatomy`."""
        return read_published(path, self.architecture)


_POINTS = (
    Point(
        "Pixels, not latents", "There is no VAE: a token is a patch of 12 × 12 pixels, so nothing is lost before the first block."
    ),
    Point("No mask", "The person is shown whole; the network finds what to change. Masks are an option, not a condition."),
    Point(
        "Two kinds of blocks",
        "First person and garment have weights of their own and look at each other, then both are one sequence with one set of "
        "weights. The garment is shown at noise time t like the person, so nothing of it can be kept between steps.",
    ),
    Point(
        "Modulation",
        "Time and category reach the blocks as shift, scale and gate alone. Those layers are more than a quarter of all weights; "
        "what they say depends on nothing else, so it is worked out once per step.",
    ),
)

ANATOMY = FashnAnatomy()
