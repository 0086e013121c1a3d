"""Arms end where the person ends: a joint that was guessed behind something is no reason to repaint what hides it.

A pose network answers for hidden joints too, with a low visibility. An arm behind a helmet, a table or another person would be
drawn over it, and a sleeve painted beside the person (docs/facts/agnostic_rules.md#what-goes-wrong).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import Points
from pipeline.core.labels import Joint
from pipeline.core.masks import Mask
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

SURE = 0.5
"""A joint with at least this visibility is drawn wherever it is."""
BESIDE = 0.03
"""A bone this near to the person, in scales, is on the person."""
ROUND_END = 0.25
"""How far a drawn arm reaches beyond its last joint, in scales, more than the margin around what is worn."""
STEPS = 33
LEAST_SHOWN = 0.2
"""A bone of which less is shown is left out."""


def with_shown_arms(body: Joints, person: Mask) -> Joints:
    """The joints with uncertain arms shortened to what is shown of them.

    Args:
        body: the joints on the canvas.
        person: (h, w) bool, True = person.

    Returns:
        The same joints, but for elbows and wrists of low visibility on an arm whose hand is not seen: where the bone leaves the
        person they are moved back to that place, and they are as if not detected (`seen` = 0) where nearly none of it is shown.
    """
    unsure = [side for side, arm in shapes.ARMS.items() if body.seen[arm[-1]] < SURE]
    if not unsure:
        return body
    xy, seen = body.xy.copy(), body.seen.copy()
    near = masks.dilate(person, BESIDE * body.scale)
    for side in unsure:
        _shorten(xy, seen, shapes.ARMS[side], near, ROUND_END * body.scale)
    return replace(body, xy=xy, seen=seen)


def _shorten(xy: Points, seen: Points, arm: tuple[Joint, Joint, Joint], near: Mask, rounded_px: float) -> None:
    """One arm, from the shoulder outwards; in place. Nothing follows a bone that is cut."""
    for i, (start, end) in enumerate(pairwise(arm), 1):
        if not 0 < seen[end] < SURE:
            continue
        bone, shown = xy[end] - xy[start], shown_share(xy[start], xy[end], near)
        if shown < 1.0:
            ends = shown - rounded_px / max(float(np.hypot(*bone)), 1.0)
            xy[end] = xy[start] + max(ends, 0.0) * bone
            seen[list(arm[i if ends < LEAST_SHOWN else i + 1 :])] = 0.0


def shown_share(start: Points, end: Points, near: Mask) -> float:
    """How far along a bone the person is shown, in [0, 1]; what lies outside the canvas counts as shown.

    Args:
        start, end: (2,) x, y in pixels.
        near: (h, w) bool, the person and a rim.
    """
    columns, rows = np.round(start + np.linspace(0, 1, STEPS)[:, None] * (end - start)).astype(int).T
    inside = (rows >= 0) & (rows < near.shape[0]) & (columns >= 0) & (columns < near.shape[1])
    on_person = ~inside
    on_person[inside] = near[rows[inside], columns[inside]]
    return float(np.flatnonzero(on_person).max(initial=0) / (STEPS - 1))
