"""Pages that repeat what the code knows say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
MAKER = runpy.run_path(str(DOCS / "make_pages.py"))


@pytest.mark.parametrize("name", MAKER["PAGES"])
def test_a_generated_page_is_up_to_date(name: str):
    assert (DOCS / name).read_text("utf-8") == MAKER["PAGES"][name](), "run: python docs/make_pages.py"
