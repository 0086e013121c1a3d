"""A garment picture that is upside down or on its side is named; an upright one never."""

from __future__ import annotations

import numpy as np
import pytest
from flat_lays import TEE, flat_lay, shape_mask
from garment_outlines import FLARED_SKIRT, GOWN, JUMPSUIT, LONG_VEST, SHORTS, STRAP_TOP, TROUSERS, shape
from test_what_a_picture_shows import YELLOW, flags_and_mask

from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.labels import Category
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.turned import turned_by

SHIRT = shape((150, 60), (250, 60), (300, 100), (345, 420), (315, 425), (280, 180), (285, 430), (115, 430), (120, 180), (85, 425),
              (55, 420), (100, 100))  # fmt: skip
KIMONO = shape((20, 60), (380, 60), (380, 220), (290, 220), (290, 560), (110, 560), (110, 220), (20, 220))
TUNIC = shape((140, 60), (180, 75), (220, 75), (260, 60), (340, 430), (60, 430))
GARMENTS = {
    "tee": (Category.UPPER, shape_mask(TEE)), "shirt": (Category.UPPER, SHIRT), "strap top": (Category.UPPER, STRAP_TOP),
    "trousers": (Category.LOWER, TROUSERS), "shorts": (Category.LOWER, SHORTS), "gown": (Category.DRESS, GOWN),
    "jumpsuit": (Category.DRESS, JUMPSUIT),
}  # fmt: skip
AMBIGUOUS = {
    "vest": (Category.UPPER, LONG_VEST), "skirt": (Category.LOWER, FLARED_SKIRT), "kimono": (Category.UPPER, KIMONO),
    "tunic": (Category.UPPER, TUNIC), "abaya": (Category.DRESS, KIMONO),
}  # fmt: skip


@pytest.mark.parametrize("name", GARMENTS)
def test_an_upside_down_garment_is_named(name):
    category, mask = GARMENTS[name]
    assert turned_by(mask[::-1], category) == "it is upside down"


@pytest.mark.parametrize("name", GARMENTS)
@pytest.mark.parametrize("quarter", [1, 3])
def test_a_garment_on_its_side_is_named(name, quarter):
    category, mask = GARMENTS[name]
    assert turned_by(np.rot90(mask, quarter), category) == "it lies on its side"


@pytest.mark.parametrize("name", [*GARMENTS, *AMBIGUOUS])
def test_an_upright_garment_is_not(name):
    category, mask = (GARMENTS | AMBIGUOUS)[name]
    assert turned_by(mask, category) == ""
    assert turned_by(mask[:, ::-1], category) == ""


def test_the_step_flags_it(tmp_path):
    photo = np.ascontiguousarray(flat_lay(shape_mask(TEE), YELLOW)[::-1])
    assert Flag.GARMENT_TURNED in flags_and_mask(tmp_path, photo)[0]


@pytest.mark.samples
@pytest.mark.slow
def test_no_flat_sample_is_taken_for_turned(samples):
    paths = [path for path in (samples / "cloth").glob("*.jpg") if "worn" not in path.name]
    for path in paths:
        mask = cut_garment(images.read_rgb(path)) > 127
        assert turned_by(mask, Category(path.stem.split("_")[1])) == "", path.name
