"""The published loaders' drawings: equal to the pixel to what VITON-HD's and GS-VITON's loaders made of the same files."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from drawn_person import draw
from PIL import Image

from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import THIRTEEN_GROUPS, Category, Parse
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.viton_hd_exact import PARSE_UNIT, picture_mask, reduced_parse, viton_hd_exact, viton_hd_parse
from preprocess.person.body import joints_from_keypoints

RECORDINGS = {
    "official": ("e2e", "test/image-parse", viton_hd_exact, viton_hd_parse),
    "seed": (
        "seed_inference",
        "output/cihp_parsing",
        lambda *given: picture_mask(12, *given),
        lambda *given: reduced_parse(20, *given),
    ),
}


def classes(parse: np.ndarray) -> np.ndarray:
    return np.stack([np.isin(parse, labels) for labels in THIRTEEN_GROUPS]).argmax(0)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("of", RECORDINGS)
def test_mask_and_reduced_parse_map_equal_the_loaders(fixtures_root, of, number):
    name, folder, mask_of, parse_of = RECORDINGS[of]
    recorded = np.load(fixtures_root / "viton_hd" / "public" / f"{name}.npz")
    person = json.loads(str(recorded["config_json"]))["pairs"][number].split()[0].removesuffix(".jpg")
    points = recorded[f"file/test/openpose-json/{person}_keypoints.json"].tobytes().decode()
    parse = np.asarray(Image.open(io.BytesIO(recorded[f"file/{folder}/{person}.png"].tobytes())))
    conditions = Conditions(parse, joints_from_keypoints(keypoints_from_json(points)))
    expected = np.unpackbits(recorded[f"data/{number}/agnostic_changed_packed"]).reshape(parse.shape) > 0
    apart = mask_of(Category.UPPER, conditions) != expected
    assert np.count_nonzero(apart) <= 40, np.count_nonzero(apart)
    reduced = classes(parse_of(Category.UPPER, parse, conditions.body))
    assert np.count_nonzero(reduced != recorded[f"data/{number}/parse_agnostic_13"]) <= 10


def test_the_units_are_pixels_of_1024_rows():
    assert PARSE_UNIT == 10


def test_lower_garments_lose_legs_as_upper_ones_lose_arms():
    drawing = draw(skirt=True)
    labels = drawing.labels.copy()
    reduced = viton_hd_parse(Category.LOWER, labels, drawing.body)
    gone, there = (sorted({Parse(each).name for each in np.unique(labels[where])}) for where in (reduced != labels, reduced > 0))
    assert gone == ["LEFT_LEG", "RIGHT_LEG", "SKIRT"]
    assert {"UPPER_CLOTHES", "LEFT_ARM", "RIGHT_ARM", "FACE", "HAIR"} <= set(there)
    mask = viton_hd_exact(Category.LOWER, Conditions(labels, drawing.body))
    assert mask[np.isin(labels, [Parse.SKIRT, Parse.LEFT_LEG, Parse.RIGHT_LEG])].mean() > 0.99
    assert not mask[np.isin(labels, [Parse.UPPER_CLOTHES, Parse.LEFT_ARM, Parse.LEFT_SHOE, Parse.FACE])].any()
