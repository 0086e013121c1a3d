"""Colours: one, a ramp between several, one laid over a picture."""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Float

Colour = tuple[float, float, float]
"""Red, green, blue in 0..1."""


def colour_ramp(values: Float, stops: list[tuple[float, Colour]]) -> Float:
    """(h, w) values → (h, w, 3) float32 colours between the stops (position, RGB)."""
    low, high = stops[0][0], stops[-1][0]
    places = np.linspace(low, high, 512)
    table = np.stack(
        [np.interp(places, [stop[0] for stop in stops], [stop[1][channel] for stop in stops]) for channel in range(3)], axis=-1
    )
    index = np.clip((values - low) * (511 / (high - low)) + 0.5, 0, 511).astype(np.int16)
    colours: Float = table.astype(np.float32)[index]
    return colours


def blend_over(base: Float, colour: Float | Colour, mask: Float) -> Float:
    """(h, w, 3) float32: a colour or picture over another, through an (h, w) mask in 0..1."""
    tone = np.asarray(colour, np.float32)
    laid: Float = base + mask[..., None] * (tone - base)
    return laid.astype(np.float32, copy=False)
