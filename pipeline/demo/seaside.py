"""A beach in the evening: low sun, thin clouds, a headland out of focus, glitter on the water, wet and dry sand."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.demo.colours import blend_over, colour_ramp
from pipeline.demo.noise import as_float32
from pipeline.demo.scenery import SCENERY_SIZE, TEXTURE_SIZE, finished_picture, floor_of, fractal, texture_at

HORIZON = 520
SUN = (1240.0, 452.0)
SHORE = 742
WARM = (1.0, 0.80, 0.55)


def seaside(rng: np.random.Generator) -> RGB:
    """Draw the beach; (800, 1200, 3) uint8 RGB."""
    y, x = np.mgrid[0 : SCENERY_SIZE[0], 0 : SCENERY_SIZE[1]].astype(np.float32)
    above, below = slice(HORIZON), slice(HORIZON, None)
    sky = _headland(_sky(rng, y[above], x[above]), rng, y[above], x[above])
    far = cv2.GaussianBlur(np.concatenate([sky, _sea(rng, y[below], x[below])]), (0, 0), 4.5)
    picture = np.concatenate([far[above], _beach(far[below], rng, y[below], x[below])])
    glow = np.exp(-(((x - SUN[0]) / 620) ** 2 + ((y - SUN[1]) / 420) ** 2))
    picture += 0.16 * glow[..., None] * np.array(WARM, np.float32)
    return finished_picture(picture.astype(np.float32), rng)


def _sky(rng: np.random.Generator, y: Float, x: Float) -> Float:
    stops = [(0.0, (0.37, 0.50, 0.70)), (0.5, (0.62, 0.68, 0.76)), (0.82, (0.93, 0.78, 0.62)), (1.0, (0.98, 0.76, 0.52))]
    down = y / float(HORIZON)
    sky = colour_ramp(down, stops)
    depth = 1 / np.maximum(HORIZON + 60 - y, 20)
    cloth = fractal(rng, (8, 5), 5, TEXTURE_SIZE)
    bands = texture_at(cloth, as_float32((x - 900) * depth * 130 + 2000), as_float32(30000 * depth))
    cloud = np.clip((bands + 0.1) * 0.55, 0, 1) * np.clip((HORIZON - y) / 130, 0, 1) * np.clip(0.35 + y / 420, 0, 1)
    lit = colour_ramp(down, [(0.0, (0.86, 0.84, 0.86)), (0.6, (0.99, 0.86, 0.74)), (1.0, (1.0, 0.80, 0.58))])
    sky = blend_over(sky, lit, (0.75 * cloud).astype(np.float32))
    away = np.hypot(x - SUN[0], (y - SUN[1]) * 1.05)
    sky = sky + (0.45 * np.exp(-away / 130) + 0.14 * np.exp(-away / 480))[..., None] * np.array(WARM, np.float32)
    disc = np.clip((38 - away) / 3, 0, 1)
    return as_float32(np.maximum(sky, disc[..., None] * np.array((2.2, 2.0, 1.6), np.float32)))


def _headland(picture: Float, rng: np.random.Generator, y: Float, x: Float) -> Float:
    """Two hazy ranges of hills at the left."""
    for reach, tall, tone, seed_cells in ((1080, 74, (0.66, 0.62, 0.64), 9), (640, 124, (0.46, 0.45, 0.48), 14)):
        ridge = fractal(rng, (1, seed_cells), 5, (8, SCENERY_SIZE[1]))[0]
        line = tall * np.clip(1 - x[0] / reach, 0, 1) ** 0.7 * (0.78 + 0.13 * ridge)
        mask = np.clip(y - (HORIZON - line[None]), 0, 1)
        haze = np.clip((HORIZON - y) / 130.0, 0, 1)
        colour = np.array(tone, np.float32) * (0.92 + 0.08 * haze)[..., None] + 0.10 * (1 - haze)[..., None] * np.array(
            WARM, np.float32
        )
        picture = blend_over(picture, colour, mask.astype(np.float32))
    return picture


def _sea(rng: np.random.Generator, y: Float, x: Float) -> Float:
    """Waves in perspective: darker troughs, sky on the slopes, and the sun's glitter below it."""
    floor = floor_of(HORIZON, eye_m=1.6).below(HORIZON)
    swell = texture_at(fractal(rng, (40, 24), 4, TEXTURE_SIZE), 15 * floor.across + 300, 34 * floor.away**0.85)
    stops = [(0.0, (0.90, 0.74, 0.58)), (0.10, (0.55, 0.56, 0.58)), (0.5, (0.31, 0.43, 0.48)), (1.0, (0.42, 0.53, 0.53))]
    water = colour_ramp((y - HORIZON) / float(SHORE - HORIZON), stops)
    water = water * (1 + 0.13 * swell)[..., None] + 0.05 * np.clip(swell, 0, 3)[..., None] * np.array((1, 0.85, 0.7), np.float32)
    width = 60 + 0.55 * (y - HORIZON)
    path = np.exp(-(((x - SUN[0]) / width) ** 2))
    sparkle = np.clip(swell - 0.35, 0, 1) * 1.2 + 0.18
    return as_float32(water + (path * sparkle)[..., None] * np.array((1.0, 0.78, 0.50), np.float32))


