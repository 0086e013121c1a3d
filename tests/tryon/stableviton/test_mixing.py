"""Every way to compute attention gives the same answer."""

from __future__ import annotations

import pytest
import torch

from tryon.engines.stableviton import mixing


def qkv(dtype, queries=300, keys=200):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, 3, count, 8, generator=generator).to(dtype) for count in (queries, keys, keys))


@pytest.mark.parametrize("way", [mixing.mix_explicitly, mixing.mix_in_blocks, mixing.mix])
def test_all_kernels_agree_in_fp32(way):
    expected = torch.nn.functional.scaled_dot_product_attention(*qkv(torch.float32))
    assert torch.allclose(way(*qkv(torch.float32)), expected, atol=1e-6)


def test_blocks_are_as_exact_as_bf16_allows():
    exact = torch.nn.functional.scaled_dot_product_attention(*(each.float() for each in qkv(torch.bfloat16)))
    ours = mixing.mix_in_blocks(*qkv(torch.bfloat16)).float()
    assert (ours - exact).norm() < 0.01 * exact.norm()


def test_a_bf16_cpu_without_tiles_takes_the_blocks(monkeypatch):
    taken = []
    monkeypatch.setattr(mixing, "mix_in_blocks", lambda *tensors: taken.append(1) or tensors[0])
    for tiles, count in ((True, 0), (False, 1)):
        monkeypatch.setattr(mixing, "_cpu_has_matrix_tiles", lambda tiles=tiles: tiles)
        mixing.mix(*qkv(torch.bfloat16, 200, 200))
        assert len(taken) == count


def test_a_probe_sees_rows_that_sum_to_one():
    seen = []
    mixing.mix(*qkv(torch.float32), probe=seen.append)
    assert seen[0].shape == (2, 3, 300, 200)
    assert torch.allclose(seen[0].sum(-1), torch.ones(2, 3, 300), atol=1e-5)
