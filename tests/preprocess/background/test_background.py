"""The background step on real photos: mattes, flags, group photos, errors, repeatable bytes."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.core import images, masks
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.items import Person
from pipeline.core.layout import CUTOUT, LANDMARKS, MATTE, Layout
from pipeline.core.step import Context, Produced
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.step import BackgroundConfig, BackgroundStep, with_given_alpha
from preprocess.person.landmarks import Landmarks

pytestmark = pytest.mark.samples

REAL_PROBLEMS = {
    "p05": {Flag.PROFILE_VIEW},
    "p10": {Flag.ARMS_ACROSS_TORSO},
    "p13": {Flag.ARMS_ACROSS_TORSO},
}
PEOPLE = [f"p{number:02d}" for number in range(1, 15)]


@pytest.fixture(scope="module")
def backend() -> EmbeddedMatte:
    return EmbeddedMatte()


@pytest.fixture
def run(tmp_path, backend):
    """Run the step on one picture put into a fresh inputs folder; returns what it produced."""
    (tmp_path / "person").mkdir()

    def one(photo: Path | np.ndarray, settings: str = "", megapixels: float = 24.0) -> Produced:
        name = "ann.png" if isinstance(photo, np.ndarray) else f"ann{photo.suffix}"
        path = tmp_path / "person" / name
        if isinstance(photo, np.ndarray):
            Image.fromarray(photo).save(path)
        else:
            shutil.copyfile(photo, path)
        if settings:
            path.with_suffix(".toml").write_text(settings)
        step = BackgroundStep(BackgroundConfig(), Context(Layout(tmp_path), max_megapixels=megapixels), backend)
        person = Person("ann", f"inputs:person/{name}")
        [produced] = step.run([step.read(person)])
        assert set(produced.files) == set(step.writes(person))
        return produced

    return one


def _sample(samples: Path, start: str) -> Path:
    [path] = (samples / "person").glob(f"{start}_*")
    return path


def _pixels(samples: Path, start: str) -> np.ndarray:
    return images.read_photo(_sample(samples, start)).rgb


def _matte(produced: Produced) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(produced.files[MATTE.of("ann")]())))


def _landmarks(produced: Produced) -> Landmarks:
    return Landmarks.from_json(produced.files[LANDMARKS.of("ann")]().decode())


def _beside(left: np.ndarray, right: np.ndarray, height: int = 640) -> np.ndarray:
    sized = [cv2.resize(each, (round(each.shape[1] * height / each.shape[0]), height)) for each in (left, right)]
    return np.hstack(sized)


@pytest.mark.slow
@pytest.mark.parametrize("start", PEOPLE)
def test_each_sample_has_exactly_the_flags_of_its_real_problems(run, samples, start):
    produced = run(_sample(samples, start))
    assert {notice.flag for notice in produced.notices} == REAL_PROBLEMS.get(start, set())
    assert all(notice.detail for notice in produced.notices)


def test_the_matte_agrees_with_a_photo_cut_out_by_hand(run, samples):
    path = samples / "vitonhd_like/tryyours_hrviton_set/test/image/00001_00.jpg"
    rgb = images.read_photo(path).rgb
    truth = masks.fill_holes(masks.largest(masks.open_(np.abs(rgb.astype(int) - 215).max(2) > 14, 2)), 3000)
    assert masks.iou(_matte(run(path)) >= 128, truth) > 0.975


def test_a_hat_with_a_brim_stays_on(run, samples):
    """The right half of the brim, before somebody's white trousers, was lost by the first version."""
    matte = _matte(run(_sample(samples, "p04")))
    assert matte[60:150, 375:395].mean() > 200


def test_the_helmet_on_the_table_is_not_part_of_the_astronaut(run, samples):
    matte = _matte(run(_sample(samples, "p14")))
    assert matte[430:500, 320:480].mean() < 5


def test_cutout_and_landmarks_fit_the_photo(run, samples):
    produced = run(_sample(samples, "p05"))
    rgba = np.asarray(Image.open(io.BytesIO(produced.files[CUTOUT.of("ann")]())))
    landmarks = _landmarks(produced)
    assert rgba.shape == (480, 852, 4)
    assert np.array_equal(rgba[..., 3], _matte(produced))
    assert landmarks.photo_size == (480, 852)
    assert landmarks.face_oval.shape == (36, 2)
    assert landmarks.box == masks.box_of(rgba[..., 3] >= 128)


