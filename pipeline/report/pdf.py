"""A small PDF writer for pages of JPEG pictures and lines of text. Each page is written at once, so memory does not grow.

The file holds no time, identifier or version: equal pages give equal bytes. Text is Helvetica, which every viewer has
(ISO 32000-1, 9.6.2.2); characters outside Windows' Latin alphabet become question marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

A4_POINTS = (841.89, 595.28)
"""(height, width)."""
POINTS_PER_MM = 72 / 25.4
CATALOGUE, PAGE_TREE, FONT = 1, 2, 3
"""Numbers of the PDF objects that every file has."""


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A JPEG at its place on a page.

    Args:
        jpeg: its bytes, RGB.
        pixels: (height, width).
        left, top: of its upper left corner, mm from the page's.
        height, width: mm.
    """

    jpeg: bytes
    pixels: tuple[int, int]
    left: float
    top: float
    height: float
    width: float


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One line of text at its place on a page.

    Args:
        content: the text.
        left: mm from the page's left edge.
        base: baseline of the letters, mm from the page's upper edge.
        points: size of the letters.
        grey: 0 = black, 1 = white.
    """

    content: str
    left: float
    base: float
    points: float = 7.0
    grey: float = 0.0


class PdfWriter:
    """Writes pages to a file; `close` completes it.

    Args:
        file: opened for writing, at its beginning.
        title: shown by PDF viewers.
    """

    def __init__(self, file: BinaryIO, title: str) -> None:
        self._file = file
        self._title = title
        self._offsets: dict[int, int] = {}
        self._pages: list[int] = []
        self._next = FONT + 1
        self._place = 0
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        self._put(FONT, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")

    def add(self, pictures: Sequence[PlacedPicture], texts: Sequence[PlacedText]) -> None:
        """Write one more page."""
        numbers = [self._stream(_picture_head(each), each.jpeg) for each in pictures]
        drawing = [_draw(each, place) for place, each in enumerate(pictures)] + [_text(each) for each in texts]
        content = self._stream(b"", b"\n".join(drawing))
        named = b"".join(b"/I%d %d 0 R" % pair for pair in enumerate(numbers))
        height, width = A4_POINTS
        page = self._new()
        self._put(
            page,
            b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %.2f %.2f]/Contents %d 0 R/Resources<</Font<</F %d 0 R>>/XObject<<%s>>>>>>"
            % (PAGE_TREE, width, height, content, FONT, named),
        )
        self._pages.append(page)

    def close(self) -> None:
        """Write the list of pages and the table of objects."""
        kids = b" ".join(b"%d 0 R" % page for page in self._pages)
        self._put(PAGE_TREE, b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(self._pages), kids))
        self._put(CATALOGUE, b"<</Type/Catalog/Pages %d 0 R>>" % PAGE_TREE)
        info = self._new()
        self._put(info, b"<</Title(%s)>>" % _escaped(self._title))
        start = self._place
        rows = b"".join(b"%010d 00000 n \n" % self._offsets[number] for number in range(1, self._next))
        self._write(b"xref\n0 %d\n0000000000 65535 f \n" % self._next + rows)
        self._write(b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\n" % (self._next, CATALOGUE, info))
        self._write(b"startxref\n%d\n%%%%EOF\n" % start)

    def _new(self) -> int:
        self._next += 1
        return self._next - 1

    def _stream(self, head: bytes, data: bytes) -> int:
        number = self._new()
        self._put(number, b"<<%s/Length %d>>\nstream\n%s\nendstream" % (head, len(data), data))
        return number

    def _put(self, number: int, content: bytes) -> None:
        self._offsets[number] = self._place
        self._write(b"%d 0 obj\n%s\nendobj\n" % (number, content))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._place += len(data)


def _picture_head(picture: PlacedPicture) -> bytes:
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
    return head % (picture.pixels[1], picture.pixels[0])


def _draw(picture: PlacedPicture, place: int) -> bytes:
    """Drawing commands that scale the unit square to the picture's place; PDF counts from the lower left corner."""
    wide, tall = picture.width * POINTS_PER_MM, picture.height * POINTS_PER_MM
    x, y = picture.left * POINTS_PER_MM, A4_POINTS[0] - picture.top * POINTS_PER_MM - tall
    return b"q %.3f 0 0 %.3f %.3f %.3f cm /I%d Do Q" % (wide, tall, x, y, place)


def _text(text: PlacedText) -> bytes:
    x, y = text.left * POINTS_PER_MM, A4_POINTS[0] - text.base * POINTS_PER_MM
    return b"BT /F %.2f Tf %.2f g %.3f %.3f Td (%s) Tj ET" % (text.points, text.grey, x, y, _escaped(text.content))


def _escaped(content: str) -> bytes:
    plain = content.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b" ").replace(b"\n", b" ")
