"""A composite as three layers: background, shadows and reflections, people. Laid over each other they give the picture again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer
from compose.shading.reflection import Reflection
from compose.shading.shadow import Shadow
from pipeline.core.rect import Rect

Stroke = Layer | Shadow | Reflection
"""One thing painted; a picture is a background and strokes in order."""
RGBA = NDArray[np.uint8]


def separate(background: NDArray[np.uint8], strokes: Sequence[Stroke]) -> tuple[RGBA, RGBA, RGBA]:
    """Three layers of the picture's own size.

    With several people the shadow of one in front falls on one behind too; that part is worked into the people's layer, so
    that three layers are enough in every case.

    Args:
        background: (h, w, 3) RGB uint8.
        strokes: in painting order.

    Returns:
        Background (opaque), shadows and reflections, people: (h, w, 4) uint8 RGBA, straight alpha.
    """
    layers = [_layer(stroke) for stroke in strokes]
    extent = _extent(layers)
    ground = np.zeros((extent.height, extent.width, 4), np.float32)
    people = np.zeros_like(ground)
    for stroke, layer in zip(strokes, layers, strict=True):
        moved = replace(layer, top=layer.top - extent.top, left=layer.left - extent.left)
        if isinstance(stroke, Layer):
            _over(people, moved)
        else:
            _over(ground, moved)
            _onto(people, moved)
    empty = np.zeros((*background.shape[:2], 4), np.uint8)
    below, above = empty, empty.copy()
    window = extent.window(background.shape)
    below[window], above[window] = _straight(ground), _straight(people)
    opaque = np.full((*background.shape[:2], 1), 255, np.uint8)
    return np.concatenate([background, opaque], axis=2), below, above


def _layer(stroke: Stroke) -> Layer:
    return stroke if isinstance(stroke, Layer) else stroke.layer if isinstance(stroke, Reflection) else _black(stroke)


def _extent(layers: Sequence[Layer]) -> Rect[int]:
    """What holds all layers: a person is a small part of a large background."""
    if not layers:
        return Rect(0, 0, 0, 0)
    rows, columns = zip(*(layer.window for layer in layers), strict=True)
    top, left = min(each.start for each in rows), min(each.start for each in columns)
    return Rect(top, left, max(each.stop for each in rows) - top, max(each.stop for each in columns) - left)


def _black(shadow: Shadow) -> Layer:
    return Layer(shadow.top, shadow.left, np.zeros((*shadow.opacity.shape, 3), np.float32), shadow.opacity)


def _over(below: Colour, layer: Layer) -> None:
    """Porter & Duff's `over`, in place, on colours multiplied by alpha (0..255 and 0..1)."""
    alpha = layer.alpha[..., None]
    window = below[layer.window]
    window *= 1 - alpha
    window += np.concatenate([layer.colour * alpha, alpha], axis=2)


def _onto(below: Colour, layer: Layer) -> None:
    """Porter & Duff's `atop`: only where something is."""
    alpha = layer.alpha[..., None]
    window = below[layer.window]
    window[..., :3] += alpha * (layer.colour * window[..., 3:] - window[..., :3])


def _straight(layer: Colour) -> RGBA:
    colour = layer[..., :3] / np.maximum(layer[..., 3:], 1e-6)
    rounded: RGBA = np.clip(np.concatenate([colour, 255 * layer[..., 3:]], axis=2) + 0.5, 0, 255).astype(np.uint8)
    return rounded
