"""Placement editor."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from pipeline.core.layout import ORIGINAL
from pipeline.review.models import NewPlacement, PictureOf, Wishes
from pipeline.review.page import Page, ThePage
from pipeline.review.placement import SettingsFile
from pipeline.review.workspace import version_of

Name = Annotated[str, Query(max_length=200)]

placement_routes = APIRouter(prefix="/api/placements", tags=["placement"])
"""Routes below /api/placements."""


def _state(page: Page, background: str, pair: str) -> dict[str, Any]:
    scenes = page.placements
    scene = scenes.scene(background, pair)
    opened, preview = scenes.opened(scene), scenes.preview()
    file = SettingsFile(page.layout, scene.background)
    wishes = preview.wishes(opened)
    return {
        "background": background,
        "pair": scene.pair.id,
        "person": scene.pair.person.id,
        "ref": scene.background.source,
        "wishes": wishes,
        "arrangement": preview.describe(opened, wishes),
        "file": file.path.name,
        "text": file.text,
        "version": file.version,
        "undo": file.steps_back,
    }


@placement_routes.get("")
def list_backgrounds(page: ThePage) -> dict[str, Any]:
    """Backgrounds, and pairs to place on them."""
    items = page.workspace.items()
    rows = [
        {
            "id": each.id,
            "ref": each.source,
            "version": version_of(page.layout, each.source),
            "by_hand": SettingsFile(page.layout, each).path.is_file(),
        }
        for each in items.wanted.backgrounds
        if each.id != ORIGINAL
    ]
    return {"backgrounds": rows, "pairs": [pair.id for pair in items.wanted.pairs[:2000]]}


@placement_routes.get("/{background}")
def show(page: ThePage, background: str, pair: Name = "") -> dict[str, Any]:
    """Where people stand: wishes as on disk, and what follows from them."""
    return _state(page, background, pair)


@placement_routes.post("/{background}/arrangement")
def arrangement(page: ThePage, background: str, wanted: PictureOf) -> dict[str, Any]:
    """What would follow from wishes, in pixels of the background."""
    opened = page.placements.opened(page.placements.scene(background, wanted.pair))
    return page.placements.preview().describe(opened, wanted.wishes.model_dump())


@placement_routes.post("/{background}/picture", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def picture(page: ThePage, background: str, wanted: PictureOf) -> Response:
    """The real composite of wishes at screen size."""
    opened = page.placements.opened(page.placements.scene(background, wanted.pair))
    data = page.placements.preview().picture(opened, wanted.wishes.model_dump(), wanted.height)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "no-store"})


@placement_routes.get("/{background}/person", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def person(page: ThePage, background: str, pair: Name = "", height: Annotated[int, Query(ge=16, le=1400)] = 700) -> Response:
    """The dressed person alone, for dragging."""
    opened = page.placements.opened(page.placements.scene(background, pair))
    data = page.placements.preview().ghost(opened, height)
    return Response(data, media_type="image/png", headers={"cache-control": "no-store"})


@placement_routes.put("/{background}")
def save(page: ThePage, background: str, new: NewPlacement, pair: Name = "") -> dict[str, Any]:
    """Write the background's settings file, which the next run reads."""
    scene = page.placements.scene(background, pair)
    text = "" if new.wishes == Wishes() else page.placements.preview().text(new.wishes.model_dump())
    SettingsFile(page.layout, scene.background).write(text, new.base)
    return _state(page, background, pair)


@placement_routes.post("/{background}/undo")
def undo(page: ThePage, background: str, pair: Name = "") -> dict[str, Any]:
    """Go back to the settings file before the last save."""
    SettingsFile(page.layout, page.placements.scene(background, pair).background).undo()
    return _state(page, background, pair)
