"""Packed layers: the plain layers' answers, without a second copy of the weights, and back when asked."""

from __future__ import annotations

import logging

import pytest
import torch
from diffusers.models.activations import GEGLU
from torch import nn

from tryon.networks.savings import packed
from tryon.networks.savings.packed import Packed
from tryon.networks.savings.swapping import use_cheaper_layers, use_plain_layers
from tryon.networks.savings.switches import ALL

FORMATS = [torch.float32, torch.bfloat16]


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    # convolutions with padding, stride and neither; tokens along the last axis; a gate
    made = nn.Sequential(nn.Conv2d(24, 40, 3, padding=1), nn.Conv2d(40, 16, 3, stride=2), nn.Linear(6, 32), GEGLU(32, 24))
    return made.requires_grad_(False)


def both(dtype):
    if not packed.kernels_work(dtype):
        pytest.skip(f"no packed {dtype} kernels on this CPU")
    plain, ours = layers().to(dtype), layers().to(dtype)
    use_cheaper_layers([ours], ALL)
    return plain, ours, torch.randn(2, 24, 13, 13).to(dtype)


def plain_weights(network):
    return [layer.weight.numel() for layer in network.modules() if isinstance(layer, Packed)]


@pytest.mark.parametrize("dtype", FORMATS)
def test_packed_layers_answer_as_the_plain_ones(dtype):
    plain, ours, x = both(dtype)
    expected = plain(x)
    for _ in range(2):  # packs in the first call
        assert torch.allclose(ours(x).float(), expected.float(), atol=1e-5 if dtype == torch.float32 else 2e-2)


@pytest.mark.parametrize("dtype", FORMATS)
def test_no_plain_weight_stays_beside_the_packed_one(dtype):
    _, ours, x = both(dtype)
    assert all(plain_weights(ours)) and len(plain_weights(ours)) == 4
    ours(x)
    assert plain_weights(ours) == [0, 0, 0, 0]
    assert {each.dtype for each in ours.parameters()} == {dtype}


@pytest.mark.parametrize("dtype", FORMATS)
def test_saving_gives_the_very_weights_that_were_packed(dtype):
    plain, ours, x = both(dtype)
    with torch.inference_mode():
        ours(x)
    saved = ours.state_dict()
    assert saved.keys() == plain.state_dict().keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in plain.state_dict().items())


def test_another_number_format_and_back_leaves_the_answers_as_they_were():
    _, ours, x = both(torch.bfloat16)
    before = ours(x)
    assert ours.to(torch.float32)(x.float()).dtype == torch.float32
    assert torch.equal(ours.to(torch.bfloat16)(x), before)


def test_weights_loaded_later_replace_packed_ones():
    plain, ours, x = both(torch.float32)
    ours(x)
    doubled = {name: 2 * tensor for name, tensor in plain.state_dict().items()}
    ours.load_state_dict(doubled)
    plain.load_state_dict(doubled)
    assert torch.allclose(ours(x), plain(x), rtol=1e-4, atol=1e-4)


def test_plain_layers_come_back_whole():
    plain, ours, x = both(torch.float32)
    ours(x)
    use_plain_layers(ours)
    assert [type(layer) for layer in ours.modules()] == [type(layer) for layer in plain.modules()]
    weights = zip(ours.parameters(), plain.parameters(), strict=True)
    assert all(torch.equal(back, first) for back, first in weights)
    assert torch.allclose(ours(x), plain(x), atol=1e-5)


def test_without_the_kernels_the_plain_layers_run_and_it_is_logged(monkeypatch, caplog):
    plain, ours, x = both(torch.float32)
    monkeypatch.setattr(packed, "OPERATORS", ("no_such_operator",))
    packed.kernels_work.cache_clear()
    try:
        with caplog.at_level(logging.INFO, "lookbook"):
            assert torch.equal(ours(x), plain(x))
    finally:
        packed.kernels_work.cache_clear()
    assert all(plain_weights(ours))
    assert ["rearranged in every call" in record.getMessage() for record in caplog.records] == [True]
