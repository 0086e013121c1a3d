"""How a picture is sampled: one frozen description, and the named presets as what differs from the base.

Facts: docs/facts/stableviton.md#sampling.

The quality of every preset but `reference` is **not verified** with the published weights; `benchmarks/compare_presets.py` is the
script with which an owner of the weights measures it. Imports nothing heavy: settings are read before any engine runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tryon.engines.stableviton.variants import Unconditional


class Start(StrEnum):
    """What the start code is made of, besides noise.

    The schedule keeps 6.8 % of the signal at timestep 999. With `PERSON` that is 6.8 % of the old garment, and in paired
    runs of the very answer: use it to repeat published figures, never where the picture is judged against the same photo.
    `AGNOSTIC` keeps brightness and background and leaks neither; `NOISE` is what validation used in training.
    """

    PERSON = "person"
    AGNOSTIC = "agnostic"
    NOISE = "noise"


class PosteriorDraw(StrEnum):
    """How the garment's latent is taken from its posterior."""

    REDRAWN = "redrawn"  # anew in every model call, like the official code
    ONCE = "once"  # one draw per picture: the ODE a multistep solver extrapolates does not jump between calls
    MEAN = "mean"  # no draw; persons' latents neither: what the recorded tensors of the tests were made with


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Every choice between encoded inputs and a picture; the defaults are the preset `balanced`."""

    solver: str = "unipc"  # one of tryon.samplers.library.SOLVERS
    steps: int = 17
    dtype: str = "bf16"  # fp32, bf16, fp16; what the machine lacks becomes the next best
    weight_format: str = "full"  # approximation: int8 or fp8 keep most weights in 8 bits, see network.py
    start: Start = Start.AGNOSTIC
    posterior: PosteriorDraw = PosteriorDraw.ONCE
    guidance_scale: float = 1.0  # 1 = one pass per step, as the published results were made
    unconditional: Unconditional = Unconditional.CONTEXT_ONLY
    control_every: int = 1  # approximation: garment features are computed on every n-th call and reused in between
    deep_every: int = 1  # approximation: everything coarser than the finest grid runs on every n-th call (DeepCache)
    token_merging: float = 0.0  # approximation: share of tokens that self-attention merges on the finest grid
    decoder: str = "vae"  # tiny: for previews, quick and inexact; its pictures carry a flag
    rounded: bool = True  # to the nearest level; False cuts off like the official script
    repaint: bool = False  # official pixel pasting at model size; `compose` does it better at the photo's own size
    antialias: bool = False  # training had none in the mask and garment resizing; True is an experiment


BALANCED = SamplingConfig()

PRESETS: dict[str, SamplingConfig] = {
    "reference": replace(
        BALANCED,
        solver="plms",
        steps=50,
        dtype="fp32",
        start=Start.PERSON,
        posterior=PosteriorDraw.REDRAWN,
        rounded=False,
        repaint=True,
    ),
    "best": replace(BALANCED, solver="dpmpp_2m", steps=49, guidance_scale=1.5),
    "balanced": BALANCED,
    "fast": replace(BALANCED, steps=8, control_every=2),
    "sift": replace(
        BALANCED,
        solver="plms",
        steps=50,
        posterior=PosteriorDraw.REDRAWN,
        guidance_scale=1.5,
        unconditional=Unconditional.NO_CONTROL,
        repaint=True,
    ),
}
"""`sift` is how SIFT-VTON's published figures were made, but for its number format; what fewer calls cost: docs/performance.md"""
