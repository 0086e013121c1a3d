"""The VAE by batches: one call and one wait each, and fp32 for good where 16 bits overflow."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from tryon.networks import precision, vae
from tryon.networks.vae import build_vae, decode_all, encode_all

HUGE = 30_000.0  # fits into fp16, and so does no sum of a few of them


@pytest.fixture
def fp16():
    """A small VAE in fp16 whose first layers overflow there; in fp32 the normalisation behind them makes up for it."""
    torch.manual_seed(0)
    tiny = build_vae(32).eval().requires_grad_(False)
    for layer in (tiny.decoder.conv_in, tiny.encoder.conv_in):
        layer.weight.fill_(HUGE).mul_(torch.randn_like(layer.weight).sign())
    return tiny.to(torch.float16)


def pictures(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(count)]


def in_fp32(tiny):
    exact = build_vae(32).eval()
    exact.load_state_dict(tiny.state_dict())
    return exact


def casts_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "stays in fp32" in record.getMessage()]


def test_an_overflow_while_decoding_makes_the_vae_fp32_once_and_for_good(fp16, caplog):
    latents, exact = torch.randn(2, 4, 8, 8), in_fp32(fp16)
    with caplog.at_level(logging.WARNING, "lookbook"):
        made = [decode_all(fp16, latents, rounded=True) for _ in range(3)]
    assert casts_of(caplog) == ["the VAE overflowed in float16: it stays in fp32 from now on"]
    assert precision.dtype_of(fp16) == torch.float32
    for ours in made:
        np.testing.assert_array_equal(ours, decode_all(exact, latents, rounded=True))


def test_an_overflow_while_encoding_does_the_same(fp16, caplog):
    exact = in_fp32(fp16)
    with caplog.at_level(logging.WARNING, "lookbook"):
        made = [encode_all(fp16, pictures(2)) for _ in range(2)]
    assert len(casts_of(caplog)) == 1
    for ours, theirs in zip(made[1], encode_all(exact, pictures(2)), strict=True):
        assert torch.equal(ours.mean, theirs.mean) and torch.equal(ours.deviation, theirs.deviation)


def test_only_the_pictures_that_overflowed_are_decoded_again(monkeypatch):
    tiny, seen = build_vae(32).eval().to(torch.bfloat16), []
    original = vae.decode_latents

    def black_first(net, latents):
        seen.append(len(latents))
        decoded = original(net, latents)
        if precision.dtype_of(net) != torch.float32:
            decoded[0] = -1
        return decoded

    monkeypatch.setattr(vae, "decode_latents", black_first)
    made = decode_all(tiny, torch.randn(3, 4, 8, 8), rounded=True)
    assert seen == [3, 1] and all(picture is not None for picture in made)


def test_latents_that_are_none_do_not_make_the_vae_slow(caplog):
    tiny = build_vae(32).eval().to(torch.bfloat16)
    latents = torch.randn(2, 4, 8, 8)
    latents[0] = torch.nan
    first, second = decode_all(tiny, latents, rounded=True)
    assert first is None and second is not None
    assert precision.dtype_of(tiny) == torch.bfloat16 and casts_of(caplog) == []


def test_what_fp32_cannot_decode_is_decoded_once(monkeypatch):
    tiny, calls = build_vae(32).eval(), []
    original = vae.decode_latents
    monkeypatch.setattr(vae, "decode_latents", lambda net, latents: calls.append(1) or original(net, latents))
    assert decode_all(tiny, torch.full((1, 4, 8, 8), torch.nan), rounded=True) == [None]
    assert len(calls) == 1


def test_a_batch_waits_for_the_device_once(monkeypatch):
    tiny, waits = build_vae(32).eval(), []
    original = vae.to_host
    monkeypatch.setattr(vae, "to_host", lambda *tensors: waits.append(len(tensors)) or original(*tensors))
    assert len(decode_all(tiny, torch.randn(3, 4, 8, 8), rounded=True)) == 3
    assert waits == [2]


def test_several_pictures_are_what_each_is_alone():
    tiny = build_vae(32).eval()
    latents = torch.randn(3, 4, 8, 8)
    together = encode_all(tiny, pictures(3))
    for number, picture in enumerate(pictures(3)):
        alone = encode_all(tiny, [picture])[0]
        assert torch.allclose(alone.mean, together[number].mean, rtol=1e-4, atol=1e-5)
        single, batch = decode_all(tiny, latents[number][None], rounded=True)[0], decode_all(tiny, latents, rounded=True)[number]
        assert np.abs(single.astype(int) - batch).max() <= 1


def test_parts_come_back_from_full_precision_each_in_its_own_format():
    parts = [torch.nn.Linear(2, 2).to(torch.bfloat16), torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).to(torch.float16)]
    before = [part.weight.clone() for part in parts]
    with precision.full_precision(parts):
        assert {precision.dtype_of(part) for part in parts} == {torch.float32}
    assert all(torch.equal(part.weight, weight) for part, weight in zip(parts, before, strict=True))
    assert [precision.dtype_of(part) for part in parts] == [torch.bfloat16, torch.float32, torch.float16]


def test_fp32_that_overflows_is_not_made_again():
    latents = torch.full((2, 4, 2, 2), torch.nan)
    assert precision.mend_overflow(latents, [torch.nn.Linear(2, 2)], again=pytest.fail) is latents


def test_only_rows_that_overflowed_are_made_again_and_all_within_one_change_of_format():
    part, asked = torch.nn.Linear(2, 2).to(torch.bfloat16), []
    latents = torch.zeros(4, 4, 2, 2)
    latents[1:3] = torch.inf

    def again(row):
        asked.append((row, precision.dtype_of(part)))
        return torch.full((1, 4, 2, 2), float(row))

    made = precision.mend_overflow(latents, [part], again)
    assert asked == [(1, torch.float32), (2, torch.float32)]
    assert made[:, 0, 0, 0].tolist() == [0, 1, 2, 0] and precision.dtype_of(part) == torch.bfloat16
