"""OpenPose through controlnet_aux, whose detector is stood in for by one with the same parts and conventions."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import stand_ins

from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.labels import Joint
from pipeline.core.rect import Rect
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound
from preprocess.pose.openpose import OpenPose

FILES = ("body_pose_model.pth", "hand_pose_model.pth", "facenet.pth")
SHIFTS = [
    (0, -150), (0, -90), (-45, -90), (-60, 0), (-70, 80), (45, -90), (60, 0), (70, 80), (-28, 90),
    (-30, 190), (-30, 280), (28, 90), (30, 190), (30, 280), (-10, -160), (10, -160), (-20, -155), (20, -155),
]  # fmt: skip
"""COCO-18 joints round a person's middle."""


class Keypoint(NamedTuple):
    x: float
    y: float
    score: float = 1.0
    id: int = -1


class BodyResult(NamedTuple):
    keypoints: list
    total_score: float
    total_parts: int


class Body:
    """Finds red-and-green dots: red = 40 + 10 · joint says which; BGR input, pixels out, as the port's `Body`."""

    def __call__(self, blue_first):
        assert blue_first.dtype == np.uint8 and blue_first.flags["C_CONTIGUOUS"]
        solid = (blue_first[..., 1] > 180) & (blue_first[..., 0] > 180)
        count, numbers, _, centres = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
        candidate, people = [], {}
        for number in range(1, count):
            red = float(np.median(blue_first[..., 2][numbers == number]))
            joint = round((red - 40) / 10)
            people.setdefault(centres[number][0] > self.middle, {})[joint] = len(candidate)
            candidate.append((*centres[number], 0.5 + 0.02 * joint, len(candidate)))
        self.middle = None
        subset = [[*(found.get(joint, -1) for joint in range(18)), 20.0, len(found)] for found in people.values()]
        return np.array(candidate), np.array(subset).reshape(-1, 20)

    @staticmethod
    def format_body_result(candidate, subset):
        return [
            BodyResult([Keypoint(*candidate[int(i)]) if i != -1 else None for i in person[:18]], person[18], person[19])
            for person in subset
        ]


class Detector:
    """`OpenposeDetector` without its networks."""

    def __init__(self, folder):
        self.folder, self.body_estimation = folder, Body()

    @classmethod
    def from_pretrained(cls, folder):
        return cls(folder)

    def to(self, device):
        self.device = device
        return self

    def detect_hands(self, body, blue_first):
        height, width, _ = blue_first.shape
        wrist = body.keypoints[7]
        if wrist is None:
            return None, None
        found = [Keypoint((wrist.x + k) / width, wrist.y / height) for k in range(20)] + [Keypoint(-1 / width, -1 / height)]
        return found, None


@pytest.fixture
def backend(tmp_path, monkeypatch):
    module = ModuleType("controlnet_aux")
    module.OpenposeDetector = Detector
    monkeypatch.setitem(sys.modules, "controlnet_aux", module)
    stand_ins.accept(monkeypatch, "openpose", *FILES)
    for file in FILES:
        stand_ins.place(tmp_path, "openpose", file).write_bytes(b"stand-in" * 2000)
    backend = OpenPose(tmp_path)
    backend.load("cpu")
    return backend


def draw_person(photo, centre, leave_out=()):
    for joint, (dx, dy) in enumerate(SHIFTS):
        if joint not in leave_out:
            place = (centre[0] + dx, centre[1] + dy)
            cv2.circle(photo, place, 4, (40 + 10 * joint, 230, 230), -1)


def landmarks_at(x, y):
    body = np.zeros((33, 4), np.float32)
    body[:, :2], body[:, 3] = (x, y - 150), 0.9
    for index, (dx, dy) in {11: (45, -90), 12: (-45, -90), 23: (28, 90), 24: (-28, 90)}.items():
        body[index, :2] = x + dx, y + dy
    return Landmarks((900, 1200), body, np.zeros((0, 2), np.float32), Rect(y - 180.0, x - 90.0, 480.0, 180.0))


