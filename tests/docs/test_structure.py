"""The picture of the rooms is drawn from the import contract."""

from __future__ import annotations

import runpy
from pathlib import Path
from xml.etree import ElementTree

MAKER = runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs" / "make_structure.py"))


def test_the_picture_of_the_rooms_is_up_to_date():
    assert MAKER["PICTURE"].read_text("utf-8") == MAKER["structure"](), "run: python docs/make_structure.py"


def test_every_room_of_the_contract_is_drawn_inside_the_picture():
    root = ElementTree.fromstring(MAKER["structure"]())
    drawn = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    for rows in MAKER["layer_contracts"]()[:1]:
        assert {name for row in rows for name in row} <= drawn
    _, _, width, height = map(float, root.get("viewBox").split())
    for rect in list(root.iter("{http://www.w3.org/2000/svg}rect"))[1:]:
        x, y, w, h = (float(rect.get(side)) for side in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height


def test_every_package_of_ours_says_what_it_is_for():
    for package in ("pipeline", "preprocess", "tryon", "compose"):
        for path in (MAKER["ROOT"] / package).rglob("__init__.py"):
            module = ".".join(path.parent.relative_to(MAKER["ROOT"]).parts)
            assert MAKER["purpose"](module), f"{path} has no docstring"
