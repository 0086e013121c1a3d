"""DensePose's raw output, one small map per box → body-part index, U and V on the canvas. Pure functions.

Facts: docs/facts/densepose_picture.md#charts.

A network gives maps of 112 × 112 per detected person: a coarse foreground, 25 fine channels, U and V per channel. They are
enlarged bilinearly to the box *before* the argmax, and only where the box lies on the canvas, so a large box takes no more time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float
from pipeline.core.masks import Mask, iou
from preprocess.person.body_parts import BodyParts

FINE_CHANNELS = 25
SHORTLIST = 6
"""Boxes that are evaluated, the likeliest first; each takes about a second."""


@dataclass(frozen=True)
class Charts:
    """A network's output for n boxes.

    Args:
        boxes: (n, 4) float32 x0, y0, x1, y1 in canvas pixels; may extend beyond the canvas.
        coarse: (n, 2 or 15, h, w) float32, channel 0 = background.
        fine: (n, 25, h, w) float32, channel 0 = background.
        u, v: (n, 25, h, w) float32 in [0, 1], one map per part.

    Raises:
        ValueError: shapes that do not fit each other.
    """

    boxes: Float
    coarse: Float
    fine: Float
    u: Float
    v: Float

    def __post_init__(self) -> None:
        count = len(self.boxes)
        maps = (self.coarse, self.fine, self.u, self.v)
        fits = self.boxes.shape == (count, 4) and all(each.ndim == 4 and len(each) == count for each in maps)
        if not fits or any(each.shape[1] != FINE_CHANNELS for each in maps[1:]) or self.coarse.shape[1] < 2:
            shapes = ", ".join(str(each.shape) for each in (self.boxes, *maps))
            raise ValueError(f"shapes {shapes}; expected (n, 4), (n, 2 or 15, h, w) and three times (n, {FINE_CHANNELS}, h, w)")

    def __len__(self) -> int:
        return len(self.boxes)

    def only(self, keep: NDArray[np.bool_]) -> Charts:
        """The boxes of a (n,) bool selection."""
        return Charts(*(each[keep] for each in (self.boxes, self.coarse, self.fine, self.u, self.v)))


@dataclass(frozen=True)
class Spot:
    """Where a box lies: its whole-pixel corner and size, and the part of it on the canvas."""

    x: int
    y: int
    width: int
    height: int
    rows: slice
    columns: slice

    @property
    def visible(self) -> bool:
        """Whether any of it is on the canvas."""
        return bool(self.rows.stop > self.rows.start and self.columns.stop > self.columns.start)


def parts_of(charts: Charts, person: Mask) -> BodyParts | None:
    """Body parts of the person whom the matte shows, on the canvas of the matte.

    Args:
        charts: the network's output.
        person: (h, w) bool, True = person; when it is empty, the largest box is used.

    Returns:
        None when no box shows that person.
    """
    candidates = [number for number in _likeliest(charts.boxes, person) if np.isfinite(charts.boxes[number]).all()][:SHORTLIST]
    found = [(number, index) for number in candidates if (index := index_of(charts, number, person.shape)).any()]
    if not found:
        return None
    scores = [iou(index > 0, person) if person.any() else float(np.count_nonzero(index)) for _, index in found]
    best = int(np.argmax(scores))
    if scores[best] <= 0:
        return None
    number, index = found[best]
    for other, theirs in found:
        if other != number and person.any():
            index = np.where((theirs > 0) & ~person, 0, index).astype(np.uint8)
    u, v = (_chart(each, charts.boxes[number], index) for each in (charts.u[number], charts.v[number]))
    return BodyParts(index, u, v, charts.boxes[number : number + 1].astype(np.float32))


def _likeliest(boxes: Float, person: Mask) -> list[int]:
    """Box numbers: first those with most of the person; among equals the smallest, or the largest when `person` is empty."""
    order = []
    total = max(1, int(np.count_nonzero(person)))
    for number, box in enumerate(np.nan_to_num(boxes, posinf=0, neginf=0)):
        spot = spot_of(box, person.shape)
        area = float(spot.width) * spot.height
        held = np.count_nonzero(person[spot.rows, spot.columns]) / total if spot.visible else 0.0
        order.append((-round(held, 2), area if person.any() else -area, number))
    return [number for _, _, number in sorted(order)]


def spot_of(box: Float, size: tuple[int, ...]) -> Spot:
    """Whole pixels of a box, at least one by one, as DensePose's own tools round them.

    Args:
        box: (4,) x0, y0, x1, y1.
        size: (height, width) of the canvas.
    """
    x, y = int(box[0]), int(box[1])
    width, height = max(1, int(box[2] - box[0])), max(1, int(box[3] - box[1]))
    rows = slice(min(max(0, y), size[0]), max(0, min(size[0], y + height)))
    return Spot(x, y, width, height, rows, slice(min(max(0, x), size[1]), max(0, min(size[1], x + width))))


def index_of(charts: Charts, number: int, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """(height, width) uint8 part index of one box: the best fine channel where the best coarse channel is not background."""
    index = np.zeros((size[0], size[1]), np.uint8)
    spot = spot_of(charts.boxes[number], size)
    if spot.visible:
        index[spot.rows, spot.columns] = _argmax(charts.fine[number], spot) * (_argmax(charts.coarse[number], spot) > 0)
    return index


def _argmax(channels: Float, spot: Spot) -> NDArray[np.uint8]:
    """Best channel per visible pixel; one channel is enlarged at a time."""
    best = _enlarged(channels[0], spot)
    winner = np.zeros(best.shape, np.uint8)
    for number in range(1, len(channels)):
        value = _enlarged(channels[number], spot)
        better = value > best
        best[better], winner[better] = value[better], number
    return winner


def _chart(channels: Float, box: Float, index: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w) uint8 coordinate × 255, from the channel of each pixel's part; 0 outside the person."""
    chart = np.zeros(index.shape, np.uint8)
    spot = spot_of(box, index.shape)
    inside = index[spot.rows, spot.columns]
    view = chart[spot.rows, spot.columns]
    for part in np.unique(inside[inside > 0]):
        own = inside == part
        view[own] = (np.clip(_enlarged(channels[part], spot)[own], 0, 1) * 255).astype(np.uint8)
    return chart


def _enlarged(channel: Float, spot: Spot) -> Float:
    """One small map, bilinearly at the visible pixels of its box."""
    down = _weights(spot.height, channel.shape[0], spot.rows.start - spot.y, spot.rows.stop - spot.y)
    across = _weights(spot.width, channel.shape[1], spot.columns.start - spot.x, spot.columns.stop - spot.x)
    rows: Float = down @ channel
    value: Float = rows @ across.T
    return value


def _weights(target: int, source: int, start: int, stop: int) -> Float:
    """(stop - start, source) float32: weights of a bilinear resize from `source` to `target` samples; half-pixel centres."""
    place = np.clip((np.arange(start, stop, dtype=np.float64) + 0.5) * source / target - 0.5, 0, source - 1)
    low = np.minimum(place.astype(np.int64), max(0, source - 2))
    mix = np.zeros((stop - start, source), np.float32)
    rows = np.arange(stop - start)
    mix[rows, low] = 1 - (place - low)
    if source > 1:
        mix[rows, low + 1] = place - low
    return mix
