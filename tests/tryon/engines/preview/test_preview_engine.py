"""The preview on a drawn person: what must hold for every picture, and what it promises about sleeves, hands and hems."""

from __future__ import annotations

from pathlib import Path

import mannequin
import numpy as np
import pytest
from preview_quality import Landing, Quality, landing_of, measure

from pipeline.core.engine import TryOnItem
from pipeline.core.errors import InputError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Category, Joint, Parse
from pipeline.core.layout import AGNOSTIC_MASK, Layout
from tryon.engines.preview.engine import PreviewEngine
from tryon.engines.preview.person.body_parts import read_body_parts
from tryon.engines.preview.person.skeleton import complete_skeleton
from tryon.engines.preview.person.subject import Subject

GARMENTS = ["tee", "longsleeve", "strap", "dress", "trousers", "skirt"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(outputs=tmp_path)


def dressed(layout: Layout, name: str, **person: object) -> tuple[Subject, object, np.ndarray]:
    """Encoded person, encoded garment, picture."""
    engine = PreviewEngine()
    garment = engine.encode(mannequin.garment_inputs(layout, name))
    category = mannequin.CATEGORIES.get(name, Category.UPPER)
    subject = engine.encode(mannequin.person_inputs(layout, category, **person))
    assert isinstance(subject, Subject)
    (made,) = engine.generate([TryOnItem(subject, garment, 0)])
    return subject, garment, made.picture


def like(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 45) -> np.ndarray:
    return (np.abs(picture.astype(int) - colour).max(2) < tolerance) & True


@pytest.mark.parametrize("name", GARMENTS)
def test_nothing_outside_the_mask_changes_by_a_single_bit(layout: Layout, name: str):
    subject, _, picture = dressed(layout, name)
    assert np.array_equal(picture[~subject.mask], subject.image[~subject.mask])
    assert (picture[subject.mask] != subject.image[subject.mask]).any()


@pytest.mark.parametrize("name", ["longsleeve", "dress", "trousers"])
def test_the_same_inputs_give_the_same_pixels_whatever_the_seed(layout: Layout, name: str):
    subject, garment, picture = dressed(layout, name)
    (again,) = PreviewEngine().generate([TryOnItem(subject, garment, 99)])
    assert np.array_equal(picture, again.picture)


@pytest.mark.parametrize("name", GARMENTS)
def test_inputs_are_left_as_they_were(layout: Layout, name: str):
    engine = PreviewEngine()
    garment = engine.encode(mannequin.garment_inputs(layout, name))
    subject = engine.encode(mannequin.person_inputs(layout, mannequin.CATEGORIES.get(name, Category.UPPER)))
    before = subject.image.copy(), subject.mask.copy(), subject.parse.copy(), garment.cloth.copy()
    engine.generate([TryOnItem(subject, garment, 0)])
    after = subject.image, subject.mask, subject.parse, garment.cloth
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", GARMENTS)
def test_every_drawn_garment_lies_within_the_limits(layout: Layout, name: str):
    subject, garment, picture = dressed(layout, name)
    report = measure(subject, garment.cloth, picture, landing_of(subject, garment))
    assert report.failures() == (), report


@pytest.mark.parametrize("name", ["tee", "longsleeve", "strap"])
def test_a_pasted_rectangle_does_not_lie_within_the_limits(layout: Layout, name: str):
    subject, garment, _ = dressed(layout, name)
    report = pasted_rectangle(subject, garment)
    assert report.touched_outside == 0
    assert "spill" in report.failures(), report


def pasted_rectangle(subject: Subject, garment: object) -> Quality:
    """The garment photo scaled into the mask's box, as the laziest preview would do it."""
    import cv2

    rows, columns = np.flatnonzero(subject.mask.any(1)), np.flatnonzero(subject.mask.any(0))
    top, left, height, width = rows[0], columns[0], np.ptp(rows) + 1, np.ptp(columns) + 1
    cloth = garment.cloth
    box = np.zeros_like(subject.image)
    box[top : top + height, left : left + width] = cv2.resize(cloth, (int(width), int(height)))
    picture = np.where(subject.mask[..., None], box, subject.image)
    scale = np.array([width / cloth.shape[1], height / cloth.shape[0]])

    def place(points: np.ndarray) -> np.ndarray:
        return np.asarray(points) * scale + [left, top]

    marks = garment.landmarks
    corners = np.vstack([marks.armpits, marks.hem[::-1]])
    ends = [None if sleeve is None else place((sleeve.outer[-1] + sleeve.inner[-1]) / 2) for sleeve in marks.sleeves]
    landing = Landing(place(marks.shoulders), corners, place(corners), (ends[0], ends[1]), subject.mask)
    return measure(subject, cloth, picture, landing)


def test_a_long_sleeve_follows_a_bent_elbow_to_the_wrist(layout: Layout):
    subject, garment, picture = dressed(layout, "longsleeve", RIGHT_ELBOW=(96, 170), RIGHT_WRIST=(130, 225))
    assert measure(subject, garment.cloth, picture, landing_of(subject, garment)).end_error < 0.1
    changed = (picture != subject.image).any(2)
    for x, y in ((100, 172), (112, 196), (122, 212)):
        assert changed[y - 3 : y + 4, x - 3 : x + 4].mean() > 0.8


def test_short_sleeves_bare_the_arms_that_long_sleeves_covered(layout: Layout):
    _, _, picture = dressed(layout, "tee", sleeves=True)
    for joint in (Joint.RIGHT_WRIST, Joint.LEFT_WRIST):
        x, y = mannequin.JOINTS[joint]
        patch = picture[y - 14 : y - 6, x - 3 : x + 4].reshape(-1, 3).mean(0)
        assert np.abs(patch - mannequin.SKIN).max() < 35, patch
    beside_torso = np.concatenate([picture[100:255, :135], picture[100:255, 250:]], axis=1)
    assert not like(beside_torso, mannequin.SHIRT, 25).any()


def test_hands_face_and_hair_stay_in_front(layout: Layout):
    subject, _, picture = dressed(layout, "longsleeve")
    kept = np.isin(subject.parse, [Parse.FACE, Parse.HAIR])
    assert np.abs(picture[kept].astype(int) - subject.image[kept]).max() <= 12
    x, y = mannequin.JOINTS[Joint.RIGHT_WRIST]
    hand = np.s_[y + 8 : y + 18, x - 5 : x + 6]
    assert np.abs(picture[hand].astype(int) - subject.image[hand]).max() <= 12


def test_an_arm_in_front_of_the_torso_is_drawn_over_the_garment(layout: Layout):
    _, _, picture = dressed(layout, "tee", RIGHT_ELBOW=(128, 190), RIGHT_WRIST=(190, 200))
    assert np.abs(picture[194:202, 164:172].reshape(-1, 3).mean(0) - mannequin.SKIN).max() < 30


def test_the_old_garment_is_nowhere_to_be_seen(layout: Layout):
    for name in ("tee", "strap", "dress"):
        subject, _, picture = dressed(layout, name)
        left = like(picture, mannequin.SHIRT, 20) & subject.mask
        assert left.sum() < 0.01 * subject.mask.sum(), name


def test_somebody_seen_from_the_side_is_covered_front_and_back(layout: Layout):
    subject, _, picture = dressed(layout, "tee", RIGHT_SHOULDER=(182, 112), LEFT_SHOULDER=(206, 112))
    assert subject.skeleton.in_profile
    left = like(picture, mannequin.SHIRT, 20) & subject.mask
    assert left.sum() < 0.01 * subject.mask.sum()
    back = picture[150:200, 146:156].reshape(-1, 3)
    assert np.abs(back - np.array(mannequin.SKIN)).max(1).mean() > 40


def test_the_garments_colours_are_kept(layout: Layout):
    _, _, picture = dressed(layout, "tee")
    red, white, blue = picture[135:150, 180:204], picture[180:186, 195:210], picture[222:228, 180:204]
    assert np.abs(red.reshape(-1, 3).mean(0) - (190, 40, 50)).max() < 25
    assert white.reshape(-1, 3).mean(0).min() > 190
    assert np.abs(blue.reshape(-1, 3).mean(0) - (30, 60, 130)).max() < 25


def test_a_dress_reaches_below_the_knees_where_the_mask_allows_it(layout: Layout):
    subject, garment, _ = dressed(layout, "dress")
    assert landing_of(subject, garment).canvas[2:, 1].mean() > mannequin.JOINTS[Joint.RIGHT_KNEE][1]


def test_trousers_reach_the_ankles_and_follow_the_legs(layout: Layout):
    subject, garment, _ = dressed(layout, "trousers")
    ends = landing_of(subject, garment).ends
    for end, joint in zip(ends, (Joint.RIGHT_ANKLE, Joint.LEFT_ANKLE), strict=True):
        assert end is not None
        assert np.hypot(*(end - np.array(mannequin.JOINTS[joint]))) < 25


def test_a_photo_cut_at_the_waist_still_gets_its_top(layout: Layout):
    hidden = dict.fromkeys(("RIGHT_HIP", "LEFT_HIP", "MID_HIP"), (0, 0))
    joints = mannequin.keypoints(**hidden).body.copy()
    joints[[Joint.RIGHT_HIP, Joint.LEFT_HIP, Joint.MID_HIP, Joint.RIGHT_WRIST]] = 0
    completed = complete_skeleton(Keypoints(joints))
    assert 90 < completed.torso_length < 200
    assert completed.arms[0].joints[2, 1] > completed.arms[0].joints[1, 1]
    assert not completed.arms[0].detected


def test_a_skeleton_without_shoulders_is_an_input_error():
    with pytest.raises(InputError, match="no shoulders"):
        complete_skeleton(Keypoints(np.zeros((25, 3), np.float32)))


def test_companions_of_different_sizes_are_named(layout: Layout):
    inputs = mannequin.person_inputs(layout, Category.UPPER)
    from pipeline.core import images

    layout.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).write_bytes(images.mask_png(np.ones((10, 10), bool)))
    with pytest.raises(InputError, match=r"ann_mask\.png: 10×10 pixels, but the person's canvas is 384×512"):
        PreviewEngine().encode(inputs)


def test_body_parts_are_read_from_their_colours_even_from_a_jpeg(layout: Layout):
    inputs = mannequin.person_inputs(layout, Category.UPPER)
    x, y = mannequin.JOINTS[Joint.RIGHT_ELBOW]
    parts = read_body_parts(inputs.densepose())
    assert parts[y, x] == 22
    assert parts[160, 192] == 2
    assert parts[5, 5] == 0
