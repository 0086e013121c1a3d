"""Fabrics of the demo garments, each (h, w, 3) float32 RGB in 0..1, the size of the drawing sheet; y runs along the cloth."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float
from pipeline.demo.colours import Colour
from pipeline.demo.noise import as_float32, noise
from pipeline.demo.outlines import SHEET_SIZE


def _grid() -> tuple[Float, Float]:
    y, x = np.mgrid[0 : SHEET_SIZE[0], 0 : SHEET_SIZE[1]].astype(np.float32)
    return y, x


def _noise(rng: np.random.Generator, cells: tuple[int, int]) -> Float:
    return noise(rng, cells, SHEET_SIZE)


def _tinted(colour: Colour, brightness: Float) -> Float:
    return as_float32(np.array(colour, np.float32) * brightness[..., None])


def jersey(rng: np.random.Generator, colour: Colour) -> Float:
    """Fine T-shirt cotton: faint columns of loops, and threads of slightly different tones."""
    y, x = _grid()
    loops = 0.018 * np.sin(x * 2 * np.pi / 5 + 0.8 * np.sin(y * 2 * np.pi / 6))
    melange = 0.012 * _noise(rng, (260, 700)) + 0.008 * _noise(rng, (1200, 900))
    return _tinted(colour, (1 + loops + melange).astype(np.float32))


def breton(rng: np.random.Generator, ground: Colour, stripe: Colour, *, every_px: int = 64, share: float = 0.42) -> Float:
    """Knitted cotton with horizontal stripes."""
    y, _ = _grid()
    phase = (y + 1.2 * _noise(rng, (12, 40))) % every_px
    inside = np.clip(np.minimum(phase, share * every_px - phase) + 0.5, 0, 1)[..., None]
    base = jersey(rng, (1, 1, 1))
    return as_float32(base * (np.array(ground, np.float32) * (1 - inside) + np.array(stripe, np.float32) * inside))


def knit(rng: np.random.Generator, colour: Colour, *, stitch_px: int = 16) -> Float:
    """Coarse stocking stitch: columns of small V shapes."""
    y, x = _grid()
    column = x / stitch_px
    across = np.abs((column % 1) - 0.5) * 2
    row = (y + 0.55 * stitch_px * across) / (0.72 * stitch_px)
    thread = np.abs((row % 1) - 0.5) * 2
    valley = np.clip(1 - across * 1.0, 0, 1) ** 3 * 0.5 + np.clip(across - 0.82, 0, 1) * 1.6
    brightness = 1.04 - 0.20 * thread**2 - 0.22 * valley + 0.03 * _noise(rng, (170, 130)) + 0.03 * _noise(rng, (800, 700))
    return _tinted(colour, brightness.astype(np.float32))


def rib(rng: np.random.Generator, colour: Colour, *, every_px: float = 15, depth: float = 0.26) -> Float:
    """Ribbed knit: upright rounded ridges."""
    y, x = _grid()
    ridge = np.cos(x * 2 * np.pi / every_px)
    loops = 0.04 * np.sin(y * 2 * np.pi / 7 + ridge)
    return _tinted(colour, (0.94 + depth * 0.5 * ridge + loops + 0.02 * _noise(rng, (500, 500))).astype(np.float32))


def check(rng: np.random.Generator, ground: Colour, band: Colour, line: Colour, *, every_px: int = 128) -> Float:
    """Woven check: broad bands and thin lines both ways; where two bands cross, the colour is full, elsewhere half."""
    y, x = _grid()
    x, y = x + 0.8 * _noise(rng, (30, 12)), y + 0.8 * _noise(rng, (12, 30))
    twill = 0.5 + 0.5 * np.sign(np.sin((x + y) * 2 * np.pi / 6))
    weight = sum(0.5 * _band(axis, every_px, 0, 0.42) * t for axis, t in ((x, 0.7 + 0.6 * twill), (y, 1.3 - 0.6 * twill)))
    thin = sum(0.55 * _band(axis, every_px, 0.66, 0.07) for axis in (x, y))
    colour = np.array(ground, np.float32) * np.ones((*SHEET_SIZE, 1), np.float32)
    for mask, tone in ((weight, band), (thin, line)):
        colour += np.clip(mask, 0, 1)[..., None] * (np.array(tone, np.float32) - colour)
    thread = 1 + 0.02 * (twill - 0.5) + 0.012 * _noise(rng, (900, 900))
    return as_float32(colour * thread[..., None])


def _band(axis: Float, every_px: float, start: float, share: float) -> Float:
    phase = (axis / every_px - start) % 1 * every_px
    band: Float = np.clip(np.minimum(phase, share * every_px - phase) + 0.5, 0, 1)
    return band


def twill(rng: np.random.Generator, colour: Colour) -> Float:
    """Cotton twill of chinos: fine diagonal ribs, a little worn."""
    y, x = _grid()
    diagonal = 0.035 * np.sin((x + 0.55 * y) * 2 * np.pi / 5.5)
    brightness = 1 + diagonal + 0.02 * _noise(rng, (40, 20)) + 0.015 * _noise(rng, (1000, 800))
    return _tinted(colour, brightness.astype(np.float32))


def floral(rng: np.random.Generator, ground: Colour, petals: tuple[Colour, ...], leaf: Colour) -> Float:
    """Printed viscose: scattered five-petalled flowers and leaves, no two alike."""
    print_ = np.empty((*SHEET_SIZE, 3), np.float32)
    print_[:] = ground
    for row, y in enumerate(range(-20, SHEET_SIZE[0] + 60, 74)):
        for x in range(-20 + 46 * (row % 2), SHEET_SIZE[1] + 60, 92):
            place = np.array([x, y]) + rng.uniform(-15, 15, 2)
            petal = petals[int(rng.integers(len(petals)))]
            _leaves(print_, place, float(rng.uniform(0, 360)), leaf)
            _flower(print_, place, float(rng.uniform(15, 24)), float(rng.uniform(0, 72)), petal)
    return as_float32(cv2.GaussianBlur(print_, (0, 0), 0.9) * jersey(rng, (1, 1, 1)))


def _flower(canvas: Float, place: NDArray[np.float64], radius: float, turn_deg: float, petal: Colour) -> None:
    for spoke in range(5):
        angle = np.deg2rad(turn_deg + 72 * spoke)
        centre = place + 0.62 * radius * np.array([np.cos(angle), np.sin(angle)])
        tone = tuple(value * (0.93 + 0.07 * (spoke % 2)) for value in petal)
        axes = (round(radius * 0.52), round(radius * 0.36))
        cv2.ellipse(canvas, (round(centre[0]), round(centre[1])), axes, float(np.rad2deg(angle)), 0, 360, tone, -1, cv2.LINE_AA)
    cv2.circle(canvas, (round(place[0]), round(place[1])), round(radius * 0.24), (0.95, 0.78, 0.32), -1, cv2.LINE_AA)


def _leaves(canvas: Float, place: NDArray[np.float64], turn_deg: float, leaf: Colour) -> None:
    for side in (0, 150):
        angle = np.deg2rad(turn_deg + side)
        centre = place + 30 * np.array([np.cos(angle), np.sin(angle)])
        cv2.ellipse(canvas, (round(centre[0]), round(centre[1])), (13, 5), turn_deg + side, 0, 360, leaf, -1, cv2.LINE_AA)
