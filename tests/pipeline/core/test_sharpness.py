"""The blur of a picture, measured on squares of known sharpness."""

import cv2
import numpy as np
import pytest

from pipeline.core.pixels.sharpness import blur_of

SQUARES = np.kron(np.random.default_rng(0).integers(0, 256, (8, 8, 1)), np.ones((25, 25, 3))).astype(np.uint8)
EVERYWHERE = np.ones((200, 200), bool)


def blurred(sigma: float) -> float:
    found = blur_of(cv2.GaussianBlur(SQUARES, (0, 0), sigma), EVERYWHERE)
    assert found is not None
    return found


def test_more_blur_is_measured_as_more():
    crisp = blur_of(SQUARES, EVERYWHERE)
    assert crisp is not None and crisp < 0.2 < blurred(1) < blurred(2.5) < blurred(6)
    assert blurred(2.5) > 0.55


def test_a_blur_along_one_direction_counts():
    assert blur_of(cv2.blur(SQUARES, (15, 1)), EVERYWHERE) > 0.6


@pytest.mark.parametrize("inside", [np.zeros((200, 200), bool), EVERYWHERE])
def test_nothing_can_be_said_of_a_flat_or_a_tiny_part(inside):
    assert blur_of(np.full_like(SQUARES, 90) if inside.any() else SQUARES, inside) is None
