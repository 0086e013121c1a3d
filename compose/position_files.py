"""The older way to say where a person stands: `backgrounds.txt` and position files of three, four or six numbers.

Three whole numbers as the GS-VITON demo writes them are read as it does; the other readings are ours
(docs/facts/position_files.md). The user is shown how the numbers were read, because bare numbers can mean many things.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from pipeline.core.errors import InputError
from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings, Spot

DEMO_SIZE = (1080, 1920)
"""(height, width) to which the demo resizes every background; its numbers are pixels of that."""
DEMO_READING = "y_min y_max x of GS-VITON: top row, bottom row, middle column of the person in a background of 1920 × 1080"
READINGS = {
    3: "foot point x y and height",
    4: "box x y width height, feet at the middle of its lower edge",
    6: "three points: between the feet, top of the head, tip of the shadow",
}
READING_VERSION = "2"
"""Counts changes of what the same numbers mean, so that pictures made by an older reading are made again."""
REMEDY = (
    "three numbers: y_min y_max x of a background of 1920 × 1080, else x y height; four: x y width height; "
    "six: three points; or write a .toml instead"
)


def list_entries(text: str) -> dict[str, str]:
    """`backgrounds.txt`: picture and position file per line → position file by the picture's file name, lower case."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split("#")[0].replace(",", " ").split()
        if len(words) >= 2:
            entries[PurePosixPath(words[0]).name.casefold()] = words[1]
    return entries


def read_positions(text: str, name: str) -> tuple[PlacementSettings, str]:
    """One placement per line; `#` starts a comment; numbers apart by spaces or commas; values up to 1 are fractions.

    Args:
        text: content of a position file.
        name: its path, for errors.

    Returns:
        The placements, and how the numbers were read.

    Raises:
        InputError: not numbers, or a count with no reading.
    """
    rows = _rows(text, name)
    for row in rows:
        if len(row) not in READINGS:
            raise InputError(f"{name}: {len(row)} numbers in a line", REMEDY)
    reading = "; ".join(dict.fromkeys(DEMO_READING if _is_demo(row) else READINGS[len(row)] for row in rows))
    return PlacementSettings(spots=[_spot(row) for row in rows]), reading


def older_reading(text: str, name: str) -> str:
    """The content of a placement file that means what three numbers meant before version 2; "" where nothing changed.

    Args:
        text: content of a position file that `read_positions` takes.
        name: its path, for errors.
    """
    demo = [row for row in _rows(text, name) if _is_demo(row)]
    return "; ".join(f"foot = [{x:g}, {y:g}], height = {height:g}" for x, y, height in demo)


def _rows(text: str, name: str) -> list[list[float]]:
    lines = [line.split("#")[0].replace(",", " ").split() for line in text.splitlines()]
    rows = [row for row in (_numbers(words, name) for words in lines) if row]
    if len(rows) > 1 and all(len(row) == 1 for row in rows):
        rows = [[row[0] for row in rows]]  # one number per line
    if not rows:
        raise InputError(f"{name}: no numbers in it", REMEDY)
    return rows


def _numbers(words: list[str], name: str) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise InputError(f"{name}: {' '.join(words)!r} are not numbers", REMEDY) from None


def _is_demo(row: list[float]) -> bool:
    """Three whole numbers inside 1920 × 1080, the first smaller than the second."""
    if len(row) != 3 or not all(number.is_integer() for number in row):
        return False
    top, bottom, column = row
    return 0 <= top < bottom <= DEMO_SIZE[0] and bottom > 1 and 0 <= column <= DEMO_SIZE[1]


def _spot(row: list[float]) -> Spot:
    if _is_demo(row):
        return _demo_spot(*row)
    if len(row) == 3:
        return Spot(foot=row[:2], height=row[2])
    if len(row) == 4:
        x, y, width, height = row
        return Spot(foot=[x + width / 2, y + height], height=height)
    height = abs(row[1] - row[3])
    direction = [(row[4] - row[0]) / max(height, 1e-6), (row[1] - row[5]) / max(height, 1e-6)]
    return Spot(foot=row[:2], height=height, shadow=ShadowSettings(direction=direction))


def _demo_spot(top: float, bottom: float, column: float) -> Spot:
    """Shares of the demo's background, so that they fit a background of any size."""
    rows, columns = DEMO_SIZE
    return Spot(foot=[column / columns, bottom / rows], height=(bottom - top) / rows)
