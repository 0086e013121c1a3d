"""Body parts from landmarks."""

import io
from dataclasses import replace

import numpy as np
from drawn_person import SIZE, draw, keypoints, write_person

from pipeline.core import layout, masks
from pipeline.core.card import Card
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Person
from pipeline.core.labels import BodyPart, Joint
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from preprocess.densepose.embedded import LandmarkBody, draw_parts
from preprocess.densepose.step import DenseposeConfig, DenseposeStep
from preprocess.person.body import joints_from_keypoints, merged
from preprocess.person.not_found import NotFound

EVERYBODY = np.ones(SIZE, bool)


def mirrored(body):
    xy = body.xy.copy()
    xy[:, 0] = SIZE[1] - 1 - xy[:, 0]
    return replace(body, xy=xy)


def centre(index, part):
    rows, columns = np.nonzero(index == part)
    return columns.mean(), rows.mean()


def test_the_subjects_right_is_on_the_viewers_left_when_seen_from_the_front():
    index = draw_parts(draw().body, EVERYBODY)
    for right, left in (
        (BodyPart.RIGHT_HAND, BodyPart.LEFT_HAND),
        (BodyPart.RIGHT_THIGH_FRONT, BodyPart.LEFT_THIGH_FRONT),
        (BodyPart.HEAD_RIGHT, BodyPart.HEAD_LEFT),
        (BodyPart.RIGHT_FOREARM_INNER, BodyPart.LEFT_FOREARM_INNER),
    ):
        assert centre(index, right)[0] < centre(index, left)[0]
    assert centre(index, BodyPart.RIGHT_UPPER_ARM_OUTER)[0] < centre(index, BodyPart.RIGHT_UPPER_ARM_INNER)[0]
    assert centre(index, BodyPart.LEFT_UPPER_ARM_INNER)[0] < centre(index, BodyPart.LEFT_UPPER_ARM_OUTER)[0]


def test_a_back_has_back_parts():
    index = draw_parts(mirrored(draw().body), EVERYBODY)
    assert (index == BodyPart.TORSO_BACK).any() and not (index == BodyPart.TORSO_FRONT).any()
    assert (index == BodyPart.RIGHT_THIGH_BACK).any() and not np.isin(
        index, (BodyPart.RIGHT_THIGH_FRONT, BodyPart.LEFT_SHIN_FRONT)
    ).any()
    assert centre(index, BodyPart.RIGHT_HAND)[0] > centre(index, BodyPart.LEFT_HAND)[0]


def test_nothing_is_painted_outside_the_person():
    drawing = draw()
    index = draw_parts(drawing.body, drawing.view.person)
    assert not index[~drawing.view.person].any()
    assert masks.iou(index > 0, drawing.view.person) > 0.8


def test_parts_scale_with_the_body():
    whole = draw_parts(draw().body, EVERYBODY)
    half = draw_parts(joints_from_keypoints(keypoints(shrink=0.5)), EVERYBODY)
    assert 0.23 < np.count_nonzero(half) / np.count_nonzero(whole) < 0.27


def test_an_arm_behind_the_back_is_hidden_by_the_torso():
    body = draw().body
    xy, depth = body.xy.copy(), body.depth.copy()
    xy[Joint.RIGHT_WRIST] = (384, 520)
    front = draw_parts(replace(body, xy=xy), EVERYBODY)
    depth[[Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST]] = 200
    behind = draw_parts(replace(body, xy=xy, depth=depth), EVERYBODY)
    assert front[520, 384] != BodyPart.TORSO_FRONT
    assert behind[520, 384] == BodyPart.TORSO_FRONT


def test_absent_hips_hang_below_the_shoulders_and_never_in_the_corner():
    missing = (Joint.MID_HIP, Joint.RIGHT_HIP, Joint.LEFT_HIP)
    body = joints_from_keypoints(keypoints(without=missing))
    assert abs(body.at(Joint.MID_HIP)[0] - 384) < 5
    assert 550 < body.at(Joint.MID_HIP)[1] < 800
    index = draw_parts(body, EVERYBODY)
    assert not index[:100, :100].any()


def test_one_known_hip_places_the_other():
    body = joints_from_keypoints(keypoints(without=(Joint.MID_HIP, Joint.LEFT_HIP)))
    assert 400 < body.at(Joint.LEFT_HIP)[0] < 500


def test_a_corrected_keypoint_file_wins_over_raw_landmarks():
    body = draw().body
    moved = keypoints()
    moved.body[Joint.LEFT_WRIST, :2] = (600, 500)
    assert merged(body, moved).at(Joint.LEFT_WRIST).tolist() == [600, 500]
    assert merged(body, keypoints(without=(Joint.LEFT_WRIST,))).at(Joint.LEFT_WRIST).tolist() == [568, 620]


def test_the_step_hands_over_picture_and_indices_that_agree_twice_the_same(tmp_path):
    item = Person("drawn", "")
    step = DenseposeStep(DenseposeConfig(), Context(write_person(tmp_path, item)), LandmarkBody())
    first, second = (step.run([step.read(item)])[0] for _ in range(2))
    assert set(first.files) == set(step.writes(item))
    assert all(first.files[ref]() == second.files[ref]() for ref in first.files)
    stored = np.load(io.BytesIO(first.files[layout.DENSEPOSE_IUV.of("drawn")]()))
    assert stored["I"].shape == SIZE and stored["I"].dtype == np.uint8
    assert {2, 3, 4, 23, 24} <= set(np.unique(stored["I"]).tolist()) <= set(range(25))
    assert str(stored["model"]) == "landmarks"


def test_the_backend_is_part_of_the_signature(tmp_path):
    step = DenseposeStep(DenseposeConfig(), Context(Layout(outputs=tmp_path)), LandmarkBody())
    assert step.signature(Person("a", "")) == {"backend": f"landmarks/{LandmarkBody.card.version}"}


class Absent:
    """A network that finds nobody."""

    card = Card(name="absent")
    batch_size = 2

    def load(self, device):
        """Nothing."""

    def body_parts(self, views):
        return [NotFound("absent finds nobody where the matte is") for _ in views]


def test_whom_a_network_misses_the_landmarks_draw_and_the_flag_says_so(tmp_path):
    item = Person("drawn", "")
    step = DenseposeStep(DenseposeConfig(), Context(write_person(tmp_path, item)), Absent())
    view = step.read(item)[1]
    made = step.run([step.read(item)])[0]
    assert step.batch_size == 2
    assert made.notices == (Notice(Flag.EMBEDDED_USED, "absent finds nobody where the matte is"),)
    assert made.facts["backend"] == "landmarks" and made.facts["approximate"] == "yes"
    arrays = np.load(io.BytesIO(made.files[layout.DENSEPOSE_IUV.of("drawn")]()))
    assert np.array_equal(arrays["I"], draw_parts(view.body, view.person)) and str(arrays["model"]) == "landmarks"
