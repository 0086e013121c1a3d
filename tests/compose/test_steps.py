"""The two shells: what they read and write, and the pictures that come out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_anew import SIZE, drawn_anew

from compose.compose_step import ComposeConfig, ComposeStep
from compose.outfit_step import REUSED, OutfitStep
from compose.restore_step import RestoreConfig, RestoreStep
from pipeline.core import images
from pipeline.core.card import Card
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.frame import Frame
from pipeline.core.items import Background, Garment, Pair, Person, Scene
from pipeline.core.labels import BodyPart, Parse
from pipeline.core.layout import (
    AGNOSTIC_MASK,
    CUTOUT,
    DENSEPOSE_IUV,
    DRESSED_CUTOUT,
    FINAL,
    FRAME,
    IMAGE,
    LANDMARKS,
    MATTE,
    PARSE,
    TRYON,
    Layout,
    settings_file,
)
from pipeline.core.rect import Rect
from pipeline.core.step import Context, Produced

PHOTO = (800, 600)
PAIR = Pair(Person("ann", "inputs:person/ann.png"), Garment("tee", "inputs:cloth/tee.png"), "preview")


def _put(layout: Layout, ref: str, data: bytes) -> None:
    path = layout.path(ref)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _store(layout: Layout, produced: Produced) -> None:
    for ref, encode in produced.files.items():
        _put(layout, ref, encode())


def _world(folder: Path, person, pose: str = "standing") -> Context:
    """Inputs and artefacts of one drawn person who gets a red stripe across the chest."""
    layout = Layout(folder / "inputs", folder / "outputs", folder / "weights")
    alpha = person(pose)
    share = alpha[..., None] / 255
    photo = (np.array([200, 205, 210]) * (1 - share) + np.array([70, 80, 160]) * share + 0.5).astype(np.uint8)
    frame = Frame(*PHOTO, 0, 0, 800, 1024, 768)
    canvas = frame.to_canvas(photo)
    mask = np.zeros((1024, 768), bool)
    mask[180:540, 250:520] = True
    result = canvas.copy()
    cv2.rectangle(result, (290, 260), (478, 420), (200, 30, 40), -1)
    _put(layout, PAIR.person.source, images.png(photo))
    _put(layout, FRAME.of("ann"), images.text(frame.to_json()))
    _put(layout, MATTE.of("ann"), images.png(alpha))
    _put(layout, CUTOUT.of("ann"), images.png(np.dstack([np.full((*PHOTO, 3), (70, 80, 160), np.uint8), alpha])))
    _put(layout, AGNOSTIC_MASK.of("ann", PAIR.garment.category), images.mask_png(mask))
    _put(layout, IMAGE.of("ann"), images.png(canvas))
    _put(layout, TRYON.of(PAIR.id, "preview"), images.png(result))
    return Context(layout)


def _restored(context: Context, backend=None) -> Produced:
    step = RestoreStep(RestoreConfig(), context, backend)
    step.load()
    (produced,) = step.run([step.read(PAIR)])
    assert set(produced.files) == set(step.writes(PAIR))
    _store(context.layout, produced)
    return produced


def _scene(context: Context, picture: np.ndarray, config: ComposeConfig | None = None, toml: str = "", name: str = "sea"):
    scene = Scene(PAIR, Background(name, f"inputs:background/{name}.png"))
    _put(context.layout, scene.background.source, images.png(picture))
    if toml:
        _put(context.layout, settings_file(scene.background.source), toml.encode())
    step = ComposeStep(config or ComposeConfig(), context)
    (produced,) = step.run([step.read(scene)])
    _store(context.layout, produced)
    path = context.layout.path(FINAL.of(scene.id, "preview"))
    return images.read_rgb(path), images.read_recipe(path), produced


def test_restore_reads_only_what_it_says(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    step = RestoreStep(RestoreConfig(), context)
    wanted = {context.layout.path(ref) for ref in step.reads(PAIR)}
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()
    _restored(context)


def test_the_dressed_photo_has_the_photos_size_and_pixels_outside_the_mask(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    produced = _restored(context)
    final = images.read_rgb(context.layout.path(FINAL.of(f"{PAIR.id}__original", "preview")))
    photo = images.read_rgb(context.layout.path(PAIR.person.source))
    assert final.shape == photo.shape
    differs = (final != photo).any(2)
    rows, columns = np.nonzero(differs)
    assert rows.min() > 190 and rows.max() < 345 and columns.min() > 220 and columns.max() < 380
    assert tuple(final[260, 300]) == (200, 30, 40)
    assert float(produced.facts["changed"]) == pytest.approx(differs.mean(), rel=0.3)


def test_the_dressed_cutout_shows_the_new_cloth(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    cutout = images.read_rgba(context.layout.path(DRESSED_CUTOUT.of(PAIR.id, "preview")))
    alpha = images.read_grey(context.layout.path(MATTE.of("ann")))
    assert tuple(cutout[260, 300]) == (200, 30, 40, 255)
    assert np.abs(cutout[..., 3].astype(int) - alpha).mean() < 0.5


def test_kept_parts_stay_the_photos_own(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    parse = np.zeros((1024, 768), np.uint8)
    parse[300:340, 290:478] = Parse.HAIR
    _put(context.layout, PARSE.of("ann"), images.labels_png(parse))
    step = RestoreStep(RestoreConfig(keep=("hair",)), context)
    assert PARSE.of("ann") in step.may_read(PAIR)
    dressing_ref, _ = step.writes(PAIR)
    (produced,) = step.run([step.read(PAIR)])
    _store(context.layout, produced)
    final = images.read_rgb(context.layout.path(dressing_ref))
    photo = images.read_rgb(context.layout.path(PAIR.person.source))
    assert np.array_equal(final[238:262, 230:370], photo[238:262, 230:370])
    assert tuple(final[290, 300]) == (200, 30, 40)


def test_the_backend_is_asked_only_when_the_body_may_have_become_narrower(tmp_path, person) -> None:
    class Counting:
        card = Card(name="counting")
        loaded = calls = 0

        def load(self, device: str) -> None:
            self.loaded += 1

        def matte_in(self, photo: np.ndarray, box: Rect[float]) -> np.ndarray:
            self.calls += 1
            return np.zeros(photo.shape[:2], np.uint8)

    backend = Counting()
    _restored(_world(tmp_path, person), backend)
    assert (backend.loaded, backend.calls) == (1, 0)


def test_artefacts_of_another_size_are_refused_by_name(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    _put(context.layout, MATTE.of("ann"), images.png(np.zeros((10, 10), np.uint8)))
    with pytest.raises(InputError, match=r"matte of ann__tee is 10×10, expected 600×800"):
        RestoreStep(RestoreConfig(), context).read(PAIR)


def test_both_steps_give_the_same_bytes_twice(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    first = {ref: encode() for ref, encode in _restored(context).files.items()}
    assert first == {ref: encode() for ref, encode in _restored(context).files.items()}
    _, _, once = _scene(context, background(noise=4.0))
    _, _, twice = _scene(context, background(noise=4.0))
    assert [encode() for encode in once.files.values()] == [encode() for encode in twice.files.values()]


@pytest.mark.parametrize("size", [(600, 900), (900, 400), (40, 60), (300, 1200)])
def test_scenes_have_the_backgrounds_size(tmp_path, person, background, size) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    picture = background(size)
    final, recipe, _ = _scene(context, picture)
    assert final.shape == picture.shape
    assert (final != picture).any()
    assert recipe is not None and recipe["scene"] == "ann__tee__sea"


def test_grey_and_transparent_backgrounds_work(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    colour = background()
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    half = np.dstack([colour, np.full(colour.shape[:2], 128, np.uint8)])
    for name, picture in (("grey", grey), ("half", half)):
        final, _, _ = _scene(context, picture, name=name)
        assert final.shape == colour.shape


def test_the_placement_file_and_the_picture_agree_within_a_pixel(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    picture = background((600, 900))
    final, recipe, _ = _scene(context, picture, ComposeConfig(plain=True), "foot = [200, 500]\nheight = 300")
    rows, columns = np.nonzero(np.abs(final.astype(int) - picture).max(2) > 60)
    assert abs(rows.max() + 1 - 500) <= 1
    assert abs(rows.max() + 1 - rows.min() - 300) <= 2
    assert abs((columns.min() + columns.max()) / 2 - 200) <= 1
    assert recipe is not None and recipe["placements"][0]["foot"] == [200, 500]


GROUP = """
[[placements]]
people = ["ann"]
foot = [0.25, 0.95]
[[placements]]
people = ["bob"]
wears = "coat"
foot = [0.7, 0.8]
"""


def test_people_join_each_other_s_pictures_smaller_the_farther_they_stand(tmp_path, person, background, cutout) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    _put(context.layout, DRESSED_CUTOUT.of("bob__coat", "preview"), images.png(cutout("standing", (20, 160, 40))))
    final, recipe, produced = _scene(context, background((600, 900), 0.6), ComposeConfig(plain=True), GROUP)
    assert recipe is not None and recipe["guests"] == ["bob__coat"]
    near, far = recipe["placements"]
    assert far["height"] / near["height"] == pytest.approx((0.8 - 0.6) / (0.95 - 0.6), abs=0.03)
    green = (final[..., 1].astype(int) - final[..., 0] > 60).nonzero()
    assert green[0].max() + 1 == pytest.approx(480, abs=1)
    assert (green[1].min() + green[1].max()) / 2 == pytest.approx(630, abs=1)
    assert len(produced.facts["scale"].split()) == 2


def test_a_picture_follows_the_clothes_of_whoever_joins_it(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    scene = Scene(PAIR, Background("sea", "inputs:background/sea.png"))
    _put(context.layout, settings_file(scene.background.source), GROUP.encode())
    step = ComposeStep(ComposeConfig(), context)
    assert {DRESSED_CUTOUT.of("bob__coat", "preview"), FRAME.of("bob")} <= set(step.may_read(scene))
    _restored(context)
    with pytest.raises(InputError, match="bob__coat is to join, but is not dressed by preview") as caught:
        _scene(context, background((600, 900)), toml=GROUP)
    assert "--only bob__coat" in caught.value.remedy
    _put(context.layout, settings_file(scene.background.source), b"wears = 3")
    assert not any("bob" in ref for ref in step.may_read(scene))


def test_who_joins_without_a_place_stands_beside_the_others_inside_the_picture(tmp_path, person, background, cutout) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    for name in ("bob", "cat", "dan"):
        _put(context.layout, DRESSED_CUTOUT.of(f"{name}__coat", "preview"), images.png(cutout()))
    group = "".join(f'[[placements]]\npeople = ["{name}"]\nwears = "coat"\n' for name in ("bob", "cat", "dan"))
    _, recipe, _ = _scene(context, background((600, 900)), toml=group)
    assert recipe is not None
    columns = sorted(each["foot"][0] for each in recipe["placements"])
    assert len(columns) == 4 and columns[0] >= 0 and columns[-1] <= 900
    assert min(np.diff(columns)) > 150


def test_plain_leaves_every_pixel_beside_the_person_alone(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    picture = background((600, 900), noise=5.0)
    plain, _, _ = _scene(context, picture, ComposeConfig(plain=True), "foot = [200, 500]\nheight = 300")
    lit, _, _ = _scene(context, picture, ComposeConfig(), "foot = [200, 500]\nheight = 300")
    beside = np.ones((600, 900), bool)
    beside[195:505, 130:270] = False
    assert np.array_equal(plain[beside], picture[beside])
    assert not np.array_equal(lit[beside], picture[beside])


def test_a_wrong_key_in_the_placement_file_fails_this_scene_with_its_name(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    with pytest.raises(InputError, match=r"sea\.toml"):
        _scene(context, background(), toml="heigth = 1")


def test_the_list_of_backgrounds_places_people_and_the_reading_is_told(tmp_path, person, background, caplog) -> None:
    caplog.set_level("INFO", "lookbook")
    context = _world(tmp_path, person)
    _restored(context)
    _put(context.layout, "inputs:backgrounds.txt", b"background/sea.png bg_images/sea.txt\n")
    _put(context.layout, "inputs:bg_images/sea.txt", b"0.25 0.9 0.5\n")
    _, recipe, produced = _scene(context, background((600, 900)))
    assert recipe is not None and recipe["placements"][0]["foot"] == [225, 540]
    assert "foot point" in produced.facts["positions"]
    assert [record.message for record in caplog.records] == ["sea.txt: read as foot point x y and height"]


def test_enlarging_is_flagged_and_an_ordinary_scene_is_not(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    _, _, ordinary = _scene(context, background((600, 900)))
    assert ordinary.notices == ()
    _, _, large = _scene(context, background((2400, 2000)), name="wide")
    assert [notice.flag for notice in large.notices] == [Flag.PERSON_ENLARGED]


def test_an_empty_cutout_is_an_error_with_a_remedy(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _put(context.layout, DRESSED_CUTOUT.of(PAIR.id, "preview"), images.png(np.zeros((*PHOTO, 4), np.uint8)))
    with pytest.raises(InputError) as caught:
        _scene(context, background())
    assert "--step compose" in caught.value.remedy


def test_the_signature_changes_with_the_runs_seed_and_nothing_names_a_path(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    scene = Scene(PAIR, Background("sea", "inputs:background/sea.png"))
    other = Context(context.layout, seed=5)
    for kind, config, item in ((ComposeStep, ComposeConfig(), scene), (RestoreStep, RestoreConfig(), PAIR)):
        here, there = kind(config, context).signature(item), kind(config, other).signature(item)
        assert here != there
        assert str(tmp_path) not in str(here)


def _files(context: Context, produced: Produced) -> dict[str, np.ndarray]:
    return {ref: images.read_rgb(context.layout.path(ref)) for ref in produced.files if not ref.startswith("layers/")}


def test_a_scene_comes_in_every_size_and_format_that_is_asked_for(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    config = ComposeConfig(format="webp", quality=80, crop="3:4", long_side_px=400, sizes=("1:1@300", "16:9"))
    scene = Scene(PAIR, Background("sea", "inputs:background/sea.png"))
    _put(context.layout, scene.background.source, images.png(background((600, 900))))
    step = ComposeStep(config, context)
    (produced,) = step.run([step.read(scene)])
    assert tuple(produced.files) == tuple(step.writes(scene))
    _store(context.layout, produced)
    shapes = {ref: rgb.shape[:2] for ref, rgb in _files(context, produced).items()}
    assert shapes == {
        "final/preview/ann__tee__sea.webp": (400, 300),
        "sizes/preview/1x1-300/ann__tee__sea.webp": (300, 300),
        "sizes/preview/16x9/ann__tee__sea.webp": (506, 900),
    }
    for ref in shapes:
        assert images.read_recipe(context.layout.path(ref))["scene"] == "ann__tee__sea"


def test_layers_have_the_cut_picture_s_size_and_give_it_again(tmp_path, person, background) -> None:
    context = _world(tmp_path, person)
    _restored(context)
    _, _, produced = _scene(context, background((600, 900), noise=5), ComposeConfig(layers=True, crop="1:1", long_side_px=500))
    refs = list(produced.files)
    assert [ref.rpartition("sea")[2] for ref in refs] == [".png", "-1-background.png", "-2-shadow.png", "-3-person.png"]
    shown = images.read_rgb(context.layout.path(refs[0])).astype(float)
    below, shadow, someone = (images.read_rgba(context.layout.path(ref)).astype(float) for ref in refs[1:])
    again = below[..., :3]
    for layer in (shadow, someone):
        again = again + (layer[..., :3] - again) * layer[..., 3:] / 255
    assert shown.shape == (500, 500, 3) and np.abs(again - shown).max() <= 2


def test_the_dressed_photo_comes_in_sizes_too_cut_round_the_person(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    config = RestoreConfig(format="jpeg", quality=95, sizes=("3:4", "1:1@200"), metadata=False)
    step = RestoreStep(config, context)
    (produced,) = step.run([step.read(PAIR)])
    assert tuple(sorted(produced.files)) == tuple(sorted(step.writes(PAIR)))
    _store(context.layout, produced)
    name = "ann__tee__original.jpg"
    sizes = {ref: images.picture_size(context.layout.path(ref)) for ref in produced.files if ref.endswith(".jpg")}
    assert sizes == {
        f"final/preview/{name}": PHOTO,
        f"sizes/preview/3x4/{name}": (800, 600),
        f"sizes/preview/1x1-200/{name}": (200, 200),
    }
    assert [notice.flag for notice in produced.notices if notice.flag is Flag.SIZE_CUTS_PERSON] == [Flag.SIZE_CUTS_PERSON]
    assert images.read_recipe(context.layout.path(f"final/preview/{name}")) is None


def test_hands_alone_can_stay_the_photo_s(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    parse, parts = np.zeros((1024, 768), np.uint8), np.zeros((1024, 768), np.uint8)
    parse[260:420, 290:478] = Parse.LEFT_ARM
    parse[260:300, 290:478] = Parse.UPPER_CLOTHES
    parts[260:340, 290:478] = BodyPart.LEFT_HAND
    _put(context.layout, PARSE.of("ann"), images.labels_png(parse))
    _put(context.layout, DENSEPOSE_IUV.of("ann"), images.npz({"I": parts}))
    step = RestoreStep(RestoreConfig(keep=("hands",)), context)
    assert DENSEPOSE_IUV.of("ann") in step.may_read(PAIR)
    mask = step.read(PAIR).mask
    assert mask[270, 300] and not mask[320, 300] and mask[400, 300]


def test_the_first_pass_of_an_outfit_makes_a_person_who_stands_as_in_the_photo(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    layout = context.layout
    for kind in REUSED[1:]:
        _put(layout, kind.of("ann"), f'{{"kind": "{kind.path}"}}'.encode())
    halfway = Person("ann+tee", "outfit/ann+tee.png", after=PAIR)
    step = OutfitStep(RestoreConfig(format="jpeg", crop="1:1", long_side_px=100), context)
    (produced,) = step.run([step.read(halfway)])
    assert set(produced.files) == set(step.writes(halfway))
    _store(layout, produced)
    _store(layout, _restored(context))
    for kind in REUSED:
        assert layout.path(kind.of("ann+tee")).read_bytes() == layout.path(kind.of("ann")).read_bytes()
    made = images.read_rgb(layout.path(halfway.source))
    assert (made == images.read_rgb(layout.path(FINAL.of(f"{PAIR.id}__original", "preview")))).all()
    cutout = images.read_rgba(layout.path(CUTOUT.of("ann+tee")))
    assert (cutout == images.read_rgba(layout.path(DRESSED_CUTOUT.of(PAIR.id, "preview")))).all()
    assert (cutout[..., 3] == images.read_grey(layout.path(MATTE.of("ann+tee")))).all()
    canvas = images.read_rgb(layout.path(IMAGE.of("ann+tee"))).astype(int)
    assert np.abs(canvas - images.read_rgb(layout.path(TRYON.of(PAIR.id, "preview")))).mean() < 1.5


def test_how_finished_pictures_are_handed_on_does_not_redo_a_first_pass(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    plain, other = (OutfitStep(config, context).config for config in (RestoreConfig(), RestoreConfig(format="webp", quality=70)))
    assert plain.model_dump() == other.model_dump()
    assert OutfitStep(RestoreConfig(feather_px=2), context).config != plain


def _drawn_without_mask(context: Context, parse: np.ndarray | None = None) -> Produced:
    """The world's picture as an engine hands it back that uses no mask; its face is above the garment."""
    layout = context.layout
    ref = TRYON.of(PAIR.id, "preview")
    recipe = {"mask_free": True, "sampling": {"size": list(SIZE)}}
    _put(layout, ref, images.png(drawn_anew(images.read_rgb(layout.path(ref))), recipe))
    if parse is not None:
        _put(layout, PARSE.of("ann"), images.labels_png(parse))
    oval = [[270, 60], [330, 60], [330, 130], [270, 130]]
    _put(layout, LANDMARKS.of("ann"), json.dumps({"face_oval": oval}).encode())
    step = RestoreStep(RestoreConfig(), context)
    looks = iter([np.array([[0, 0], [100, 0], [0, 100]], np.float32), np.array([[0, 60], [60, 0], [90, 100]], np.float32)])
    step.read_face = lambda face: next(looks)
    (produced,) = step.run([step.read(PAIR)])
    _store(layout, produced)
    return produced


