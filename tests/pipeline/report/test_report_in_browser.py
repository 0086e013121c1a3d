"""The report as a browser lays it out, on a desk and on a telephone, from `file://`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import PHONE, WIDE, chromium, keep, opened, overflows
from playwright.sync_api import Browser

from pipeline.core.flags import Flag, Notice
from pipeline.report.page import Cell, Failure, ReportPage, Row, page_html

pytestmark = pytest.mark.slow
FAILURES = (
    Failure(
        "woman_with_a_very_long_file_name_of_her_own_0001",
        "background",
        "no person found in inputs/person/woman_with_a_very_long_file_name_of_her_own_0001.jpg (allowed: one person)",
        "crop closer (torso ≥ 20 % of the height), or skip it:  python run.py --skip woman_with_a_very_long_file_name",
    ),
    Failure("ann__tee__broken", "compose", "inputs/background/broken.jpg: truncated", "take it out", 40),
)
LINES = "cell => { const all = new Range(); all.selectNodeContents(cell); return all.getClientRects().length }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize(("size", "stacked"), [(WIDE, False), (PHONE, True)], ids=["wide", "phone"])
def test_failures_fit_the_screen_side_by_side_or_stacked(browser: Browser, tmp_path: Path, size: tuple[int, int], stacked: bool):
    row = Row("ann · tee", "upper garment", (Cell("person"), Cell("final, sea")), (Notice(Flag.SMALL_PERSON, "8 px"),))
    (tmp_path / "index.html").write_text(page_html(ReportPage(FAILURES, (row,), ("2 people",))), "utf-8")
    with opened(browser, f"file://{tmp_path}/index.html", size) as page:
        keep(page, f"report-{'phone' if stacked else 'wide'}")
        assert not overflows(page)
        for number in range(len(FAILURES)):
            cells = page.locator("tr", has=page.locator("td")).nth(number).locator("td").all()
            item, step, message = (cell.bounding_box() for cell in cells)
            assert item and step and message
            assert cells[1].evaluate(LINES) == 1, "the step's name is broken over lines"
            assert (step["y"] >= item["y"] + item["height"]) == (message["y"] >= step["y"] + step["height"]) == stacked
            assert (message["width"] > 0.9 * (size[0] - 32)) == stacked
