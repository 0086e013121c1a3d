"""Every harmoniser keeps the door's promises."""

from __future__ import annotations

import numpy as np
import pytest

from compose.layer import Layer
from compose.scenery.horizon import Ground
from compose.shading.harmonise import Harmoniser, MeasuredLight
from compose.shading.scene_light import find_scene_light
from tests.support.drawn_scenes import LINE, draw_scene


def _layer() -> Layer:
    colour = np.random.default_rng(4).uniform(0, 255, (120, 60, 3)).astype(np.float32)
    alpha = np.zeros((120, 60), np.float32)
    alpha[10:-10, 10:-10] = 1
    return Layer(150, 200, colour, alpha)


@pytest.mark.parametrize("harmoniser", [MeasuredLight()])
@pytest.mark.parametrize("name", ["dusk", "low sun left", "white studio"])
def test_a_harmoniser_gives_colours_of_the_same_shape_and_leaves_its_arguments_alone(harmoniser: Harmoniser, name) -> None:
    layer, scene = _layer(), draw_scene(name)
    light = find_scene_light(scene, Ground(LINE, 1.0))
    before = layer.colour.copy(), layer.alpha.copy(), scene.copy()
    first, again = (harmoniser.harmonise(layer, scene, light, 0.35) for _ in range(2))
    assert first.shape == layer.colour.shape and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 255 and np.array_equal(first, again)
    assert all(np.array_equal(*each) for each in zip(before, (layer.colour, layer.alpha, scene), strict=True))
    assert np.array_equal(harmoniser.harmonise(layer, scene, light, 0.0), layer.colour)
