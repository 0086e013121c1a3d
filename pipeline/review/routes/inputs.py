"""Routes of the inputs: status, lists, uploads, pairs; and of the files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, UploadFile
from fastapi.responses import FileResponse

from pipeline.core.inputs.pairs import has_pair_file, pair_files
from pipeline.core.labels import Category
from pipeline.core.layout import PAIR_FILES
from pipeline.review.files import SHOWN_AS_IS, THUMB_HEIGHTS, served_path, thumbnail
from pipeline.review.models import Base, Pairs
from pipeline.review.page import Page, ThePage
from pipeline.review.pair_grid import PAIRS, delete_pairs, pairs_version, wanted_pairs, write_pairs
from pipeline.review.uploads import save_upload
from pipeline.review.workspace import version_of

CACHE_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
CACHE_CHECKED = {"cache-control": "no-cache"}
Version = Annotated[str, Query(max_length=64)]

input_routes = APIRouter(prefix="/api", tags=["inputs"])
"""Routes below /api for the inputs."""


@input_routes.get("/status")
def status(page: ThePage) -> dict[str, Any]:
    """Counts of inputs and pictures, and the inputs that cannot be used."""
    items = page.workspace.items()
    index = page.gallery.index()
    return {
        "people": len(items.every.persons),
        "garments": len(items.every.garments),
        "backgrounds": len(items.every.backgrounds),
        "pairs": len(items.wanted.pairs),
        "pictures": len(index.entries),
        "done": index.done,
        "engines": sorted({pair.engine for pair in items.wanted.pairs}),
        "notes": list(items.prepared.assembly.notes),
        "problems": [
            {"path": each.path, "reason": each.reason, "remedy": each.remedy}
            for each in items.wanted.problems
            if not each.harmless
        ][:200],
        "streams": page.hub.listeners,
    }


@input_routes.get("/inputs")
def list_inputs(page: ThePage) -> dict[str, Any]:
    """Photos, garments and backgrounds."""
    every = page.workspace.items().every

    def row(ident: str, source: str, category: str = "") -> dict[str, str]:
        return {"id": ident, "ref": source, "version": version_of(page.layout, source), "category": category}

    return {
        "person": [row(each.id, each.source) for each in every.persons],
        "cloth": [row(each.id, each.source, each.category.value) for each in every.garments],
        "background": [row(each.id, each.source) for each in every.backgrounds],
    }


@input_routes.post("/inputs/{kind}", status_code=201)
def upload(
    page: ThePage, kind: Literal["person", "cloth", "background"], file: UploadFile, category: Category = Category.UPPER
) -> dict[str, str]:
    """Add one picture; `category` is for garments only. 503 when too much is being received or decoded."""
    ref = save_upload(page.layout, kind, category, file.filename or "", file.file, page.limits.upload_megapixels, page.decoder)
    return {"ref": ref, "version": version_of(page.layout, ref)}


@input_routes.get("/pairs")
def show_pairs(page: ThePage) -> dict[str, Any]:
    """The pairs of people and garments."""
    version = pairs_version(page.layout)  # before the pairs are read: what changes meanwhile makes a save be refused
    items = page.workspace.items()
    every = items.every
    return {
        "version": version,
        "people": [each.id for each in every.persons],
        "garments": [{"id": each.id, "category": each.category.value} for each in every.garments],
        "pairs": wanted_pairs(page.layout, items),
        "file": has_pair_file(page.layout),
        "table": any(file.name.lower().startswith(PAIR_FILES[1]) for file in pair_files(page.layout)),
    }


@input_routes.put("/pairs")
def save_pairs(page: ThePage, new: Pairs) -> dict[str, Any]:
    """Write pairs.txt."""
    with page.saver.change(PAIRS, new.base, lambda: pairs_version(page.layout)) as store:
        write_pairs(page.layout, page.workspace.items(), new.pairs, store)
        return _saved(page)


@input_routes.delete("/pairs")
def no_pairs(page: ThePage, base: Base) -> dict[str, Any]:
    """Delete pairs.txt, so that every person wears every garment."""
    with page.saver.change(PAIRS, base, lambda: pairs_version(page.layout)):
        delete_pairs(page.layout)
        return _saved(page)


def _saved(page: Page) -> dict[str, Any]:
    return {"pairs": len(page.workspace.items().wanted.pairs), "version": pairs_version(page.layout)}


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
