"""Whatever belongs to one person's canvas has the canvas's size."""

from __future__ import annotations

from pipeline.core.errors import InputError
from pipeline.core.layout import Layout, Ref, make_again


def check_size(layout: Layout, ref: Ref, size: tuple[int, ...], canvas: tuple[int, ...]) -> None:
    """Compare an artefact's size with that of the person's picture.

    Args:
        layout: the run's folders.
        ref: the artefact.
        size: (height, width, ...) of the artefact.
        canvas: (height, width, ...) of the person's picture.

    Raises:
        InputError: they differ.
    """
    (height, width), (right_height, right_width) = size[:2], canvas[:2]
    if (height, width) != (right_height, right_width):
        raise InputError(
            f"{layout.path(ref)}: {width}×{height} pixels, but the person's canvas is {right_width}×{right_height}",
            f"bring it to {right_width}×{right_height}, or delete it and: {make_again(ref)}",
        )
