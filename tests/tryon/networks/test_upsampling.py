"""Four 2x2 convolutions of the small map say what one 3x3 convolution of the repeated map says."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.upsampling import Upsample2D

from tryon.networks.savings.swapping import use_cheaper_layers, use_plain_layers
from tryon.networks.savings.switches import ALL, OFFICIAL
from tryon.networks.savings.upsampling import FoldedUpsample


def upsamples(savings=ALL, dtype=torch.float32):
    torch.manual_seed(0)
    plain, ours = (Upsample2D(8, use_conv=True, out_channels=6).to(dtype).requires_grad_(False) for _ in range(2))
    ours.load_state_dict(plain.state_dict())
    use_cheaper_layers([ours], savings)
    return plain, ours


@pytest.mark.parametrize("size", [(5, 3), (1, 1), (4, 8)])
def test_folding_gives_the_enlarged_and_convolved_map_up_to_its_border(size):
    plain, ours = upsamples()
    x = torch.randn(2, 8, *size)
    assert isinstance(ours, FoldedUpsample)
    assert torch.allclose(ours(x), plain(x), atol=1e-5)


def test_folding_in_bf16_stays_within_its_rounding():
    plain, ours = upsamples(dtype=torch.bfloat16)
    x = torch.randn(1, 8, 6, 6).bfloat16()
    exact = plain.float()(x.float())
    assert (ours(x).float() - exact).norm() < 0.01 * exact.norm()


def test_the_folded_kernels_follow_a_change_of_number_format_and_are_saved_nowhere():
    plain, ours = upsamples()
    ours(torch.randn(1, 8, 4, 4))
    assert ours.state_dict().keys() == plain.state_dict().keys()
    assert ours.to(torch.float64)(torch.randn(1, 8, 4, 4).double()).dtype == torch.float64


def test_a_size_that_is_not_the_double_is_left_to_the_library_and_harms_no_later_call():
    plain, ours = upsamples()
    x = torch.randn(1, 8, 4, 4)
    assert torch.allclose(ours(x, output_size=(9, 9)), plain(x, output_size=(9, 9)), atol=1e-5)
    assert torch.allclose(ours(x), plain(x), atol=1e-5)


def test_switched_off_or_taken_back_it_is_the_library_s_layer():
    assert type(upsamples(OFFICIAL)[1]) is Upsample2D
    _, ours = upsamples()
    use_plain_layers(ours)
    assert type(ours) is Upsample2D
