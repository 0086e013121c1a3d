"""Write `outputs/report/` from the results of all runs: pages of at most 200 pairs, thumbnails named by content.

Thumbnails are made once per content, so a rerun that changes one picture makes one thumbnail.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import (
    AGNOSTIC,
    CLOTH,
    CUTOUT,
    DENSEPOSE,
    IMAGE,
    ORIGINAL,
    PARSE,
    PER_PAIR,
    POSE_IMAGE,
    REPAIRED,
    REPORT,
    THUMBNAILS,
    TRYON,
    Layout,
    Ref,
)
from pipeline.core.records.finished import finished_ref
from pipeline.core.records.transaction import Records
from pipeline.core.score import SCORE, SCORE_WHY, score_of
from pipeline.report.page import Cell, Failure, ReportPage, Row, page_html, page_name, worst_first

ROWS_PER_PAGE = 200
THUMB_HEIGHT = 480
SHOULDERS = "% of shoulders²"
"""Areas are in squares of the shoulders' width."""
MEASURES = {
    "outside_change": ("change outside", "levels"),
    "face_similarity": ("face", "%"),
    "colour_difference": ("colour ΔE", ""),
    "coverage": ("coverage", "%"),
    "spread": ("variety", "levels"),
    "halo": ("halo", "%"),
    "old_garment": ("old garment", "%"),
    "beside": ("paint beside", "%"),
    "side": ("emptier side", "%"),
    "grey": ("grey left", "%"),
    "straight": ("straight edge", "%"),
    "blur": ("blur", "%"),
    "hands": ("hands", "%"),
    "torn": ("torn", "teeth"),
    "bulge": ("beyond the shoulders", "%"),
    "lumps": ("lumps", SHOULDERS),
    "lost": ("part lost", SHOULDERS),
    "hands_lost": ("hands lost", SHOULDERS),
    "ground": ("background left", SHOULDERS),
    "gaps": ("background in gaps", SHOULDERS),
    "pieces": ("old pieces", SHOULDERS),
    "collar": ("old collar's shape", SHOULDERS),
    "sleeve": ("bare arm", "%"),
}
"""The quality gate's facts: their names on the page, and their units."""
REPORT_FOLDER = REPORT.rpartition("/")[0]


def write_report(records: Records, collection: Collection, failures: Sequence[Failure]) -> Path:
    """Write the pages; unchanged files are not written again.

    Args:
        records: of the outputs folder, opened for writing.
        collection: all items; the report leaves out items whose inputs are gone.
        failures: shown first.

    Returns:
        The first page.
    """
    noticed, scored = _notices(records), _scores(records)
    rows = worst_first(
        [_row(pair, collection, records, noticed, scored.get((pair.id, pair.engine), {})) for pair in collection.pairs]
    )
    _make_thumbnails(records, rows)
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    summary = _summary(collection, rows, failures)
    for number in range(1, pages + 1):
        part = tuple(rows[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE])
        page = ReportPage(tuple(failures) if number == 1 else (), part, summary, number, pages)
        records.store.write_if_changed(f"{REPORT_FOLDER}/{page_name(number)}", page_html(page).encode("utf-8"))
    _remove_old(records, rows, pages)
    return records.layout.path(REPORT)


