"""The page about OOTDiffusion: its figures are drawn by the code, every request has an answer, every test it names exists."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ootdiffusion.md").read_text("utf-8")
MAKER = runpy.run_path(str(ROOT / "docs" / "make_ootdiffusion.py"))


@pytest.mark.parametrize("name", MAKER["FIGURES"])
def test_a_figure_is_what_the_code_draws_and_stays_inside_its_frame(name: str):
    drawn = MAKER["FIGURES"][name]()
    assert (MAKER["PICTURES"] / name).read_text("utf-8") == drawn, "run: python docs/make_ootdiffusion.py"
    root = ElementTree.fromstring(drawn)
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(rect.get(side, 0)) for side in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height
    assert f"pictures/{name}" in PAGE


def test_every_request_of_the_seed_has_its_row():
    numbers = [int(row) for row in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert numbers == list(range(1, 58))


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE))
    assert len(named) > 8
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert not test or f"def {test}(" in (ROOT / file).read_text("utf-8"), f"{file}: {test}"
