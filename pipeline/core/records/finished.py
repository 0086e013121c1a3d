"""Which files are a finished picture's, whatever format it was asked for in: itself, its further sizes, its layers."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.layout import FINAL, LAYERS, SIZES, Layout, Ref


def finished_ref(layout: Layout, scene_id: str, engine: str) -> Ref:
    """The finished picture that is there; PNG when none is, the newest when several are.

    A run takes its earlier pictures of another format away, so several are there only where somebody put or retouched one.
    Asking the disk, not the settings, finds pictures that were made with `--set compose.format=…` on one command line.
    """
    return _newest(layout, FINAL.forms(scene_id, engine)) or FINAL.of(scene_id, engine)


def further_refs(layout: Layout, scene_id: str, engine: str) -> dict[str, Ref]:
    """The further sizes and the layers of a finished picture that are there: `<folder>/<name>` for an export → file."""
    place = layout.path(f"{SIZES.path}/{engine}")
    folders = sorted(each.name for each in place.iterdir() if each.is_dir()) if place.is_dir() else []
    sizes = {folder: _newest(layout, SIZES.forms(f"{folder}/{scene_id}", engine)) for folder in folders}
    found = {f"{folder}/{ref.rpartition('/')[2]}": ref for folder, ref in sizes.items() if ref}
    layers = (kind.of(scene_id, engine) for kind in LAYERS)
    return found | {f"layers/{ref.rpartition('/')[2]}": ref for ref in layers if layout.path(ref).is_file()}


def _newest(layout: Layout, refs: Iterable[Ref]) -> Ref:
    """The file that was written last, "" where there is none."""
    stamps = []
    for ref in refs:
        try:
            stamps.append((layout.path(ref).stat().st_mtime_ns, ref))
        except OSError:
            continue
    return max(stamps)[1] if stamps else ""
