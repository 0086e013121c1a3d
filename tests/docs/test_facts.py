"""The tables on the pages of facts say what the code says."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from pipeline.core.labels import CIHP_PALETTE, DENSEPOSE_COLOURS, Atr, Category, Fashn, Lip, Parse
from preprocess.agnostic.rules.ootd_compat import KEPT, REPLACED
from preprocess.densepose.colours import TOLERANCE
from tryon.samplers.schedule import leading_timesteps

FACTS = Path(__file__).resolve().parents[2] / "docs" / "facts"


def page(name: str) -> str:
    return (FACTS / f"{name}.md").read_text("utf-8")


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of a table whose heading begins with a word, without heading and rule."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    end = next(number for number in range(start, len(lines)) if not lines[number].startswith("|"))
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines[start:end]]


def test_the_colours_of_body_parts_are_those_of_the_code():
    cells = [
        row[place : place + 2] for row in rows(page("densepose_picture").split("## Colours")[1], "I") for place in range(0, 8, 2)
    ]
    told = {int(index): tuple(map(int, colour.split())) for index, colour in cells}
    assert told == {index: tuple(colour) for index, colour in enumerate(DENSEPOSE_COLOURS) if index}
    assert f"within {TOLERANCE} of a table's colour" in page("densepose_picture")


@pytest.mark.parametrize(("column", "labels"), [(1, Parse), (2, Lip), (3, Atr), (4, Fashn)])
def test_the_label_lists_are_those_of_the_code(column: int, labels: type[IntEnum]):
    told = {int(row[0]): row[column] for row in rows(page("label_lists"), "id") if row[column]}
    names = {label.value: label.name.replace("_", " ").lower() for label in labels}
    assert told.keys() == names.keys()
    assert all(name in told[number] or name.endswith("clothes") for number, name in names.items())


def test_the_palette_is_that_of_the_code():
    colours = re.findall(r"\((\d+),(\d+),(\d+)\)", page("label_lists"))
    assert [tuple(map(int, colour)) for colour in colours] == [tuple(colour) for colour in CIHP_PALETTE]


def test_ootds_labels_are_those_of_the_code():
    told = {row[0]: row[1:] for row in rows(page("agnostic_rules").split("## OOTD")[1], "ATR labels")}
    for place, category in enumerate((Category.UPPER, Category.LOWER, Category.DRESS)):
        for name, table in (("repainted", REPLACED), ("kept", KEPT)):
            assert [int(number) for number in re.findall(r"\d+", told[name][place])] == sorted(table[category])


@pytest.mark.parametrize(
    ("steps", "calls", "first"), [(50, 50, 981), (20, 20, 951), (10, 10, 901), (30, 31, 991), (15, 16, 991), (70, 72, 995)]
)
def test_timesteps_are_those_of_the_code(steps: int, calls: int, first: int):
    assert (len(leading_timesteps(steps)), leading_timesteps(steps)[0]) == (calls, first)
    assert (
        f"{first} ({steps})" in page("samplers") or f"{steps} → {calls}" in page("samplers") or f"{first} … 1" in page("samplers")
    )