def test_of_an_engine_without_mask_only_the_garment_reaches_the_photo_and_another_face_is_flagged(tmp_path, person) -> None:
    context = _world(tmp_path, person)
    produced = _drawn_without_mask(context)
    final = images.read_rgb(context.layout.path(FINAL.of(f"{PAIR.id}__original", "preview")))
    photo = images.read_rgb(context.layout.path(PAIR.person.source))
    rows, columns = np.nonzero((final != photo).any(2))
    assert final.shape == photo.shape and rows.min() > 185 and rows.max() < 345 and columns.min() > 210 and columns.max() < 390
    assert np.abs(final[230:300, 250:350].mean((0, 1)) - (200, 30, 40)).max() < 3
    assert Flag.FACE_REDRAWN in {notice.flag for notice in produced.notices}
    assert Flag.FACE_CHANGED not in {notice.flag for notice in produced.notices}


def test_of_an_engine_without_mask_an_old_garment_that_was_left_is_flagged_although_every_pixel_was_drawn_anew(
    tmp_path, person
) -> None:
    context = _world(tmp_path, person)
    parse = np.zeros((1024, 768), np.uint8)
    parse[180:540, 270:500] = Parse.UPPER_CLOTHES
    produced = _drawn_without_mask(context, parse)
    assert Flag.OLD_GARMENT_LEFT in {notice.flag for notice in produced.notices}
    assert float(produced.facts["old_garment"]) > 0.5
