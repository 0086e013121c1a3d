"""Garments drawn flat on a plain ground, and a wearer backend that sees nobody."""

from __future__ import annotations

import cv2
import numpy as np

from preprocess.cloth.embedded import PlainBackground

TEE = np.array(
    [
        (230, 130),
        (300, 150),
        (370, 130),
        (500, 230),
        (455, 300),
        (400, 260),
        (400, 620),
        (200, 620),
        (200, 260),
        (145, 300),
        (100, 230),
    ]
)


class NobodyThere:
    """A wearer backend that never sees anybody, so that most tests need no mediapipe."""

    card = PlainBackground.card

    def load(self, device: str) -> None: ...

    def wearer(self, photo):
        return None

    def cut(self, photo, body, category):
        raise AssertionError("nobody wears it")


def shape_mask(points: np.ndarray, size: tuple[int, int] = (800, 600)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    return mask > 0


def flat_lay(mask: np.ndarray, colour: tuple[int, int, int], ground: np.ndarray | int = 246) -> np.ndarray:
    photo = np.broadcast_to(np.asarray(ground, np.float32), (*mask.shape, 3)).copy()
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    return np.clip(photo * (1 - soft) + np.array(colour, np.float32) * soft, 0, 255).astype(np.uint8)
