"""Pages that repeat what the code knows say what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pipeline.catalog import STEPS
from pipeline.core.flags import Flag
from pipeline.core.items import Unit
from pipeline.core.labels import Category

DOCS = Path(__file__).resolve().parents[2] / "docs"
MAKER = runpy.run_path(str(DOCS / "make_pages.py"))


@pytest.mark.parametrize("name", MAKER["PAGES"])
def test_a_generated_page_is_up_to_date(name: str):
    assert (DOCS / name).read_text("utf-8") == MAKER["PAGES"][name](), "run: python docs/make_pages.py"


def test_the_glossary_has_every_step_unit_and_word_of_the_layout():
    glossary = (DOCS / "glossary.md").read_text("utf-8").lower()
    words = [
        *STEPS,
        *(unit.value for unit in Unit),
        *(category.value for category in Category),
        "matte",
        "cut-out",
        "frame",
        "recipe",
    ]
    assert not [word for word in words if word not in glossary]


def glossary_rows() -> list[list[str]]:
    """Word, meaning, and words not used, line by line."""
    lines = (DOCS / "glossary.md").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


def test_the_glossary_says_every_word_once_and_in_order():
    words = [word for word, _, _ in glossary_rows()]
    assert words == sorted(set(words), key=str.casefold)


def test_no_page_uses_a_word_that_the_glossary_replaces():
    replaced = [word for _, _, others in glossary_rows() for word in others.split(", ") if word]
    pages = [path for path in [DOCS.parent / "README.md", *DOCS.rglob("*.md")] if path.name != "glossary.md"]
    used = {
        f"{page.name}: {word}"
        for page in pages
        for word in replaced
        if re.search(rf"\b{word}\b", page.read_text("utf-8"), re.IGNORECASE)
    }
    assert replaced and not used


def test_every_step_has_its_page_and_the_readme_leads_to_it():
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    for step in STEPS:
        assert (DOCS / "steps" / f"{step}.md").is_file() and f"docs/steps/{step}.md" in readme


def test_every_picture_and_page_that_a_page_shows_is_there():
    for page in [DOCS.parent / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"


def test_every_flag_of_the_preprocessing_steps_is_explained_on_a_steps_page():
    raised = {
        name
        for path in (DOCS.parent / "preprocess").rglob("*.py")
        for name in re.findall(r"Flag\.([A-Z_]+)", path.read_text("utf-8"))
    }
    pages = "".join(path.read_text("utf-8") for path in (DOCS / "steps").glob("*.md"))
    assert len(raised) > 10 and not [name for name in raised if f"`{Flag[name].value}`" not in pages]
