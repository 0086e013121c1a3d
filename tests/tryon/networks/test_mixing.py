"""Every way to compute attention gives the same answer."""

from __future__ import annotations

import pytest
import torch

from tryon.networks import attention as mixing


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


def test_blocks_of_keys_add_up(monkeypatch):
    whole = mixing.mix_in_blocks(*qkv(torch.float32))
    monkeypatch.setattr(mixing, "KEYS", 64)  # 200 keys: three blocks and a rest
    assert torch.allclose(mixing.mix_in_blocks(*qkv(torch.float32)), whole, atol=1e-6)


@pytest.mark.parametrize("largest, cheap", [(60.0, True), (80.0, False), (1e4, False)])
def test_scores_of_any_size_give_finite_and_right_answers(monkeypatch, largest, cheap):
    query, key, value = qkv(torch.float32)
    query, key = (vectors / vectors.norm(dim=-1, keepdim=True) for vectors in (query, key))
    query = query * largest * query.shape[-1] ** 0.5
    key[..., :4, :] = query[..., :4, :] / query[..., :4, :].norm(dim=-1, keepdim=True)  # reaches the bound, and its negative
    key[..., 4:8, :] = -key[..., :4, :]
    taken = []
    original = mixing._mix_small_scores
    monkeypatch.setattr(mixing, "_mix_small_scores", lambda *rest: taken.append(1) or original(*rest))
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    assert torch.allclose(mixing.mix_in_blocks(query, key, value), expected, rtol=1e-3, atol=1e-3)
    assert bool(taken) is cheap


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
