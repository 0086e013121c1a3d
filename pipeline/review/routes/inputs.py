"""Routes of the inputs: status, lists, uploads, pairs; and of the files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, UploadFile
from fastapi.responses import FileResponse

from pipeline.core import images
from pipeline.core.errors import LookbookError, UsageError
from pipeline.core.inputs.ids import slug
from pipeline.core.inputs.pairs import has_pair_file, pair_files
from pipeline.core.items import Background, Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Ref
from pipeline.demo import fill_inputs
from pipeline.review.answers import GarmentChoice, Input, Inputs, PairsFile, PairsSaved, Problem, Status
from pipeline.review.files import SHOWN_AS_IS, THUMB_HEIGHTS, served_path, thumbnail
from pipeline.review.models import Base, NewName, Pairs
from pipeline.review.page import Page, ThePage
from pipeline.review.pair_grid import PAIRS, delete_pairs, held_pairs, pairs_version, wanted_pairs, write_pairs
from pipeline.review.replays import IdempotencyKey
from pipeline.review.uploads import Upload
from pipeline.review.workspace import UnknownItemError, version_of

CACHE_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
CACHE_CHECKED = {"cache-control": "no-cache"}
MOST_PROBLEMS = 200
Version = Annotated[str, Query(max_length=64)]

input_routes = APIRouter(prefix="/api", tags=["inputs"])
"""Routes below /api for the inputs."""


@input_routes.get("/status")
def status(page: ThePage) -> Status:
    """Counts of inputs and pictures, and the inputs that cannot be used."""
    items = page.workspace.items()
    index = page.gallery.index()
    problems = [each for each in items.wanted.problems if not each.harmless][:MOST_PROBLEMS]
    return Status(
        people=len(items.every.persons),
        garments=len(items.every.garments),
        backgrounds=len(items.every.backgrounds),
        pairs=len(items.wanted.pairs),
        pictures=len(index.entries),
        done=index.done,
        engines=sorted({pair.engine for pair in items.wanted.pairs}),
        notes=list(items.prepared.assembly.notes),
        problems=[Problem(path=each.path, reason=each.reason, remedy=each.remedy) for each in problems],
        streams=page.hub.listeners,
    )


@input_routes.get("/inputs")
def list_inputs(page: ThePage) -> Inputs:
    """Photos, garments and backgrounds."""
    every = page.workspace.items().every

    def row(ident: str, source: str, category: Category | None = None) -> Input:
        return Input(id=ident, ref=source, version=version_of(page.layout, source), category=category)

    return Inputs(
        person=[row(each.id, each.source) for each in every.persons],
        cloth=[row(each.id, each.source, each.category) for each in every.garments],
        background=[row(each.id, each.source) for each in every.backgrounds],
    )


Kind = Literal["person", "cloth", "background"]


@input_routes.post("/inputs/{kind}", status_code=201)
def add_input(
    page: ThePage, kind: Kind, file: UploadFile, category: Category = Category.UPPER, idempotency_key: IdempotencyKey = ""
) -> Input:
    """Add one picture; `category` is for garments only. Its `id` is what `only` of a job takes."""
    upload = Upload(file.filename or "", file.file)
    asked = f"{kind} {category} {upload.name} {upload.digest() if idempotency_key else ''}"
    return page.replays.once(idempotency_key, asked, lambda: _input(page, page.uploads.add(kind, category, upload)))


@input_routes.put("/inputs/{kind}/{item}")
def replace_input(page: ThePage, kind: Kind, item: str, file: UploadFile, base: Base) -> Input:
    """Put another picture in the place of one; it keeps its id, and the next run redoes what was made from the old one."""
    ref = _ref(page, kind, item)
    with page.saver.change(ref, base, lambda: version_of(page.layout, ref)):
        return _input(page, page.uploads.replace(ref, Upload(file.filename or "", file.file)))


@input_routes.delete("/inputs/{kind}/{item}", status_code=204)
def remove_input(page: ThePage, kind: Kind, item: str, base: Base) -> None:
    """Delete one picture of the inputs folder; what was made from it stays until `python run.py clean`."""
    ref = _ref(page, kind, item)
    with page.saver.change(ref, base, lambda: version_of(page.layout, ref)):
        page.layout.path(ref).unlink(missing_ok=True)
        page.gallery.changed()


@input_routes.post("/inputs/{kind}/{item}/rename")
def rename_input(page: ThePage, kind: Kind, item: str, new: NewName) -> Input:
    """Give one picture another file name and thereby another id; its settings file and `pairs.txt` follow.

    What was made under the old id stays until `python run.py clean`. Placement files that name the person are not changed.
    """
    ref = _ref(page, kind, item)
    with page.saver.change(ref, new.base, lambda: version_of(page.layout, ref)), held_pairs(page, kind) as pairs:
        renamed = _input(page, page.uploads.rename(ref, new.name))
        pairs.rename(item, renamed.id)
        page.gallery.changed()
        return renamed


@input_routes.post("/demo", status_code=201)
def bring_demo(page: ThePage) -> Inputs:
    """Fill an empty inputs folder with the demo's photo, garments and backgrounds."""
    every = page.workspace.items().every
    if every.persons or every.garments:
        raise UsageError("there are pictures already", "the demo is for an empty folder: python run.py demo adds it all the same")
    fill_inputs(page.layout.inputs)
    page.gallery.changed()
    return list_inputs(page)


