"""The tiny decoder: the published layout, pictures of the same size from the same latents, and nothing where nothing is."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderTiny

from tryon.networks.tiny_decoder import build_tiny_decoder, decode_tiny, decoder_weights, fill_tiny_decoder


@pytest.fixture(scope="module")
def whole() -> AutoencoderTiny:
    """The published architecture, which diffusers' defaults are, with random weights."""
    torch.manual_seed(0)
    return AutoencoderTiny().eval().requires_grad_(False)


def test_its_weights_are_the_decoder_of_the_published_architecture(whole):
    wanted = {name: tensor.shape for name, tensor in build_tiny_decoder().state_dict().items()}
    assert {name: tensor.shape for name, tensor in decoder_weights(whole.state_dict()).items()} == wanted
    assert sum(shape.numel() for shape in wanted.values()) == 1_222_531


def test_latents_are_taken_scaled_and_pictures_are_the_librarys(whole):
    latents = torch.randn(2, 4, 8, 6)
    expected = ((whole.decode(latents).sample.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)
    pictures = decode_tiny(fill_tiny_decoder(whole.state_dict(), torch.float32), latents, rounded=True)
    assert whole.config.scaling_factor == 1
    for picture, each in zip(pictures, expected, strict=True):
        assert picture.shape == (64, 48, 3)
        assert abs(picture.astype(int) - each.numpy().astype(int)).max() <= 1


def test_what_is_not_finite_gives_no_picture_and_harms_no_neighbour(whole):
    latents = torch.randn(2, 4, 8, 8)
    latents[0, 0, 0, 0] = torch.nan
    first, second = decode_tiny(fill_tiny_decoder(whole.state_dict(), torch.bfloat16), latents, rounded=True)
    assert first is None and second.shape == (64, 64, 3)


def test_other_weights_are_refused(whole):
    weights = {name: tensor for name, tensor in whole.state_dict().items() if not name.endswith("layers.0.bias")}
    with pytest.raises(RuntimeError, match=r"layers\.0\.bias"):
        fill_tiny_decoder(weights, torch.float32)
