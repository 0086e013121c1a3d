"""Drawn backgrounds whose light is known: sun, dusk, night, overcast sky, rooms, studios."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Shade = tuple[float, float, float]
SIZE = (300, 450)
LINE = 0.6


def outdoors(zenith: Shade, low: Shade, ground: Shade) -> Picture:
    """(h, w, 3) float32: a sky from zenith to horizon, and flat ground below it."""
    picture = np.empty((*SIZE, 3), np.float32)
    line = round(LINE * SIZE[0])
    share = np.linspace(0, 1, line, dtype=np.float32)[:, None, None]
    picture[:line] = np.array(zenith) * (1 - share) + np.array(low) * share
    picture[line:] = ground
    return picture


def with_sun(picture: Picture, x: float, y: float, disc: Shade = (255, 250, 235), halo: Shade = (255, 225, 170)) -> Picture:
    """The picture with a disc and its halo at shares of width and height; the ground hides what lies below the line."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    away = np.hypot(columns - x * SIZE[1], rows - y * SIZE[0]) / SIZE[0]
    above = (rows < LINE * SIZE[0])[..., None]
    glow = 0.9 * np.exp(-away / 0.2)[..., None] * np.where(above, 1, 0.15)
    core = np.clip((0.03 - away) * SIZE[0] + 0.5, 0, 1)[..., None] * above
    lit = picture * (1 - glow) + np.array(halo) * glow
    return (lit * (1 - core) + np.array(disc) * core).astype(np.float32)


def with_box(picture: Picture, rows: slice, columns: slice, shade: Shade) -> Picture:
    """The picture with a rectangle of one colour."""
    changed = picture.copy()
    changed[rows, columns] = shade
    return changed


def _sunset(x: float, y: float) -> Picture:
    return with_sun(outdoors((90, 130, 190), (245, 205, 150), (150, 125, 95)), x, y)


def _night_city() -> Picture:
    picture = outdoors((8, 10, 22), (25, 28, 45), (22, 22, 26))
    places = np.random.default_rng(1).integers((60, 0), (170, SIZE[1] - 5), (50, 2))
    for row, column in places:
        picture[row : row + 4, column : column + 5] = (240, 200, 120)
    return picture


def _patch_of_sun() -> Picture:
    """A bright room; a window that is not in the picture throws a patch with sharp edges on its wall."""
    return with_box(outdoors((205, 200, 190), (200, 196, 186), (140, 105, 75)), slice(50, 120), slice(90, 190), (252, 246, 230))


def _clouds() -> Picture:
    picture = outdoors((90, 150, 225), (190, 215, 240), (120, 150, 80))
    for centre, radius in (((100, 50), 25), ((150, 60), 30), ((300, 45), 22), ((375, 75), 35)):
        mask = np.zeros(SIZE, np.float32)
        cv2.ellipse(mask, centre, (2 * radius, radius), 0, 0, 360, 1.0, -1)
        soft = cv2.GaussianBlur(mask, (0, 0), 6)[..., None]
        picture = (picture * (1 - soft) + 255 * soft).astype(np.float32)
    return picture


SCENES: dict[str, Callable[[], Picture]] = {
    "low sun left": lambda: _sunset(0.2, 0.54),
    "low sun in the middle": lambda: _sunset(0.5, 0.52),
    "high sun left": lambda: _sunset(0.25, 0.12),
    "high sun right": lambda: _sunset(0.8, 0.15),
    "orange sun": lambda: with_sun(
        outdoors((120, 90, 120), (230, 130, 80), (60, 50, 50)), 0.7, 0.5, (255, 200, 110), (255, 160, 80)
    ),
    "noon": lambda: outdoors((90, 150, 225), (190, 215, 240), (120, 150, 80)),
    "noon on a dark lawn": lambda: outdoors((70, 130, 215), (170, 205, 240), (60, 90, 40)),
    "soft evening": lambda: outdoors((205, 225, 240), (240, 215, 195), (115, 120, 128)),
    "overcast": lambda: outdoors((190, 192, 195), (205, 206, 208), (120, 120, 115)),
    "clouds": _clouds,
    "white house": lambda: with_box(
        outdoors((90, 150, 225), (190, 215, 240), (120, 150, 80)), slice(110, 180), slice(250, 400), (254, 254, 252)
    ),
    "dusk": lambda: outdoors((60, 80, 130), (140, 140, 150), (50, 55, 60)),
    "night city": _night_city,
    "white studio": lambda: outdoors((245, 245, 245), (245, 245, 245), (232, 232, 232)),
    "grey studio": lambda: outdoors((150, 150, 150), (165, 165, 165), (140, 140, 140)),
    "yellow studio": lambda: outdoors((250, 205, 40), (250, 205, 40), (242, 198, 36)),
    "bright room": lambda: outdoors((215, 212, 205), (210, 207, 200), (150, 120, 90)),
    "patch of sun": _patch_of_sun,
    "dark room with a window": lambda: with_box(
        outdoors((95, 88, 80), (90, 84, 76), (70, 58, 48)), slice(60, 140), slice(300, 380), (255, 255, 255)
    ),
    "room with a lamp": lambda: with_sun(
        outdoors((150, 110, 70), (140, 100, 62), (95, 66, 40)), 0.3, 0.25, (255, 245, 215), (255, 200, 130)
    ),
}


def draw_scene(name: str) -> NDArray[np.uint8]:
    """(300, 450, 3) uint8: the scene of that name, with a photo's noise; its ground line is `LINE`."""
    noise = np.random.default_rng(3).normal(0, 1.5, (*SIZE, 1))
    drawn: NDArray[np.uint8] = np.clip(SCENES[name]() + noise + 0.5, 0, 255).astype(np.uint8)
    return drawn
