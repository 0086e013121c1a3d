"""The outline of a dressed person, measured on the parse map along rays and rows, in canvas pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Labels, Points64
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, BodyPart, Parse
from pipeline.core.masks import Mask
from tryon.engines.preview.person.skeleton import Skeleton, sign_of

ARM_PARTS = (*range(BodyPart.LEFT_UPPER_ARM_INNER, BodyPart.RIGHT_FOREARM_OUTER + 1), BodyPart.RIGHT_HAND, BodyPart.LEFT_HAND)


@dataclass(frozen=True)
class Silhouette:
    """The outline of a dressed person.

    Args:
        parse: (h, w) uint8 of `Parse`.
        parts: (h, w) uint8 of DensePose's `BodyPart`, or None; separates a sleeve from the torso behind it.
    """

    parse: Labels
    parts: Labels | None = None

    def mask_of(self, *labels: Parse) -> Mask:
        """(h, w) bool: where the parse map has one of these labels."""
        return mask_of_labels(self.parse, labels)

    def distance_to_edge(
        self, start: Points64, direction: Points64, low: float, high: float, otherwise: float, mask: Mask | None = None
    ) -> float:
        """How far the person reaches from a point in one direction.

        Args:
            start: (2,) x, y.
            direction: (2,) unit vector.
            low, high: bounds of the result.
            otherwise: the result when `start` is outside the person, or no edge is found.
            mask: (h, w) bool: measure this area instead of the person.

        Returns:
            Pixels.
        """
        steps = np.arange(0, high + 3)
        inside = sampled(self._person if mask is None else mask, start + steps[:, None] * direction)
        if not inside[:3].any():
            return otherwise
        gone = ~(inside | np.roll(inside, -1) | np.roll(inside, -2))[:-2]
        return float(np.clip(np.argmax(gone) if gone.any() else otherwise, low, high))

    @cached_property
    def bare_arms(self) -> Mask:
        """(h, w) bool: skin of the arms."""
        return self.mask_of(Parse.LEFT_ARM, Parse.RIGHT_ARM)

    def torso_half_widths(self, skeleton: Skeleton, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half width of the torso on one side.

        Args:
            skeleton: the person's joints.
            side: 0 = viewer's left, 1 = right.
            down: (n,) pixels below the neck.

        Returns:
            (n,) pixels from the torso's axis to its side. Rows where an arm hides the side follow the rows where none does.
        """
        expected = average_half_widths(skeleton, side, down)
        torso = self._torso
        steps = np.arange(0, 2.2 * float(expected.max()), 1.0)
        measured = np.array([self._half_width(torso, skeleton, side, row, steps) for row in down])
        ratio = measured / expected
        usable = (ratio > 0.75) & (ratio < 1.5)
        if usable.sum() < 2:
            return expected * 1.05
        filled = np.interp(np.arange(len(down)), np.flatnonzero(usable), ratio[usable])
        smooth = np.convolve(np.pad(filled, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
        half: NDArray[np.float64] = expected * smooth
        return half

    def _half_width(self, torso: Mask, skeleton: Skeleton, side: int, row: float, steps: NDArray[np.float64]) -> float:
        """Pixels from the torso's axis to where the torso ends in one row; gaps of up to three pixels do not count."""
        inside = sampled(torso, skeleton.to_canvas(sign_of(side) * steps, np.full(len(steps), row)))
        gone = ~(inside | np.roll(inside, -1) | np.roll(inside, -2) | np.roll(inside, -3))
        first = int(np.argmax(inside)) if inside.any() else 0
        after = np.flatnonzero(gone[first:])
        return float(first + after[0]) if len(after) else float(steps[-1])

    @cached_property
    def _torso(self) -> Mask:
        torso = self.mask_of(*UPPER_LABELS, *LOWER_LABELS, Parse.NECK, Parse.SCARF, Parse.LEFT_LEG, Parse.RIGHT_LEG)
        return torso if self.parts is None else torso & ~mask_of_labels(self.parts, ARM_PARTS)

    @cached_property
    def _person(self) -> Mask:
        return ~self.mask_of(Parse.BACKGROUND, Parse.HAIR, Parse.HAT)


def sampled(mask: Mask, points: Points64, outside: bool = False) -> Mask:
    """(n,) bool: a mask at (n, 2) points x, y, and `outside` where they lie beyond the canvas."""
    columns, rows = np.round(points).astype(int).T
    within = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    taken = mask[np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1)]
    return np.where(within, taken, outside)


def mask_of_labels(labels: Labels, wanted: Sequence[int]) -> Mask:
    """(h, w) bool: where a map has one of the wanted labels; by a table, which is many times faster than `np.isin`."""
    table = np.zeros(256, np.uint8)
    table[list(wanted)] = 1
    mask: Mask = cv2.LUT(labels, table).view(np.bool_)
    return mask


def depth_below_neck(mask: Mask, skeleton: Skeleton, limit: float) -> float:
    """How far below the neck a mask reaches in the middle of the torso, in pixels, at most `limit`; 0 when it does not."""
    rows, columns = np.nonzero(mask[::2, ::2])
    place = skeleton.to_torso(np.column_stack([columns, rows]) * 2.0)
    middle = place[(np.abs(place[:, 0]) < 0.4 * skeleton.scale) & (place[:, 1] < limit), 1]
    return float(np.percentile(middle, 99)) if len(middle) > 20 else 0.0


def mask_half_width(mask: Mask, skeleton: Skeleton, row: float) -> float:
    """Half the number of pixels that a mask covers in one row below the neck; gaps do not count."""
    steps = np.arange(-1.6 * skeleton.scale, 1.6 * skeleton.scale, 2.0)
    return float(sampled(mask, skeleton.to_canvas(steps, np.full(len(steps), row))).sum())


def average_half_widths(skeleton: Skeleton, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths of an average torso between these shoulders and hips, `down` (n,) pixels below the neck.

    The waist is at 60 % of the length, and the hips are wider than their joints.
    """
    shoulder = abs(float(skeleton.to_torso(skeleton.shoulders[side])[0]))
    hip = max(1.6 * abs(float(skeleton.to_torso(skeleton.hips[side])[0])), 0.8 * shoulder)
    share = np.clip(down / max(skeleton.torso_length, 1.0), 0, 1)
    half: NDArray[np.float64] = np.interp(share, [0, 0.3, 0.62, 1], [shoulder, 0.96 * shoulder, 0.45 * (shoulder + hip), hip])
    turned = np.interp(np.hypot(*(skeleton.shoulders[1] - skeleton.shoulders[0])) / skeleton.scale, [0.3, 0.7], [0.4, 0.26])
    least = float(turned) * skeleton.scale  # a chest seen from the side is narrower, but far from flat
    return np.maximum(half, least)
