"""Settings files with a mistake."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.review.answers import BrokenFile, FileAside, SettingsState
from pipeline.review.models import Base
from pipeline.review.page import ThePage

settings_routes = APIRouter(prefix="/api/settings", tags=["settings"])
"""Routes below /api/settings."""


@settings_routes.get("")
def show_settings_files(page: ThePage) -> SettingsState:
    """Settings files with a mistake, as they are written, and those that were put aside."""
    plain = page.workspace.plain
    broken = [
        BrokenFile(
            name=each.name,
            message=plain(each.message),
            remedy=plain(each.remedy),
            line=each.line,
            text=each.text,
            version=each.version,
        )
        for each in page.settings_files.mistakes()
    ]
    aside = [FileAside(name=each.name, kept_as=each.kept_as, version=each.version) for each in page.settings_files.kept()]
    return SettingsState(broken=broken, aside=aside)


@settings_routes.delete("/{name:path}")
def put_aside(page: ThePage, name: str, base: Base) -> FileAside:
    """Put a settings file with a mistake aside, under another name in its folder, so that defaults hold. Can be undone."""
    files = page.settings_files
    with page.saver.change(files.ref(name), base, lambda: files.version(name)):
        kept = files.put_aside(name)
    return FileAside(name=kept.name, kept_as=kept.kept_as, version=kept.version)


@settings_routes.post("/{name:path}/undo")
def bring_back(page: ThePage, name: str, base: Base) -> SettingsState:
    """Bring back what was put aside last; `base` is the version of what is in its place, "" for nothing."""
    files = page.settings_files
    with page.saver.change(files.ref(name), base, lambda: files.version(name)):
        files.bring_back(name)
    return show_settings_files(page)