def test_joints_come_back_in_photo_pixels_with_their_confidences(backend):
    photo = np.full((900, 1200, 3), 30, np.uint8)
    draw_person(photo, (300, 420))
    backend._detector.body_estimation.middle = 10**6
    found = backend.keypoints(photo, landmarks_at(300, 420))
    assert np.hypot(*(found.xy(Joint.LEFT_KNEE) - (330, 610))) < 1.5
    assert np.hypot(*(found.xy(Joint.RIGHT_WRIST) - (230, 500))) < 1.5
    assert found.body[Joint.LEFT_KNEE, 2] == pytest.approx(0.5 + 0.02 * 12, abs=0.03)
    np.testing.assert_allclose(found.xy(Joint.MID_HIP), [300, 510], atol=1.5)
    assert not found.body[19:].any()


def test_hands_take_their_wrists_confidence_and_unfound_points_are_zeros(backend):
    photo = np.full((900, 1200, 3), 30, np.uint8)
    draw_person(photo, (300, 420))
    backend._detector.body_estimation.middle = 10**6
    found = backend.keypoints(photo, landmarks_at(300, 420))
    np.testing.assert_allclose(found.left_hand[0, :2], found.xy(Joint.LEFT_WRIST), atol=1.5)
    assert found.left_hand[0, 2] == found.body[Joint.LEFT_WRIST, 2] > 0
    assert not found.left_hand[20].any() and not found.right_hand.any()


@pytest.mark.parametrize("x", [300, 560])
def test_of_two_people_the_one_at_the_landmarks_is_taken(backend, x):
    photo = np.full((900, 1200, 3), 30, np.uint8)
    draw_person(photo, (300, 420))
    draw_person(photo, (560, 420))
    wide = landmarks_at(x, 420)
    both = Landmarks(wide.photo_size, wide.body, wide.face_oval, Rect(200.0, 100.0, 520.0, 650.0))
    backend._detector.body_estimation.middle = 330  # in pixels of the window shown to the detector
    found = backend.keypoints(photo, both)
    assert np.hypot(*(found.xy(Joint.NOSE) - (x, 270))) < 2


def test_a_missing_joint_stays_missing(backend):
    photo = np.full((900, 1200, 3), 30, np.uint8)
    draw_person(photo, (300, 420), leave_out=(9, 11))
    backend._detector.body_estimation.middle = 10**6
    found = backend.keypoints(photo, landmarks_at(300, 420))
    for joint in (Joint.RIGHT_KNEE, Joint.LEFT_HIP, Joint.MID_HIP):
        assert not found.body[joint].any()


def test_a_photo_without_a_detected_person_is_not_found(backend):
    found = backend.keypoints(np.full((900, 1200, 3), 30, np.uint8), landmarks_at(300, 420))
    assert found == NotFound("openpose finds nobody where the landmarks are")


@pytest.mark.parametrize("size", [(6, 4), (40, 3000), (3000, 40)])
def test_a_photo_of_an_odd_shape_breaks_nothing(backend, size):
    height, width = size
    given = landmarks_at(width // 2, height // 2)
    assert isinstance(backend.keypoints(np.full((*size, 3), 30, np.uint8), given), NotFound)


def test_a_person_cut_by_the_photos_edge_keeps_the_joints_that_are_on_it(backend):
    photo = np.full((900, 1200, 3), 30, np.uint8)
    cut = [joint for joint, (dx, _) in enumerate(SHIFTS) if 50 + dx < 8]
    draw_person(photo, (50, 420), leave_out=cut)
    backend._detector.body_estimation.middle = 10**6
    found = backend.keypoints(photo, landmarks_at(50, 420))
    assert np.hypot(*(found.xy(Joint.LEFT_WRIST) - (120, 500))) < 2
    assert Joint.RIGHT_WRIST in cut and not found.body[Joint.RIGHT_WRIST].any()


def test_a_torchvision_that_does_not_fit_is_explained(tmp_path, monkeypatch):
    class Broken(ModuleType):
        def __getattr__(self, name):
            raise RuntimeError("operator torchvision::nms does not exist")

    stand_ins.accept(monkeypatch, "openpose", *FILES)
    for file in FILES:
        stand_ins.place(tmp_path, "openpose", file).write_bytes(b"stand-in" * 2000)
    monkeypatch.setitem(sys.modules, "controlnet_aux", Broken("controlnet_aux"))
    with pytest.raises(MissingPackageError, match="torchvision") as caught:
        OpenPose(tmp_path).load("cpu")
    assert ".[pose]" in caught.value.remedy


def test_the_three_files_are_asked_for_at_once(tmp_path):
    with pytest.raises(WeightsError) as caught:
        OpenPose(tmp_path).load("cpu")
    assert all(file in caught.value.message for file in FILES)
