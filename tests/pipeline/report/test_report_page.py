"""The report shows failures first, then flagged items, escapes whatever names contain, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import ClassVar

from pipeline.core.flags import Flag, Notice
from pipeline.report.page import Cell, Failure, ReportPage, Row, page_html, worst_first
from pipeline.report.report import measures_of

COMPLETE = Row(
    "ann · tee", "upper", (Cell("person", "../a b#.jpg", "thumbs/1.webp"), Cell("final, sea", "../c.png", "thumbs/2.webp"))
)
FLAGGED = Row("bob · tee", "upper", COMPLETE.cells, (Notice(Flag.SEVERAL_PEOPLE, "2 people"),))
INCOMPLETE = Row("cid · tee", "upper", (Cell("person", "../d.jpg", "thumbs/3.webp"), Cell("final, sea")))


def sheet(*rows: Row, failures: tuple[Failure, ...] = ()) -> str:
    return page_html(ReportPage(failures, tuple(worst_first(rows)), ("1 person",)))


def test_failures_come_first_then_incomplete_then_flagged_then_the_rest():
    html = sheet(COMPLETE, FLAGGED, INCOMPLETE, failures=(Failure("dan", "background", "no person found", "crop closer"),))
    places = [html.index(word) for word in ("dan", "cid · tee", "bob · tee", "ann · tee")]
    assert places == sorted(places)
    assert "crop closer" in html


def test_a_flag_is_shown_with_what_to_do_and_what_was_measured():
    html = sheet(FLAGGED)
    assert "several-people" in html and "(2 people)" in html and "&lt;photo&gt;.toml" in html


def test_names_cannot_break_out_of_the_page():
    nasty = Row('<script>alert(1)</script>" onload="x', "", (Cell('a"b', '../x"y.png', "thumbs/z.webp"),))
    html = sheet(nasty, failures=(Failure("<b>", "s", "<i>", "<u>"),))
    assert "<script" not in html and "<b>&lt;b&gt;" not in html

    class Tags(HTMLParser):
        seen: ClassVar[set[str]] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen |= {tag, *(name for name, _ in attrs)}

    parser = Tags()
    parser.feed(html)
    assert not parser.seen & {"script", "onload", "i", "u"}


def test_links_are_quoted_so_that_any_file_name_opens():
    assert 'href="../a%20b%23.jpg"' in sheet(COMPLETE)


def test_the_page_loads_nothing_from_elsewhere():
    html = sheet(COMPLETE, FLAGGED)
    assert not re.search(r"(https?:)?//", html.replace("<!doctype html>", ""))


def test_a_stage_that_was_not_made_says_so():
    assert "not made" in sheet(INCOMPLETE)


def scored(title: str, score: float | None, flags: int = 0) -> Row:
    notices = (Notice(Flag.COLOUR_OFF, "ΔE 12.0, allowed 10"),) * flags
    why = "colour off: ΔE 12.0, allowed 10"
    return Row(title, "upper", COMPLETE.cells, notices, score=score, why=why, measures=(("colour ΔE", "12"),))


def test_bad_scores_come_first_from_the_worst_on_then_flags_then_lower_scores():
    rows = [scored("good", 0.9), scored("fair", 0.6), scored("flagged", 0.8, 1), scored("bad", 0.4, 1), scored("worst", 0.1, 1)]
    unscored = scored("unscored", None)
    assert [row.title for row in worst_first([unscored, *rows])] == ["worst", "bad", "flagged", "fair", "good", "unscored"]
    assert worst_first([scored("good", 1.0), INCOMPLETE])[0] is INCOMPLETE


def test_a_score_is_shown_with_what_it_is_made_of_and_a_bad_one_stands_out():
    good, bad = sheet(scored("good", 0.912)), sheet(scored("bad", 0.31, 1))
    assert (
        "score <b>0.91</b> colour off: ΔE 12.0, allowed 10</span>" in good
        and "colour ΔE <b>12</b>" in good
        and 'class="score"' in good
    )
    assert 'class="score bad"' in bad and "(ΔE 12.0, allowed 10)" in bad
    assert 'class="score' not in sheet(scored("none", None))


def test_measures_have_names_and_units_and_leave_out_what_was_not_measured():
    facts = {"score": "0.9", "outside_change": "0.00", "colour_difference": "2.06", "coverage": "0.632", "spread": "100.6"}
    assert measures_of(facts) == (
        ("change outside", "0.0 levels"),
        ("colour ΔE", "2.1"),
        ("coverage", "63%"),
        ("variety", "101 levels"),
    )


def test_many_rows_are_spread_over_linked_pages():
    html = page_html(ReportPage((), (COMPLETE,), (), page=2, pages=3))
    assert 'href="index.html"' in html and 'href="page-3.html"' in html and "<b>2</b>" in html


def test_every_picture_has_a_description():
    for image in re.findall(r"<img[^>]*>", sheet(COMPLETE, FLAGGED)):
        assert re.search(r'alt="[^"]{5,}"', image)


def test_one_cause_that_stops_many_items_is_one_row_and_counts_them():
    html = sheet(COMPLETE, failures=(Failure("ann__tee__sea", "compose", "sea.png is too small", "use another", 36),))
    assert "Failed (36)" in html and "and 35 more" in html