def _beach(picture: Float, rng: np.random.Generator, y: Float, x: Float) -> Float:
    """Foam where the water ends, a mirror of wet sand, then dry sand with ripples and grains."""
    floor = floor_of(HORIZON - 40, eye_m=1.5).below(HORIZON)
    sway = fractal(rng, (1, 5), 4, (8, SCENERY_SIZE[1]))[0][None]
    edge = SHORE + 16 * sway + 0.016 * (x - 900)
    wet_end = edge + 84 + 10 * fractal(rng, (1, 7), 4, (8, SCENERY_SIZE[1]))[0][None]
    texture = fractal(rng, (60, 60), 3, TEXTURE_SIZE)
    grains = texture_at(texture, 450 * floor.across, 310 * floor.away)
    dunes = texture_at(fractal(rng, (10, 10), 4, TEXTURE_SIZE), 105 * floor.across + 250, 75 * floor.away)
    ripple = np.sin(34 * floor.away + 2.1 * dunes + 1.6 * floor.across)
    near = np.clip((y - edge) / 350, 0, 1)
    sand = colour_ramp(near, [(0.0, (0.74, 0.60, 0.46)), (1.0, (0.80, 0.67, 0.52))])
    sand = sand * (1 + 0.055 * dunes + 0.03 * near * ripple + 0.055 * grains * (0.35 + 0.65 * near))[..., None]
    mirror = colour_ramp(np.clip((wet_end - y) / 110, 0, 1), [(0.0, (0.55, 0.44, 0.34)), (1.0, (0.78, 0.67, 0.58))])
    mirror = mirror + 0.35 * np.exp(-(((x - SUN[0]) / 190.0) ** 2))[..., None] * np.array(WARM, np.float32)
    wet = np.clip((wet_end - y) / 26, 0, 1)
    ground = blend_over(
        sand.astype(np.float32), (mirror * (1 + 0.03 * dunes)[..., None]).astype(np.float32), wet.astype(np.float32)
    )
    picture = blend_over(picture, cv2.GaussianBlur(ground, (0, 0), 1.2), np.clip((y - edge) / 3, 0, 1).astype(np.float32))
    bubbles = np.clip(0.82 + 0.3 * cv2.GaussianBlur(texture_at(texture, 1.6 * x, 4.5 * y), (0, 0), 0.8), 0, 1)
    foam = np.exp(-(((y - edge + 3) / 9) ** 2)) + 0.5 * np.exp(-(((y - edge + 36 + 6 * sway) / 9) ** 2))
    shadow = np.exp(-(((y - edge - 9) / 6) ** 2))
    picture = picture * (1 - 0.16 * shadow)[..., None]
    return blend_over(picture.astype(np.float32), (0.99, 0.95, 0.90), np.clip(foam * bubbles * 0.9, 0, 1).astype(np.float32))
