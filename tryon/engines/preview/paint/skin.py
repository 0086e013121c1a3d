"""Bare skin that nobody photographed: its colour from the person's own skin, its light from the person's own face.

A limb is a bent cylinder: across it, the surface turns away from the viewer, and where it turns away from the light it
darkens (Lambert's law, softened, because skin lets light through).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, erode
from tryon.engines.preview.paint.layers import Coverage
from tryon.engines.preview.person.subject import Subject

USUAL_LIGHT = (-0.2, -0.4)
"""Where the light comes from when the face does not say: from above, a little from the viewer's left."""
SOFTNESS = 0.5
"""Contrast between a surface that faces the light and one that faces away."""
SHADE_TINT = np.array([0.85, 1.03, 1.12], np.float32)
"""Skin in shade turns redder: by how much red, green and blue follow the brightness."""
ENOUGH_PX, MOST_PX = 400, 16000
"""Fewer pixels of skin say nothing; more count no more: hands alone are redder than their owner."""
FACE_WEIGHT = 0.25
"""At least, where bare arms or legs count 1."""


@dataclass(frozen=True)
class Skin:
    """The skin of one person.

    Args:
        tone: (3,) float32 RGB of skin that faces the light.
        light: (3,) unit vector towards the light; x to the right, y down, z to the viewer.
        grain: standard deviation of the photo's finest detail on skin, in grey levels.
    """

    tone: NDArray[np.float32]
    light: NDArray[np.float64]
    grain: float

    def brightness(self, across: Coverage, down: Coverage) -> Coverage:
        """Brightness factor of a surface whose normal has these x and y parts; 1 = as bright as `tone`."""
        depth = np.sqrt(np.maximum(1 - across * across - down * down, 0))
        facing = across * self.light[0] + down * self.light[1] + depth * self.light[2]
        factor: Coverage = np.clip(1 + SOFTNESS * (facing - self.light[2]), 0.5, 1.12).astype(np.float32)
        return factor


def read_skin(subject: Subject, groups: Sequence[tuple[Parse, ...]]) -> Skin | None:
    """Colour, light and grain of a person's skin.

    Args:
        subject: the person, on the whole canvas.
        groups: labels of skin other than the face; one whose tint is far from the face's is no skin, because a parse map calls
            trousers legs now and then.

    Returns:
        None when no skin is seen at all.
    """
    face = erode(subject.mask_of(Parse.FACE), 2)
    areas = [erode(subject.mask_of(*labels), 2) for labels in groups]
    seen = [area for area in areas if np.count_nonzero(area) >= ENOUGH_PX and not _foreign(subject.image, area, face)]
    areas = [area for area in (*seen, face) if np.count_nonzero(area) >= ENOUGH_PX // 4]
    if not areas:
        return None
    sizes = [min(np.count_nonzero(area) / MOST_PX, 1.0) ** 2 for area in areas]
    sizes[-1] = max(sizes[-1], FACE_WEIGHT)
    tone = np.average([_tone(subject.image[area]) for area in areas], axis=0, weights=sizes).astype(np.float32)
    return Skin(tone, _light(subject.image, face), _grain(subject.image, areas[0]))


def _foreign(image: NDArray[np.uint8], area: Mask, face: Mask) -> bool:
    """Whether an area has quite another tint than the face."""
    if np.count_nonzero(face) < ENOUGH_PX // 4:
        return False
    light, green_red, blue_yellow = (abs(float(difference)) for difference in _lab(image[area]) - _lab(image[face]))
    return bool(light > 75 or green_red > 16 or blue_yellow > 18)


def _lab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    middle = np.median(pixels, axis=0).astype(np.uint8).reshape(1, 1, 3)
    lab: NDArray[np.float32] = cv2.cvtColor(middle, cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    return lab


def _tone(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The colour of the lit part: neither the shaded sides nor the highlights."""
    brightness = pixels.sum(1, dtype=np.int32)
    low, high = np.percentile(brightness, (45, 88))
    lit = pixels[(brightness >= low) & (brightness <= high)]
    tone: NDArray[np.float32] = lit.mean(0).astype(np.float32)
    return tone


def _light(image: NDArray[np.uint8], face: Mask) -> NDArray[np.float64]:
    """Direction of the light from the slope of brightness across the face; half-believed, because faces are not spheres."""
    rows, columns = np.nonzero(face)
    aside, above = USUAL_LIGHT
    if len(rows) >= ENOUGH_PX:
        grey = image[rows, columns].sum(1, dtype=np.int32) / 3
        kept = grey > np.percentile(grey, 15)  # eyes and brows
        place = (columns[kept] - columns.mean()) / max(float(np.ptp(columns)), 1.0)
        slope = float(np.polyfit(place, grey[kept] / grey[kept].mean(), 1)[0])
        aside = float(np.clip(1.2 * slope, -0.45, 0.45))
    direction = np.array([aside, above, 0.85])
    return direction / float(np.linalg.norm(direction))


def _grain(image: NDArray[np.uint8], area: Mask) -> float:
    rows, columns = np.nonzero(area)
    window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    grey = cv2.cvtColor(image[window], cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[area[window]]
    return float(np.clip(1.2 * np.median(fine), 0.3, 1.6))
