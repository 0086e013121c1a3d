"""bf16 attention with the exponentials inside the product keeps the digits of PyTorch's kernel."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch.nn.functional import scaled_dot_product_attention

from tryon.networks import attention, unet_layers
from tryon.networks.attention import Kernel, mix_in_blocks
from tryon.networks.savings import sigmoid_attention
from tryon.networks.savings.packed import kernels_work
from tryon.networks.savings.sigmoid_attention import SMALLEST_SUM, mix_head, ratio_near
from tryon.networks.savings.swapping import use_cheaper_layers
from tryon.networks.savings.switches import ALL

pytestmark = pytest.mark.skipif(not kernels_work(torch.bfloat16), reason="no packed bf16 kernels on this CPU")


@pytest.fixture(autouse=True)
def no_matrix_tiles(monkeypatch):
    monkeypatch.setattr(attention, "_cpu_has_matrix_tiles", lambda: False)


def qkv(depth: int, spread: float, queries: int = 700, keys: int = 600) -> list[torch.Tensor]:
    """Scores have a standard deviation of spread², ready for a scale of 1."""
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(2, 3, count, depth, generator=generator) for count in (queries, keys, keys)]
    shrunk = [vectors * spread * depth**-0.25 for vectors in made[:2]]
    return [each.bfloat16() for each in (*shrunk, made[2])]


def relative(ours: torch.Tensor, exact: torch.Tensor) -> float:
    return float((ours.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.5, 2.0, 4.0])  # the last one has scores for the other way only
@pytest.mark.parametrize("depth", [8, 40, 80, 160, 512])
def test_ready_scores_are_nearly_as_exact_as_pytorchs_kernel(depth, spread):
    tensors = qkv(depth, spread)
    exact = scaled_dot_product_attention(*(each.double() for each in tensors), scale=1)
    ours, theirs = mix_in_blocks(*tensors, scale=1.0), scaled_dot_product_attention(*tensors, scale=1)
    assert relative(ours, exact) < 1.7 * relative(theirs, exact) and relative(ours, exact) < 4e-3


def test_blocks_of_queries_and_keys_add_up(monkeypatch):
    query, key, value = (each[0, 0] for each in qkv(40, 1.0))
    whole, _ = mix_head(query, key, value)
    monkeypatch.setattr(sigmoid_attention, "KEYS", 64)  # nine blocks and a rest
    monkeypatch.setattr(sigmoid_attention, "ROWS", 70)
    assert relative(mix_head(query, key, value)[0], whole.double()) < 3e-3


@pytest.mark.parametrize("rows", [slice(None), slice(10, 30)])
def test_queries_with_large_scores_go_the_other_way_and_come_out_right(rows):
    query, key, value = qkv(40, 1.0)
    query[0, 1, rows] *= 40
    assert mix_head(query[0, 1], key[0, 1], value[0, 1])[1][rows].all()
    exact = scaled_dot_product_attention(*(each.double() for each in (query, key, value)), scale=1)
    assert relative(mix_in_blocks(query, key, value, scale=1.0), exact) < 4e-3


def test_queries_whose_weights_vanish_are_noticed_and_no_others():
    """The lengths allow scores of 56, and all scores of the first five queries are -56."""
    query, key, value = (torch.zeros(600, 8, dtype=torch.bfloat16) for _ in range(3))
    query[:5, 0], key[:, 0], value[:, 1] = 7.5, -7.5, torch.arange(600) / 600
    assert mix_head(query, key, value)[1].tolist() == [True] * 5 + [False] * 595
    mixed = mix_in_blocks(*(each[None, None] for each in (query, key, value)), scale=1.0)
    assert torch.allclose(mixed[..., 1].float(), torch.tensor(0.5), atol=3e-3)


def test_numbers_that_are_not_finite_go_the_other_way():
    query, key, value = (each[0, 0] for each in qkv(40, 1.0))
    key[3, 0] = torch.inf
    assert mix_head(query, key, value)[1].all()


def test_the_smallest_sum_is_far_from_where_numbers_vanish():
    assert 3072 * torch.finfo(torch.float32).tiny / SMALLEST_SUM < 1e-6


@pytest.mark.parametrize("depth", [1, 8, 16, 32, 40, 64, 80, 96, 128, 160, 256, 512])
def test_a_scale_is_nearly_a_ratio_of_two_numbers_that_bf16_holds(depth):
    ratio = ratio_near(depth**-0.5)
    assert abs(float(ratio) * depth**0.5 - 1) < 4e-5
    for number in (ratio.numerator, ratio.denominator):
        assert float(torch.tensor(number).bfloat16()) == number


def module(dtype: torch.dtype) -> Attention:
    torch.manual_seed(0)
    made = Attention(320, heads=8, dim_head=40).requires_grad_(False).bfloat16().to(dtype)
    made.to_q.weight *= 3
    return made


@torch.inference_mode()
def test_an_attention_layer_is_as_exact_with_ready_scores_as_without(monkeypatch):
    ours, x = module(torch.bfloat16), torch.randn(1, 640, 320, generator=torch.Generator().manual_seed(1)).bfloat16()
    use_cheaper_layers([ours], ALL)
    exact = unet_layers.attend(module(torch.float64), x.double(), x.double())
    ready = unet_layers.attend(ours, x, x, kernel=Kernel.BLOCKS)
    monkeypatch.setattr(unet_layers, "ready_scores_pay", lambda *rest: False)
    plain = unet_layers.attend(ours, x, x, kernel=Kernel.BLOCKS)
    assert not torch.equal(ready, plain)
    assert relative(ready, exact) < 1.2 * relative(plain, exact) and relative(ready, exact) < 6e-3


@torch.inference_mode()
def test_a_probe_sees_the_same_map_with_ready_scores():
    ours, x = module(torch.bfloat16), torch.randn(1, 640, 320, generator=torch.Generator().manual_seed(1)).bfloat16()
    use_cheaper_layers([ours], ALL)
    seen: list[torch.Tensor] = []
    for kernel in (Kernel.BLOCKS, Kernel.FUSED):
        unet_layers.attend(ours, x, x, kernel=kernel, probe=seen.append)
    assert torch.allclose(seen[0].float(), seen[1].float(), atol=2e-2)
