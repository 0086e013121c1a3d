"""Drawn outlines of garments laid flat: (600, 400) bool masks, and pictures of them."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (600, 400)


def shape(*corners, hole=()) -> np.ndarray:
    canvas = cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(corners, np.int32)], 1)
    return (cv2.fillPoly(canvas, [np.array(hole, np.int32)], 0) if hole else canvas) > 0


TROUSERS = shape((120, 30), (280, 30), (300, 570), (215, 570), (200, 200), (185, 570), (100, 570))
SHORTS = shape((100, 100), (300, 100), (340, 350), (210, 350), (200, 250), (190, 350), (60, 350))
FLARED_SKIRT = shape((130, 60), (270, 60), (350, 420), (50, 420))
GOWN = shape((160, 20), (240, 20), (260, 90), (235, 230), (330, 580), (70, 580), (165, 230), (140, 90))
TEE = shape((150, 60), (250, 60), (380, 150), (340, 220), (290, 180), (290, 430), (110, 430), (110, 180), (60, 220), (20, 150))
STRAP_TOP = shape((120, 60), (140, 60), (170, 160), (230, 160), (260, 60), (280, 60), (330, 380), (70, 380))
JUMPSUIT = shape((185, 20), (215, 20), (280, 90), (290, 570), (215, 570), (200, 330), (185, 570), (110, 570), (120, 90))
LONG_VEST = shape((140, 30), (260, 30), (280, 500), (120, 500))


def on_paper(mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], np.uint8((60, 70, 130)), np.uint8(245))
