"""Routes of the mask editor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.review.answers import MaskChoice, Masks, MaskState
from pipeline.review.masks import Kind, MaskFiles, mask_files, restore_mask, save_mask
from pipeline.review.models import Base
from pipeline.review.page import Page, ThePage
from pipeline.review.workspace import version_of

Png = Annotated[bytes, Body(media_type="image/png")]

mask_routes = APIRouter(prefix="/api/masks", tags=["masks"])
"""Routes below /api/masks."""


def _state(page: Page, files: MaskFiles) -> MaskState:
    there = bool(version_of(page.layout, files.mask))
    return MaskState(
        mask=files.mask,
        under=files.under,
        version=version_of(page.layout, files.mask),
        under_version=version_of(page.layout, files.under),
        size=images.picture_size(page.layout.path(files.mask)) if there else None,
        only=files.only,
        steps=list(files.steps),
    )


@mask_routes.get("")
def list_masks(page: ThePage) -> Masks:
    """Masks that can be edited."""
    wanted = page.workspace.items().wanted
    people = [
        MaskChoice(kind=Kind.AGNOSTIC, id=each.id, category=category)
        for each in (*wanted.persons, *wanted.derived)
        for category in each.categories
    ]
    clothes = [MaskChoice(kind=Kind.CLOTH, id=each.id, category=each.category) for each in wanted.garments]
    return Masks(masks=people + clothes)


@mask_routes.get("/{kind}/{item}")
def show(page: ThePage, kind: Kind, item: str, category: Category = Category.UPPER) -> MaskState:
    """The files of one mask."""
    return _state(page, mask_files(page.workspace.items(), kind, item, category))


@mask_routes.put("/{kind}/{item}")
def save(page: ThePage, kind: Kind, item: str, data: Png, base: Base, category: Category = Category.UPPER) -> MaskState:
    """Save an edited mask: a PNG of the mask's size."""
    files = mask_files(page.workspace.items(), kind, item, category)
    with page.saver.change(files.mask, base, lambda: version_of(page.layout, files.mask)) as store:
        save_mask(page.layout, files, data, store)
        return _state(page, files)


@mask_routes.delete("/{kind}/{item}")
def restore(page: ThePage, kind: Kind, item: str, base: Base, category: Category = Category.UPPER) -> MaskState:
    """Delete the edited mask; the next run makes an automatic one."""
    files = mask_files(page.workspace.items(), kind, item, category)
    with page.saver.change(files.mask, base, lambda: version_of(page.layout, files.mask)):
        restore_mask(page.layout, files)
        return _state(page, files)
