"""Colours and light of a cut-out person, brought nearer to the surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer, Plane
from compose.shading.scene_light import STUDIO, SceneLight

SHIFT_LIMITS = (8.0, 6.0, 6.0)
SPREAD_LIMITS = (0.85, 1.15)
"""Most that mean (Lab units) and standard deviation (ratio) may move before strength; without them skin turns blue or green."""
RING = 0.06
"""Width of the ring of surroundings, share of the background's height."""
WORK = 192
"""Longest side at which statistics are taken, pixels."""
SUN_RIM, RIM_GAIN, AWAY_RIM = 0.0038, 3.6, 0.25
"""Of the rim that a source behind draws: width as below, strength beside the light wrap's, and share on the side away from it."""
RIM = 0.003
"""Width of the light wrap, share of the background's height: 3 px at 1024."""


def match_colour(
    layer: Layer, background: NDArray[np.uint8], strength: float, room: float = 1.0, brighten: bool = True
) -> Colour:
    """Colour transfer from the surroundings in Lab (Reinhard et al. 2001), with clamped shifts and spreads.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8.
        strength: 0 = unchanged, 1 = the whole clamped transfer.
        room: share of the limits that may be used: little in neutral light, where a studio's person is right already.
        brighten: False for people lit from behind: what is bright around them does not light their front.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight.
    """
    if strength <= 0:
        return layer.colour
    around, inside = _samples(layer, background)
    if len(around) < 16 or len(inside) < 16:
        return layer.colour
    most = np.multiply(SHIFT_LIMITS, room)
    shift = np.clip(around.mean(0) - inside.mean(0), -most, most if brighten else most * (0, 1, 1))
    spread = np.clip(around.std(0) / np.maximum(inside.std(0), 1e-3), *(1 + room * (np.array(SPREAD_LIMITS) - 1)))
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


def wrap_light(layer: Layer, background: NDArray[np.uint8], strength: float, light: SceneLight = STUDIO) -> Colour:
    """Let the surroundings' light spill over the person's rim, as a lens does; a source behind draws a bright rim on its side.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8 without the person.
        strength: share of the background's blurred colour in the outermost rim.
        light: of the scene, as it reaches this person.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight.
    """
    if strength <= 0:
        return layer.colour
    rim_px = max(RIM * background.shape[0], 0.8)
    outside = cv2.GaussianBlur(1 - layer.alpha, (0, 0), rim_px, borderType=cv2.BORDER_REPLICATE)
    share = np.clip(2 * outside, 0, 1)[..., None] * strength
    haze = _haze(background[layer.window], 5 * rim_px)
    wrapped: Colour = layer.colour + (haze - layer.colour) * share
    if light.bearing is None:
        return wrapped
    glow = _edge_glow(layer.alpha, light.bearing, SUN_RIM * background.shape[0]) * cv2.cvtColor(haze, cv2.COLOR_RGB2GRAY)
    glow *= np.float32(min(strength * RIM_GAIN, 1) * light.source.hardness / 255)
    for channel, sun in enumerate(_sun_colour(light)):
        wrapped[..., channel] += (np.float32(sun) - wrapped[..., channel]) * glow
    return wrapped


def _edge_glow(alpha: Plane, bearing: tuple[float, float], width_px: float) -> Plane:
    """(h, w) float32 0..1: 1 on the outline that faces a bearing (right, down), less where it faces away, 0 inside."""
    height, width = alpha.shape
    half = cv2.resize(alpha, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(half, (0, 0), max(width_px / 2, 0.8), borderType=cv2.BORDER_REPLICATE)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    steepness = cv2.magnitude(across, down)
    facing = -(across * np.float32(bearing[0]) + down * np.float32(bearing[1])) / np.maximum(steepness, 1e-4)
    towards = np.clip(AWAY_RIM + (1 - AWAY_RIM) * facing, 0, 1)
    glow: Plane = cv2.resize(towards * np.clip(2 * (1 - soft), 0, 1), (width, height), interpolation=cv2.INTER_LINEAR)
    return glow


def _sun_colour(light: SceneLight) -> tuple[float, float, float]:
    """Of the rim: nearly white, warmer where the scene is."""
    return 255.0, 250.0 - 25 * light.warmth, 240.0 - 75 * light.warmth


def _haze(picture: NDArray[np.uint8], sigma_px: float) -> Colour:
    """A strongly blurred copy, made at a quarter of the size."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), max(sigma_px / 4, 0.5), borderType=cv2.BORDER_REPLICATE)
    haze: Colour = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return haze
