"""Questions to the parse map about the body's outline, asked along rays and rows in canvas pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, Parse
from pipeline.core.labels import Body as Part
from pipeline.core.masks import Mask
from tryon.engines.preview.person.body import Body, sign_of

ARM_PARTS = (*range(Part.LEFT_UPPER_ARM_INNER, Part.RIGHT_FOREARM_OUTER + 1), Part.RIGHT_HAND, Part.LEFT_HAND)


@dataclass(frozen=True)
class Silhouette:
    """The outline of a dressed person.

    Args:
        parse: (h, w) uint8 of `Parse`.
        parts: (h, w) uint8 of DensePose's `Body`, or None; tells a sleeve from the torso behind it.
    """

    parse: NDArray[np.uint8]
    parts: NDArray[np.uint8] | None = None

    def of(self, *labels: Parse) -> Mask:
        """(h, w) bool: where the parse map has one of these labels."""
        return labelled(self.parse, labels)

    def reach(
        self, start: Points64, direction: Points64, low: float, high: float, otherwise: float, mask: Mask | None = None
    ) -> float:
        """Pixels from `start` to where the body (or `mask`) ends in `direction`, within [low, high]; `otherwise` when hidden."""
        steps = np.arange(0, high + 3)
        inside = self._sample(self._body if mask is None else mask, start + steps[:, None] * direction)
        if not inside[:3].any():
            return otherwise
        gone = ~(inside | np.roll(inside, -1) | np.roll(inside, -2))[:-2]
        return float(np.clip(np.argmax(gone) if gone.any() else otherwise, low, high))

    def lowest(self, labels: Sequence[Parse], body: Body, limit: float) -> float:
        """How far below the neck these labels reach in the middle of the torso, in pixels, at most `limit`; 0 when absent."""
        return lowest(self.of(*labels), body, limit)

    @cached_property
    def bare_arms(self) -> Mask:
        """(h, w) bool: skin of the arms."""
        return self.of(Parse.LEFT_ARM, Parse.RIGHT_ARM)

    def torso_half_widths(self, body: Body, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half width of the torso on one side.

        Args:
            body: the skeleton.
            side: 0 = viewer's left, 1 = right.
            down: (n,) pixels below the neck.

        Returns:
            (n,) pixels from the torso's axis to its side. Rows where an arm hides the side follow the rows where none does.
        """
        expected = expected_half(body, side, down)
        torso = self._torso
        steps = np.arange(0, 2.2 * float(expected.max()), 1.0)
        measured = np.array([self._run(torso, body, sign_of(side), row, steps) for row in down])
        ratio = measured / expected
        usable = (ratio > 0.75) & (ratio < 1.5)
        if usable.sum() < 2:
            return expected * 1.05
        filled = np.interp(np.arange(len(down)), np.flatnonzero(usable), ratio[usable])
        smooth = np.convolve(np.pad(filled, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
        half: NDArray[np.float64] = expected * smooth
        return half

    def _run(self, torso: Mask, body: Body, sign: float, row: float, steps: NDArray[np.float64]) -> float:
        inside = self._sample(torso, body.at(sign * steps, np.full(len(steps), row)))
        gone = ~(inside | np.roll(inside, -1) | np.roll(inside, -2) | np.roll(inside, -3))
        first = int(np.argmax(inside)) if inside.any() else 0
        after = np.flatnonzero(gone[first:])
        return float(first + after[0]) if len(after) else float(steps[-1])

    @cached_property
    def _torso(self) -> Mask:
        torso = self.of(*UPPER_LABELS, *LOWER_LABELS, Parse.NECK, Parse.SCARF, Parse.LEFT_LEG, Parse.RIGHT_LEG)
        return torso if self.parts is None else torso & ~labelled(self.parts, ARM_PARTS)

    @cached_property
    def _body(self) -> Mask:
        return ~self.of(Parse.BACKGROUND, Parse.HAIR, Parse.HAT)

    def _sample(self, mask: Mask, points: Points64) -> Mask:
        columns, rows = np.round(points).astype(int).T
        within = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
        taken: Mask = within & mask[np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1)]
        return taken


def labelled(labels: NDArray[np.uint8], wanted: Sequence[int]) -> Mask:
    """(h, w) bool: where a map of labels has one of those wanted; by a table, which is many times faster than `np.isin`."""
    table = np.zeros(256, np.uint8)
    table[list(wanted)] = 1
    mask: Mask = cv2.LUT(labels, table).view(np.bool_)
    return mask


def lowest(mask: Mask, body: Body, limit: float) -> float:
    """How far below the neck a mask reaches in the middle of the torso, in pixels, at most `limit`; 0 when it does not."""
    rows, columns = np.nonzero(mask[::2, ::2])
    place = body.local(np.column_stack([columns, rows]) * 2.0)
    middle = place[(np.abs(place[:, 0]) < 0.4 * body.scale) & (place[:, 1] < limit), 1]
    return float(np.percentile(middle, 99)) if len(middle) > 20 else 0.0


def mask_half(mask: Mask, body: Body, row: float) -> float:
    """Half the width the mask offers in one row of the torso's frame, gaps left out."""
    steps = np.arange(-1.6 * body.scale, 1.6 * body.scale, 2.0)
    columns, rows = np.round(body.at(steps, np.full(len(steps), row))).astype(int).T
    within = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    return float(mask[rows[within], columns[within]].sum())


def expected_half(body: Body, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half width of an average torso between these shoulders and hips: a waist at 60 %, hips wider than their joints."""
    shoulder = abs(float(body.local(body.shoulders[side])[0]))
    hip = max(1.6 * abs(float(body.local(body.hips[side])[0])), 0.8 * shoulder)
    share = np.clip(down / max(body.torso_length, 1.0), 0, 1)
    half: NDArray[np.float64] = np.interp(share, [0, 0.3, 0.62, 1], [shoulder, 0.96 * shoulder, 0.45 * (shoulder + hip), hip])
    turned = np.interp(np.hypot(*(body.shoulders[1] - body.shoulders[0])) / body.scale, [0.3, 0.7], [0.4, 0.26])
    return np.maximum(half, turned * body.scale)  # a chest seen from the side is narrower, but far from flat
