"""The contact sheet: every picture once, with its names, on pages any viewer opens; the same pictures give the same bytes."""

from __future__ import annotations

import io
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core import images
from pipeline.report.pdf import PdfWriter, PlacedPicture, PlacedText
from pipeline.report.sheet import DPI, PAGE_MM, SheetPicture, grid, shortened, write_sheet


def shown(folder: Path, count: int, size: tuple[int, int] = (120, 90)) -> list[SheetPicture]:
    entries = []
    for number in range(count):
        path = folder / f"{number}.png"
        path.write_bytes(images.png(np.full((*size, 3), (number * 7 % 256, 90, 160), np.uint8)))
        entries.append(SheetPicture(path, (f"ann{number}", "tee", "sea")))
    return entries


def objects(data: bytes) -> dict[int, bytes]:
    """Every object that the cross-reference table names, read from where it says."""
    start = int(re.search(rb"startxref\n(\d+)", data).group(1))
    table = data[start:].split(b"trailer")[0].splitlines()[2:]
    offsets = [int(row[:10]) for row in table][1:]
    return {number: data[offset : data.index(b"endobj", offset)] for number, offset in enumerate(offsets, 1)}


def test_every_object_lies_where_the_table_says(tmp_path: Path) -> None:
    write_sheet(shown(tmp_path, 30), tmp_path / "sheet.pdf", "Spring", 4)
    found = objects((tmp_path / "sheet.pdf").read_bytes())
    for number, content in found.items():
        assert content.startswith(b"%d 0 obj" % number)
    pages = [content for content in found.values() if b"/Type/Page/" in content]
    assert len(pages) == 2 and b"/Count 2" in found[2]
    assert all(b"MediaBox[0 0 595.28 841.89]" in page for page in pages)


def test_each_picture_is_there_once_with_its_names_and_pages_are_numbered(tmp_path: Path) -> None:
    entries = shown(tmp_path, 20)
    assert write_sheet(entries, tmp_path / "sheet.pdf", "Spring (new)", 4) == 2
    data = (tmp_path / "sheet.pdf").read_bytes()
    assert data.count(b"/Subtype/Image") == 20
    assert all(data.count(b"(ann%d)" % number) == 1 for number in range(20))
    assert b"(page 1 of 2)" in data and b"(page 2 of 2)" in data and data.count(rb"(Spring \(new\))") == 3


def test_the_same_pictures_give_the_same_bytes_and_no_clock(tmp_path: Path) -> None:
    entries = shown(tmp_path, 5)
    for name in ("one.pdf", "two.pdf"):
        write_sheet(entries, tmp_path / name, "Lookbook", 4)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    assert b"Date" not in (tmp_path / "one.pdf").read_bytes()


@pytest.mark.parametrize("size", [(3000, 2000), (1000, 3000), (70, 50)])
def test_pictures_have_the_printer_s_resolution_and_keep_their_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    write_sheet(shown(tmp_path, 1, size), tmp_path / "sheet.pdf", "Lookbook", 4)
    data = (tmp_path / "sheet.pdf").read_bytes()
    start = data.index(b"stream\n", data.index(b"DCTDecode")) + 7
    jpeg = Image.open(io.BytesIO(data[start : data.index(b"\nendstream", start)]))
    wide, tall = (float(part) / 72 * 25.4 for part in re.search(rb"q ([\d.]+) 0 0 ([\d.]+)", data).groups())
    assert wide / tall == pytest.approx(size[1] / size[0], rel=0.01)
    box = grid(4).box
    assert tall <= box[0] + 0.01 and wide <= box[1] + 0.01
    assert jpeg.width <= wide / 25.4 * DPI * 1.01 and (max(size) < 100 or jpeg.width >= wide / 25.4 * DPI * 0.99)


@pytest.mark.parametrize("columns", range(1, 11))
def test_the_grid_stays_on_the_page(columns: int) -> None:
    places = grid(columns)
    top, left = places.corner(places.page - 1)
    assert top + places.box[0] + places.label <= PAGE_MM[0] - 15 and left + places.box[1] <= PAGE_MM[1] - 11.9
    assert places.box[0] >= 0.7 * places.box[1]


def test_a_broken_picture_is_said_to_be_broken_and_the_sheet_goes_on(tmp_path: Path) -> None:
    entries = shown(tmp_path, 3)
    entries[1].path.write_bytes(b"no picture")
    write_sheet(entries, tmp_path / "sheet.pdf", "Lookbook", 4)
    data = (tmp_path / "sheet.pdf").read_bytes()
    assert data.count(b"/Subtype/Image") == 2 and data.count(b"(cannot be read)") == 1


def test_long_names_lose_their_middle_and_foreign_letters_do_not_break_the_file() -> None:
    assert shortened("a" * 30 + "b" * 30, 30, 6.5) == "aaaaaaaaaaa…bbbbbbbbbbb"
    assert shortened("short", 30, 6.5) == "short"
    file = io.BytesIO()
    writer = PdfWriter(file, "Frühling 春")
    writer.add([PlacedPicture(b"\xff\xd8", (1, 1), 0, 0, 1, 1)], [PlacedText("zoë 春 \\(", 1, 1)])
    writer.close()
    assert b"(zo\xeb ? \\\\\\()" in file.getvalue()


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    entries = shown(tmp_path, 16, (400, 300))
    peaks = []
    for times in (2, 20):
        tracemalloc.start()
        write_sheet(entries * times, tmp_path / "sheet.pdf", "Lookbook", 4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 200_000
