"""Placement editor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings
from pipeline.core.layout import ORIGINAL
from pipeline.review.answers import Arrangement, BackgroundChoice, Backgrounds, PlacementState, PlacementText
from pipeline.review.models import Base, NewPlacement, PagePlacement, PictureOf
from pipeline.review.page import Page, ThePage
from pipeline.review.placement import PlacementStore, placement_text
from pipeline.review.workspace import UnknownItemError, version_of

Name = Annotated[str, Query(max_length=200)]

placement_routes = APIRouter(prefix="/api/placements", tags=["placement"])
"""Routes below /api/placements."""


def _state(page: Page, background: str, pair: str) -> PlacementState:
    scenes = page.placements
    scene = scenes.scene(background, pair)
    opened, preview = scenes.opened(scene), scenes.preview()
    file = PlacementStore(page.layout, scene.background)
    placement_settings = preview.placement_settings(opened)
    return PlacementState(
        background=background,
        pair=scene.pair.id,
        person=scene.pair.person.original.id,
        ref=scene.background.source,
        placement_settings=placement_settings,
        arrangement=Arrangement(**preview.describe(opened, placement_settings)),
        file=file.path.name,
        text=file.text,
        version=file.version,
        undo=file.steps_back,
    )


@placement_routes.get("")
def list_backgrounds(page: ThePage) -> Backgrounds:
    """Backgrounds, pairs to place on them, and what a place is before anybody says something."""
    items = page.workspace.items()
    rows = [
        BackgroundChoice(
            id=each.id,
            ref=each.source,
            version=version_of(page.layout, each.source),
            by_hand=PlacementStore(page.layout, each).path.is_file(),
        )
        for each in items.wanted.backgrounds
        if each.id != ORIGINAL
    ]
    return Backgrounds(
        backgrounds=rows,
        pairs=[pair.id for pair in items.wanted.pairs[:2000]],
        automatic=PlacementSettings(),
        automatic_shadow=ShadowSettings(),
    )


@placement_routes.get("/{background}")
def show(page: ThePage, background: str, pair: Name = "") -> PlacementState:
    """Where people stand: what the placement file says, and what follows from it."""
    return _state(page, background, pair)


@placement_routes.post("/{background}/arrangement")
def arrangement(page: ThePage, background: str, wanted: PictureOf) -> Arrangement:
    """What would follow from placement settings, in pixels of the background."""
    opened = page.placements.opened(page.placements.scene(background, wanted.pair))
    return Arrangement(**page.placements.preview().describe(opened, wanted.placement_settings))


@placement_routes.post("/{background}/picture", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def picture(page: ThePage, background: str, wanted: PictureOf) -> Response:
    """The real composite of placement settings at screen size."""
    opened = page.placements.opened(page.placements.scene(background, wanted.pair))
    data = page.placements.preview().picture(opened, wanted.placement_settings, wanted.height)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "no-store"})


@placement_routes.get("/{background}/person", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def person(page: ThePage, background: str, pair: Name = "", height: Annotated[int, Query(ge=16, le=1400)] = 700) -> Response:
    """The dressed person alone, for dragging."""
    opened = page.placements.opened(page.placements.scene(background, pair))
    data = page.placements.preview().ghost(opened, height)
    return Response(data, media_type="image/png", headers={"cache-control": "no-store"})


@placement_routes.put("/{background}")
def save(page: ThePage, background: str, new: NewPlacement, pair: Name = "") -> PlacementState:
    """Write the background's placement file, which the next run reads."""
    scene = page.placements.scene(background, pair)
    text = "" if new.placement_settings == PagePlacement() else placement_text(new.placement_settings)
    file = PlacementStore(page.layout, scene.background)
    with page.saver.change(file.ref, new.base, lambda: file.version) as store:
        file.write(text, store)
        return _state(page, background, pair)


@placement_routes.post("/{background}/undo")
def undo(page: ThePage, background: str, base: Base, pair: Name = "") -> PlacementState:
    """Go back to the placement file before the last save."""
    file = PlacementStore(page.layout, page.placements.scene(background, pair).background)
    with page.saver.change(file.ref, base, lambda: file.version) as store:
        file.undo(store)
        return _state(page, background, pair)


@placement_routes.get("/{background}/file")
def show_file(page: ThePage, background: str) -> PlacementText:
    """The placement file itself, also where it has a mistake and nothing can be placed."""
    return _written(_file(page, background))


@placement_routes.delete("/{background}")
def reset(page: ThePage, background: str, base: Base) -> PlacementText:
    """Take the placement file away, whatever is in it: everything is found automatically. Can be undone like a save."""
    file = _file(page, background)
    with page.saver.change(file.ref, base, lambda: file.version) as store:
        file.write("", store)
        return _written(file)


def _file(page: Page, background: str) -> PlacementStore:
    if background == ORIGINAL:
        raise UnknownItemError(f"no background {background!r}")
    return PlacementStore(page.layout, page.workspace.items().background(background))


def _written(file: PlacementStore) -> PlacementText:
    return PlacementText(file=file.path.name, text=file.text, version=file.version, undo=file.steps_back)
