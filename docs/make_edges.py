"""Draws GS-VITON's boundary correction and lays it beside our edges: `python docs/make_edges.py`.

`docs/pictures/gs_viton_correction.svg` is the formula, `gs_viton_edges.jpg` shows rendered people whose matte is known.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images
from pipeline.core.pixels import foreground
from preprocess.background.rim_erosion import MOST_DIFFERENT, REACH, eroded_matte

PICTURES = Path(__file__).parent / "pictures"
RENDERED = Path(__file__).resolve().parents[1] / "tests/data/rendered"
SHOWN = (("w2_full", (20, 145), 190), ("w2_street", (60, 150), 200))
"""Rendered person, upper left corner and side of the part that is shown."""
ENLARGED = 3
GROUNDS = ((24, 26, 34), (250, 250, 246))
CELL, CELLS = 12, 2 * REACH + 1


def formula() -> str:
    """The window of a rim pixel, and the rule below it."""
    side = CELL * CELLS
    width, height = side + 440, side + 40
    rows = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="15">']
    rows.append(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
    for fill, cells in _window().items():
        squares = " ".join(f"M{20 + CELL * column} {20 + CELL * row}h{CELL - 1}v{CELL - 1}h-{CELL - 1}z" for row, column in cells)
        rows.append(f'<path d="{squares}" fill="{fill}"/>')
    middle = 20 + REACH * CELL
    rows.append(f'<rect x="{middle}" y="{middle}" width="{CELL}" height="{CELL}" fill="none" stroke="#c0392b" stroke-width="3"/>')
    rows.append(f'<text x="{middle + 18}" y="{middle - 6}" fill="#c0392b" font-weight="bold">p</text>')
    lines = (
        "W: 21 × 21 pixels around p",
        "M: the mask (blue and yellow); yellow: its rim",
        "",
        "E(p) =  1 / |W ∩ M|  ·  Σ  ‖ c(q) − c(p) ‖",
        "                                 q ∈ W ∩ M",
        "",
        "c: red, green, blue, 0 … 255",
        f"E(p) > {MOST_DIFFERENT:g}  →  p is taken out of M",
        "once; all rim pixels judged by the same M",
    )
    for number, line in enumerate(lines):
        rows.append(f'<text x="{side + 50}" y="{50 + 24 * number}" xml:space="preserve" fill="#24313f">{line}</text>')
    return "\n".join([*rows, "</svg>"]) + "\n"


def _window() -> dict[str, list[tuple[int, int]]]:
    """Rows and columns of the window by colour: outside, mask, its rim."""
    cells: dict[str, list[tuple[int, int]]] = {"#ececec": [], "#4a6fa5": [], "#e8b93c": []}
    first = [REACH + round(0.35 * (column - REACH)) for column in range(CELLS)]
    for row in range(CELLS):
        for column in range(CELLS):
            kind = 0 if row < first[column] else 2 if row == first[column] else 1
            list(cells.values())[kind].append((row, column))
    return cells


def edges() -> np.ndarray:
    """A row per person and ground: cut hard, corrected as GS-VITON does, our soft matte with cleaned colours."""
    rows = []
    for name, (top, left), side in SHOWN:
        photo, matte = images.read_rgb(RENDERED / f"{name}.jpg"), images.read_grey(RENDERED / f"{name}-matte.png")
        hard = np.where(matte >= 128, 255, 0).astype(np.uint8)
        cut = [np.dstack([photo, hard]), np.dstack([photo, eroded_matte(photo, hard)]), foreground.cutout(photo, matte)]
        for ground in GROUNDS:
            part = [_on(each, ground)[top : top + side, left : left + side] for each in cut]
            large = [cv2.resize(each, None, fx=ENLARGED / 2, fy=ENLARGED / 2, interpolation=cv2.INTER_CUBIC) for each in part]
            rows.append(np.hstack(large))
    width = min(row.shape[1] for row in rows)
    return np.vstack([row[:, :width] for row in rows])


def _on(cutout: np.ndarray, ground: tuple[int, int, int]) -> np.ndarray:
    share = cutout[..., 3:].astype(np.float32) / 255
    return np.round(cutout[..., :3] * share + np.array(ground) * (1 - share)).astype(np.uint8)


def main() -> None:
    """Write both pictures."""
    (PICTURES / "gs_viton_correction.svg").write_text(formula(), "utf-8")
    (PICTURES / "gs_viton_edges.jpg").write_bytes(images.jpeg(edges(), 90))


if __name__ == "__main__":
    main()
