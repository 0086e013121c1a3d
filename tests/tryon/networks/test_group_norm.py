"""Group normalisation is as exact on channels-last maps as on ordinary ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tryon.networks.group_norm import ExactGroupNorm, normalise, normalise_as_it_lies

SIZES = [(1, 128, 96, 80), (2, 320, 16, 12), (1, 64, 1, 1), (3, 32, 7, 5)]
SPREADS = [(0.0, 1.0), (5.0, 1.0), (5.0, 0.001), (-40.0, 0.5)]  # mean and standard deviation; nearly flat maps are the hard ones


def norm(channels: int) -> ExactGroupNorm:
    torch.manual_seed(1)
    made = ExactGroupNorm(32, channels, eps=1e-6)
    nn.init.uniform_(made.weight, 0.5, 1.5)
    nn.init.normal_(made.bias)
    return made


def picture(size: tuple[int, ...], mean: float, deviation: float) -> torch.Tensor:
    torch.manual_seed(0)
    return (torch.randn(size) * deviation + mean).to(memory_format=torch.channels_last)


def exact(layer: nn.GroupNorm, x: torch.Tensor) -> torch.Tensor:
    bias, weight = layer.bias.double(), layer.weight.double()
    return torch.nn.functional.group_norm(x.double().contiguous(), layer.num_groups, weight, bias, layer.eps)


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("mean", "deviation"), SPREADS)
@pytest.mark.parametrize("size", SIZES)
def test_maps_of_any_layout_are_normalised_to_the_last_digits(size, mean, deviation, memory):
    layer, x = norm(size[1]), picture(size, mean, deviation).contiguous(memory_format=memory)
    with torch.no_grad():
        ours = layer(x)
    expected = exact(layer, x)
    assert (ours - expected).abs().max() <= 1e-6 * expected.abs().max()
    assert ours.shape == x.shape and ours.is_contiguous(memory_format=memory)


def test_the_librarys_own_kernel_would_have_lost_the_digits():
    """While this holds the class is needed; when it fails, PyTorch has mended its kernel."""
    layer, x = norm(128), picture((1, 128, 256, 192), 5.0, 0.02)
    with torch.no_grad():
        library = nn.GroupNorm.forward(layer, x)
        ours = layer(x)
    expected = exact(layer, x)
    assert (library - expected).abs().max() > 1000 * (ours - expected).abs().max()


@pytest.mark.parametrize("size", [size for size in SIZES if size[2] > 1])
@pytest.mark.parametrize(("mean", "deviation", "bound"), [(0.0, 1.0, 1e-6), (5.0, 1.0, 1e-6), (5.0, 0.01, 1e-4)])
def test_what_a_gpu_computes_is_the_same_up_to_the_rounding_of_the_mean(size, mean, deviation, bound):
    """On the CPU, because no GPU is at hand; nearly flat maps are left with the library's accuracy for ordinary ones."""
    layer, x = norm(size[1]), picture(size, mean, deviation)
    with torch.no_grad():
        ours = normalise_as_it_lies(x, layer.num_groups, layer.weight, layer.bias, layer.eps)
    expected = exact(layer, x)
    assert (ours - expected).abs().max() <= bound * expected.abs().max()
    assert ours.shape == x.shape and ours.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.bfloat16, 2**-8), (torch.float16, 2**-11)])
@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (5.0, 1.0), (-8.0, 2.0)])
def test_what_a_gpu_computes_in_16_bits_is_rounded_once(dtype, rounding, mean, deviation):
    """Beside 1e-3, because a CPU adds up squares one after the other."""
    layer, x = norm(128).to(dtype), picture((2, 128, 24, 16), mean, deviation).to(dtype)
    with torch.no_grad():
        ours = normalise_as_it_lies(x, layer.num_groups, layer.weight, layer.bias, layer.eps)
    expected = exact(layer, x)
    assert ours.dtype == dtype and ours.is_contiguous(memory_format=torch.channels_last)
    assert ((ours - expected).abs() <= (rounding + 2e-4) * expected.abs() + 1e-3).all()


def test_the_input_is_left_as_it_was():
    layer, x = norm(64), picture((1, 64, 9, 9), 1.0, 1.0)
    before = x.clone()
    with torch.no_grad():
        layer(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_16_bits_take_the_librarys_kernel(monkeypatch, memory):
    monkeypatch.setattr("tryon.networks.group_norm.normalise", lambda *rest: pytest.fail("not needed here"))
    layer, x = norm(32).bfloat16(), torch.randn(2, 32, 6, 4).bfloat16().to(memory_format=memory)
    with torch.no_grad():
        assert torch.equal(layer(x), nn.GroupNorm.forward(layer, x))


def test_tokens_are_normalised_too():
    layer, x = norm(32), torch.randn(2, 32, 24) + 3
    with torch.no_grad():
        assert torch.allclose(layer(x).double(), exact(layer, x), atol=1e-6)


@torch.enable_grad()
def test_gradients_are_the_librarys():
    layer, x = norm(32), picture((1, 32, 6, 4), 3.0, 0.1).requires_grad_()
    layer(x).square().sum().backward()
    ours = x.grad.clone()
    x.grad = None
    nn.GroupNorm.forward(layer, x.contiguous()).square().sum().backward()
    assert torch.allclose(ours, x.grad)


def test_blocks_of_any_length_add_up(monkeypatch):
    layer, x = norm(64), picture((2, 64, 13, 11), 2.0, 0.3)
    whole = normalise(x, 32, layer.weight, layer.bias, layer.eps)
    monkeypatch.setattr("tryon.networks.group_norm.BLOCK", 64 * 10)  # 143 places: fourteen blocks and a rest
    assert torch.allclose(normalise(x, 32, layer.weight, layer.bias, layer.eps), whole, atol=1e-5)
