"""What CLIP's vision tower is shown."""

from __future__ import annotations

import torch

from tryon.networks import clip


def grey(levels: tuple[float, float, float], size: tuple[int, int] = (64, 48)) -> torch.Tensor:
    """One colour in [0, 1] as a picture in [-1, 1]."""
    return (2 * torch.tensor(levels) - 1).view(1, 3, 1, 1).expand(1, 3, *size)


def test_the_mean_colour_is_zero_and_one_deviation_more_is_one():
    brighter = tuple(mean + deviation for mean, deviation in zip(clip.MEAN, clip.DEVIATION, strict=True))
    assert torch.allclose(clip.normalised(grey(clip.MEAN)), torch.zeros(1), atol=1e-6)
    assert torch.allclose(clip.normalised(grey(brighter)), torch.ones(1), atol=1e-6)


def test_any_picture_becomes_a_square_of_the_side_the_tower_was_trained_at():
    assert clip.clip_input(grey((0.2, 0.4, 0.6))).shape == (1, 3, clip.SIDE, clip.SIDE)
    assert clip.clip_input(grey((0.2, 0.4, 0.6)), side=32).shape == (1, 3, 32, 32)
    assert clip.ClipWidths().image_size == clip.SIDE
