"""Models that share StableVITON's network: each is a row that says how it differs (docs/facts/stableviton.md#sift-vton).

A file is recognised by a key only that model has; everything else about a variant is data for loader and sampler.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum


class Unconditional(StrEnum):
    """What the unguided pass of classifier-free guidance leaves out."""

    CONTEXT_ONLY = "context_only"  # the garment's token gives way to the learned one; garment features stay
    NO_CONTROL = "no_control"  # spatial encoder and zero cross-attention are left out as well


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One published model with this network."""

    name: str
    about: str
    marker: str = ""  # a checkpoint key only this model has
    extra_keys: tuple[str, ...] = ()  # keys to leave out on top of the common ones
    unconditional: Unconditional = Unconditional.CONTEXT_ONLY
    size: tuple[int, int] | None = None  # (height, width) it insists on, pixels
    preset: str = "balanced"


STABLEVITON = Variant(name="stableviton", about="StableVITON, CVPR 2024, arXiv 2312.01725")

VARIANTS: tuple[Variant, ...] = (
    Variant(
        name="sift_vton",
        about="SIFT-VTON, ICPR 2026, arXiv 2605.01296: fine-tuned with SIFT correspondences",
        marker="model.diffusion_model.explicit_ratio",
        extra_keys=("model.diffusion_model.explicit_ratio",),  # ones, unused at inference
        unconditional=Unconditional.NO_CONTROL,
        size=(512, 384),
        preset="sift",
    ),
    STABLEVITON,
)


def variant_of(keys: Container[str]) -> Variant:
    """The row whose marker a checkpoint carries; plain StableVITON when none does."""
    return next((variant for variant in VARIANTS if variant.marker and variant.marker in keys), STABLEVITON)


def variant_named(name: str) -> Variant:
    """The row with a name out of `VARIANTS`."""
    return next(variant for variant in VARIANTS if variant.name == name)
