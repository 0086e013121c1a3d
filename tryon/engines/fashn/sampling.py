"""From noise to a picture along the learned velocity, in straight steps. Facts: docs/facts/fashn_vton.md#sampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.core.arrays import RGB

SHIFT = 1.5
"""How much of the way is spent near the noise."""

Velocity = Callable[[Tensor, float, bool], Tensor]
"""(noisy, time, guided) → velocity, (b, 3, h, w)."""


def times_of(steps: int, shift: float = SHIFT) -> NDArray[np.float64]:
    """(steps + 1,) fp64 from 0, noise, to 1, the picture."""
    share = np.linspace(0, 1, steps + 1)[1:]
    slope = math.exp(-shift)
    return np.concatenate([[0.0], slope / (slope + 1 / share - 1)])


def sample(velocity: Velocity, noise: Tensor, steps: int, unguided_steps: int) -> Tensor:
    """Follow the velocity from the noise.

    Args:
        velocity: the network.
        noise: (b, 3, h, w) fp32.
        steps: of the way.
        unguided_steps: last steps without guidance.

    Returns:
        (b, 3, h, w) fp32, about -1..1.
    """
    x, times = noise, times_of(steps).astype(np.float32)
    for number, (now, after) in enumerate(pairwise(times)):
        x = x + float(after - now) * velocity(x, float(now), number < steps - unguided_steps)
    return x


def pictures_of(x: Tensor) -> Sequence[RGB]:
    """(b, 3, h, w) → b pictures (h, w, 3); levels are cut off, not rounded, as the published code does."""
    levels = (x.clamp(-1, 1) + 1) / 2 * 255
    return list(levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy())
