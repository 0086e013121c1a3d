"""A report page as text: plain HTML and CSS that load nothing from elsewhere and work from `file://`.

Pure functions: rows in, HTML out. `pipeline.report.report` collects the rows and writes the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from pipeline.core.flags import ABOUT, Notice
from pipeline.core.score import PASS_SCORE


@dataclass(frozen=True, slots=True)
class Cell:
    """One stage of an item.

    Args:
        label: what it shows, e.g. `agnostic`.
        link: the full picture, relative to the page; "" when it is not there.
        thumbnail: the small picture, relative to the page.
        note: a short text below it.
    """

    label: str
    link: str = ""
    thumbnail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One pair with all its stages.

    Args:
        title, subtitle: who wears what, and how the picture was made.
        cells: the stages in order.
        notices: quality flags.
        preview: made by a preview engine.
        score: the quality gate's, in [0, 1], or None.
        why: what decides the score, in one sentence.
        measures: what the score is computed from, as name and value.
    """

    title: str
    subtitle: str
    cells: tuple[Cell, ...]
    notices: tuple[Notice, ...] = ()
    preview: bool = False
    score: float | None = None
    why: str = ""
    measures: tuple[tuple[str, str], ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether the score is below the quality gate's limit."""
        return self.score is not None and self.score < PASS_SCORE


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause, and how many items failed because of it.

    Args:
        item: the first of them.
        step, message, remedy: where, why, and what to do.
        items: how many failed.
    """

    item: str
    step: str
    message: str
    remedy: str = ""
    items: int = 1


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What one page of the report shows.

    Args:
        failures: shown first, on the first page.
        rows: in the order in which they are shown.
        summary: figures for the headline, e.g. `("12 people", "3 garments")`.
        page: number of this page, from 1.
        pages: how many pages there are.
    """

    failures: tuple[Failure, ...]
    rows: tuple[Row, ...]
    summary: tuple[str, ...]
    page: int = 1
    pages: int = 1


FINAL = "final"
"""Labels of finished pictures begin with this word; they are shown larger."""
STYLE = Path(__file__).with_name("report.css")


def page_html(page: ReportPage) -> str:
    """The HTML of one page."""
    parts = [_head(page), _navigation(page)]
    if page.failures:
        parts.append(_failures(page.failures))
    parts += [_group("To look at", [row for row in page.rows if _needs_attention(row)])]
    parts += [_group("Finished", [row for row in page.rows if not _needs_attention(row)])]
    if not page.failures and not page.rows:
        parts.append(
            "<p>No pictures yet: put photos into <code>inputs/person</code> and garments into <code>inputs/cloth</code>.</p>"
        )
    body = "\n".join(part for part in parts[2:] if part)
    return f"{parts[0]}{parts[1]}<main>\n{body}\n</main>\n{parts[1]}</body>\n</html>\n"


def _needs_attention(row: Row) -> bool:
    return bool(row.notices) or any(not cell.link for cell in row.cells)


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """Incomplete rows first, then bad scores from the worst on; the others by number of flags, then score, then as given."""
    return sorted(rows, key=_rank)


def _rank(row: Row) -> tuple[int, float, int, float]:
    score = 1.0 if row.score is None else row.score
    return -sum(not cell.link for cell in row.cells), min(score, PASS_SCORE), -len(row.notices), score


def _head(page: ReportPage) -> str:
    facts = " · ".join(escape(fact) for fact in page.summary)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Lookbook report</title>\n<style>\n{STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n"
        f'<header><h1>Lookbook report</h1><p class="dim">{facts}</p></header>\n'
    )


def _navigation(page: ReportPage) -> str:
    if page.pages == 1:
        return ""
    links = [
        f"<b>{number}</b>" if number == page.page else f'<a href="{page_name(number)}">{number}</a>'
        for number in range(1, page.pages + 1)
    ]
    return f'<nav aria-label="Pages">Page {" ".join(links)}</nav>\n'


def page_name(number: int) -> str:
    """`index.html`, `page-2.html`, …"""
    return "index.html" if number == 1 else f"page-{number}.html"


def _failures(failures: Sequence[Failure]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(each.item)}{_others(each)}</td><td>{escape(each.step)}</td><td>{escape(each.message)}"
        + (f"<br><code>{escape(each.remedy)}</code>" if each.remedy else "")
        + "</td></tr>"
        for each in failures
    )
    head = "<tr><th>item</th><th>step</th><th>what happened, what helps</th></tr>"
    count = sum(each.items for each in failures)
    return f'<section class="failed"><h2>Failed ({count})</h2><table>{head}\n{rows}\n</table></section>'


def _others(failure: Failure) -> str:
    return f"<br>and {failure.items - 1} more" if failure.items > 1 else ""


def _group(title: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    return f"<section><h2>{title} ({len(rows)})</h2>\n" + "\n".join(_article(row) for row in rows) + "\n</section>"


def _article(row: Row) -> str:
    stamp = ' <span class="stamp">preview</span>' if row.preview else ""
    flags = "".join(f"<li>⚑ <b>{escape(each.flag.value)}</b> {escape(_about(each))}</li>" for each in row.notices)
    finals = [cell for cell in row.cells if cell.label.startswith(FINAL)]
    stages = [cell for cell in row.cells if cell not in finals]
    return (
        f'<article><h3>{escape(row.title)}{stamp}</h3><p class="dim">{escape(row.subtitle)}</p>'
        + _measures(row)
        + (f'<ul class="flags">{flags}</ul>' if flags else "")
        + _strip("stages", stages, row.title)
        + _strip("finals", finals, row.title)
        + "</article>"
    )


def _measures(row: Row) -> str:
    """The score and what it is computed from, in one line."""
    if row.score is None:
        return ""
    kind = " bad" if row.is_bad else ""
    parts = "".join(f"<span>{escape(name)} <b>{escape(value)}</b></span>" for name, value in row.measures)
    why = f" {escape(row.why)}" if row.why else ""
    return f'<p class="score{kind}"><span>score <b>{row.score:.2f}</b>{why}</span>{parts}</p>'


def _strip(kind: str, cells: Sequence[Cell], title: str) -> str:
    label = escape(f"{kind} of {title}", quote=True)
    return (
        f'<div class="{kind}" role="group" aria-label="{label}">' + "\n".join(_figure(cell, title) for cell in cells) + "</div>"
    )


def _about(notice: Notice) -> str:
    return ABOUT[notice.flag] + (f" ({notice.detail})" if notice.detail else "")


def _figure(cell: Cell, title: str) -> str:
    note = f"<br>{escape(cell.note)}" if cell.note else ""
    caption = f"<figcaption>{escape(cell.label)}{note}</figcaption>"
    if not cell.link:
        return f'<figure><div class="absent">not made</div>{caption}</figure>'
    alt = escape(f"{cell.label} of {title}", quote=True)
    image = f'<img loading="lazy" src="{quote(cell.thumbnail)}" alt="{alt}">'
    return f'<figure><a href="{quote(cell.link)}">{image}</a>{caption}</figure>'
