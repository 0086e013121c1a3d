"""A given agnostic mask that is a plain box or the worn garment alone is told from every mask that a rule draws."""

import cv2
import numpy as np
import pytest
from drawn_person import draw
from seed_folder import RENDERED

from pipeline.core import images, masks
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import Category
from pipeline.core.mask_polarity import WORN
from pipeline.running.mask_judging import BOX_LIKE, LEAST_RIM
from pipeline.running.mask_shape import box_likeness, rim_covered
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.rules.ootd import ootd_hd
from preprocess.person.body import joints_from_keypoints


@pytest.fixture(scope="module", params=["drawn", "w2_full", "w2_street"])
def conditions(request) -> Conditions:
    """A drawn person, and rendered ones with exact labels and joints."""
    if request.param == "drawn":
        drawing = draw()
        return Conditions(drawing.labels, drawing.body)
    points = keypoints_from_json((RENDERED / f"{request.param}-pose.json").read_text("utf-8"), request.param)
    return Conditions(images.read_labels(RENDERED / f"{request.param}-parse.png"), joints_from_keypoints(points))


def box(worn, rounded=0, turned=0.0):
    around = masks.box_of(worn)
    found = np.zeros(worn.shape, np.uint8)
    found[around.window(worn.shape)] = 1
    if turned:
        turn = cv2.getRotationMatrix2D((worn.shape[1] / 2, worn.shape[0] / 2), turned, 1)
        found = cv2.warpAffine(found, turn, worn.shape[::-1])
    return masks.open_(found > 0, rounded)


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("rule", [hr_viton, ootd_hd])
def test_masks_of_the_rules_are_no_boxes_and_have_a_rim(conditions, category, rule):
    mask = rule(category, conditions)
    assert box_likeness(mask) < BOX_LIKE
    assert rim_covered(mask, category, conditions.parse) > 2 * LEAST_RIM


@pytest.mark.parametrize("shape", [{}, {"rounded": 20}, {"turned": 8.0}], ids=str)
def test_a_box_is_one_upright_rounded_or_tilted(conditions, shape):
    worn = masks.labelled(conditions.parse, WORN[Category.UPPER])
    assert box_likeness(box(worn, **shape)) > BOX_LIKE


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("edit", [lambda worn: worn, lambda worn: masks.dilate(worn, 1), lambda worn: masks.erode(worn, 2)])
def test_the_worn_garment_alone_covers_no_rim(conditions, category, edit):
    worn = masks.labelled(conditions.parse, WORN[category])
    assert rim_covered(edit(worn), category, conditions.parse) < LEAST_RIM


def test_nothing_is_measured_on_an_empty_mask_or_of_nothing_worn():
    assert box_likeness(np.zeros((64, 48), bool)) == 0
    assert rim_covered(np.ones((64, 48), bool), Category.UPPER, np.zeros((64, 48), np.uint8)) is None
