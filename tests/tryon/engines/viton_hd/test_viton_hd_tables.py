"""Tables in place of label convolutions: the same picture, in any map, batch and number format."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import OFFICIAL, SEED
from tryon.engines.viton_hd.inference import guide_of
from tryon.engines.viton_hd.tabled import paint
from tryon.engines.viton_hd.windows import windows_of

SIZE = (256, 128)


def generator(architecture) -> Generator:
    torch.manual_seed(1)
    network = Generator(replace(architecture, size=SIZE, generator_width=4)).eval().requires_grad_(False)
    for name, weight in network.named_parameters():
        if name.endswith("noise_scale"):
            weight.normal_(0, 0.2)
    return network.to(memory_format=torch.channels_last)


def drawn_people(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes in blocks of eight pixels, and a warped mask with a soft rim."""
    random = torch.Generator().manual_seed(2)
    coarse = torch.randint(0, 13, (batch, SIZE[0] // 8, SIZE[1] // 8), generator=random)
    coarse[:, 8:24, 4:12] = 3
    classes = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
    mask = torch.zeros(batch, 1, *SIZE)
    mask[..., 80:170, 45:90] = 1
    return classes, torch.nn.functional.avg_pool2d(mask, 3, 1, 1)


def noise(name: str, size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(2, 1, *size, generator=torch.Generator().manual_seed(len(name) + size[0]))


@pytest.mark.parametrize("architecture", [OFFICIAL, SEED], ids=["official", "seed"])
@pytest.mark.parametrize("area", ["soft", "none", "everything"])
@torch.inference_mode()
def test_the_picture_is_the_dense_forms(architecture, area):
    network = generator(architecture)
    classes, mask = drawn_people(2)
    misaligned = {"soft": (classes == 3)[:, None] * (1 - mask), "none": mask * 0, "everything": mask * 0 + 1}[area]
    guide = guide_of(architecture, classes, misaligned)
    shown = torch.randn(2, 9, *SIZE, generator=torch.Generator().manual_seed(3)).tanh()
    dense, tabled = network(shown, guide, noise), paint(network, shown, guide, noise)
    assert dense.std() > 0.05
    torch.testing.assert_close(tabled, dense, rtol=0, atol=2e-5)


@torch.inference_mode()
def test_sixteen_bits_stay_near_and_neighbours_in_a_batch_do_not_matter():
    network = generator(OFFICIAL)
    classes, mask = drawn_people(2)
    guide = guide_of(OFFICIAL, classes, (classes == 3)[:, None] * (1 - mask))
    shown = torch.randn(2, 9, *SIZE, generator=torch.Generator().manual_seed(3)).tanh()
    exact = paint(network, shown, guide, noise)
    alone = paint(network, shown[:1], guide_of(OFFICIAL, classes[:1], guide.misaligned[:1]), lambda *a: noise(*a)[:1])
    torch.testing.assert_close(alone, exact[:1], rtol=0, atol=1e-5)
    coarse = paint(network.bfloat16(), shown.bfloat16(), guide, noise)
    assert (coarse - exact).norm() / exact.norm() < 0.05


def test_equal_windows_are_one_row_whatever_lies_around_and_the_border_is_a_window_of_its_own():
    labels = torch.zeros(2, 20, 20)
    labels[0], labels[0, 8:, 8:] = 1, 0
    labels[1, 8:, 8:] = 1
    windows = windows_of(labels, torch.zeros(20, 20))
    rows = windows.rows.reshape(20, 20)
    assert rows[3, 3] == rows[4, 4] and rows[15, 15] == rows[16, 16] != rows[3, 3]
    assert rows[12, 7] == rows[13, 7] != rows[12, 6]  # along the edge
    assert rows[0, 5] == rows[0, 6] != rows[2, 5] and rows[1, 5] == rows[1, 6]
    assert len(windows.mask) < 80


def test_a_fraction_is_never_shared():
    mask = torch.zeros(12, 12)
    mask[5, 5], mask[5, 6] = 0.25, 0.75
    rows = windows_of(torch.ones(1, 12, 12), mask).rows.reshape(12, 12)
    assert rows[5, 5] != rows[5, 6] and rows[4, 3] != rows[4, 2]
