"""What both drawn backgrounds need: rough noise, a floor in perspective, textures, the finished picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.demo.noise import as_float32, noise

SCENERY_SIZE = (1200, 1800)
"""(height, width) of the drawing; larger than the finished picture, so that edges are smooth."""
PICTURE_SIZE = (800, 1200)
"""(height, width) of the finished pictures. The demo's portrait has 512 px; larger backgrounds would need it enlarged."""
TEXTURE_SIZE = (600, 900)
"""(height, width) of noise that is used as a texture."""


def fractal(rng: np.random.Generator, cells: tuple[int, int], octaves: int = 5, size: tuple[int, int] = SCENERY_SIZE) -> Float:
    """(h, w) float32 noise of about unit deviation that is rough at every scale."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        fine = (min(cells[0] << octave, size[0] // 2), min(cells[1] << octave, size[1] // 2))
        total += noise(rng, fine, size) * 0.55**octave
    return as_float32(total / 1.2)


@dataclass(frozen=True)
class Floor:
    """A level floor seen by a camera at eye height.

    Args:
        across, away: (h, w) float32 position on the floor in metres, to the right and into the depth; unset above the horizon.
        pixel_m: (h, w) float32 width of one pixel on the floor, for fading out what is too fine to draw.
    """

    across: Float
    away: Float
    pixel_m: Float

    def below(self, row: int) -> Floor:
        """The part of the floor from a row of the picture on."""
        return Floor(self.across[row:], self.away[row:], self.pixel_m[row:])


def floor_of(horizon_px: float, eye_m: float = 1.5, focal_px: float = 1900) -> Floor:
    """Where each pixel below the horizon meets the floor, for a camera at `eye_m` metres."""
    y, x = np.mgrid[0 : SCENERY_SIZE[0], 0 : SCENERY_SIZE[1]].astype(np.float32)
    away = focal_px * eye_m / np.maximum(y - horizon_px, 1)
    across = (x - SCENERY_SIZE[1] / 2) * away / focal_px
    return Floor(as_float32(across), as_float32(away), as_float32(away / focal_px))


def texture_at(texture: Float, u: Float, v: Float) -> Float:
    """(h, w) float32 values of a texture at (h, w) columns u and rows v; mirrored at its edges, so that no seam shows."""
    height, width = texture.shape[:2]
    return as_float32(cv2.remap(texture, _folded(u, width - 1), _folded(v, height - 1), cv2.INTER_LINEAR))


def _folded(place: Float, last: int) -> Float:
    return as_float32(np.abs(np.mod(place, 2 * last) - last))


def finished_picture(picture: Float, rng: np.random.Generator, grain: float = 0.008) -> RGB:
    """(*SCENERY_SIZE, 3) float32 in 0..1 → (*PICTURE_SIZE, 3) uint8 RGB with soft highlights, darker corners and film grain."""
    y, x = np.mgrid[-1 : 1 : PICTURE_SIZE[0] * 1j, -1 : 1 : PICTURE_SIZE[1] * 1j].astype(np.float32)
    small = cv2.resize(picture, PICTURE_SIZE[::-1], interpolation=cv2.INTER_AREA)
    light = small * (1.02 - 0.10 * (0.6 * x * x + 0.5 * y * y))[..., None]
    over_white = np.maximum(light - 0.8, 0)
    shoulder = np.minimum(light, 0.8) + over_white / (1 + 3 * over_white)
    noisy = shoulder + grain * rng.standard_normal(PICTURE_SIZE, dtype=np.float32)[..., None]
    finished: RGB = np.clip(noisy * 255 + 0.5, 0, 255).astype(np.uint8)
    return finished
