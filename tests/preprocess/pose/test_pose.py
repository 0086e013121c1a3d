"""The pose step on real photos: canvas, key-points, hands, skeleton."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core import images
from pipeline.core.frame import PAD_GREY, Frame
from pipeline.core.items import Person
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import Joint
from pipeline.core.layout import CUTOUT, FRAME, IMAGE, LANDMARKS, POSE_IMAGE, POSE_JSON, Layout
from pipeline.core.step import Context, Produced
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.step import BackgroundConfig, BackgroundStep
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.step import PoseConfig, PoseStep, on_canvas, on_grey

pytestmark = pytest.mark.samples


@pytest.fixture(scope="module")
def conditions(samples, tmp_path_factory):
    """Background and pose of a sample person, made once per module."""
    layout = Layout(samples, tmp_path_factory.mktemp("outputs"))
    made: dict[tuple[str, str], Produced] = {}

    def produce(start: str, background: str = "original") -> Produced:
        if (start, background) not in made:
            person = _person(samples, start)
            first = BackgroundStep(BackgroundConfig(), Context(layout), EmbeddedMatte())
            [cut] = first.run([first.read(person)])
            for ref, encode in cut.files.items():
                layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
                layout.path(ref).write_bytes(encode())
            step = PoseStep(PoseConfig(canvas_background=background), Context(layout), MediapipePose())
            [made[start, background]] = step.run([step.read(person)])
        return made[start, background]

    return produce


def _person(samples: Path, start: str) -> Person:
    [path] = (samples / "person").glob(f"{start}_*")
    return Person("ann", f"inputs:person/{path.name}")


def _joints(produced: Produced) -> Keypoints:
    return keypoints_from_json(produced.files[POSE_JSON.of("ann")]().decode())


def _picture(produced: Produced, folder) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(produced.files[folder.of("ann")]())))


@pytest.mark.parametrize("start", ["p01", "p05", "p09"])
def test_pictures_have_the_size_of_the_canvas(conditions, start):
    produced = conditions(start)
    assert _picture(produced, IMAGE).shape == (1024, 768, 3)
    assert _picture(produced, POSE_IMAGE).shape == (1024, 768, 3)


def test_json_is_openposes(conditions):
    record = json.loads(conditions("p01").files[POSE_JSON.of("ann")]().decode())
    [person] = record["people"]
    assert record["version"] == 1.3
    assert [len(person[f"{part}_keypoints_2d"]) for part in ("pose", "hand_left", "hand_right", "face")] == [75, 63, 63, 0]


def test_left_and_right_are_the_subjects(conditions):
    points = _joints(conditions("p01"))
    assert points.xy(Joint.RIGHT_SHOULDER)[0] < points.xy(Joint.NECK)[0] < points.xy(Joint.LEFT_SHOULDER)[0]
    assert points.right_hand[:, 0].max() < 384 < points.left_hand[:, 0].min()


def test_joints_of_a_full_figure_stand_in_order(conditions):
    points = _joints(conditions("p07"))
    order = [Joint.NOSE, Joint.NECK, Joint.MID_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]
    heights = [points.xy(joint)[1] for joint in order]
    assert heights == sorted(heights)
    assert heights[-1] > 860


def test_joints_outside_the_photo_are_zeros(conditions):
    points = _joints(conditions("p01"))
    assert not points.body[[Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE, Joint.LEFT_BIG_TOE, Joint.RIGHT_HEEL]].any()


@pytest.mark.slow
@pytest.mark.parametrize("start", ["p01", "p03", "p06", "p10", "p13"])
def test_both_hands_are_found_beside_their_wrists(conditions, start):
    points = _joints(conditions(start))
    for hand, joint in ((points.left_hand, Joint.LEFT_WRIST), (points.right_hand, Joint.RIGHT_WRIST)):
        assert hand[:, 2].all(), f"{joint.name} has no hand"
        reach = np.ptp(hand[:, :2], axis=0).max()
        assert np.linalg.norm(hand[0, :2] - points.xy(joint)) < 0.6 * reach


def test_the_frame_brings_the_canvas_back_to_the_photo(conditions, samples):
    produced = conditions("p05")
    frame = Frame.from_json(produced.files[FRAME.of("ann")]().decode())
    photo = images.read_photo(next((samples / "person").glob("p05_*"))).rgb
    back = frame.to_photo(_picture(produced, IMAGE))
    top, left, height, width = (round(value) for value in (frame.top, frame.left, frame.height, frame.width))
    inner = np.s_[max(0, top) + 4 : top + height - 4, left + 4 : left + width - 4]
    assert np.abs(back[inner].astype(int) - photo[inner]).mean() < 3


def test_a_grey_canvas_shows_the_person_alone(conditions):
    plain, grey = _picture(conditions("p04"), IMAGE), _picture(conditions("p04", "grey"), IMAGE)
    assert np.abs(grey[:, :150].astype(int) - PAD_GREY).max() <= 4
    torso = np.s_[250:380, 340:430]
    assert np.abs(grey[torso].astype(int) - plain[torso]).mean() < 3


def test_a_grey_canvas_reads_the_cutout_and_the_original_does_not():
    person = Person("ann", "inputs:person/ann.jpg")
    plain, grey = (
        PoseStep(PoseConfig(canvas_background=kind), Context(Layout()), MediapipePose()) for kind in ("original", "grey")
    )
    assert plain.reads(person) == (person.source, LANDMARKS.of("ann"))
    assert CUTOUT.of("ann") in grey.reads(person)


def test_on_grey_mixes_straight_alpha():
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]], np.uint8)
    assert on_grey(rgba, grey=100).tolist() == [[[200, 100, 0], [100, 100, 100], [150, 100, 50]]]


def test_hands_are_moved_with_the_frame():
    frame = Frame(480, 852, top=0, left=100, height=512)
    body = np.zeros((25, 3), np.float32)
    hand = np.tile(np.array([200, 100, 0.9], np.float32), (21, 1))
    moved = on_canvas(Keypoints(body, left_hand=hand), frame)
    assert np.allclose(moved.left_hand[0], [200.5, 200.5, 0.9])
    assert not moved.right_hand.any()


def test_the_same_photo_gives_the_same_bytes(conditions, samples, tmp_path):
    layout = Layout(samples, tmp_path)
    person = _person(samples, "p10")
    first = BackgroundStep(BackgroundConfig(), Context(layout), EmbeddedMatte())
    [cut] = first.run([first.read(person)])
    for ref, encode in cut.files.items():
        layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
        layout.path(ref).write_bytes(encode())
    step = PoseStep(PoseConfig(), Context(layout), MediapipePose())
    [again] = step.run([step.read(person)])
    before = conditions("p10")
    assert {ref: encode() for ref, encode in again.files.items()} == {ref: encode() for ref, encode in before.files.items()}
