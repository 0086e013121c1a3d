"""A quiet street in the morning: a plastered house with a door and shutters, stone paving, the shade of a tree."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.demo.colours import Colour, blend_over
from pipeline.demo.noise import as_float32, noise
from pipeline.demo.scenery import SCENERY_SIZE, TEXTURE_SIZE, Floor, finished_picture, floor_of, fractal, texture_at

HORIZON = 560.0
WALL_FOOT = 900
METRE_PX = 226.0
"""One metre on the wall, which stands 8.4 m away."""
PLINTH_M = 0.52
DOOR = (-3.15, -2.10, 0.14, 2.28)
WINDOW = (1.55, 2.85, 1.02, 2.42)
"""Left, right, bottom, top on the wall; metres from the middle and from its foot."""
SLAB_M = (0.62, 0.92)
"""Depth and width of a slab."""
PLASTER: Colour = (0.90, 0.76, 0.60)
STONE: Colour = (0.80, 0.76, 0.69)
PAINT: Colour = (0.27, 0.42, 0.43)
SHADE: Colour = (0.57, 0.60, 0.69)
"""What is left of the sunlight under the tree: the sky's."""


def street(rng: np.random.Generator) -> RGB:
    """Draw the street; (800, 1200, 3) uint8 RGB."""
    y, x = np.mgrid[0 : SCENERY_SIZE[0], 0 : SCENERY_SIZE[1]].astype(np.float32)
    right, up = as_float32((x - SCENERY_SIZE[1] / 2) / METRE_PX), as_float32((WALL_FOOT - y) / METRE_PX)
    wall = _wall(rng, right[:WALL_FOOT], up[:WALL_FOOT])
    paving = _paving(rng, floor_of(HORIZON).below(WALL_FOOT))
    picture = np.concatenate([cv2.GaussianBlur(wall, (0, 0), 1.4), cv2.GaussianBlur(paving, (0, 0), 1.1)])
    foot = np.exp(-np.abs(y - WALL_FOOT) / np.where(y < WALL_FOOT, 10, 26))
    sun = _sunlight(rng, y, x)
    lit = blend_over(np.broadcast_to(np.asarray(SHADE, np.float32), picture.shape), (1.04, 1.0, 0.93), sun)
    return finished_picture(as_float32(picture * lit * (1 - 0.30 * foot)[..., None]), rng)


def _wall(rng: np.random.Generator, right: Float, up: Float) -> Float:
    size = right.shape
    clouds, grains = fractal(rng, (4, 7), 4, size), fractal(rng, (120, 240), 2, size)
    tone = 1 + 0.030 * clouds + 0.014 * grains - 0.10 * np.exp(-np.maximum(up - PLINTH_M, 0) / 0.35) * (0.6 + 0.4 * clouds)
    wall = as_float32(np.asarray(PLASTER, np.float32) * tone[..., None])
    wall = _plinth(wall, rng, right, up)
    for frame, sill in ((DOOR, False), (WINDOW, True)):
        wall = _opening(wall, rng, right, up, frame, sill)
    return wall


def _plinth(wall: Float, rng: np.random.Generator, right: Float, up: Float) -> Float:
    """Two courses of stone blocks with a ledge, which throws a narrow shadow."""
    course = np.floor(up / (PLINTH_M / 2))
    place = right / 0.78 + 0.5 * course
    block = (np.floor(place).astype(int) * 13 + course.astype(int) * 5) % 61
    tone = rng.uniform(0.86, 1.04, 61)[block] * (1 + 0.035 * fractal(rng, (40, 160), 3, right.shape))
    gap = np.minimum(_edge(place) * 0.78, _edge(up / (PLINTH_M / 2)) * PLINTH_M / 2)
    stone = np.asarray(STONE, np.float32) * (0.86 * tone * (1 - 0.34 * _soft(0.009 - gap, 0.006)))[..., None]
    inside = _soft(PLINTH_M - up, 0.006)
    ledge = np.exp(-(((up - PLINTH_M + 0.02) / 0.016) ** 2)) * inside
    return blend_over(wall, as_float32(stone * (1 + 0.16 * ledge)[..., None]), inside)


def _opening(
    wall: Float, rng: np.random.Generator, right: Float, up: Float, frame: tuple[float, float, float, float], sill: bool
) -> Float:
    """A door or window with painted shutters, set back in a stone frame; the sun stands on the left above."""
    left, end, bottom, top = frame
    border = 0.15
    outer = _box(right, up, left - border, end + border, bottom - (0.10 if sill else 0.14), top + border)
    shadow = _box(right, up, left - border, end + border + 0.05, bottom - 0.19 if sill else 0.0, top + border)
    wall = as_float32(wall * (1 - 0.34 * cv2.GaussianBlur(shadow, (0, 0), 5) * (1 - outer))[..., None])
    grain = 1 + 0.035 * fractal(rng, (60, 120), 3, right.shape)
    joints = 1 - 0.22 * _soft(0.007 - _edge((up - bottom) / 0.53) * 0.53, 0.006)
    rim = 1 + 0.10 * _soft(0.014 - np.abs(right - left + border), 0.01) - 0.14 * _soft(0.014 - np.abs(right - end - border), 0.01)
    wall = blend_over(wall, as_float32(np.asarray(STONE, np.float32) * (grain * joints * rim)[..., None]), outer)
    hole = _box(right, up, left, end, bottom, top)
    wood = _shutters(rng, right - left, up, end - left) if sill else _planks(rng, right - left, up - bottom, end - left)
    reveal = np.exp(-np.maximum(right - left, 0) / 0.05) + 0.9 * np.exp(-np.maximum(top - up, 0) / 0.09)
    return blend_over(wall, as_float32(wood * (1 - 0.62 * np.clip(reveal, 0, 1))[..., None]), hole)


