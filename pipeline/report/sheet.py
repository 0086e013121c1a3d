"""The contact sheet: finished pictures with their names as a printable PDF, A4, 300 dpi, n per page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.records.whole_file import whole_file
from pipeline.report.pdf import PdfWriter, PlacedPicture, PlacedText

PAGE_MM = (297.0, 210.0)
MARGIN_MM, GAP_MM, HEAD_MM, FOOT_MM = 12.0, 4.0, 9.0, 6.0
DPI = 300
LABEL_POINTS, LINE_MM = 6.5, 2.8
LETTER_EM = 0.56
"""Width of Helvetica's letters, a little more than the average, so that no name overlaps the next one."""
QUALITY = 88
MM_PER_INCH, POINT_MM = 25.4, 25.4 / 72


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """One picture of the sheet: its file, and the lines of text below it."""

    path: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where pictures are on a page; all lengths in mm.

    Args:
        columns, rows: how many.
        box: (height, width) of the space for each picture.
        label: height of the text below each.
    """

    columns: int
    rows: int
    box: tuple[float, float]
    label: float

    @property
    def page(self) -> int:
        """Pictures per page."""
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """(top, left) of a box; `place` counts from 0 along the rows."""
        row, column = divmod(place, self.columns)
        down, across = self.box[0] + self.label + GAP_MM, self.box[1] + GAP_MM
        return MARGIN_MM + HEAD_MM + row * down, MARGIN_MM + column * across


def grid(columns: int, lines: int = 3) -> Grid:
    """A grid with this many columns, and as many rows of upright 3:4 pictures as a page holds."""
    wide = (PAGE_MM[1] - 2 * MARGIN_MM - GAP_MM * (columns - 1)) / columns
    label = lines * LINE_MM + 1
    free = PAGE_MM[0] - 2 * MARGIN_MM - HEAD_MM - FOOT_MM + GAP_MM
    rows = max(1, round(free / (wide * 4 / 3 + label + GAP_MM)))
    return Grid(columns, rows, (free / rows - label - GAP_MM, wide), label)


def write_sheet(shown: Sequence[SheetPicture], path: Path, title: str, columns: int) -> int:
    """Write the whole PDF or nothing; memory holds one page of pictures.

    Args:
        shown: what to show, in order.
        path: the file.
        title: above each page.
        columns: pictures side by side.

    Returns:
        How many pages it has.
    """
    places = grid(columns)
    pages = -(-len(shown) // places.page)
    with whole_file(path) as temporary, temporary.open("wb") as file, ThreadPoolExecutor(2) as threads:
        writer = PdfWriter(file, title)
        for number in range(pages):
            part = shown[number * places.page : (number + 1) * places.page]
            fitted = list(threads.map(lambda each: _fitted(each.path, places.box), part))
            pictures = [_placed(one, places, place) for place, one in enumerate(fitted) if one is not None]
            words = (*_title_and_page(title, len(shown), number + 1, pages), *_labels(part, fitted, places))
            writer.add(pictures, words)
        writer.close()
    return pages


FittedJpeg = tuple[bytes, tuple[int, int]]
"""JPEG bytes and (height, width) in pixels."""


def _fitted(path: Path, box: tuple[float, float]) -> FittedJpeg | None:
    """The picture at the printer's resolution; None when the file is broken or was removed."""
    try:
        return images.fitted_jpeg(path, (round(box[0] / MM_PER_INCH * DPI), round(box[1] / MM_PER_INCH * DPI)), QUALITY)
    except (InputError, OSError):
        return None


def _placed(fitted: FittedJpeg, places: Grid, place: int) -> PlacedPicture:
    """The picture in its box, at its lower left corner, above its names."""
    (top, left), (height, width) = places.corner(place), fitted[1]
    factor = min(places.box[0] / height, places.box[1] / width)
    tall, wide = height * factor, width * factor
    return PlacedPicture(fitted[0], fitted[1], left, top + places.box[0] - tall, tall, wide)


def _title_and_page(title: str, count: int, page: int, pages: int) -> tuple[PlacedText, ...]:
    below = PAGE_MM[0] - MARGIN_MM
    numbers = f"page {page} of {pages}"
    right = PAGE_MM[1] - MARGIN_MM - 0.88 * _width_mm(numbers, 8)
    return (
        PlacedText(shortened(title, PAGE_MM[1] - 2 * MARGIN_MM, 11), MARGIN_MM, MARGIN_MM + 4, 11),
        PlacedText(f"{count} picture{'' if count == 1 else 's'}", MARGIN_MM, below, 8, 0.4),
        PlacedText(numbers, right, below, 8, 0.4),
    )


def _labels(part: Sequence[SheetPicture], fitted: Sequence[FittedJpeg | None], places: Grid) -> Iterator[PlacedText]:
    for place, each in enumerate(part):
        top, left = places.corner(place)
        base = top + places.box[0] + 1
        for number, line in enumerate(each.lines):
            grey = 0.0 if number == 0 else 0.35
            words = shortened(line, places.box[1], LABEL_POINTS)
            yield PlacedText(words, left, base + (number + 0.8) * LINE_MM, LABEL_POINTS, grey)
        if fitted[place] is None:
            yield PlacedText("cannot be read", left, top + places.box[0] / 2, LABEL_POINTS, 0.35)


def _width_mm(text: str, points: float) -> float:
    """Approximate width of a line in mm."""
    return len(text) * LETTER_EM * points * POINT_MM


def shortened(text: str, width: float, points: float) -> str:
    """A line without its middle where it is wider than `width` mm: the beginning and end of a name differ most."""
    longest = max(3, int(width / _width_mm("x", points)))
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"
