"""What a network that uses no mask does to a picture besides its garment: softer, in other colours, with noise of its own."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (864, 576)
CAST = (4, -3, 2)


def drawn_anew(picture: np.ndarray, size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """(h, w, 3) uint8 → the same picture as such a network hands it back: fitted into its size, shifted, noisy, enlarged."""
    height, width = picture.shape[:2]
    factor = max(height / size[0], width / size[1])
    small = cv2.resize(picture, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    random = np.random.default_rng(seed)
    clouds = random.normal(0, 2.5, (small.shape[0] // 12 + 1, small.shape[1] // 12 + 1, 3)).astype(np.float32)
    noisy = small + np.array(CAST) + cv2.resize(clouds, small.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(noisy + random.normal(0, 1.5, small.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(noisy, (width, height), interpolation=cv2.INTER_LANCZOS4), np.uint8)
