"""What an adapter may look with sees a garment in its own units."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tryon.networks.clip import ClipWidths, clip_crop
from tryon.networks.eyes import DinoWidths, as_imagenet, build_clip_h, build_dinov2, clip_features, dino_features, feature_width

CLIP = ClipWidths(hidden_size=32, intermediate_size=64, layers=2, heads=2, patch_size=32, projection_dim=16)
DINO = DinoWidths(hidden_size=24, layers=2, heads=2, widening=2, image_size=160, patch_size=32)


@pytest.fixture
def squares():
    return clip_crop(np.random.default_rng(0).integers(0, 256, (256, 192, 3), dtype=np.uint8))


def test_clips_units_become_imagenets(squares):
    white = clip_crop(np.full((224, 224, 3), 255, np.uint8))
    expected = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(as_imagenet(white)[0, :, 0, 0], expected)


def test_vectors_and_patches_have_the_widths_that_are_told(squares):
    torch.manual_seed(0)
    clip, dino = build_clip_h(CLIP).eval(), build_dinov2(DINO).eval()
    for found, widths in (
        ([clip_features(clip, squares, patches=patches) for patches in (False, True)], CLIP),
        ([dino_features(dino, squares, patches=patches) for patches in (False, True)], DINO),
    ):
        assert [each.shape[-1] for each in found] == [feature_width(widths, patches=patches) for patches in (False, True)]
        assert found[0].ndim == 2 and found[1].shape[1] >= 49
    assert dino_features(dino, squares, patches=True).shape[1] == 49, "the picture's own token is left out"
    assert clip.config.hidden_act == "gelu"
