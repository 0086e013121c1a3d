"""What a recorder keeps of the maps that it sees."""

from __future__ import annotations

import numpy as np
import torch

from tryon.networks.attention_picture import recorder_for

STRIDES = {14: 8, 11: 16, 8: 32}


def test_the_attention_nearest_to_the_usual_grid_is_recorded():
    assert (recorder_for((1024, 768), 1, STRIDES).block, recorder_for((1024, 768), 1, STRIDES).grid) == (8, (32, 24))
    assert (recorder_for((512, 384), 1, STRIDES).block, recorder_for((512, 384), 1, STRIDES).grid) == (11, (32, 24))


def test_of_joined_tokens_only_the_garments_share_is_kept_and_adds_up_to_one():
    """A guided double batch has the pictures with their garments first; the rest is not looked at."""
    recorder = recorder_for((16, 16), 1, {3: 8}, joined=True)
    seen = torch.rand(2, 2, 4, 8, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    for _ in range(2):
        recorder.probes[3](seen)
    maps = recorder.maps()
    wanted = seen[0].mean(dim=0)[:, 4:]
    assert maps.shape == (1, 4, 4)
    assert np.allclose(maps[0], (wanted / wanted.sum(dim=-1, keepdim=True)).numpy(), atol=1e-6)
    assert np.allclose(maps.sum(axis=-1), 1)
