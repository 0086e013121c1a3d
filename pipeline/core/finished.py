"""Which file is a finished picture's, whatever format it was asked for in."""

from __future__ import annotations

from pipeline.core.layout import FINAL, Layout, Ref


def finished_ref(layout: Layout, scene_id: str, engine: str) -> Ref:
    """The finished picture that is there; PNG when none is, the newest when several are.

    A run takes its earlier pictures of another format away, so several are there only where somebody put or retouched one.
    Asking the disk, not the settings, finds pictures that were made with `--set compose.format=…` on one command line.
    """
    stamps = []
    for ref in FINAL.forms(scene_id, engine):
        try:
            stamps.append((layout.path(ref).stat().st_mtime_ns, ref))
        except OSError:
            continue
    return max(stamps)[1] if stamps else FINAL.of(scene_id, engine)
