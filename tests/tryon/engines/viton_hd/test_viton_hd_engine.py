"""The engines behind their protocol: what holds for their stages beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.core.errors import LookbookError
from pipeline.core.weights.licence import refuse_non_commercial
from tryon.engines.viton_hd.architecture import SEED
from tryon.engines.viton_hd.engine import GsVitonEngine, VitonHdEngine
from tryon.engines.viton_hd.fitting import Fit
from tryon.engines.viton_hd.labels import classes_of, parse_of
from tryon.engines.viton_hd.noise import binary_planes, seeded_draw

CPU = torch.device("cpu")


@pytest.mark.parametrize("engine", [VitonHdEngine, GsVitonEngine])
def test_their_weights_are_not_for_business(engine):
    with pytest.raises(LookbookError):
        refuse_non_commercial(engine.card.weights[0])


def test_what_a_stage_stores_on_the_canvas_comes_back_as_it_was():
    """The seed's square at half the canvas's scale: repeated pixels lose nothing, and nothing is squashed."""
    fit = Fit((1024, 768), SEED.size)
    assert fit.inner == (512, 384) and fit.corner == (0, 64)
    made = np.random.default_rng(0).integers(0, 13, SEED.size).astype(np.uint8)
    made[:, :64] = made[:, 448:] = 0
    back = fit.labels_into(fit.back(made, smooth=False))
    np.testing.assert_array_equal(back, made)


def test_a_predicted_parse_map_reads_like_a_parse_map_and_keeps_its_classes():
    classes = np.arange(13, dtype=np.uint8)
    np.testing.assert_array_equal(classes_of(parse_of(classes)), classes)


def test_the_plane_of_noise_is_0_and_1_with_the_published_share():
    planes = binary_planes([1, 2], 1, (256, 192), CPU)
    assert set(planes.unique().tolist()) == {0.0, 1.0}
    assert planes.mean() == pytest.approx(0.159, abs=0.005)
    torch.testing.assert_close(binary_planes([2], 1, (256, 192), CPU)[0], planes[1])


def test_a_pictures_noise_follows_from_its_seed_in_any_batch_and_is_drawn_with_columns_first():
    together = seeded_draw([1, 2], CPU)
    alone = seeded_draw([2], CPU)
    for size in ((4, 3), (8, 6)):
        torch.testing.assert_close(alone("head.first_norm", size)[0], together("head.first_norm", size)[1])
    first = torch.randn((3, 4), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(seeded_draw([2], CPU)("head.first_norm", (4, 3))[0, 0], first.T)
