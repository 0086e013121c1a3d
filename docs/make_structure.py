"""Draws the rooms and which may import which, from the import contract in `pyproject.toml`: `python docs/make_structure.py`.

The picture is `docs/pictures/rooms.svg`. What a room is for comes from the first line of its docstring. A test
(`tests/docs/test_structure.py`) fails while the picture differs from what this writes.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = Path(__file__).parent / "pictures" / "rooms.svg"
WIDTH, GAP, PAD = 1180, 12, 10
TITLE_PX, LINE_PX, CHAR_PX = 18, 15, 6.3
LEAST_WIDTH = (160, 120)
"""Of a room and of a room within a room, pixels."""
DEEPEST = 2
"""Rooms within rooms within rooms are drawn closed."""
SHOWN_OPEN = ("pipeline.core", "tryon.engines", "compose")
SHADES = ("#ffffff", "#f3f6fa", "#e4ebf4")
STYLE = "text { font: 12px sans-serif; fill: #24313f } .title { font-weight: bold; font-size: 13px } .arrow { fill: #5b7186 }"

Layers = list[list[str]]
"""Rows from top to bottom; a row may import every row below it, and its own members never import each other."""


@dataclass(frozen=True)
class Box:
    """A room as drawn: place and size of its frame in pixels, and the SVG elements within it."""

    svg: str
    height: float
    left: float = 0
    top: float = 0
    width: float = 0
    shade: str = SHADES[0]

    def framed(self, height: float) -> str:
        """The SVG elements with a frame of this height behind them: rooms in one row are equally high."""
        place = f'x="{self.left:.0f}" y="{self.top:.0f}" width="{self.width:.0f}" height="{height:.0f}"'
        return f'<rect {place} rx="6" fill="{self.shade}" stroke="#9fb2c6"/>\n{self.svg}'


def layer_contracts() -> list[Layers]:
    """Every contract of the kind `layers`, with full module names; rooms that are still to come are left out."""
    found = []
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            prefix = f"{contract['containers'][0]}." if "containers" in contract else ""
            rows = [
                [prefix + name.strip().strip("()") for name in row.replace(":", "|").split("|")] for row in contract["layers"]
            ]
            found.append([present for row in rows if (present := [name for name in row if source(name)])])
    return found


def source(module: str) -> Path | None:
    """The file that holds a module's docstring."""
    path = ROOT / module.replace(".", "/")
    return next((each for each in (path / "__init__.py", path.with_suffix(".py")) if each.is_file()), None)


def purpose(module: str) -> str:
    """The first line of a module's docstring."""
    path = source(module)
    assert path is not None, f"{module} is in the import contract and not on the disk"
    line = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
    return re.sub(r" \((docs/|`)[^)]*\)", "", line).replace("`", "").rstrip(".")


def inside(module: str, contracts: Sequence[Layers]) -> Layers:
    """The rows of a room's own contract; some rooms without one show their sub-packages in one row."""
    for rows in contracts:
        if all(name.rpartition(".")[0] == module for row in rows for name in row):
            return rows
    folders = sorted(path.parent for path in (ROOT / module.replace(".", "/")).glob("*/__init__.py"))
    return [[f"{module}.{folder.name}" for folder in folders]] if module in SHOWN_OPEN else []


def room(module: str, left: float, top: float, width: float, depth: int, contracts: Sequence[Layers]) -> Box:
    """A room with its name, what it is for, and the rooms inside it."""
    words = textwrap.wrap(purpose(module), max(12, int((width - 2 * PAD) / CHAR_PX)))
    name = module if depth == 0 else module.rpartition(".")[2]
    lines = [f'<text class="title" x="{left + PAD:.0f}" y="{top + PAD + 9:.0f}">{escape(name)}</text>']
    y = top + PAD + TITLE_PX + 7
    for line in words:
        lines.append(f'<text x="{left + PAD:.0f}" y="{y:.0f}">{escape(line)}</text>')
        y += LINE_PX
    rows = stack(inside(module, contracts) if depth < DEEPEST else [], left + PAD, y - 4, width - 2 * PAD, depth + 1, contracts)
    bottom = y + rows.height + (PAD if rows.height else 0)
    return Box("\n".join([*lines, rows.svg]), bottom - top, left, top, width, SHADES[min(depth, 2)])


def stack(rows: Layers, left: float, top: float, width: float, depth: int, contracts: Sequence[Layers]) -> Box:
    """Rows below each other with an arrow between them: imports go down."""
    y, parts = top, []
    for number, row in enumerate(rows):
        if number:
            middle = left + width / 2
            parts.append(f'<path class="arrow" d="M{middle - 6:.0f} {y:.0f}h12l-6 {GAP - 3}z"/>')
            y += GAP
        most = max(1, int((width + GAP) / (LEAST_WIDTH[min(depth, 1)] + GAP)))
        columns = ceil(len(row) / ceil(len(row) / most))  # as many in the last line as in the others, or nearly
        for start in range(0, len(row), columns):
            some = row[start : start + columns]
            each = (width - GAP * (len(some) - 1)) / len(some)
            boxes = [room(name, left + place * (each + GAP), y, each, depth, contracts) for place, name in enumerate(some)]
            height = max(box.height for box in boxes)
            parts += [box.framed(height) for box in boxes]
            y += height + (GAP / 2 if start + columns < len(row) else 0)
    return Box("\n".join(parts), y - top)


def structure() -> str:
    """The whole picture as SVG text."""
    contracts = layer_contracts()
    rows = stack(contracts[0], GAP, 40, WIDTH - 2 * GAP, 0, contracts)
    height = 40 + rows.height + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}">\n'
        f'<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="{GAP}" y="25">A room imports only what is drawn below it; rooms side by side never import each other.</text>\n'
    )
    return f"{head}{rows.svg}\n</svg>\n"


if __name__ == "__main__":
    PICTURE.write_text(structure(), "utf-8")
