"""Layers give the picture again; a polished floor mirrors whoever stands on it, and nobody else."""

from __future__ import annotations

import numpy as np
import pytest

from compose.body import measure_body
from compose.compose_step import ComposeConfig
from compose.layers_out import separate
from compose.painter import PLAIN, Composite, Figure, Look, compose_scene
from compose.placement import Placement
from compose.scenery.horizon import Ground
from pipeline.core.inputs.placement_file import read_placement_file
from pipeline.core.inputs.placement_text import to_toml

GROUND = Ground(0.7, 1.0)


def _figure(cutout, x: float, y: float, height: float = 300, pose: str = "standing", reflection: float | None = None) -> Figure:
    rgba = cutout(pose)
    body = measure_body(rgba[..., 3])
    assert body is not None
    return Figure(rgba, body, Placement(x, y, height), (0.3, 0.17), reflection=reflection)


def _flat(parts) -> np.ndarray:
    """What a picture editor shows: one layer over the other, in order."""
    shown = parts[0][..., :3].astype(np.float64)
    assert (parts[0][..., 3] == 255).all()
    for part in parts[1:]:
        share = part[..., 3:] / 255
        shown = shown * (1 - share) + part[..., :3] * share
    return shown


def _apart(background: np.ndarray, figures: list[Figure], look: Look) -> tuple[Composite, list[np.ndarray]]:
    composite = compose_scene(background, figures, GROUND, look)
    return composite, list(separate(background, composite.strokes))


@pytest.mark.parametrize("look", [ComposeConfig().look(), PLAIN, ComposeConfig(reflection=0.6).look()])
def test_three_layers_give_a_group_picture_again(cutout, background, look: Look) -> None:
    picture = background(noise=6.0)
    group = [_figure(cutout, 300, 520), _figure(cutout, 380, 570, 360, "striding"), _figure(cutout, 700, 560)]
    composite, parts = _apart(picture, group, look)
    assert [part.shape for part in parts] == [(600, 900, 4)] * 3
    assert np.abs(_flat(parts) - composite.rgb).max() <= 2


def test_the_people_s_layer_holds_people_and_the_ground_s_only_what_lies_there(cutout, background) -> None:
    picture = background()
    _, (behind, ground, people) = _apart(picture, [_figure(cutout, 300, 520)], ComposeConfig().look())
    assert np.array_equal(behind[..., :3], picture)
    assert people[340, 300, 3] == 255 and people[400, 700, 3] == 0
    assert ground[..., 3].max() > 60 and ground[:300, :, 3].max() == 0
    assert (ground[ground[..., 3] > 0][:, :3] == 0).all()


def test_a_polished_floor_mirrors_the_shoes_and_fades(cutout, background) -> None:
    picture = background((900, 900), line=0.5)
    without = compose_scene(picture, [_figure(cutout, 450, 640)], GROUND, ComposeConfig().look())
    mirrored = compose_scene(picture, [_figure(cutout, 450, 640)], GROUND, ComposeConfig(reflection=0.5).look())
    change = np.abs(mirrored.rgb.astype(int) - without.rgb).max(2)
    assert change[:600].max() <= 3
    near, far = change[645:665, 400:500].max(), change[735:755, 400:500].max()
    assert near > 3 * far and near > 15
    assert change[800:].max() == 0


def test_reflection_is_off_unless_asked_for_and_always_with_plain(cutout, background) -> None:
    picture, someone = background((900, 900)), _figure(cutout, 450, 640)
    asked = _figure(cutout, 450, 640, reflection=0.5)

    def strokes(figure: Figure, look: Look) -> int:
        return len(compose_scene(picture, [figure], GROUND, look).strokes)

    assert strokes(someone, ComposeConfig().look()) == 2 and strokes(asked, ComposeConfig().look()) == 3
    assert strokes(asked, PLAIN) == 1
    assert strokes(_figure(cutout, 450, 640, reflection=0.0), ComposeConfig(reflection=0.5).look()) == 2


def test_each_foot_of_a_striding_person_is_mirrored_at_its_own_sole(cutout, background) -> None:
    picture = np.full((900, 900, 3), 128, np.uint8)
    figure = _figure(cutout, 450, 640, 400, "striding")
    composite = compose_scene(
        picture, [figure], GROUND, ComposeConfig(contact_shadow=0, cast_shadow=0, colour=0, reflection=1.0).look()
    )
    plain = compose_scene(picture, [figure], GROUND, PLAIN)
    change = np.abs(composite.rgb.astype(int) - plain.rgb).max(2)
    for foot in figure.body.feet:
        x, row = (figure.placement.matrix(figure.body) @ [foot.x, foot.row, 1]).round().astype(int)
        assert change[row + 3 : row + 12, x].min() > 20


def test_a_background_s_file_can_ask_for_it_and_is_written_back(background) -> None:
    placement_settings = read_placement_file("reflection = 0.3\n[[placements]]\n[[placements]]\nreflection = 0.0\n", "sea.toml")
    assert [spot.reflection for spot in placement_settings.spots] == [0.3, 0.0]
    assert read_placement_file(to_toml(placement_settings), "sea.toml") == placement_settings
