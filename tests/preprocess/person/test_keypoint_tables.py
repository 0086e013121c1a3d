"""Key-point vocabularies, converted both ways, and other people's files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.labels import Joint
from preprocess.person.keypoint_tables import body_25_from_coco_18, coco_18_from_body_25, from_wholebody
from preprocess.pose.keypoint_files import dresscode_json, read_keypoints

COCO_NAMES = """
nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee right_ankle
left_hip left_knee left_ankle right_eye left_eye right_ear left_ear
"""
WHOLEBODY_NAMES = """
nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist
left_hip right_hip left_knee right_knee left_ankle right_ankle left_big_toe left_small_toe left_heel right_big_toe
right_small_toe right_heel
"""
SIZE = (1024, 768)


def numbered(count):
    """Point k at (10 k + 10, 5 k + 5) with its own confidence."""
    order = np.arange(count, dtype=np.float32)
    return np.column_stack([10 * order + 10, 5 * order + 5, 0.9 - 0.004 * order]).astype(np.float32)


def test_each_coco_point_lands_on_the_joint_of_its_name():
    body = body_25_from_coco_18(numbered(18))
    for place, name in enumerate(COCO_NAMES.split()):
        np.testing.assert_array_equal(body[Joint[name.upper()]], numbered(18)[place])


def test_the_mid_hip_that_coco_lacks_is_between_the_hips_and_the_feet_stay_empty():
    points = numbered(18)
    body = body_25_from_coco_18(points)
    np.testing.assert_allclose(body[Joint.MID_HIP], [*((points[8, :2] + points[11, :2]) / 2), points[11, 2]])
    assert not body[19:].any()


def test_one_missing_hip_leaves_the_mid_hip_missing_rather_than_half_way_to_the_corner():
    points = numbered(18)
    points[11] = 0
    assert not body_25_from_coco_18(points)[Joint.MID_HIP].any()


def test_coco_to_body_25_and_back_is_the_identity():
    np.testing.assert_array_equal(coco_18_from_body_25(body_25_from_coco_18(numbered(18))), numbered(18))


def test_body_25_to_coco_and_back_keeps_all_but_the_feet():
    body = numbered(25)
    body[Joint.MID_HIP] = (*((body[9, :2] + body[12, :2]) / 2), body[12, 2])
    back = body_25_from_coco_18(coco_18_from_body_25(body))
    np.testing.assert_array_equal(back[:19], body[:19])
    assert not back[19:].any()


@pytest.mark.parametrize("convert", [body_25_from_coco_18, coco_18_from_body_25])
def test_the_wrong_number_of_points_is_refused(convert):
    with pytest.raises(ValueError, match="expected"):
        convert(np.zeros((17, 3), np.float32))


def test_whole_body_points_land_on_the_joints_of_their_names():
    points = numbered(133)
    found = from_wholebody(points, 0.1)
    for place, name in enumerate(WHOLEBODY_NAMES.split()):
        np.testing.assert_array_equal(found.body[Joint[name.upper()]], points[place])
    np.testing.assert_array_equal(found.left_hand, points[91:112])
    np.testing.assert_array_equal(found.right_hand, points[112:133])
    np.testing.assert_allclose(found.body[Joint.NECK], [*((points[5, :2] + points[6, :2]) / 2), points[6, 2]])
    np.testing.assert_allclose(found.body[Joint.MID_HIP], [*((points[11, :2] + points[12, :2]) / 2), points[12, 2]])


def test_whole_body_points_below_the_limit_are_zeros_and_so_are_their_middles():
    points = numbered(133)
    points[5, 2] = 0.2
    found = from_wholebody(points, 0.3)
    assert not found.body[Joint.LEFT_SHOULDER].any() and not found.body[Joint.NECK].any()
    assert found.body[Joint.RIGHT_SHOULDER].any()


# --- files ---------------------------------------------------------------------------------------------------------


def test_our_own_openpose_file_reads_back():
    points = Keypoints(numbered(25), numbered(21), numbered(21) + 1)
    read = read_keypoints(keypoints_to_json([points]), SIZE)
    np.testing.assert_allclose(read.body, points.body, atol=0.006)
    np.testing.assert_allclose(read.right_hand[:, :2], points.right_hand[:, :2], atol=0.006)


def test_an_openpose_file_with_eighteen_points_is_taken_as_coco():
    text = json.dumps({"people": [{"pose_keypoints_2d": numbered(18).ravel().tolist()}]})
    read = read_keypoints(text, SIZE)
    np.testing.assert_allclose(read.xy(Joint.LEFT_ANKLE), numbered(18)[13, :2])
    assert not read.left_hand.any()


def test_controlnets_list_of_frames_gives_the_first():
    text = json.dumps([{"people": [{"pose_keypoints_2d": numbered(25).ravel().tolist()}], "canvas_width": 768}])
    np.testing.assert_allclose(read_keypoints(text, SIZE).body, numbered(25), rtol=1e-6)


def test_dresscode_points_leave_their_small_grid_and_minus_one_is_missing():
    rows = [[96.0, 128.0, 0.5, k] for k in range(18)]
    rows[4] = [-1, -1, -1, -1]
    read = read_keypoints(json.dumps({"keypoints": rows}), SIZE)
    np.testing.assert_allclose(read.body[Joint.NOSE], [192, 256, 0.5])
    assert not read.body[Joint.RIGHT_WRIST].any()


def test_ootdiffusions_pairs_without_confidence_are_read_and_zero_is_missing():
    pairs = [[38.4, 51.2]] * 17 + [[0, 0]]
    read = read_keypoints(json.dumps({"pose_keypoints_2d": pairs}), SIZE)
    np.testing.assert_allclose(read.body[Joint.NECK], [76.8, 102.4, 1], rtol=1e-5)
    assert not read.body[Joint.LEFT_EAR].any()


def test_what_is_written_for_dresscode_reads_back():
    body = body_25_from_coco_18(numbered(18))
    body[Joint.LEFT_EAR] = 0
    read = read_keypoints(dresscode_json(Keypoints(body), SIZE), SIZE)
    np.testing.assert_allclose(read.body, body, atol=0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not a key-point file"),
        ('{"people": []}', "nobody"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3, 4, 5, 6]}]}', "2 body points"),
        ('{"keypoints": [[1, 2, 3, 4, 5]]}', "shape"),
        ("[]", "not a key-point file"),
        ('{"people": [{"pose_keypoints_2d": [NaN, 2, 3]}]}', "shape"),
    ],
)
def test_an_unusable_file_says_its_name_and_what_is_allowed(text, said):
    with pytest.raises(InputError, match=said) as caught:
        read_keypoints(text, SIZE, "ann_keypoints.json")
    assert "ann_keypoints.json" in caught.value.message and "25" in caught.value.remedy