def _planks(rng: np.random.Generator, across: Float, up: Float, wide: float) -> Float:
    """The boards of a door, two rails and a handle."""
    board = np.floor(across / 0.15).astype(int) % 17
    tone = rng.uniform(0.90, 1.08, 17)[board] * (1 + 0.05 * fractal(rng, (6, 300), 3, across.shape))
    gap = _soft(0.006 - _edge(across / 0.15) * 0.15, 0.005)
    rail = np.maximum(_soft(0.09 - np.abs(up - 0.34), 0.006), _soft(0.09 - np.abs(up - 1.72), 0.006))
    under = np.maximum(_soft(0.09 - np.abs(up - 0.31), 0.02), _soft(0.09 - np.abs(up - 1.69), 0.02)) * (1 - rail)
    wood = np.asarray(PAINT, np.float32) * (tone * (1 - 0.5 * gap * (1 - rail)) * (1 + 0.10 * rail - 0.3 * under))[..., None]
    away = np.hypot(across - wide + 0.11, up - 1.02)
    below = as_float32(wood * (1 - 0.4 * np.exp(-((away / 0.05) ** 2)))[..., None])
    return blend_over(below, (0.55, 0.44, 0.24), _soft(0.028 - away, 0.01))


def _shutters(rng: np.random.Generator, across: Float, up: Float, wide: float) -> Float:
    """Two closed shutters with slats."""
    half = wide / 2
    leaf = np.abs(across - half)  # from the middle, where the leaves meet
    slat = (up / 0.062) % 1
    shade = 0.70 + 0.42 * slat - 0.25 * _soft(0.10 - slat, 0.05)
    frame = np.maximum(_soft(0.055 - leaf, 0.004), _soft(leaf - half + 0.055, 0.004))
    frame = np.maximum(frame, _soft(0.05 - np.abs(up - 0.5 * (WINDOW[2] + WINDOW[3])), 0.004))
    frame = np.maximum(frame, _soft(0.055 - np.minimum(up - WINDOW[2], WINDOW[3] - up), 0.004))
    tone = (1 - frame) * shade + frame * 1.03
    worn = 1 + 0.04 * fractal(rng, (60, 60), 3, across.shape)
    return as_float32(np.asarray(PAINT, np.float32) * (tone * worn * (1 - 0.7 * _soft(0.008 - leaf, 0.004)))[..., None])


def _paving(rng: np.random.Generator, floor: Floor) -> Float:
    """Slabs in rows, each with a tone and a roughness of its own."""
    row = np.floor(floor.away / SLAB_M[0]).astype(int)
    place = floor.across / SLAB_M[1] + rng.uniform(0, 1, 97)[row % 97]
    slab = (np.floor(place).astype(int) * 31 + row * 17) % 499
    tone = rng.uniform(0.88, 1.06, 499)[slab]
    warm = rng.uniform(-0.02, 0.03, 499)[slab]
    texture = fractal(rng, (70, 110), 4, TEXTURE_SIZE)
    rough = texture_at(texture, 260 * floor.across + 71 * (slab % 29), 260 * floor.away + 37 * (slab % 31))
    blots = texture_at(fractal(rng, (9, 12), 4, TEXTURE_SIZE), 120 * floor.across + 300, 120 * floor.away)
    gap = np.minimum(_edge(place) * SLAB_M[1], _edge(floor.away / SLAB_M[0]) * SLAB_M[0])
    joint = np.clip((0.007 + 0.5 * floor.pixel_m - gap) / np.maximum(floor.pixel_m, 1e-4), 0, 1) * 0.014 / (0.014 + floor.pixel_m)
    colour = np.stack([0.73 + warm, 0.69 + 0.3 * warm, 0.635 - 0.3 * warm], axis=-1)
    return as_float32(colour * (tone * (1 + 0.045 * rough + 0.03 * blots) * (1 - 0.5 * joint))[..., None])


def _sunlight(rng: np.random.Generator, y: Float, x: Float) -> Float:
    """(h, w) float32 0..1: full sun on the right; on the left a tree lets round spots through, flat ones on the ground."""
    edge = 640 + 88 * noise(rng, (5, 5), SCENERY_SIZE) - 0.30 * (y - 500)
    cover = _soft(edge - x, 170.0)
    spots = np.zeros(SCENERY_SIZE, np.float32)
    for _ in range(2600):
        at = int(rng.uniform(0, 1250)), int(rng.uniform(0, SCENERY_SIZE[0]))
        radius = 5 + 17 * rng.random() ** 2
        size = int(radius), max(2, int(radius * (0.42 if at[1] > WALL_FOOT else 1.0)))
        cv2.ellipse(spots, at, size, -18, 0, 360, float(rng.uniform(0.35, 1.0)), -1, cv2.LINE_AA)
    spots = cv2.GaussianBlur(spots, (0, 0), 3.5)
    clusters = _soft(noise(rng, (9, 14), SCENERY_SIZE) + 0.2, 0.9)
    return as_float32(np.clip(1 - cover * (1 - spots * clusters), 0, 1))


def _edge(place: Float) -> Float:
    """Distance to the nearest whole number."""
    return as_float32(np.abs((place + 0.5) % 1 - 0.5))


def _soft(distance: Float, reach: float) -> Float:
    """0 outside, 1 inside, with a soft edge `reach` wide on either side of 0."""
    t = np.clip(0.5 + distance / (2 * reach), 0, 1)
    return as_float32(t * t * (3 - 2 * t))


def _box(right: Float, up: Float, left: float, end: float, bottom: float, top: float) -> Float:
    """(h, w) float32 1 inside a rectangle."""
    inside = np.minimum(np.minimum(right - left, end - right), np.minimum(up - bottom, top - up))
    return _soft(inside, 0.006)
