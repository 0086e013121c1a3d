"""Models that share StableVITON's network: each is a row that says how it differs (docs/facts/stableviton.md#sift-vton).

`keys.KINDS` says by which tensors a file of each is recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tryon.engines.stableviton.keys import KINDS
from tryon.recognise import Shapes, recognise


class Unconditional(StrEnum):
    """What the unguided pass of classifier-free guidance leaves out."""

    CONTEXT_ONLY = "context_only"  # the garment's token gives way to the learned one; garment features stay
    NO_CONTROL = "no_control"  # spatial encoder and zero cross-attention are left out as well


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One published model with this network; its name is that of its kind of file."""

    name: str
    about: str
    extra_keys: tuple[str, ...] = ()  # keys to leave out on top of the common ones
    unconditional: Unconditional = Unconditional.CONTEXT_ONLY
    size: tuple[int, int] | None = None  # (height, width) it insists on, pixels
    preset: str = "balanced"


STABLEVITON = Variant(name="stableviton", about="StableVITON, CVPR 2024, arXiv 2312.01725")

VARIANTS: tuple[Variant, ...] = (
    Variant(
        name="sift_vton",
        about="SIFT-VTON, ICPR 2026, arXiv 2605.01296: fine-tuned with SIFT correspondences",
        extra_keys=("model.diffusion_model.explicit_ratio",),  # ones, unused at inference
        unconditional=Unconditional.NO_CONTROL,
        size=(512, 384),
        preset="sift",
    ),
    STABLEVITON,
)


def variant_of(shapes: Shapes) -> Variant:
    """The row of a checkpoint's kind; plain StableVITON where it is none of them, so that a strict loader lists what differs."""
    kind = recognise(shapes, KINDS)
    return next((variant for variant in VARIANTS if kind is not None and variant.name == kind.name), STABLEVITON)


def variant_named(name: str) -> Variant:
    """The row with a name out of `VARIANTS`."""
    return next(variant for variant in VARIANTS if variant.name == name)
