"""The placement editor's picture agrees with the batch's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from measured import processor_seconds, slowness

from compose.arrangement import arrange
from compose.body import measure_body
from compose.compose_step import ComposeConfig, ComposeStep
from compose.editor_preview import PlacementPreview, scaled_body
from compose.placement import Placement
from pipeline.core import images
from pipeline.core.inputs.placement_file import PlacementSettings, Spot
from pipeline.core.inputs.placement_text import to_toml
from pipeline.core.items import Background, Garment, Pair, Person, Scene
from pipeline.core.layout import DRESSED_CUTOUT, FINAL, Layout
from pipeline.core.step import Context

SCENE = Scene(
    Pair(Person("ann", "inputs:person/ann.jpg"), Garment("tee", "inputs:cloth/tee.jpg"), "preview"),
    Background("room", "inputs:background/room.png"),
)


def person(size: tuple[int, int]) -> np.ndarray:
    """(h, w, 4) uint8: a red body on two legs."""
    tall, wide = size
    sheet = np.zeros((tall, wide, 4), np.uint8)
    for box in ((0.1, 0.6, 0.35, 0.65), (0.6, 0.95, 0.36, 0.46), (0.6, 0.95, 0.54, 0.64)):
        rows, columns = slice(int(box[0] * tall), int(box[1] * tall)), slice(int(box[2] * wide), int(box[3] * wide))
        sheet[rows, columns] = (200, 30, 30, 255)
    return sheet


def workspace(folder: Path, cutout: np.ndarray, background: np.ndarray) -> Context:
    layout = Layout(folder / "inputs", folder / "outputs")
    for ref, array in ((DRESSED_CUTOUT.of("ann__tee", "preview"), cutout), ("inputs:background/room.png", background)):
        layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
        layout.path(ref).write_bytes(images.png(array))
    return Context(layout)


def extent(picture: np.ndarray) -> np.ndarray:
    """(left, top, right, bottom) of the red person, with a threshold halfway through the edge."""
    red = picture[..., 0].astype(int) - picture[..., 1] > 70
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


AUTOMATIC = PlacementSettings()
GREY = np.full((900, 1200, 3), 128, np.uint8)
PLACES = [
    {"foot": [0.4, 0.9], "height": 0.6, "shadow": False},
    {"foot": [0.7, 0.8], "height": 0.35, "flip": True, "shadow": False},
    {"foot": [0.1, 0.97], "height": 0.7, "shadow": False},
]


@pytest.mark.slow
@pytest.mark.parametrize("photo", [(400, 240), (2400, 1400)])
@pytest.mark.parametrize("place", PLACES)
def test_the_screen_shows_people_where_the_batch_paints_them(tmp_path: Path, photo: tuple[int, int], place: dict):
    context = workspace(tmp_path, person(photo), GREY)
    preview = PlacementPreview(ComposeConfig(plain=True), context)
    wanted = PlacementSettings(spots=[Spot(**place)])
    context.layout.path("inputs:background/room.toml").write_text(to_toml(wanted))
    step = ComposeStep(ComposeConfig(plain=True), context)
    (made,) = step.run([step.read(SCENE)])
    path = context.layout.path(FINAL.of(SCENE.id, "preview"))
    path.parent.mkdir(parents=True)
    path.write_bytes(next(iter(made.files.values()))())
    opened = preview.open(SCENE)
    shown = tmp_path / "shown.jpg"
    shown.write_bytes(preview.picture(opened, wanted, 450))
    on_screen = extent(cv2.resize(images.read_rgb(shown), (1200, 900), interpolation=cv2.INTER_LINEAR))
    in_batch = extent(images.read_rgb(path))
    assert np.abs(on_screen - in_batch).max() <= 2, "one screen pixel is two of the batch's"
    box = preview.describe(opened, wanted)["figures"][0]["box"]
    assert np.abs(np.array(box) - (in_batch - [0, 0, 1, 1])).max() <= 1


def test_who_joins_is_on_the_screen_where_the_batch_paints_them_even_before_it_is_saved(tmp_path: Path):
    context = workspace(tmp_path, person((400, 240)), GREY)
    path = context.layout.path(DRESSED_CUTOUT.of("bob__top", "preview"))
    path.write_bytes(images.png(person((2400, 1400))[..., [1, 1, 0, 3]]))
    own_spot = Spot(people=["ann"], foot=[0.25, 0.9], height=0.6, shadow=False)
    joins = Spot(people=["bob"], wears="top", foot=[0.75, 0.9], height=0.6, shadow=False)
    wanted = PlacementSettings(spots=[own_spot, joins])
    preview = PlacementPreview(ComposeConfig(plain=True), context)
    opened = preview.open(SCENE)
    shown = tmp_path / "shown.jpg"
    shown.write_bytes(preview.picture(opened, wanted, 450))
    own, guest = preview.describe(opened, wanted)["figures"]
    assert (own["spot"], own["guest"], guest["spot"], guest["guest"]) == (0, "", 1, "bob__top")
    on_screen = extent(cv2.resize(images.read_rgb(shown)[..., ::-1], (1200, 900), interpolation=cv2.INTER_LINEAR))
    assert np.abs(on_screen - [0, 0, 1, 1] - guest["box"]).max() <= 2, "one screen pixel is two of the batch's"
    context.layout.path("inputs:background/room.toml").write_text(to_toml(wanted))
    assert DRESSED_CUTOUT.of("bob__top", "preview") in preview.refs(SCENE)
    step = ComposeStep(ComposeConfig(plain=True), context)
    _, figures = arrange(step.read(SCENE), opened.body, 0)
    assert [figure.placement.x for figure in figures] == [own["foot"][0], guest["foot"][0]]


def test_a_scaled_body_stands_on_the_same_point():
    alpha = person((800, 480))[..., 3]
    body = measure_body(alpha)
    assert body is not None
    small = scaled_body(body, 0.25)
    place = Placement(100.0, 300.0, 200.0)
    foot = body.feet[0]
    whole = place.matrix(body) @ [foot.x, foot.row - 0.5, 1]
    scaled = place.matrix(small) @ [small.feet[0].x, small.feet[0].row - 0.5, 1]
    assert whole == pytest.approx(scaled, abs=0.3)


def test_what_is_not_made_changes_nothing_and_inputs_stay(tmp_path: Path):
    context = workspace(tmp_path, person((400, 240)), GREY)
    preview = PlacementPreview(ComposeConfig(), context)
    opened = preview.open(SCENE)
    before = opened.inputs.background.copy(), opened.cutout.copy()
    first = preview.picture(opened, AUTOMATIC, 300)
    assert preview.picture(opened, AUTOMATIC, 300) == first
    assert (opened.inputs.background == before[0]).all() and (opened.cutout == before[1]).all()
    assert preview.placement_settings(opened) == AUTOMATIC


@pytest.mark.slow
def test_a_drag_is_answered_within_half_a_second_at_screen_size(tmp_path: Path):
    noise = np.random.default_rng(1).integers(90, 160, (3000, 4000, 3)).astype(np.uint8)
    preview = PlacementPreview(ComposeConfig(), workspace(tmp_path, person((4000, 2400)), noise))
    opened = preview.open(SCENE)
    preview.picture(opened, AUTOMATIC, 900)
    places = [PlacementSettings(spots=[Spot(foot=[0.4 + step / 50, 0.9], height=0.8)]) for step in range(4)]
    times = [processor_seconds(lambda place=place: preview.picture(opened, place, 900)) for place in places]
    assert min(times) < 0.5 * slowness(), times


@pytest.mark.parametrize("height", [1e-9, 0.001, 1e6])
def test_a_height_beyond_reason_is_answered_like_any(tmp_path: Path, height: float):
    preview = PlacementPreview(ComposeConfig(), workspace(tmp_path, person((900, 500)), np.full((300, 420, 3), 200, np.uint8)))
    opened = preview.open(SCENE)
    wanted = PlacementSettings(spots=[Spot(height=height, foot=[0.5, 0.9])])
    assert cv2.imdecode(np.frombuffer(preview.picture(opened, wanted, 300), np.uint8), cv2.IMREAD_COLOR).shape == (300, 420, 3)
    assert preview.describe(opened, wanted)["figures"]


def test_backgrounds_of_a_few_heights_are_remembered_and_no_more(tmp_path: Path):
    preview = PlacementPreview(ComposeConfig(), workspace(tmp_path, person((900, 500)), np.full((300, 420, 3), 200, np.uint8)))
    opened = preview.open(SCENE)
    for height in range(100, 140):
        assert opened.background(height).shape[0] == height
    assert list(opened.small) == [136, 137, 138, 139]
