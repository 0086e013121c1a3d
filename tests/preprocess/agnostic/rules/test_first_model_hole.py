"""`dci-vton-v1`: the mask by which results are put back is the hole that the first model paints, to the pixel."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipeline.core.labels import Category, Parse
from preprocess.agnostic.rules.dci_vton_v1 import dci_vton_v1
from tryon.engines.dci_vton.conditions import mask_hole


def rule(parse: np.ndarray) -> np.ndarray:
    return dci_vton_v1(Category.UPPER, SimpleNamespace(parse=parse, size=parse.shape))  # no joint is looked at


def test_the_engine_paints_what_the_published_loader_paints(fixtures_root):
    recorded = np.load(fixtures_root / "dci_vton" / "public" / "preprocess.npz")
    parse = np.asarray(Image.open(io.BytesIO(recorded["file/test/image-parse-v3/00001_00.png"].tobytes())))
    keep = np.unpackbits(recorded["v1/inpaint_mask"]).reshape(512, 512) > 0
    assert np.array_equal(mask_hole(rule(parse)), ~keep)


@pytest.mark.parametrize("size", [(1024, 768), (512, 384), (1000, 750), (1280, 960)])
def test_arms_are_in_it_to_their_fingertips_at_any_size(size):
    parse = np.zeros(size, np.uint8)
    height, width = size
    parse[height // 4 : height // 2, width // 3 : 2 * width // 3] = Parse.UPPER_CLOTHES
    parse[height // 2 : 3 * height // 5, width // 3 : 2 * width // 5] = Parse.RIGHT_ARM
    parse[: height // 5] = Parse.HAIR
    hole = rule(parse)
    assert hole.shape == size and hole[np.isin(parse, (Parse.UPPER_CLOTHES, Parse.RIGHT_ARM))].all()
    assert not hole[: height // 6].any() and hole.mean() < 0.2


def test_nobody_gives_no_hole():
    assert not rule(np.full((512, 384), Parse.HAIR, np.uint8)).any()
