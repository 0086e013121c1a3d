"""Garments with prints in which a network that looks for people may see somebody: flowers, and portraits."""

from __future__ import annotations

import cv2
import numpy as np
from flat_lays import TEE, shape_mask

TANK = np.array(
    [(235, 120), (262, 118), (280, 240), (320, 240), (338, 118), (365, 120), (385, 260), (395, 650), (205, 650), (215, 260)]
)
GOWN = np.array(
    [
        (240, 60),
        (270, 60),
        (300, 120),
        (330, 60),
        (360, 60),
        (380, 180),
        (355, 330),
        (440, 760),
        (160, 760),
        (245, 330),
        (220, 180),
    ]
)
CUTS = {"tee": TEE, "tank": TANK, "gown": GOWN}


def flower(cloth: np.ndarray, rng: np.random.Generator, radius: float) -> None:
    """One flower at a random place, in place."""
    middle = rng.uniform((0, 0), cloth.shape[1::-1])
    colour, heart = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    for angle in np.linspace(0, 360, int(rng.integers(6, 10)))[:-1] + rng.uniform(0, 60):
        x, y = middle + 0.6 * radius * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        axes = int(0.5 * radius) + 1, int(0.28 * radius) + 1
        cv2.ellipse(cloth, (int(x), int(y)), axes, angle, 0, 360, tuple(colour * rng.uniform(0.85, 1)), -1, cv2.LINE_AA)
    cv2.circle(cloth, (int(middle[0]), int(middle[1])), int(0.22 * radius) + 1, tuple(heart), -1, cv2.LINE_AA)


def flowered(cut: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A garment with a flower print on light grey, (800, 600, 3) uint8, and its true (800, 600) bool mask."""
    rng = np.random.default_rng(seed)
    cloth = np.broadcast_to(rng.uniform(30, 255, 3), (800, 600, 3)).copy()
    largest = rng.uniform(18, 110)
    for _ in range(int(rng.integers(3, 40))):
        flower(cloth, rng, largest * rng.uniform(0.5, 1))
    return on_ground(shape_mask(CUTS[cut]), cloth)


def with_portrait(portrait: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A white tee with a photo printed on it, `width` pixels wide, and its true mask."""
    cloth = np.full((800, 600, 3), 232.0)
    print_ = cv2.resize(portrait, (width, round(width * portrait.shape[0] / portrait.shape[1])), interpolation=cv2.INTER_AREA)[
        :420
    ]
    left = 300 - width // 2
    cloth[190 : 190 + len(print_), left : left + width] = print_
    return on_ground(shape_mask(TEE), cloth)


def on_ground(mask: np.ndarray, cloth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    return np.clip(cloth * soft + 246 * (1 - soft), 0, 255).astype(np.uint8), mask
