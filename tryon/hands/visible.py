"""Whether a photo shows a hand well enough to learn from it: the published rule, and a stricter one.

Facts: docs/facts/lora_files.md#the-hand-adapters-data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import InputError
from pipeline.core.hands.facts import SIDES
from pipeline.core.keypoints import HAND_POINTS

CONFIDENT = 0.3
"""Of a point; both rules cut here."""
LEAST_POINTS = 10
FINGERTIP = 0.06
"""How far a finger goes on beyond its last point, in hand sizes."""
LEAST_PX = 32.0
"""Least longer side of the box around confident points: below, a crop is enlarged more than seven times."""

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Hand:
    """One hand of a photo.

    Args:
        side: `left` or `right`, the subject's own.
        points: (21, 3) float32 of x, y in pixels and confidence in [0, 1]; see `Keypoints`.
    """

    side: str
    points: Points

    @property
    def seen(self) -> Points:
        """(n, 2) float32: the confident points."""
        return self.points[self.points[:, 2] > CONFIDENT, :2]

    @property
    def size_px(self) -> float:
        """Longer side of the box around confident points; 0 without any."""
        seen = self.seen
        return float((seen.max(axis=0) - seen.min(axis=0)).max()) if len(seen) else 0.0

    def why_not(self, size: tuple[int, int], least_px: float = LEAST_PX) -> str:
        """Why nothing is learnt from this hand; empty when it is whole, large and sure enough.

        Args:
            size: (height, width) of the photo.
            least_px: least longer side.
        """
        seen = self.seen
        if not len(seen):
            return "no hand"
        if len(seen) < LEAST_POINTS:
            return f"fewer than {LEAST_POINTS} sure points"
        if is_cut(seen, size, FINGERTIP * self.size_px):
            return "cut off by the frame"
        return f"smaller than {least_px:g} px" if self.size_px < least_px else ""


def is_cut(points: Points, size: tuple[int, int], margin_px: float = 0.0) -> bool:
    """Whether points (n, 2) come within a margin of the frame of a photo of (height, width): the rest is not there."""
    last = np.asarray([size[1] - 1, size[0] - 1])
    return bool((points <= margin_px).any() or (points >= last - margin_px).any())


def hands_of(text: str, name: str) -> list[Hand]:
    """Hands of the first person of an OpenPose file; one without points is left out.

    Args:
        text: the file's content.
        name: for the error.

    Raises:
        InputError: not OpenPose JSON.
    """
    hands = []
    for side, flat in _lists(text, name).items():
        if len(flat) == 3 * HAND_POINTS:
            points = np.asarray(flat, np.float32).reshape(HAND_POINTS, 3)
            hands += [Hand(side, points)] if (points[:, 2] > 0).any() else []
    return hands


def seed_visible(text: str, name: str) -> bool:
    """The published rule: of either hand, the mean confidence of the points that have any is above 0.3. One sure point passes.

    Args:
        text: content of an OpenPose file.
        name: for the error.

    Raises:
        InputError: not OpenPose JSON.
    """
    return any(_seed_hand(flat) for flat in _lists(text, name).values())


def _seed_hand(flat: list[float]) -> bool:
    if not flat or len(flat) % 3:
        return False
    confident = [each for each in flat[2::3] if each > 0]
    return bool(confident) and float(np.mean(confident)) > CONFIDENT


def _lists(text: str, name: str) -> dict[str, list[float]]:
    try:
        people = json.loads(text)["people"]
        person = people[0] if people else {}
        return {side: list(person.get(f"hand_{side}_keypoints_2d") or []) for side in SIDES}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{name}: not OpenPose JSON ({problem})", "python run.py --step pose --force") from None