def report_key(collection: Collection, failures: Sequence[Failure]) -> str:
    """Hash that changes when the report would, although no artefact was made: items were added, removed, or failed."""
    text = repr((collection.pairs, collection.backgrounds, list(failures)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


ItemNotices = Mapping[str, Sequence[tuple[str, Notice]]]
"""Item id → (step, notice)."""


def _notices(records: Records) -> ItemNotices:
    found: dict[str, list[tuple[str, Notice]]] = defaultdict(list)
    for outcome in records.ledger.outcomes("notices <> '[]' OR kept <> '[]'"):
        found[outcome.item] += [(outcome.step, notice) for notice in outcome.all_notices]
    return found


def _scores(records: Records) -> dict[tuple[str, str], Mapping[str, str]]:
    """The facts of every item that the quality gate scored, by its id and the engine in its file's folder."""
    rows = records.ledger.outcomes(f"facts LIKE '%\"{SCORE}\"%'")
    return {(row.item, row.slot.split("/")[-2]): row.facts for row in rows if not row.failed}


def measures_of(facts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a score is computed from, as name and value with unit; what was not measured is left out."""
    named = ((words, facts.get(name), unit) for name, (words, unit) in MEASURES.items())
    return tuple((words, _with_unit(value, unit)) for words, value, unit in named if value)


def _with_unit(value: str, unit: str) -> str:
    number = float(value)
    if unit == "%":
        return f"{number:.0%}"
    if unit == SHOULDERS:
        return f"{number * 100:.1f} {unit}"
    return f"{number:.{0 if number >= 10 else 1}f} {unit}".strip()


def stage_refs(pair: Pair, collection: Collection, layout: Layout) -> Iterator[tuple[str, Ref]]:
    """The stages of a pair in order: label and artefact."""
    for each in pair.passes[:-1]:
        yield from _pass_refs(each, layout)
    yield from _pass_refs(pair, layout)
    yield "final, own photo", finished_ref(layout, f"{pair.id}__{ORIGINAL}", pair.engine)
    for background in collection.backgrounds:
        yield f"final, {background.id}", finished_ref(layout, f"{pair.id}__{background.id}", pair.engine)


def _pass_refs(pair: Pair, layout: Layout) -> Iterator[tuple[str, Ref]]:
    """What one garment is put on from, and the result on the canvas."""
    person, garment, engine = pair.person.id, pair.garment.id, pair.engine
    yield "person", IMAGE.of(person)
    yield "cut-out", CUTOUT.of(person)
    yield "pose", POSE_IMAGE.of(person)
    yield "densepose", DENSEPOSE.of(person)
    yield "parse map", PARSE.of(person)
    yield "agnostic", AGNOSTIC.of(person, pair.garment.category)
    yield "cloth", CLOTH.of(garment)
    made = ((label, kind.of(pair.id, engine)) for label, kind in PER_PAIR.items())
    yield from ((label, ref) for label, ref in made if layout.path(ref).is_file())
    yield "try-on", TRYON.of(pair.id, engine)
    if layout.path(repaired := REPAIRED.of(pair.id, engine)).is_file():
        yield "hands repaired", repaired


def _row(pair: Pair, collection: Collection, records: Records, noticed: ItemNotices, facts: Mapping[str, str]) -> Row:
    cells = tuple(_cell(label, ref, records) for label, ref in stage_refs(pair, collection, records.layout))
    items = [*pair.parts, *(f"{pair.id}__{background.id}" for background in collection.backgrounds)]
    found = dict.fromkeys(notice for item in items for _, notice in noticed.get(item, ()))
    preview = any(notice.flag is Flag.PREVIEW_ONLY for notice in found)
    return Row(
        title=f"{pair.person.original.id} · {' + '.join(garment.id for garment in pair.garments)}",
        subtitle=_subtitle(pair),
        cells=cells,
        notices=tuple(notice for notice in found if _concerns(notice, pair.categories)),
        preview=preview,
        score=score_of(facts),
        why=facts.get(SCORE_WHY, ""),
        measures=measures_of(facts),
    )


def _subtitle(pair: Pair) -> str:
    worn = " and ".join(garment.category.value for garment in pair.garments)
    engines = " and ".join(dict.fromkeys(each.engine for each in pair.passes))
    return f"{f'outfit of {worn} garment' if pair.outfit else f'{worn} garment'}, engine {engines}"


def _concerns(notice: Notice, categories: frozenset[Category]) -> bool:
    """Whether a flag belongs on this row: masks are made per category, and their flags begin with it.

    `preview-only` is not listed, because the row has a stamp that says it.
    """
    about = notice.detail.partition(":")[0]
    return notice.flag is not Flag.PREVIEW_ONLY and (about not in list(Category) or about in categories)


def _cell(label: str, ref: Ref, records: Records) -> Cell:
    content = records.contents.of(ref)
    if content is None:
        return Cell(label)
    return Cell(label, f"../{ref}", f"{THUMBNAILS.rpartition('/')[2]}/{content[:24]}.webp")


def _make_thumbnails(records: Records, rows: Sequence[Row]) -> None:
    folder = records.layout.path(REPORT_FOLDER)
    wanted = {cell.thumbnail: cell.link.removeprefix("../") for row in rows for cell in row.cells if cell.link}
    missing = {name: ref for name, ref in wanted.items() if not (folder / name).exists()}
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda each: _thumbnail(records, *each), missing.items()))


def _thumbnail(records: Records, name: str, ref: Ref) -> None:
    try:
        data = images.thumbnail(records.layout.path(ref), THUMB_HEIGHT)
    except (InputError, OSError):
        return  # a broken file of the user's shows as a broken picture; its step has reported it
    records.store.write_if_changed(f"{REPORT_FOLDER}/{name}", data)


def _summary(collection: Collection, rows: Sequence[Row], failures: Sequence[Failure]) -> tuple[str, ...]:
    outfits = sum(bool(pair.outfit) for pair in collection.pairs)
    flagged = sum(bool(row.notices) for row in rows)
    facts = (
        (len(collection.persons), "person", "people"),
        (len(collection.garments), "garment", "garments"),
        (len(collection.backgrounds), "background", "backgrounds"),
        (sum(not pair.outfit for pair in collection.pairs), "pair", "pairs"),
        *(((outfits, "outfit", "outfits"),) if outfits else ()),
        (sum(each.items for each in failures), "failure", "failures"),
        (flagged, "flagged", "flagged"),
    )
    return tuple(f"{count} {one if count == 1 else many}" for count, one, many in facts)


def _remove_old(records: Records, rows: Sequence[Row], pages: int) -> None:
    """Remove pages and thumbnails that no row shows any more; only this module writes them."""
    folder = records.layout.path(REPORT_FOLDER)
    shown = {cell.thumbnail for row in rows for cell in row.cells}
    names = {page_name(number) for number in range(1, pages + 1)}
    for old in folder.glob("page-*.html"):
        if old.name not in names:
            old.unlink(missing_ok=True)
    thumbs = records.layout.path(THUMBNAILS)
    for old in thumbs.glob("*.webp"):
        if f"{thumbs.name}/{old.name}" not in shown:
            old.unlink(missing_ok=True)
