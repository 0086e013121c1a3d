"""How a person's skin looks: colour from the skin that the photo shows, light from the face.

A surface is darker where it faces away from the light (Lambert's law, softened, because light enters skin).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, erode
from tryon.engines.preview.paint.layers import Brightness, Coverage
from tryon.engines.preview.person.subject import Subject

USUAL_LIGHT = (-0.2, -0.4)
"""x and y of the direction to the light when the face does not show it: from above, a little from the viewer's left."""
SOFTNESS = 0.5
"""Contrast between a surface that faces the light and one that faces away."""
SHADE_TINT = np.array([0.85, 1.03, 1.12], np.float32)
"""Skin in shade is redder: how strongly red, green and blue follow the brightness."""
ENOUGH_PX, MOST_PX = 400, 16000
"""An area with fewer pixels is ignored, and more pixels have no more weight: hands alone are redder than the other skin."""
FACE_WEIGHT = 0.25
"""Least weight of the face; bare arms or legs weigh 1."""


@dataclass(frozen=True)
class Skin:
    """The skin of one person.

    Args:
        tone: (3,) float32 RGB of skin that faces the light.
        light: (3,) unit vector towards the light; x to the right, y down, z to the viewer.
        grain: standard deviation of the photo's finest detail on skin, in grey levels.
    """

    tone: Float
    light: NDArray[np.float64]
    grain: float

    def brightness(self, across: Coverage, down: Coverage) -> Brightness:
        """(h, w) factors of a surface whose normal has these (h, w) x and y parts; 1 = as bright as `tone`."""
        depth = np.sqrt(np.maximum(1 - across * across - down * down, 0))
        facing = across * self.light[0] + down * self.light[1] + depth * self.light[2]
        factor: Brightness = np.clip(1 + SOFTNESS * (facing - self.light[2]), 0.5, 1.12).astype(np.float32)
        return factor


def read_skin(subject: Subject, groups: Sequence[tuple[Parse, ...]]) -> Skin | None:
    """Measure colour, light and grain of a person's skin.

    Args:
        subject: the person, on the whole canvas.
        groups: labels of skin other than the face; a group whose tint is far from the face's is ignored, because parse maps
            sometimes call trousers legs.

    Returns:
        None when no skin is visible.
    """
    face = erode(subject.mask_of(Parse.FACE), 2)
    areas = [erode(subject.mask_of(*labels), 2) for labels in groups]
    seen = [area for area in areas if np.count_nonzero(area) >= ENOUGH_PX and not _has_other_tint(subject.image, area, face)]
    areas = [area for area in (*seen, face) if np.count_nonzero(area) >= ENOUGH_PX // 4]
    if not areas:
        return None
    sizes = [min(np.count_nonzero(area) / MOST_PX, 1.0) ** 2 for area in areas]
    sizes[-1] = max(sizes[-1], FACE_WEIGHT)
    tone = np.average([_tone(subject.image[area]) for area in areas], axis=0, weights=sizes).astype(np.float32)
    return Skin(tone, _light(subject.image, face), _grain(subject.image, areas[0]))


def _has_other_tint(image: RGB, area: Mask, face: Mask) -> bool:
    """Whether the tint of an area is too far from the face's to be skin of the same person."""
    if np.count_nonzero(face) < ENOUGH_PX // 4:
        return False
    light, green_red, blue_yellow = (abs(float(difference)) for difference in _lab(image[area]) - _lab(image[face]))
    return bool(light > 75 or green_red > 16 or blue_yellow > 18)


def _lab(pixels: NDArray[np.uint8]) -> Float:
    """(3,) OpenCV Lab of the median colour of (n, 3) RGB."""
    middle = np.median(pixels, axis=0).astype(np.uint8).reshape(1, 1, 3)
    lab: Float = cv2.cvtColor(middle, cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    return lab


def _tone(pixels: NDArray[np.uint8]) -> Float:
    """(3,) mean colour of the lit pixels among (n, 3) RGB: neither the shaded sides nor the highlights."""
    brightness = pixels.sum(1, dtype=np.int32)
    low, high = np.percentile(brightness, (45, 88))
    lit = pixels[(brightness >= low) & (brightness <= high)]
    tone: Float = lit.mean(0).astype(np.float32)
    return tone


def _light(image: RGB, face: Mask) -> NDArray[np.float64]:
    """(3,) direction to the light, from how brightness changes across the face; limited, because faces are not spheres."""
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


def _grain(image: RGB, area: Mask) -> float:
    """Deviation of the finest detail in an area, in grey levels."""
    rows, columns = np.nonzero(area)
    window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    grey = cv2.cvtColor(image[window], cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[area[window]]
    return float(np.clip(1.2 * np.median(fine), 0.3, 1.6))
