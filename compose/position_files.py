"""The older way to say where a person stands: `backgrounds.txt` and position files of three, four or six numbers.

The form comes from the GS-VITON demo. The readings are ours; the demo's own is another (docs/facts/position_files.md).
The user is shown how the numbers were read, because three bare numbers can mean many things.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from pipeline.core.errors import InputError
from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings, Spot

READINGS = {
    3: "foot point x y and height",
    4: "box x y width height, feet at the middle of its lower edge",
    6: "three points: between the feet, top of the head, tip of the shadow",
}
REMEDY = "three numbers: x y height; four: x y width height; six: three points; or write a .toml instead"


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
    lines = [line.split("#")[0].replace(",", " ").split() for line in text.splitlines()]
    rows = [row for row in (_numbers(words, name) for words in lines) if row]
    if len(rows) > 1 and all(len(row) == 1 for row in rows):
        rows = [[row[0] for row in rows]]  # one number per line
    if not rows:
        raise InputError(f"{name}: no numbers in it", REMEDY)
    for row in rows:
        if len(row) not in READINGS:
            raise InputError(f"{name}: {len(row)} numbers in a line", REMEDY)
    reading = "; ".join(dict.fromkeys(READINGS[len(row)] for row in rows))
    return PlacementSettings(spots=[_spot(row) for row in rows]), reading


def _numbers(words: list[str], name: str) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise InputError(f"{name}: {' '.join(words)!r} are not numbers", REMEDY) from None


def _spot(row: list[float]) -> Spot:
    if len(row) == 3:
        return Spot(foot=row[:2], height=row[2])
    if len(row) == 4:
        x, y, width, height = row
        return Spot(foot=[x + width / 2, y + height], height=height)
    height = abs(row[1] - row[3])
    direction = [(row[4] - row[0]) / max(height, 1e-6), (row[1] - row[5]) / max(height, 1e-6)]
    return Spot(foot=row[:2], height=height, shadow=ShadowSettings(direction=direction))
