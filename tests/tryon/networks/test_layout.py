"""The memory layout of maps is decided by device, in one place, and changes no result."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.generated import TINY, generated_network
from tryon.networks import layout
from tryon.networks.layout import arrange, map_layout
from tryon.networks.savings.switches import ALL

PLAIN = replace(ALL, prepack_weights=False)  # packed kernels have a layout of their own


def predict(network) -> torch.Tensor:
    torch.manual_seed(0)
    stack, garment, token = torch.randn(1, 13, 16, 8), torch.randn(1, 4, 16, 8), torch.randn(1, 1, TINY.context_dim)
    shifts, contexts = network.time_shifts(torch.tensor([500])), network.contexts(token)
    return network.noise(stack, network.garment_features(stack, garment, shifts, contexts), shifts, contexts)


def kernels(network) -> list[torch.Tensor]:
    return [weight for weight in network.parameters() if weight.ndim == 4 and min(weight.shape) > 1]


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_maps_keep_their_channels_together_where_the_saving_is_on(kind):
    assert map_layout(torch.device(kind), ALL) is torch.channels_last
    assert map_layout(torch.device(kind), replace(ALL, channels_last=False)) is torch.contiguous_format


def test_a_device_that_wants_the_ordinary_layout_gets_it_for_maps_and_kernels(monkeypatch):
    network = generated_network(PLAIN, torch.float32, TINY)
    expected = predict(network)
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels(network))
    monkeypatch.setattr(layout, "CHANNELS_LAST", {"cpu": False})
    arrange(network, "cpu", PLAIN)
    assert all(weight.is_contiguous() for weight in kernels(network))
    seen = []
    network.unet.conv_in.register_forward_hook(lambda layer, given, made: seen.append(made.is_contiguous()))
    made = predict(network)
    assert seen == [True]
    assert (made - expected).abs().max() <= 1e-5 * expected.abs().max()
