"""An upright rectangle whose sides have names: four bare numbers come in three orders in this field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Pixels = TypeVar("Pixels", int, float, covariant=True)
Window = tuple[slice, slice]
"""Rows and columns of a picture, to index an array with."""


@dataclass(frozen=True, slots=True)
class Rect(Generic[Pixels]):
    """A part of a picture, or what reaches beyond one.

    `Rect[int]` covers whole pixels; the edges of `Rect[float]` lie anywhere, for example where a network saw them.

    Args:
        top: first row, pixels.
        left: first column, pixels.
        height: rows, pixels.
        width: columns, pixels.
    """

    top: Pixels
    left: Pixels
    height: Pixels
    width: Pixels

    @property
    def bottom(self) -> Pixels:
        """First row below."""
        return self.top + self.height

    @property
    def right(self) -> Pixels:
        """First column to the right."""
        return self.left + self.width

    @property
    def longer_side(self) -> Pixels:
        """The larger of height and width."""
        return max(self.height, self.width)

    def scaled(self, factor: float) -> Rect[float]:
        """The same part of a picture `factor` times as large."""
        return Rect(self.top * factor, self.left * factor, self.height * factor, self.width * factor)

    def window(self: Rect[int], size: tuple[int, ...], margin_px: int = 0) -> Window:
        """Rows and columns of a picture of `size` (height, width, ...) with a margin; cut at the picture's edges."""
        rows = slice(max(0, self.top - margin_px), min(size[0], self.bottom + margin_px))
        return rows, slice(max(0, self.left - margin_px), min(size[1], self.right + margin_px))

    def window_around(self, size: tuple[int, ...], above_px: float, beside_px: float) -> Window:
        """Rows and columns of a picture of `size` that show this part of it and some of its surroundings.

        Args:
            size: (height, width, ...) of the picture.
            above_px: rows shown above and below.
            beside_px: columns shown on the left and on the right.

        Returns:
            Cut at the picture's edges, rounded down to whole pixels, and never empty.
        """
        rows = span(self.top - above_px, self.bottom + above_px, size[0])
        return rows, span(self.left - beside_px, self.right + beside_px, size[1])


def span(start: float, stop: float, limit: int) -> slice:
    """From `start` to `stop`, cut to the `limit` rows or columns of a picture, rounded down to whole pixels; never empty."""
    first = int(min(max(start, 0), limit - 1))
    return slice(first, max(first + 1, int(min(stop, limit))))
