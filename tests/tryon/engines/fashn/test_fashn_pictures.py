"""What the network is shown, against the recorded pictures, drawings and masks of the published code."""

from __future__ import annotations

import mannequin
import numpy as np
import pytest
import torch

from pipeline.core.labels import Category, Fashn, Parse
from tryon.engines.fashn.canvas import drawing_on_canvas, nearest, on_canvas, reduced, without
from tryon.engines.fashn.guidance import GuidedVelocity, ModulationTable
from tryon.engines.fashn.labels import fashn_labels
from tryon.engines.fashn.masked import GARMENT, masked_person, repaint_mask
from tryon.engines.fashn.pose_picture import PosePoints, pose_picture, pose_points
from tryon.engines.fashn.prepare import CATEGORY_NUMBER, Shown, shown_garment, shown_person
from tryon.engines.fashn.sampling import pictures_of, sample

CATEGORIES = {"tops": Category.UPPER, "bottoms": Category.LOWER, "one-pieces": Category.DRESS}
CASES, FULL_SIZE = range(5), range(4)


def points_of(arrays, prefix: str, subset=None) -> PosePoints:
    body = arrays[f"{prefix}candidate"].copy()
    if subset is not None:
        body[arrays[subset][0] < 0] = np.nan
    return PosePoints(body, arrays[f"{prefix}hands"], arrays[f"{prefix}faces"][0])


