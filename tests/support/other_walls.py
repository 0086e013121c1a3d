"""A rendered person before another wall, composed with the true matte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Float, Grey
from pipeline.core.pixels import foreground

PLAIN = {"white": (236, 236, 238), "skin": (206, 168, 146), "dark": (40, 44, 58)}
WALLS = (*PLAIN, "brick", "mottled")


def before_wall(samples: Path, name: str, wall: str) -> tuple[RGB, Grey]:
    """(h, w, 3) uint8 photo of a person of `samples/rendered` before one of `WALLS`, with noise, and (h, w) uint8 true matte."""
    photo = images.read_rgb(samples / "rendered" / f"{name}.jpg")
    alpha = images.read_grey(samples / "rendered" / f"{name}-matte.png")
    share = alpha[..., None] / np.float32(255)
    mixed = foreground.estimate_foreground(photo, alpha) * share + _wall(wall, (alpha.shape[0], alpha.shape[1])) * (1 - share)
    noisy = mixed + np.random.default_rng(1).normal(0, 1.5, photo.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), alpha


def _wall(name: str, size: tuple[int, int]) -> Float:
    rows, columns = np.indices(size)
    if name == "brick":
        joint = (((rows // 28) % 2 * 30 + columns) % 60 < 3) | (rows % 28 < 3)
        return np.where(joint[..., None], np.float32((120, 70, 55)), np.float32((160, 100, 80)))
    if name == "mottled":
        waves = np.sin(rows / 23 + np.cos(columns / 17)) + np.cos(columns / 29 - rows / 41)
        return (np.float32((120, 125, 110)) + 16 * waves[..., None]).astype(np.float32)
    shade = (rows / size[0] * 18 - 9)[..., None]
    return (np.float32(PLAIN[name]) + shade).astype(np.float32)
