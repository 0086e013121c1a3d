"""A person's faint mirror image on a polished floor, blurred and fading away from the soles. Off unless asked for."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer, Plane, paint
from compose.shading.shadow import Stance, mirrored_parts

REACH = 0.42
"""How much of the person is mirrored before the image is gone, share of the height."""
WORK_HEIGHT = 640.0
NEAR_BLUR = 0.0016
FAR_BLUR = 0.012
"""Blur at the soles and at the end of the reach, shares of the person's height."""
FADING = 1.4


@dataclass(frozen=True)
class Reflection:
    """A mirror image as a layer; alpha holds its strength."""

    layer: Layer

    def paint(self, canvas: NDArray[np.uint8]) -> None:
        """Lay it over a (h, w, 3) RGB uint8 picture in place."""
        paint(canvas, self.layer)


def draw_reflection(person: Layer, stance: Stance, strength: float, size: tuple[int, int]) -> Reflection | None:
    """The mirror image of a standing person; each foot is mirrored at its own sole.

    Args:
        person: the person's layer.
        stance: feet and height.
        strength: share of the person's colours at the soles, 0..1.
        size: (height, width) of the background.

    Returns:
        None when it is switched off or falls outside the background.
    """
    top = max(int(min(contact.row for contact in stance.contacts)), 0)
    bottom = min(int(np.ceil(max(contact.row for contact in stance.contacts) + REACH * stance.height)), size[0])
    wide = person.alpha.shape[1]
    if strength <= 0 or top >= bottom:
        return None
    scale = min(1.0, WORK_HEIGHT / stance.height)
    shape = (max(1, round((bottom - top) * scale)), max(1, round(wide * scale)))
    mirrored = _mirrored(person, stance, (top, scale), shape)
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5) / np.float32(scale) + top
    distance = np.clip((rows - np.float32(stance.row)) / np.float32(REACH * stance.height), 0, 1)[:, None, None]
    tall = stance.height * scale
    near = cv2.GaussianBlur(mirrored, (0, 0), max(NEAR_BLUR * tall, 0.5))
    far = cv2.GaussianBlur(mirrored, (0, 0), max(FAR_BLUR * tall, 0.8))
    soft = (near * (1 - distance) + far * distance) * (strength * (1 - distance) ** FADING)
    full: Colour = cv2.resize(soft, (wide, bottom - top), interpolation=cv2.INTER_LINEAR)
    alpha = np.clip(full[..., 3], 0, 1)
    share: Plane = np.maximum(full[..., 3:], 1e-4)
    colour = np.clip(full[..., :3] / share, 0, 255)
    return Reflection(Layer(top, person.left, colour, alpha))


def _mirrored(person: Layer, stance: Stance, place: tuple[int, float], shape: tuple[int, int]) -> Colour:
    """(h, w, 4) float32, colours multiplied by alpha: trunk and legs upside down in the working window."""
    top, scale = place
    to_sheet = np.array([[scale, 0, -person.left * scale], [0, scale, -top * scale], [0, 0, 1]], np.float64)
    from_layer = np.array([[1, 0, person.left], [0, 1, person.top], [0, 0, 1]], np.float64)
    drawn = np.zeros((*shape, 4), np.float32)
    for part, matrix in mirrored_parts(person, stance):
        moved = cv2.warpAffine(_multiplied(person.colour, part), (to_sheet @ matrix @ from_layer)[:2], shape[::-1])
        drawn = np.where(moved[..., 3:] > drawn[..., 3:], moved, drawn)
    return drawn


def _multiplied(colour: Colour, alpha: Plane) -> Colour:
    multiplied: Colour = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    return multiplied