def unpacked(bits: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.unpackbits(bits)[: shape[0] * shape[1]].reshape(shape).astype(bool)


@pytest.mark.parametrize("case", FULL_SIZE)
def test_the_area_to_dress_is_the_recorded_one(prepare_records, case: int):
    arrays, meta = prepare_records
    labels, category = arrays[f"full{case}/seg"], CATEGORIES[meta["cases"][case]["category"]]
    assert np.array_equal(repaint_mask(labels, category), unpacked(arrays[f"full{case}/agnostic_mask"], labels.shape))
    assert np.array_equal(np.isin(labels, list(GARMENT[category])), unpacked(arrays[f"full{case}/garment_keep"], labels.shape))


@pytest.mark.parametrize("case", FULL_SIZE)
def test_a_pose_is_drawn_as_recorded(prepare_records, case: int):
    arrays, _ = prepare_records
    drawing = pose_picture(points_of(arrays, f"full{case}/"), arrays[f"full{case}/seg"].shape)
    assert np.array_equal(drawing, arrays[f"full{case}/pose"])
    assert np.array_equal(drawing_on_canvas(drawing, (864, 576)), arrays[f"full{case}/pose_padded"])


def person_and_garment(arrays, meta, generate, case: int) -> tuple[Shown, Shown]:
    facts, canvas = meta["cases"][case], tuple(meta["config"]["input_shape"])
    photo = generate.image_for(f"person{case}", *facts["person"], meta["salt"])
    picture = generate.image_for(f"garment{case}", *facts["garment"], meta["salt"])
    category, worn = CATEGORIES[facts["cat"]], facts["kind"] == "model"
    labels = None if facts["free"] else arrays[f"case{case}/person_seg"]
    garment = np.isin(arrays[f"case{case}/garment_seg"], list(GARMENT[category])) if worn else None
    wearer = points_of(arrays, f"case{case}/garment_", f"case{case}/garment_subset") if worn else None
    pose = points_of(arrays, f"case{case}/person_", f"case{case}/person_subset")
    return shown_person(photo, pose, canvas, category, labels), shown_garment(picture, canvas, garment, wearer)


@pytest.mark.parametrize("case", CASES)
def test_pictures_reach_the_network_as_recorded(pipeline_records, generate, case: int):
    arrays, meta = pipeline_records
    person, garment = person_and_garment(arrays, meta, generate, case)
    for shown, picture, pose in ((person, "ca_images_u8", "person_poses_u8"), (garment, "garment_images_u8", "garment_poses_u8")):
        wanted = arrays[f"case{case}/{picture}"][0].transpose(1, 2, 0).astype(int)
        assert np.abs(shown.picture - wanted).max() <= 1
        assert np.array_equal(shown.pose, arrays[f"case{case}/{pose}"][0, 0])
    assert list(person.padding) == meta["cases"][case]["padding"]


@pytest.mark.parametrize("case", CASES)
def test_the_whole_way_ends_in_the_recorded_picture(pipeline_records, network, generate, case: int):
    arrays, meta = pipeline_records
    person, garment = person_and_garment(arrays, meta, generate, case)
    torch.manual_seed(meta["cases"][case]["seed"])
    noise = torch.randn(1, 3, *meta["config"]["input_shape"])
    category = CATEGORY_NUMBER[CATEGORIES[meta["cases"][case]["cat"]]]
    assert category == meta["cases"][case]["category_label"]
    with torch.inference_mode():
        answers = GuidedVelocity(network.forward, ModulationTable(network), 1.5, person.tensor(), garment.tensor(), [category])
        x = sample(answers, noise, meta["steps"], 1)
    picture = without(pictures_of(x)[0], person.padding)
    levels = np.abs(picture.astype(int) - arrays[f"case{case}/image"])
    assert levels.max() <= 1
    assert (levels > 0).mean() < 1e-3


@pytest.mark.parametrize("size", [(50, 40), (300, 100), (90, 700)])
def test_the_frame_comes_off_again(size: tuple[int, int]):
    picture = np.full((*size, 3), 200, np.uint8)
    canvas, padding = on_canvas(picture, (144, 96))
    assert canvas.shape == (144, 96, 3)
    inside = without(canvas, padding)
    assert (inside == 200).all()
    assert canvas.sum() == inside.sum()
    assert max(inside.shape[0] / 144, inside.shape[1] / 96) == 1


def test_a_small_picture_is_not_enlarged_at_first():
    picture = np.zeros((90, 70, 3), np.uint8)
    assert reduced(picture, 864) is picture


def test_nothing_is_greyed_where_nothing_of_that_kind_is_worn():
    labels = np.full((60, 40), Fashn.HAIR, np.uint8)
    picture = np.full((60, 40, 3), 9, np.uint8)
    assert np.array_equal(masked_person(picture, labels, Category.UPPER), picture)


def test_our_parse_map_has_hands_beyond_the_wrists():
    points = mannequin.keypoints()
    labels = fashn_labels(mannequin.parse_map(points), points)
    hands = labels == Fashn.HANDS
    assert hands.any()
    assert np.flatnonzero(hands.any(axis=1)).min() >= 240  # the wrists' row is 245
    assert {Fashn.TOP, Fashn.PANTS, Fashn.ARMS, Fashn.FACE, Fashn.HAIR} <= {Fashn(label) for label in np.unique(labels)}


def test_every_label_of_ours_has_one_of_theirs():
    everything = np.arange(len(Parse), dtype=np.uint8)[None]
    labels = fashn_labels(everything, mannequin.keypoints())
    assert labels[0, Parse.COAT] == Fashn.TOP and labels[0, Parse.LEFT_SHOE] == Fashn.FEET


def test_a_joint_that_was_not_found_is_not_drawn():
    points = mannequin.keypoints()
    whole = pose_picture(pose_points(points, (512, 384)), (512, 384))
    points.body[:, 2] = 0
    assert whole.any() and not pose_picture(pose_points(points, (512, 384)), (512, 384)).any()


@pytest.mark.parametrize(
    ("old", "taken"),
    [
        (2, [0, 0, 0, 1, 1]),  # OpenCV 5 would take 1 in the middle
        (4, [0, 1, 3]),  # OpenCV 5 would take 2 in the middle
        (3, [0, 0, 0, 1, 1, 2, 2, 2]),
        (16, [1, 3, 5, 7, 9, 11, 13, 15]),
        (5, [0, 1, 2, 3, 4]),
    ],
)
def test_the_neighbours_of_a_drawing_are_opencv_4s_under_every_opencv(old: int, taken: list[int]):
    levels = np.arange(old, dtype=np.uint8)[None].repeat(3, 0)
    assert nearest(levels, (3, len(taken))).tolist() == [taken] * 3
    assert nearest(levels.T, (len(taken), 3)).T.tolist() == [taken] * 3
