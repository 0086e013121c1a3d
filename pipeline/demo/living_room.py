"""A bright living room: plaster wall, light from a window, floor boards in perspective, a plant in a pot."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float
from pipeline.demo.colours import Colour, blend_over, colour_ramp
from pipeline.demo.noise import as_float32, noise
from pipeline.demo.scenery import SCENERY_SIZE, TEXTURE_SIZE, Floor, finished_picture, floor_of, fractal, texture_at

HORIZON = 560.0
WALL_FOOT = 905
SKIRTING_PX = 46
BOARD_M = 0.16
OAK: tuple[Colour, ...] = ((0.60, 0.44, 0.29), (0.66, 0.50, 0.34), (0.55, 0.40, 0.26), (0.70, 0.54, 0.38), (0.62, 0.47, 0.33))


def room(rng: np.random.Generator) -> RGB:
    """Draw the room; (800, 1200, 3) uint8 RGB."""
    y, x = np.mgrid[0 : SCENERY_SIZE[0], 0 : SCENERY_SIZE[1]].astype(np.float32)
    floor = floor_of(HORIZON)
    wall = _skirting(_wall(rng, y, x)[:WALL_FOOT].astype(np.float64), y[:WALL_FOOT])
    picture = np.concatenate([wall, _skirting(_boards(rng, floor.below(WALL_FOOT)), y[WALL_FOOT:])])
    sun = _window_light(y, x, floor)
    picture *= (0.84 + 0.15 * np.exp(-x / 900) + 0.02 * noise(rng, (2, 3), SCENERY_SIZE))[..., None]
    picture *= 1 + sun[..., None] * np.array((0.36, 0.27, 0.12), np.float32)
    picture = _plant(picture.astype(np.float32), rng, (1520, 1010))
    return finished_picture(cv2.GaussianBlur(picture, (0, 0), 1.1), rng)


def _wall(rng: np.random.Generator, y: Float, x: Float) -> Float:
    plaster = 1 + 0.010 * fractal(rng, (4, 6), 3) + 0.008 * fractal(rng, (90, 130), 2)
    foot = 1 - 0.13 * np.exp((y - WALL_FOOT) / 60.0)
    away = x / float(SCENERY_SIZE[1]) + 0.1 * y / float(SCENERY_SIZE[0])
    tone = colour_ramp(away, [(0, (0.97, 0.94, 0.89)), (1, (0.90, 0.86, 0.81))])
    wall: Float = tone * (plaster * foot)[..., None]
    return wall


def _skirting(picture: Float, y: Float) -> Float:
    top = WALL_FOOT - SKIRTING_PX
    board = as_float32(np.clip(y - top, 0, 1) * np.clip(WALL_FOOT - y, 0, 1))
    bevel = 1 + 0.07 * np.exp(-((y - top - 5) ** 2) / 8) - 0.16 * np.exp(-((y - WALL_FOOT) ** 2) / 40)
    painted = blend_over(picture, (0.93, 0.92, 0.90), board)
    shadow = 1 - 0.22 * np.exp(-np.abs(y - top + 3) / 4) * (y < top)
    gap = 1 - 0.35 * np.exp(-np.abs(y - WALL_FOOT - 4) / 9) * (y >= WALL_FOOT)
    return as_float32(painted * (np.where(board > 0, bevel, 1) * shadow * gap)[..., None])


def _boards(rng: np.random.Generator, floor: Floor) -> Float:
    """Oak boards running into the depth: own tone, grain and joints for each, fading gloss towards the wall."""
    number = np.floor(floor.across / BOARD_M).astype(int)
    shift = rng.uniform(0, 2.2, 997)
    length = np.floor((floor.away + shift[number % 997]) / 2.2).astype(int)
    board = (number * 31 + length * 17) % 997
    tone = np.array(OAK, np.float32)[rng.integers(0, len(OAK), 997)[board]]
    texture = fractal(rng, (6, 120), 3, TEXTURE_SIZE)
    grain = texture_at(texture, 210 * floor.across + 37 * (board % 41), 28 * floor.away + 91 * (board % 23))
    rings = np.sin(9 * grain + 60 * floor.across)
    edge = np.abs((floor.across / BOARD_M + 0.5) % 1 - 0.5) * BOARD_M
    joint = np.abs(((floor.away + shift[number % 997]) / 2.2 + 0.5) % 1 - 0.5) * 2.2
    gap = _gap(edge, 0.0022, floor.pixel_m) + 0.8 * _gap(joint, 0.002, floor.pixel_m * floor.away / 1.5)
    gloss = 0.13 * np.exp(-((floor.away - 8.5) ** 2) / 5)
    colour = tone * (1 + 0.07 * grain + 0.03 * rings)[..., None] * (1 - 0.6 * np.clip(gap, 0, 1))[..., None]
    boards: Float = colour + gloss[..., None] * np.array((1.0, 0.96, 0.9), np.float32)
    return boards


def _gap(distance_m: Float, half_m: float, pixel_m: Float) -> Float:
    """(h, w) share of a pixel that a dark gap covers, for gaps thinner than a pixel too."""
    reach = np.maximum(pixel_m, 1e-4)
    share: Float = np.clip((half_m + 0.5 * reach - distance_m) / reach, 0, 1)
    return share


def _window_light(y: Float, x: Float, floor: Floor) -> Float:
    """(h, w) float32 0..1: sun through a window of two by four panes, on the wall and on the floor."""
    u, v = as_float32((x - 330 - 0.32 * y) / 560), as_float32((y - 110 - 0.10 * x) / 620)
    on_wall = _panes(u, v) * (y < WALL_FOOT)
    fu = as_float32((floor.across + 1.30 + 0.42 * (floor.away - 4.9)) / 1.45)
    fv = as_float32((floor.away - 4.95) / 2.5)
    on_floor = 0.85 * _panes(fu, fv) * (y >= WALL_FOOT)
    sharp = np.where(y < WALL_FOOT, on_wall, on_floor).astype(np.float32)
    near, far = cv2.GaussianBlur(sharp, (0, 0), 5), cv2.GaussianBlur(sharp, (0, 0), 14)
    blend = np.clip(y / WALL_FOOT, 0, 1)
    soft: Float = (blend * near + (1 - blend) * far).astype(np.float32)
    return soft


def _panes(u: Float, v: Float) -> Float:
    inside = (u > 0) & (u < 1) & (v > 0) & (v < 1)
    bars = (np.abs((2 * u + 0.5) % 1 - 0.5) < 0.05) | (np.abs((3 * v + 0.5) % 1 - 0.5) < 0.045)
    return as_float32(inside & ~bars)


def _plant(picture: Float, rng: np.random.Generator, foot: tuple[int, int]) -> Float:
    """A rubber plant in a clay pot; its shadow falls to the right."""
    leaves = np.zeros((*SCENERY_SIZE, 4), np.float32)
    cv2.line(leaves, (foot[0], foot[1] - 150), (foot[0] + 6, foot[1] - 650), (0.20, 0.17, 0.12, 1), 11, cv2.LINE_AA)
    for leaf in range(34):
        root = np.array([foot[0] + rng.uniform(-14, 14), foot[1] - 205 - 14 * leaf])
        side = float(rng.choice([-1.0, -0.6, 0.6, 1.0]))
        angle = np.deg2rad(rng.uniform(8, 62))
        length = rng.uniform(105, 175) * (1 - 0.010 * leaf)
        tip = root + length * np.array([side * np.cos(angle), -np.sin(angle) + 0.25])
        _leaf(leaves, root, tip, length * 0.24, 0.55 + 0.45 * float(rng.random()))
    alpha = np.clip(leaves[..., 3], 0, 1)
    cast = cv2.GaussianBlur(np.roll(alpha, (26, 84), axis=(0, 1)), (0, 0), 20)
    picture = picture * (1 - 0.24 * cast[..., None])
    picture = blend_over(picture.astype(np.float32), leaves[..., :3], alpha)
    return _pot(picture, foot)


def _leaf(canvas: Float, root: NDArray[np.float64], tip: NDArray[np.float64], half: float, brightness: float) -> None:
    axis = (tip - root) / max(float(np.linalg.norm(tip - root)), 1.0)
    normal = np.array([-axis[1], axis[0]])
    along = np.linspace(0, 1, 22)
    width = half * np.sin(np.pi * along**0.8) ** 0.9
    middle = root + along[:, None] * (tip - root) + np.array([0, 1]) * (26 * along[:, None] ** 2)
    for sign, tone in ((1.0, 1.0), (-1.0, 0.74)):
        shape = np.vstack([middle, (middle + sign * (width[:, None] * normal))[::-1]])
        colour = (0.16 * brightness * tone, 0.33 * brightness * tone, 0.19 * brightness * tone, 1)
        cv2.fillPoly(canvas, [np.round(shape * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)
    rib = (0.34 * brightness, 0.50 * brightness, 0.30 * brightness, 1)
    cv2.polylines(canvas, [np.round(middle * 16).astype(np.int32)], False, rib, 2, cv2.LINE_AA, 4)


def _pot(picture: Float, foot: tuple[int, int]) -> Float:
    """The pot and its contact shadow; nothing changes more than 220 px above its foot."""
    x, y = foot
    top = y - 220
    rows, columns = np.mgrid[top : SCENERY_SIZE[0], 0 : SCENERY_SIZE[1]].astype(np.float32)
    pool = np.exp(-(((columns - x - 70) / 170) ** 2 + ((rows - y + 2) / 30) ** 2))
    contact = np.exp(-(((columns - x - 8) / 92) ** 2 + ((rows - y + 2) / 13) ** 2))
    ground = picture[top:] * (1 - 0.38 * pool - 0.45 * contact * (1 - 0.38 * pool))[..., None]
    mask = np.zeros(SCENERY_SIZE, np.uint8)
    body = np.array([(x - 112, y - 168), (x + 112, y - 168), (x + 82, y - 8), (x + 40, y + 8), (x - 40, y + 8), (x - 82, y - 8)])
    cv2.fillPoly(mask, [(body * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    cv2.rectangle(mask, (x - 122, y - 200), (x + 122, y - 158), 255, -1, cv2.LINE_AA)
    turn = (columns - x) / 125.0
    shade = 0.62 + 0.46 * np.exp(-((turn + 0.45) ** 2) / 0.28) - 0.10 * np.exp(-((rows - y + 152) ** 2) / 60.0)
    clay = np.array((0.76, 0.46, 0.34), np.float32) * shade[..., None]
    potted = blend_over(ground.astype(np.float32), clay, mask[top:].astype(np.float32) / 255.0)
    return as_float32(np.concatenate([picture[:top], potted]))
