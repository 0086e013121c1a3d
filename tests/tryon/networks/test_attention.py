"""Every way to compute attention gives the same answer."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tryon.networks import attention
from tryon.networks.attention import Kernel, mix, mix_explicitly, mix_in_blocks
from tryon.networks.savings.packed import kernels_work
from tryon.networks.savings.switches import ALL, OFFICIAL

packed_kernels = pytest.mark.skipif(not kernels_work(torch.float32), reason="no packed kernels on this CPU")


def qkv(dtype, queries=300, keys=200, depth=8, size=1.0):
    generator = torch.Generator().manual_seed(0)
    counts = (queries, keys, keys)
    query, key, value = (torch.randn(2, 3, count, depth, generator=generator) for count in counts)
    return (query * size).to(dtype), (key * size).to(dtype), value.to(dtype)


def exact(tensors):
    return scaled_dot_product_attention(*(each.double() for each in tensors))


def relative(ours, expected):
    return float((ours.double() - expected).norm() / expected.norm())


@packed_kernels
@pytest.mark.parametrize("way", [mix_explicitly, mix_in_blocks, mix])
def test_all_kernels_agree_in_fp32(way):
    expected = scaled_dot_product_attention(*qkv(torch.float32))
    assert torch.allclose(way(*qkv(torch.float32)), expected, atol=1e-6)


@packed_kernels
@pytest.mark.parametrize("size", [0.5, 1.0, 2.5, 4.0])
@pytest.mark.parametrize("depth", [40, 80, 160])
def test_blocks_are_nearly_as_exact_in_bf16_as_pytorchs_kernel(depth, size):
    tensors = qkv(torch.bfloat16, 700, 600, depth, size)
    ours, theirs = (relative(way(*tensors), exact(tensors)) for way in (mix_in_blocks, scaled_dot_product_attention))
    assert ours < 1.7 * theirs and ours < 4e-3


@packed_kernels
def test_scores_rounded_to_bf16_would_not_pass_that_bound():
    """What the blocks did before they kept their scores in fp32."""
    query, key, value = tensors = qkv(torch.bfloat16, 700, 600, 40, 2.5)
    rounded = torch.softmax((query * 40**-0.5) @ key.transpose(-1, -2), dim=-1) @ value
    assert relative(rounded, exact(tensors)) > 4e-3


@packed_kernels
def test_blocks_of_queries_and_keys_add_up(monkeypatch):
    whole = mix_in_blocks(*qkv(torch.float32))
    monkeypatch.setattr(attention, "KEYS", 64)  # 200 keys: three blocks and a rest
    monkeypatch.setattr(attention, "ROWS", 70)
    assert torch.allclose(mix_in_blocks(*qkv(torch.float32)), whole, atol=1e-6)


@packed_kernels
@pytest.mark.parametrize("largest", [60.0, 80.0, 1e4])
def test_scores_of_any_size_give_finite_and_right_answers(monkeypatch, largest):
    monkeypatch.setattr(attention, "KEYS", 64)
    query, key, value = qkv(torch.float32)
    query, key = (vectors / vectors.norm(dim=-1, keepdim=True) for vectors in (query, key))
    query = query * largest * query.shape[-1] ** 0.5
    key[..., :4, :] = query[..., :4, :] / query[..., :4, :].norm(dim=-1, keepdim=True)  # reaches the bound, and its negative
    key[..., 4:8, :] = -key[..., :4, :]
    expected = scaled_dot_product_attention(query, key, value)
    assert torch.allclose(mix_in_blocks(query, key, value), expected, rtol=1e-3, atol=1e-3)


@packed_kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cpu_without_tiles_takes_the_blocks_where_there_are_many_keys(monkeypatch, dtype):
    taken = []
    monkeypatch.setattr(attention, "mix_in_blocks", lambda *tensors: taken.append(1) or tensors[0])
    for tiles, keys, kernel, count in (
        (True, 600, Kernel.BLOCKS, 0),
        (False, 600, Kernel.BLOCKS, 1),
        (False, 200, Kernel.BLOCKS, 0),
        (False, 600, Kernel.FUSED, 0),
    ):
        taken.clear()
        monkeypatch.setattr(attention, "_cpu_has_matrix_tiles", lambda tiles=tiles: tiles)
        mix(*qkv(dtype, 200, keys), kernel=kernel)
        assert len(taken) == count


def test_the_savings_say_which_kernel():
    assert ALL.attention is Kernel.BLOCKS
    assert OFFICIAL.attention is Kernel.FUSED


def test_gradients_flow_because_training_takes_pytorchs_kernel():
    with torch.enable_grad():
        query, key, value = (each.requires_grad_() for each in qkv(torch.float32, 20, 600))
        mix(query, key, value, kernel=Kernel.BLOCKS).sum().backward()
    assert query.grad is not None and key.grad is not None


def test_a_probe_sees_rows_that_sum_to_one():
    seen = []
    mix(*qkv(torch.float32), probe=seen.append)
    assert seen[0].shape == (2, 3, 300, 200)
    assert torch.allclose(seen[0].sum(-1), torch.ones(2, 3, 300), atol=1e-5)