@pytest.mark.slow
@pytest.mark.parametrize("pair", [("p01", "p10"), ("p13", "p07")])
@pytest.mark.parametrize("wanted", [1, 2])
def test_the_person_asked_for_is_cut_out_alone(run, samples, pair, wanted):
    left, right = (_pixels(samples, start) for start in pair)
    photo = _beside(left, right)
    produced = run(photo, f"person = {wanted}")
    matte = _matte(produced) >= 128
    middle = 480
    mine, other = (matte[:, :middle], matte[:, middle:]) if wanted == 1 else (matte[:, middle:], matte[:, :middle])
    assert mine.mean() > 0.15
    assert not other.any()
    [notice] = [notice for notice in produced.notices if notice.flag is Flag.SEVERAL_PEOPLE]
    assert "2 people" in notice.detail and "%" in notice.detail
    assert _landmarks(produced).people == 2


def test_without_a_wish_the_largest_person_is_taken(run, samples):
    produced = run(_beside(_pixels(samples, "p08"), _pixels(samples, "p02")))
    matte = _matte(produced) >= 128
    assert matte[:, :470].sum() == 0 and matte[:, 480:].mean() > 0.3


def test_a_number_out_of_range_names_the_range(run, samples):
    with pytest.raises(InputError, match="person = 3") as caught:
        run(_beside(_pixels(samples, "p01"), _pixels(samples, "p07")), "person = 3")
    assert "2 people" in caught.value.message
    assert "1 (leftmost) to 2" in caught.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("0002190", 2), ("0005008", 6), ("0012008", 3), ("0026375", 3), ("0032190", 2)])
def test_group_photos_are_flagged(run, samples, name, least):
    produced = run(samples / f"vitonhd_like/cihp/images/{name}.jpg")
    assert Flag.SEVERAL_PEOPLE in {notice.flag for notice in produced.notices}
    assert _landmarks(produced).people >= least


@pytest.mark.parametrize("scene", ["b01_sea_horizon", "b02_generated_room", "b03_generated_city_dusk"])
def test_a_photo_of_nobody_is_an_error_with_a_remedy(run, samples, scene):
    with pytest.raises(InputError, match="no person found") as caught:
        run(samples / f"background/{scene}.jpg")
    assert "ann.jpg" in caught.value.message and "--skip ann" in caught.value.remedy


def test_legs_alone_have_their_torso_cut(run, samples):
    """A hand at the edge was once taken for a small body seen from the side."""
    produced = run(_pixels(samples, "p01")[500:])
    assert {notice.flag for notice in produced.notices} == {Flag.TORSO_CUT}


def test_a_small_figure_in_a_wide_photo_is_found_and_flagged(run, samples):
    figure = cv2.resize(_pixels(samples, "p07"), (180, 240))
    produced = run(np.pad(figure, ((500, 50), (100, 1500), (0, 0)), constant_values=190))
    assert {notice.flag for notice in produced.notices} == {Flag.SMALL_PERSON}
    assert _landmarks(produced).box.height > 220


def test_the_same_photo_gives_the_same_bytes(run, samples):
    first, second = (run(_sample(samples, "p14")) for _ in range(2))
    assert {ref: encode() for ref, encode in first.files.items()} == {ref: encode() for ref, encode in second.files.items()}


def test_a_photo_above_the_limit_is_scaled_and_flagged(run, samples):
    produced = run(_sample(samples, "p01"), megapixels=0.2)
    assert [notice.flag for notice in produced.notices] == [Flag.SCALED_FOR_WORK]
    assert _matte(produced).size <= 200_000


def test_a_photo_that_comes_cut_out_keeps_its_own_edge(run, samples):
    first = run(_sample(samples, "p01"))
    rgba = np.array(Image.open(io.BytesIO(first.files[CUTOUT.of("ann")]())))
    rgba[..., 3] = np.where(rgba[..., 3] >= 128, 255, 0)
    assert np.array_equal(_matte(run(rgba)), rgba[..., 3])


def test_a_given_transparency_that_cuts_the_person_away_only_limits_the_matte():
    found = np.zeros((10, 10), np.uint8)
    found[2:8, 2:8] = 255
    given = np.zeros((10, 10), np.uint8)
    given[:, :4] = 255
    assert np.array_equal(with_given_alpha(found, given, alone=True), np.minimum(found, given))
    assert np.array_equal(with_given_alpha(found, np.full((10, 10), 255, np.uint8), alone=True), found)


def test_the_signature_names_the_backend(backend):
    step = BackgroundStep(BackgroundConfig(), Context(Layout()), backend)
    assert step.signature(Person("ann", "inputs:person/ann.jpg")) == {"backend": f"embedded/{backend.card.version}"}
