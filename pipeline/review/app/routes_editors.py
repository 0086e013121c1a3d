"""Placement editor and mask editor."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.layout import ORIGINAL
from pipeline.review.app.masks import Kind, MaskFiles, mask_files, restore_mask, save_mask
from pipeline.review.app.models import NewPlacement, PictureOf, Wishes
from pipeline.review.app.page import Page
from pipeline.review.app.placement import SettingsFile
from pipeline.review.app.workspace import version_of

Name = Annotated[str, Query(max_length=200)]
Png = Annotated[bytes, Body(media_type="image/png")]


def placement_routes(page: Page) -> APIRouter:
    """Routes below /api/placements."""
    router = APIRouter(prefix="/api/placements", tags=["placement"])
    scenes = page.placements

    def state(background: str, pair: str) -> dict[str, Any]:
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

    @router.get("")
    def list_backgrounds() -> dict[str, Any]:
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

    @router.get("/{background}")
    def show(background: str, pair: Name = "") -> dict[str, Any]:
        """Where people stand: wishes as on disk, and what follows from them."""
        return state(background, pair)

    @router.post("/{background}/arrangement")
    def arrangement(background: str, wanted: PictureOf) -> dict[str, Any]:
        """What would follow from wishes, in pixels of the background."""
        opened = scenes.opened(scenes.scene(background, wanted.pair))
        return scenes.preview().describe(opened, wanted.wishes.model_dump())

    @router.post("/{background}/picture", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
    def picture(background: str, wanted: PictureOf) -> Response:
        """The real composite of wishes at screen size."""
        opened = scenes.opened(scenes.scene(background, wanted.pair))
        data = scenes.preview().picture(opened, wanted.wishes.model_dump(), wanted.height)
        return Response(data, media_type="image/jpeg", headers={"cache-control": "no-store"})

    @router.get("/{background}/person", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def person(background: str, pair: Name = "", height: Annotated[int, Query(ge=16, le=1400)] = 700) -> Response:
        """The dressed person alone, for dragging."""
        opened = scenes.opened(scenes.scene(background, pair))
        data = scenes.preview().ghost(opened, height)
        return Response(data, media_type="image/png", headers={"cache-control": "no-store"})

    @router.put("/{background}")
    def save(background: str, new: NewPlacement, pair: Name = "") -> dict[str, Any]:
        """Write the background's settings file, which the next run reads."""
        scene = scenes.scene(background, pair)
        text = "" if new.wishes == Wishes() else scenes.preview().text(new.wishes.model_dump())
        SettingsFile(page.layout, scene.background).write(text, new.base)
        return state(background, pair)

    @router.post("/{background}/undo")
    def undo(background: str, pair: Name = "") -> dict[str, Any]:
        """Go back to the settings file before the last save."""
        SettingsFile(page.layout, scenes.scene(background, pair).background).undo()
        return state(background, pair)

    return router


def mask_routes(page: Page) -> APIRouter:
    """Routes below /api/masks."""
    router = APIRouter(prefix="/api/masks", tags=["masks"])

    def state(files: MaskFiles) -> dict[str, Any]:
        there = bool(version_of(page.layout, files.mask))
        return {
            "mask": files.mask,
            "under": files.under,
            "version": version_of(page.layout, files.mask),
            "under_version": version_of(page.layout, files.under),
            "size": list(images.picture_size(page.layout.path(files.mask))) if there else None,
            "only": files.only,
            "steps": list(files.steps),
        }

    @router.get("")
    def list_masks() -> dict[str, Any]:
        """Masks that can be edited."""
        wanted = page.workspace.items().wanted
        people = [
            {"kind": "agnostic", "id": each.id, "category": category.value}
            for each in wanted.persons
            for category in each.categories
        ]
        clothes = [{"kind": "cloth", "id": each.id, "category": each.category.value} for each in wanted.garments]
        return {"masks": people + clothes}

    @router.get("/{kind}/{item}")
    def show(kind: Kind, item: str, category: Category = Category.UPPER) -> dict[str, Any]:
        """One mask's files."""
        return state(mask_files(page.workspace.items(), kind, item, category))

    @router.put("/{kind}/{item}")
    def save(kind: Kind, item: str, data: Png, category: Category = Category.UPPER) -> dict[str, Any]:
        """Save a mask drawn by hand: a PNG of the mask's own size."""
        files = mask_files(page.workspace.items(), kind, item, category)
        save_mask(page.layout, files, data)
        return state(files)

    @router.delete("/{kind}/{item}")
    def restore(kind: Kind, item: str, category: Category = Category.UPPER) -> dict[str, Any]:
        """Forget the edited mask; the next run makes an automatic one."""
        files = mask_files(page.workspace.items(), kind, item, category)
        restore_mask(page.layout, files)
        return state(files)

    return router
