"""Routes of the gallery: the list, one picture with all its stages, verdicts, export."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from pipeline.core import images
from pipeline.core.errors import LookbookError
from pipeline.core.flags import ABOUT
from pipeline.core.items import Pair, Scene
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    ATTENTION,
    CLOTH,
    CLOTH_MASK,
    CUTOUT,
    DENSEPOSE,
    DRESSED_CUTOUT,
    IMAGE,
    LEDGER,
    ORIGINAL,
    PARSE,
    PER_PAIR,
    POSE_IMAGE,
    REPAIRED,
    TRYON,
    Layout,
    Ref,
)
from pipeline.core.records.finished import finished_ref
from pipeline.core.records.ledger import Ledger
from pipeline.review.answers import Artefact, Card, Cards, Details, FlagNote, Judged, StepFacts
from pipeline.review.export import export_archive, finished_entries
from pipeline.review.gallery import Entry, Filter, Gallery
from pipeline.review.models import GalleryQuery, NewVerdict
from pipeline.review.page import Page, ThePage
from pipeline.review.verdicts import Verdict
from pipeline.review.workspace import UnknownItemError, version_of


def stages_of(scene: Scene, layout: Layout) -> Iterator[tuple[str, Ref]]:
    """Label and artefact of everything a finished picture was made of, in order."""
    pair = scene.pair
    yield "photo", pair.person.original.source
    for each in pair.passes:
        yield from _stages_of_pass(each)
    yield "dressed cut-out", DRESSED_CUTOUT.of(pair.id, pair.engine)
    yield "own photo", finished_ref(layout, f"{pair.id}__{ORIGINAL}", pair.engine)
    if scene.background.id != ORIGINAL:
        yield "background", scene.background.source
        yield "final", finished_ref(layout, scene.id, pair.engine)


def _stages_of_pass(pair: Pair) -> Iterator[tuple[str, Ref]]:
    """What one garment is put on from, and the result on the canvas."""
    person, garment = pair.person, pair.garment
    yield "cut-out", CUTOUT.of(person.id)
    yield "person", IMAGE.of(person.id)
    yield "pose", POSE_IMAGE.of(person.id)
    yield "densepose", DENSEPOSE.of(person.id)
    yield "parse map", PARSE.of(person.id)
    yield "agnostic", AGNOSTIC.of(person.id, garment.category)
    yield "mask", AGNOSTIC_MASK.of(person.id, garment.category)
    yield "garment", garment.source
    yield "cloth", CLOTH.of(garment.id)
    yield "cloth mask", CLOTH_MASK.of(garment.id)
    yield from ((label, kind.of(pair.id, pair.engine)) for label, kind in PER_PAIR.items())
    yield "try-on", TRYON.of(pair.id, pair.engine)
    yield "hands repaired", REPAIRED.of(pair.id, pair.engine)
    yield "attention", ATTENTION.of(pair.id, pair.engine)


def card(gallery: Gallery, entry: Entry) -> Card:
    """An entry in the form that the gallery shows."""
    return Card(**_card_fields(gallery, entry))


def _card_fields(gallery: Gallery, entry: Entry) -> dict[str, Any]:
    pair = entry.scene.pair
    return {
        "id": entry.scene.id,
        "pair": pair.id,
        "person": pair.person.original.id,
        "wearer": pair.person.id,
        "garment": pair.garment.id,
        "worn": pair.outfit or pair.garment.id,
        "category": pair.garment.category,
        "background": entry.scene.background.id,
        "engine": pair.engine,
        "ref": entry.ref,
        "version": entry.version,
        "state": entry.state,
        "flags": [notice.flag for notice in entry.notices],
        "preview": entry.preview,
        "score": entry.score,
        "verdict": gallery.mark_of(entry),
        "stale": gallery.is_stale(entry),
        "message": entry.message,
        "remedy": entry.remedy,
    }


def _details(page: Page, entry: Entry) -> Details:
    """An entry with its stages, flags, facts and recipe."""
    scene = entry.scene
    facts = _facts(page, scene)
    windows = {each.slot: each.facts["window"] for each in facts if "window" in each.facts}
    stages = [
        Artefact(label=label, ref=ref, version=version, size=_size(page, ref), window=_window(windows.get(ref, "")))
        for label, ref in stages_of(scene, page.layout)
        if (version := version_of(page.layout, ref))
    ]
    return Details(
        **_card_fields(page.gallery, entry),
        stages=stages,
        notices=[FlagNote(flag=each.flag, about=ABOUT[each.flag], detail=each.detail) for each in entry.notices],
        facts=facts,
        recipe=_recipe(page, entry),
    )


def _size(page: Page, ref: Ref) -> tuple[int, int] | None:
    try:
        return images.picture_size(page.layout.path(ref))
    except (LookbookError, OSError):
        return None


def _window(shares: str) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the part of its photo or background that a cropped picture shows; None for all of it."""
    if not shares:
        return None
    left, top, right, bottom = (float(share) for share in shares.split())
    return left, top, right, bottom


