"""Drawn people with known alpha, and drawn backgrounds with a known ground line."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Alpha = NDArray[np.uint8]
Draw = Callable[..., Alpha]
SIZE = (800, 600)


def _limb(picture: Alpha, start: tuple[int, int], end: tuple[int, int], thickness: int) -> None:
    cv2.line(picture, start, end, 255, thickness)


def draw_person(pose: str, size: tuple[int, int] = SIZE) -> Alpha:
    """(h, w) uint8 alpha of a stick person: `standing`, `striding`, `seated`, `bust` or `elbow` (cut at the left and bottom)."""
    alpha = np.zeros(size, np.uint8)
    middle = 300
    cv2.ellipse(alpha, (middle, 90), (38, 50), 0, 0, 360, 255, -1)
    cv2.rectangle(alpha, (middle - 75, 145), (middle + 75, 420), 255, -1)
    if pose == "standing":
        for x in (middle - 45, middle + 45):
            _limb(alpha, (x, 400), (x, 730), 46)
            cv2.rectangle(alpha, (x - 30, 740), (x + 30, 760), 255, -1)
    elif pose == "striding":
        _limb(alpha, (middle - 25, 400), (middle - 60, 700), 44)
        cv2.rectangle(alpha, (middle - 95, 705), (middle - 35, 725), 255, -1)
        _limb(alpha, (middle + 25, 400), (middle + 60, 740), 44)
        cv2.rectangle(alpha, (middle + 35, 750), (middle + 95, 770), 255, -1)
    elif pose == "seated":
        _limb(alpha, (middle - 40, 440), (middle + 140, 470), 60)
        _limb(alpha, (middle + 140, 470), (middle + 150, 670), 44)
        cv2.rectangle(alpha, (middle + 120, 680), (middle + 190, 702), 255, -1)
    else:
        cv2.rectangle(alpha, (middle - 120, 150), (middle + 120, size[0]), 255, -1)
    if pose == "elbow":
        _limb(alpha, (middle - 100, 200), (-60, 520), 60)
    return cv2.GaussianBlur(alpha, (0, 0), 0.8, borderType=cv2.BORDER_REPLICATE)


@pytest.fixture
def person() -> Draw:
    return draw_person


@pytest.fixture
def cutout() -> Callable[..., NDArray[np.uint8]]:
    """RGBA of a drawn person in one colour."""

    def make(pose: str = "standing", colour: tuple[int, int, int] = (180, 90, 60)) -> NDArray[np.uint8]:
        alpha = draw_person(pose)
        return np.dstack([np.full((*alpha.shape, 3), colour, np.uint8), alpha])

    return make


def draw_background(size: tuple[int, int] = (600, 900), line: float = 0.7, noise: float = 0.0) -> NDArray[np.uint8]:
    """(h, w, 3) uint8: light wall above the line, brown floor below."""
    picture = np.empty((*size, 3), np.float32)
    row = round(line * size[0])
    picture[:row], picture[row:] = (205, 203, 198), (140, 115, 95)
    picture += np.random.default_rng(1).normal(0, noise, (*size, 1))
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture
def background() -> Callable[..., NDArray[np.uint8]]:
    return draw_background
