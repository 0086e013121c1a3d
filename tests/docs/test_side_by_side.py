"""The sheet that holds embedded backends against real companions must not show companions twice."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from published_trees import viton_hd

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def maker():
    sys.path.insert(0, str(DOCS))  # as when the script is run: it shares drawing functions with make_pictures.py
    try:
        return runpy.run_path(str(DOCS / "make_side_by_side.py"))
    finally:
        sys.path.remove(str(DOCS))


def test_the_embedded_row_starts_from_photos_and_garments_alone(maker, tmp_path):
    viton_hd(tmp_path / "tree", 2)
    found = maker["read_viton_hd"](tmp_path / "tree", "test", "none")
    photos = maker["photos_only"](found, tmp_path / "photos")
    files = sorted(path.relative_to(photos / "test").as_posix() for path in photos.rglob("*.*") if path.is_file())
    assert {name.split("/")[0] for name in files} == {"image", "cloth"} and len(files) == 4


def test_masks_that_share_half_of_their_union_overlap_by_half(maker):
    first, second = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    first[:, :4], second[:, 2:4] = True, True
    assert maker["overlap"](first, second) == 0.5 and maker["overlap"](first & ~first, second & ~second) == 0