def _facts(page: Page, scene: Scene) -> list[StepFacts]:
    ledger = Ledger(page.layout.path(LEDGER), writable=False)
    try:
        names = (*scene.pair.parts, scene.id)
        rows = ledger.outcomes(f"item IN ({', '.join('?' * len(names))})", names)
        return [
            StepFacts(step=row.step, slot=row.slot, seconds=row.seconds, facts=dict(row.facts), kept=list(row.kept))
            for row in rows
        ]
    finally:
        ledger.close()


def _recipe(page: Page, entry: Entry) -> dict[str, Any] | None:
    try:
        return images.read_recipe(page.layout.path(entry.ref))
    except (LookbookError, OSError, ValueError):
        return None


gallery_routes = APIRouter(prefix="/api", tags=["gallery"])
"""Routes below /api for viewing and judging pictures."""


@gallery_routes.get("/items")
def list_items(page: ThePage, wanted: Annotated[GalleryQuery, Query()]) -> Cards:
    """Finished pictures that fit a filter, in pages."""
    found = page.gallery.find(_filter(wanted))
    cards = [card(page.gallery, entry) for entry in found[wanted.offset : wanted.offset + wanted.limit]]
    shapes = page.gallery.shapes(found) if wanted.shapes else None
    return Cards(version=page.gallery.index().version, total=len(found), offset=wanted.offset, items=cards, shapes=shapes)


def _filter(wanted: GalleryQuery) -> Filter:
    return Filter(
        person=wanted.person,
        garment=wanted.garment,
        background=wanted.background,
        flag=wanted.flag,
        verdict=wanted.verdict,
        state=wanted.state,
        text=wanted.q,
        least_score=wanted.min_score,
        most_score=wanted.max_score,
        by_score=wanted.sort == "score",
    )


@gallery_routes.get("/facets")
def facets(page: ThePage) -> dict[str, list[tuple[str, int]]]:
    """The values of each filter, with counts."""
    return page.gallery.facets()


@gallery_routes.get("/items/{item}")
def show_item(page: ThePage, item: str) -> Details:
    """One picture with all its stages, flags and facts."""
    return _details(page, _entry(page, item))


@gallery_routes.post("/verdicts")
def judge(page: ThePage, new: NewVerdict) -> Judged:
    """Keep, reject, redo, or withdraw a decision; appended to verdicts.jsonl."""
    entries = [_entry(page, item) for item in new.items]
    for entry in entries:
        page.verdicts.add(Verdict(entry.scene.id, entry.scene.pair.engine, new.verdict, entry.content))
    return Judged(items=[card(page.gallery, entry) for entry in entries])


@gallery_routes.get("/export.zip", response_class=FileResponse)
def export(page: ThePage, only_kept: bool = True) -> FileResponse:
    """The kept pictures, or all that are finished, in one archive."""
    entries = finished_entries(page.gallery, only_kept)
    with tempfile.NamedTemporaryFile(prefix="lookbook-", suffix=".zip", delete=False) as file:
        export_archive(page.layout, entries, cast(BinaryIO, file))
    path = Path(file.name)
    return FileResponse(path, media_type="application/zip", filename="lookbook.zip", background=BackgroundTask(path.unlink))


def _entry(page: Page, item: str) -> Entry:
    entry = page.gallery.index().entries.get(item)
    if entry is None:
        raise UnknownItemError(f"no picture {item!r}")
    return entry
