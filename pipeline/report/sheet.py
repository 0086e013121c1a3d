"""The contact sheet: finished pictures as a printable PDF, A4, 300 dpi, so many a page, each with its names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.report.pdf import PdfWriter, Picture, Text

PAGE_MM = (297.0, 210.0)
MARGIN_MM, GAP_MM, HEAD_MM, FOOT_MM = 12.0, 4.0, 9.0, 6.0
DPI = 300
LABEL_POINTS, LINE_MM = 6.5, 2.8
LETTER_EM = 0.56
"""Width of Helvetica's letters, a little more than the average, so that no name runs into its neighbour."""
QUALITY = 88
MM_PER_INCH, POINT_MM = 25.4, 25.4 / 72


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of the sheet: its file and the lines below it."""

    path: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where pictures are on a page; mm.

    Args:
        columns, rows: how many.
        box: (height, width) that each picture fits into.
        label: height below each.
    """

    columns: int
    rows: int
    box: tuple[float, float]
    label: float

    @property
    def page(self) -> int:
        """Pictures a page."""
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """(top, left) of a box, counted along the rows."""
        row, column = divmod(place, self.columns)
        down, across = self.box[0] + self.label + GAP_MM, self.box[1] + GAP_MM
        return MARGIN_MM + HEAD_MM + row * down, MARGIN_MM + column * across


def grid(columns: int, lines: int = 3) -> Grid:
    """As many rows of upright pictures as a page holds."""
    wide = (PAGE_MM[1] - 2 * MARGIN_MM - GAP_MM * (columns - 1)) / columns
    label = lines * LINE_MM + 1
    free = PAGE_MM[0] - 2 * MARGIN_MM - HEAD_MM - FOOT_MM + GAP_MM
    rows = max(1, round(free / (wide * 4 / 3 + label + GAP_MM)))
    return Grid(columns, rows, (free / rows - label - GAP_MM, wide), label)


def write_sheet(shown: Sequence[Shown], path: Path, title: str, columns: int) -> int:
    """Write the PDF whole or not at all; memory holds one page of pictures.

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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file, ThreadPoolExecutor(2) as threads:
            writer = PdfWriter(file, title)
            for number in range(pages):
                part = shown[number * places.page : (number + 1) * places.page]
                small = list(threads.map(lambda each: _small(each.path, places.box), part))
                pictures = [_placed(one, places, place) for place, one in enumerate(small) if one is not None]
                words = (*_frame(title, len(shown), number + 1, pages), *_labels(part, small, places))
                writer.add(pictures, words)
            writer.close()
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return pages


Small = tuple[bytes, tuple[int, int]]
"""JPEG bytes and (height, width) in pixels."""


def _small(path: Path, box: tuple[float, float]) -> Small | None:
    """The picture at the printer's resolution; None for a file that is broken or gone since."""
    try:
        return images.fitted_jpeg(path, (round(box[0] / MM_PER_INCH * DPI), round(box[1] / MM_PER_INCH * DPI)), QUALITY)
    except (InputError, OSError):
        return None


def _placed(small: Small, places: Grid, place: int) -> Picture:
    """Fitted into its box, on its lower edge, flush with the names below it."""
    (top, left), (height, width) = places.corner(place), small[1]
    factor = min(places.box[0] / height, places.box[1] / width)
    tall, wide = height * factor, width * factor
    return Picture(small[0], small[1], left, top + places.box[0] - tall, tall, wide)


def _frame(title: str, count: int, page: int, pages: int) -> tuple[Text, ...]:
    below = PAGE_MM[0] - MARGIN_MM
    numbers = f"page {page} of {pages}"
    right = PAGE_MM[1] - MARGIN_MM - 0.88 * _wide(numbers, 8)
    return (
        Text(shortened(title, PAGE_MM[1] - 2 * MARGIN_MM, 11), MARGIN_MM, MARGIN_MM + 4, 11),
        Text(f"{count} picture{'' if count == 1 else 's'}", MARGIN_MM, below, 8, 0.4),
        Text(numbers, right, below, 8, 0.4),
    )


def _labels(part: Sequence[Shown], small: Sequence[Small | None], places: Grid) -> Iterator[Text]:
    for place, each in enumerate(part):
        top, left = places.corner(place)
        base = top + places.box[0] + 1
        for number, line in enumerate(each.lines):
            grey = 0.0 if number == 0 else 0.35
            words = shortened(line, places.box[1], LABEL_POINTS)
            yield Text(words, left, base + (number + 0.8) * LINE_MM, LABEL_POINTS, grey)
        if small[place] is None:
            yield Text("cannot be read", left, top + places.box[0] / 2, LABEL_POINTS, 0.35)


def _wide(text: str, points: float) -> float:
    """About how wide a line is, mm."""
    return len(text) * LETTER_EM * points * POINT_MM


def shortened(text: str, width: float, points: float) -> str:
    """A line with its middle left out where it is wider than so many mm; beginnings and ends of names tell most."""
    most = max(3, int(width / _wide("x", points)))
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"
