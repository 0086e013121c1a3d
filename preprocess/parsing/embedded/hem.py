"""One hem: the border between upper and lower garment, as a smooth line across the hips.

In columns along the body, the split that agrees best with the colours is found; jumps between neighbouring columns have a cost
(Viterbi 1967). Without it, dark spots of a patterned skirt would be labelled as the black top above it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Labels
from pipeline.core.labels import Joint, Parse
from pipeline.core.masks import Mask
from preprocess.parsing.embedded.label_places import Regions

Field = NDArray[np.float32]

TOP, BOTTOM = 0.55, 1.75
"""The hem is searched for between these positions along the body (0 neck, 1 mid-hip)."""
STEPS, COLUMNS = 96, 56
HALF_WIDTH = 0.85
"""The columns reach this far to both sides, in scales."""
JUMP_COST = 0.8
"""Cost of moving the hem by one step between columns, in mean nats of a column."""
MOST_NATS = 2.5
"""Largest evidence of one pixel, in nats."""
USUAL, PULL = 1.1, 0.5
"""Usual position of a hem, and its weight against the colours."""


def straighten_hem(labels: Labels, evidence: Field, regions: Regions) -> Labels:
    """Redraw the border between upper and lower garment as one smooth line.

    Args:
        labels: (h, w) uint8 of `Parse` with `UPPER_CLOTHES` and `PANTS`.
        evidence: (h, w) float32 nats in favour of the upper garment, against the lower one.
        regions: the body's shapes at the same size.

    Returns:
        (h, w) uint8: labels change between upper and lower, and only near the hips.
    """
    clothes = masks.labelled(labels, (Parse.UPPER_CLOTHES, Parse.PANTS))
    grid = _grid(regions)
    weight = cv2.remap(clothes.astype(np.float32), grid[..., 0], grid[..., 1], cv2.INTER_LINEAR)
    if not (labels == Parse.PANTS).any() or weight.sum() < 50:
        return labels.copy()
    votes = cv2.remap(np.clip(evidence, -MOST_NATS, MOST_NATS), grid[..., 0], grid[..., 1], cv2.INTER_LINEAR) * weight
    split = hem_line(votes, weight)
    return _apply(labels, split, _exchangeable(regions) & clothes, regions)


def hem_line(votes: Field, weight: Field) -> NDArray[np.int64]:
    """The best split per column.

    Args:
        votes: (steps, columns) float32, positive = upper garment.
        weight: (steps, columns) float32, 0 = no garment there.

    Returns:
        (columns,) int64: first step that is lower garment, 0..steps.
    """
    steps, columns = votes.shape
    total = np.concatenate([np.zeros((1, columns), np.float32), np.cumsum(votes, 0)])
    places = np.linspace(TOP, BOTTOM, steps + 1)[:, None]
    strength = weight.sum(0) / steps
    cost = (total[-1] - 2 * total) / steps + PULL * np.abs(places - USUAL) * strength
    jumps = JUMP_COST * np.abs(np.arange(steps + 1)[:, None] - np.arange(steps + 1)[None]) / steps * 8
    best = cost[:, 0]
    origin = np.zeros((columns, steps + 1), np.int64)
    for column in range(1, columns):
        arrival = best[:, None] + jumps
        origin[column] = arrival.argmin(0)
        best = arrival.min(0) + cost[:, column]
    path = np.empty(columns, np.int64)
    path[-1] = int(best.argmin())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = origin[column, path[column]]
    return path


def _axes(regions: Regions) -> tuple[Field, Field, Field]:
    body = regions.body
    down = body.down
    return body.at(Joint.NECK), down * body.torso_length, np.array([down[1], -down[0]], np.float32) * body.scale


def _grid(regions: Regions) -> Field:
    start, down, across = _axes(regions)
    along = np.linspace(TOP, BOTTOM, STEPS, dtype=np.float32)[:, None, None]
    beside = np.linspace(-HALF_WIDTH, HALF_WIDTH, COLUMNS, dtype=np.float32)[None, :, None]
    grid: Field = (start + along * down + beside * across).astype(np.float32)
    return grid


def _exchangeable(regions: Regions) -> Mask:
    """(h, w) bool: torso and thighs, without sleeves beside the hips."""
    sleeves = (regions.arms["right"] | regions.arms["left"]) & ~regions.torso
    return (regions.along > TOP) & (regions.along < BOTTOM) & ~sleeves


def _apply(labels: Labels, split: NDArray[np.int64], where: Mask, regions: Regions) -> Labels:
    """Upper garment above the line, lower garment below it, within the width of the columns."""
    start, _, across = _axes(regions)
    rows, columns = np.nonzero(where)
    offset = np.stack([columns, rows], 1).astype(np.float32) - start
    beside = offset @ across / float(across @ across)
    inside = np.abs(beside) <= HALF_WIDTH
    hem = TOP + (BOTTOM - TOP) * split / STEPS
    limit = np.interp(beside, np.linspace(-HALF_WIDTH, HALF_WIDTH, COLUMNS), hem)
    upper = regions.along[rows, columns] < limit
    redrawn = labels.copy()
    chosen = np.where(upper, np.uint8(Parse.UPPER_CLOTHES), np.uint8(Parse.PANTS))
    redrawn[rows[inside], columns[inside]] = chosen[inside]
    return redrawn