def _ref(page: Page, kind: Kind, item: str) -> Ref:
    """The file of one input; a link, which may lead out of the folder, is none."""
    items = page.workspace.items()
    find: dict[Kind, Callable[[str], Person | Garment | Background]]
    find = {"person": items.person, "cloth": items.garment, "background": items.background}
    ref = find[kind](item).source
    if not ref.startswith(INPUT_PREFIX):
        raise UnknownItemError(f"no {kind} {item!r}")  # e.g. somebody who wears the first garment of an outfit
    served_path(page.layout, ref, images.SUFFIXES)
    return ref


def _input(page: Page, ref: Ref) -> Input:
    """A picture that was just stored. It is stored even where a setting keeps the inputs from being read."""
    page.gallery.changed()
    version = version_of(page.layout, ref)
    with suppress(LookbookError):
        every = page.workspace.items().every
        found: tuple[Person | Garment | Background, ...] = (*every.persons, *every.garments, *every.backgrounds)
        for each in found:
            if each.source == ref:
                return Input(id=each.id, ref=ref, version=version, category=each.category if isinstance(each, Garment) else None)
    return Input(id=slug(ref.rpartition("/")[2]), ref=ref, version=version)


@input_routes.get("/pairs")
def show_pairs(page: ThePage) -> PairsFile:
    """The pairs of people and garments."""
    version = pairs_version(page.layout)  # before the pairs are read: what changes meanwhile makes a save be refused
    items = page.workspace.items()
    every = items.every
    return PairsFile(
        version=version,
        people=[each.id for each in every.persons],
        garments=[GarmentChoice(id=each.id, category=each.category) for each in every.garments],
        pairs=wanted_pairs(page.layout, items),
        file=has_pair_file(page.layout),
        table=any(file.name.lower().startswith(PAIR_FILES[1]) for file in pair_files(page.layout)),
    )


@input_routes.put("/pairs")
def save_pairs(page: ThePage, new: Pairs) -> PairsSaved:
    """Write pairs.txt."""
    with page.saver.change(PAIRS, new.base, lambda: pairs_version(page.layout)) as store:
        write_pairs(page.layout, page.workspace.items(), new.pairs, store)
        return _saved(page)


@input_routes.delete("/pairs")
def no_pairs(page: ThePage, base: Base) -> PairsSaved:
    """Delete pairs.txt, so that every person wears every garment."""
    with page.saver.change(PAIRS, base, lambda: pairs_version(page.layout)):
        delete_pairs(page.layout)
        return _saved(page)


def _saved(page: Page) -> PairsSaved:
    page.gallery.changed()
    return PairsSaved(pairs=len(page.workspace.items().wanted.pairs), version=pairs_version(page.layout))


file_routes = APIRouter(tags=["files"])
"""Routes of pictures by ref."""


@file_routes.get("/files/{ref:path}", response_class=FileResponse)
def show_file(page: ThePage, ref: str, v: Version = "") -> FileResponse:
    """A picture of the workspace, unchanged. With its version in the address, browsers may cache it."""
    path = served_path(page.layout, ref)
    headers = CACHE_FOREVER if v and v == version_of(page.layout, ref) else CACHE_CHECKED
    return FileResponse(path, media_type=SHOWN_AS_IS[path.suffix.lower()], headers=headers)


@file_routes.get("/thumbs/{ref:path}", response_class=Response, responses={200: {"content": {"image/webp": {}}}})
def show_thumbnail(page: ThePage, ref: str, v: Version = "", large: bool = False) -> Response:
    """A small WebP of a picture of the workspace, whatever its format."""
    data = thumbnail(page.layout, ref, THUMB_HEIGHTS[large], page.decoder)
    headers = CACHE_FOREVER if v and v == version_of(page.layout, ref) else CACHE_CHECKED
    return Response(data, media_type="image/webp", headers=headers)
