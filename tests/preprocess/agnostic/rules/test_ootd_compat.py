"""OOTDiffusion's published rule: our masks against its recorded results, on all recorded cases and both sizes."""

import json

import numpy as np
import pytest

from pipeline.core import masks
from pipeline.core.labels import Category
from preprocess.agnostic.rules.ootd import STRIP_PX
from preprocess.agnostic.rules.ootd_compat import published_mask

CASES = 10
CATEGORIES = {"upper_body": Category.UPPER, "lower_body": Category.LOWER, "dresses": Category.DRESS}


@pytest.fixture(scope="module")
def recorded(fixtures_root):
    return np.load(fixtures_root / "ootdiffusion" / "public" / "ootd_masks_public.npz")


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize("key, size", [("mask", (512, 384)), ("mask768", (1024, 768))])
def test_the_mask_equals_the_recorded_one(recorded, case, key, size):
    cases = json.loads(str(recorded["cases"]))
    assert len(cases) == CASES
    kind, category = cases[case]["model_type"], CATEGORIES[cases[case]["category"]]
    got = published_mask(category, recorded[f"parse_{case}"], recorded[f"keypoints_{case}"], STRIP_PX[kind], size)
    expected = np.unpackbits(recorded[f"{key}_{case}"]).reshape(size) > 0
    assert masks.iou(got, expected) >= 0.998
