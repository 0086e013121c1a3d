"""Colours and light of a cut-out person, brought nearer to the surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.horizon import Ground
from compose.layer import Colour, Layer, Plane

SHIFT_LIMITS = (8.0, 6.0, 6.0)
SPREAD_LIMITS = (0.85, 1.15)
"""Most that mean (Lab units) and standard deviation (ratio) may move before strength; without them skin turns blue or green."""
RING = 0.06
"""Width of the ring of surroundings, share of the background's height."""
WORK = 192
"""Longest side at which statistics are taken, pixels."""
RIM = 0.003
"""Width of the light wrap, share of the background's height: 3 px at 1024."""
USUAL_LEAN = 0.3
SQUASH = 0.17


def match_colour(layer: Layer, background: NDArray[np.uint8], strength: float) -> Colour:
    """Colour transfer from the surroundings in Lab (Reinhard et al. 2001), with clamped shifts and spreads.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8.
        strength: 0 = unchanged, 1 = the whole clamped transfer.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight.
    """
    if strength <= 0:
        return layer.colour
    around, inside = _samples(layer, background)
    if len(around) < 16 or len(inside) < 16:
        return layer.colour
    shift = np.clip(around.mean(0) - inside.mean(0), np.negative(SHIFT_LIMITS), SHIFT_LIMITS)
    spread = np.clip(around.std(0) / np.maximum(inside.std(0), 1e-3), *SPREAD_LIMITS)
    gain = (1 + strength * (spread - 1)).astype(np.float32)
    middle = inside.mean(0)
    offset = (middle + strength * shift - gain * middle).astype(np.float32)
    lab = cv2.cvtColor(layer.colour / np.float32(255), cv2.COLOR_RGB2LAB)
    matched: Colour = np.clip(cv2.cvtColor(lab * gain + offset, cv2.COLOR_LAB2RGB) * 255, 0, 255)
    return matched


def _samples(layer: Layer, background: NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """(n, 3) and (m, 3) float32 Lab of the ring around the person and of the person."""
    ring = round(RING * background.shape[0])
    rows, columns = layer.window
    top, left = max(rows.start - ring, 0), max(columns.start - ring, 0)
    wide = background[top : rows.stop + ring, left : columns.stop + ring]
    scale = min(1.0, WORK / max(wide.shape[:2]))
    size = (max(1, round(wide.shape[1] * scale)), max(1, round(wide.shape[0] * scale)))
    alpha = np.zeros(wide.shape[:2], np.float32)
    alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = layer.alpha
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    reach = 2 * max(1, round(ring * scale)) + 1
    near = cv2.dilate(alpha, np.ones((reach, reach), np.uint8)) > 0.5
    around = _lab(cv2.resize(wide, size, interpolation=cv2.INTER_AREA))[near & (alpha < 0.02)]
    step = max(1, max(layer.alpha.shape) // WORK)
    sparse = _lab(np.ascontiguousarray(layer.colour[::step, ::step]))
    inside = sparse[layer.alpha[::step, ::step] > 0.9]
    return around, inside


def _lab(rgb: NDArray[np.uint8] | Colour) -> Plane:
    lab: Plane = cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return lab


def wrap_light(layer: Layer, background: NDArray[np.uint8], strength: float) -> Colour:
    """Let the surroundings' light spill over the person's rim, as a lens does.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8 without the person.
        strength: share of the background's blurred colour in the outermost rim.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight.
    """
    if strength <= 0:
        return layer.colour
    rim_px = max(RIM * background.shape[0], 0.8)
    outside = cv2.GaussianBlur(1 - layer.alpha, (0, 0), rim_px, borderType=cv2.BORDER_REPLICATE)
    share = np.clip(2 * outside, 0, 1)[..., None] * strength
    wrapped: Colour = layer.colour + (_haze(background[layer.window], 5 * rim_px) - layer.colour) * share
    return wrapped


def _haze(picture: NDArray[np.uint8], sigma_px: float) -> Colour:
    """A strongly blurred copy, made at a quarter of the size."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), max(sigma_px / 4, 0.5), borderType=cv2.BORDER_REPLICATE)
    haze: Colour = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return haze


def shadow_direction(background: NDArray[np.uint8], ground: Ground) -> tuple[float, float]:
    """Where the head's shadow falls, seen from the feet, in units of the person's height: (to the right, away from the viewer).

    The light is taken to come from the brighter side of what lies above the ground line; a picture without such a side gets
    the light of a photographer's window, from the left.

    Args:
        background: (h, w, 3) RGB uint8.
        ground: its ground line.
    """
    above = background[: max(int(ground.line * background.shape[0]), 8)]
    grey = cv2.cvtColor(cv2.resize(above, (64, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float64)
    bright = np.clip(grey - np.percentile(grey, 60), 0, None)
    if bright.sum() < 1:
        return USUAL_LEAN, SQUASH
    side = float((bright * np.linspace(-1, 1, 64)).sum() / bright.sum())
    if abs(side) < 0.12:
        return USUAL_LEAN, SQUASH
    return float(np.copysign(np.clip(0.15 + 0.5 * abs(side), 0.2, 0.45), -side)), SQUASH
