"""What both drawn backgrounds need: rough noise, a floor in perspective, colours laid over each other."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float
from pipeline.demo.drawing_sheet import Colour, noise, single

SIZE = (1200, 1800)
"""Size at which is drawn; finer than what is handed on, so that edges come out smooth."""
HANDED = (800, 1200)
"""Size of the finished pictures. The portrait that comes with them has 512 px; in front of more it would have to be enlarged."""
TEXTURE = (600, 900)
"""Size of noise that is looked up rather than shown."""


def fractal(rng: np.random.Generator, cells: tuple[int, int], octaves: int = 5, size: tuple[int, int] = SIZE) -> Float:
    """(h, w) float32 noise of about unit deviation that is rough at every scale."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        fine = (min(cells[0] << octave, size[0] // 2), min(cells[1] << octave, size[1] // 2))
        total += noise(rng, fine, size) * 0.55**octave
    return single(total / 1.2)


def ramp(values: Float, stops: list[tuple[float, Colour]]) -> Float:
    """(h, w) values → (h, w, 3) float32 colours between the stops (position, RGB)."""
    low, high = stops[0][0], stops[-1][0]
    places = np.linspace(low, high, 512)
    table = np.stack(
        [np.interp(places, [stop[0] for stop in stops], [stop[1][channel] for stop in stops]) for channel in range(3)], axis=-1
    )
    index = np.clip((values - low) * (511 / (high - low)) + 0.5, 0, 511).astype(np.int16)
    colours: Float = table.astype(np.float32)[index]
    return colours


def over(base: Float, colour: Float | Colour, mask: Float) -> Float:
    """Lay a colour over a picture through a soft mask."""
    tone = np.asarray(colour, np.float32)
    laid: Float = base + mask[..., None] * (tone - base)
    return laid.astype(np.float32, copy=False)


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


def floor_of(horizon_px: float, eye_m: float = 1.5, focal_px: float = 1900) -> Floor:
    """Where each pixel below the horizon meets the floor."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    away = focal_px * eye_m / np.maximum(y - horizon_px, 1)
    return Floor(
        ((x - SIZE[1] / 2) * away / focal_px).astype(np.float32), away.astype(np.float32), (away / focal_px).astype(np.float32)
    )


def sampled(texture: Float, u: Float, v: Float) -> Float:
    """Look a texture up at (u, v) pixels, mirrored again and again so that no joint shows."""
    height, width = texture.shape[:2]
    return single(cv2.remap(texture, _folded(u, width - 1), _folded(v, height - 1), cv2.INTER_LINEAR))


def _folded(place: Float, last: int) -> Float:
    return single(np.abs(np.mod(place, 2 * last) - last))


def developed(picture: Float, rng: np.random.Generator, grain: float = 0.008) -> NDArray[np.uint8]:
    """Shrunk, soft highlight shoulder, a little vignette and film grain: (*SIZE, 3) float32 → (*HANDED, 3) uint8 RGB."""
    y, x = np.mgrid[-1 : 1 : HANDED[0] * 1j, -1 : 1 : HANDED[1] * 1j].astype(np.float32)
    small = cv2.resize(picture, HANDED[::-1], interpolation=cv2.INTER_AREA)
    light = small * (1.02 - 0.10 * (0.6 * x * x + 0.5 * y * y))[..., None]
    over_white = np.maximum(light - 0.8, 0)
    shoulder = np.minimum(light, 0.8) + over_white / (1 + 3 * over_white)
    noisy = shoulder + grain * rng.standard_normal(HANDED, dtype=np.float32)[..., None]
    finished: NDArray[np.uint8] = np.clip(noisy * 255 + 0.5, 0, 255).astype(np.uint8)
    return finished
