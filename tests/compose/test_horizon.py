"""The ground line of a background."""

from __future__ import annotations

import numpy as np
import pytest
from readings import ground_of

from compose.scenery.horizon import USUAL
from pipeline.core import images


@pytest.mark.parametrize("line", [0.4, 0.55, 0.7, 0.82])
@pytest.mark.parametrize("noise", [0.0, 8.0])
def test_a_clear_line_is_found_within_a_percent(background, line, noise) -> None:
    ground = ground_of(background(line=line, noise=noise))
    assert abs(ground.line - line) < 0.01
    assert ground.confidence > 0.5


def test_a_line_half_hidden_by_furniture_is_still_found(background) -> None:
    picture = background(line=0.7)
    picture[300:520, 0:230] = (40, 60, 90)
    assert abs(ground_of(picture).line - 0.7) < 0.01


def test_the_edge_of_a_table_is_not_the_ground(background) -> None:
    picture = background(line=0.7)
    picture[330:360, 200:520] = (10, 10, 10)
    assert abs(ground_of(picture).line - 0.7) < 0.01


@pytest.mark.parametrize("size", [(16, 16), (64, 900), (900, 64), (300, 400)])
def test_a_plain_picture_of_any_shape_gives_the_usual_line_without_confidence(size) -> None:
    ground = ground_of(np.full((*size, 3), 128, np.uint8))
    assert ground.line == USUAL and ground.confidence == 0


def test_noise_alone_is_no_line() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    assert ground_of(noise).confidence < 0.3


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "line"), [("b01_sea_horizon", 0.515), ("b02_generated_room", 0.68), ("b03_generated_city_dusk", 0.75)]
)
def test_the_sample_backgrounds_have_their_known_lines(samples, name, line) -> None:
    ground = ground_of(images.read_rgb(samples / "background" / f"{name}.jpg"))
    assert abs(ground.line - line) < 0.012
    assert ground.confidence > 0.6
