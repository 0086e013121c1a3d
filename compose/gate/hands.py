"""Whether each hand of the photo is still that hand in the finished picture (docs/hands.md#what-is-measured)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BeforeAfter
from compose.gate.garment_colour import Palette
from compose.gate.presence import garment_like
from pipeline.core.arrays import RGB, Points
from pipeline.core.frame import Frame
from pipeline.core.hands.facts import Fate, HandFact
from pipeline.core.hands.same_hand import NONE, Cloth, mask_in_square, seen_hand
from pipeline.core.hands.shape import extent, half_finger, hand_area, mostly_bare
from pipeline.core.hands.views import HandPlace, ReadHand
from pipeline.core.masks import Mask
from pipeline.core.rect import Rect

LEAST_EXTENT_PX = 16.0
"""A smaller hand has fingers of a pixel, which nobody can judge."""
GARMENT_REACH = 10.0
"""ΔE within which a pixel beside a hand may be the new garment's."""
WORDS = {
    "moved": "in another place",
    "bent": "fingers bent otherwise",
    "longer": "fingers of other lengths",
    "lost": "parts of it are missing",
    "added": "more of it than there was",
    "unlike": "drawn otherwise",
    "smooth": "fingers melted together",
    NONE: "no hand is seen there any more",
}
"""What is said of each sign."""


@dataclass(frozen=True)
class HandEvidence:
    """What is known of a pair to judge its hands by.

    Args:
        frame: photo ↔ canvas.
        places: where the photo's hands are, by side, photo pixels.
        bare: canvas-sized bool, arms, hands and gloves, or None.
        worn: canvas-sized bool, the garment that is replaced, or None.
        garment: the new garment's colours, or None.
    """

    frame: Frame
    places: Mapping[str, HandPlace]
    bare: Mask | None = None
    worn: Mask | None = None
    garment: Palette | None = None


@dataclass(frozen=True)
class JudgedHand:
    """One hand of the photo and what became of it.

    Args:
        points: (21, 2) float32 x, y in the photo.
        fact: its fate and likeness.
        sign: the worst sign's name, "" when there is none.
        note: what was tried and not done.
    """

    points: Points
    fact: HandFact
    sign: str = ""
    note: str = ""

    @property
    def likeness(self) -> float:
        """In [0, 1]: 1 = the photo's own hand."""
        return 1.0 if self.fact.score is None else self.fact.score

    def words(self, side: str) -> str:
        """For the flag."""
        return f"{side}: {WORDS.get(self.sign, self.sign)} ({self.likeness:.2f}){f', {self.note}' if self.note else ''}"


def judge_hands(evidence: HandEvidence, photos: BeforeAfter, least: float, read: ReadHand) -> dict[str, JudgedHand]:
    """Every hand that the photo shows whole, by side.

    Args:
        evidence: where hands are, and what is cloth.
        photos: the photo before and after.
        least: likeness from which a hand counts as kept.
        read: the hand network; asked only about hands of which a pixel changed.
    """
    found = {}
    for side, place in evidence.places.items():
        judged = judge_hand(evidence, photos, place, least, read)
        if judged is not None:
            found[side] = judged
    return found


def judge_hand(evidence: HandEvidence, photos: BeforeAfter, place: HandPlace, least: float, read: ReadHand) -> JudgedHand | None:
    """One hand; None where the photo shows none, cuts it off, or shows it too small to judge."""
    if place.points is not None and not _judgeable(evidence, photos, place.points):
        return None
    if place.points is not None and not _changed(photos, place.points):
        return JudgedHand(place.points, HandFact(Fate.UNTOUCHED))
    seen = seen_hand(photos.photo, place, read, partial(_cloth, evidence))
    if seen is None or not _judgeable(evidence, photos, seen.points):
        return None
    if not _changed(photos, seen.points):
        return JudgedHand(seen.points, HandFact(Fate.UNTOUCHED))
    sign, likeness = seen.likeness_in(photos.dressed)
    fate = Fate.KEPT if likeness >= least else Fate.DIFFERS
    return JudgedHand(seen.points, HandFact(fate, likeness), sign)


def worst_hand(hands: Mapping[str, JudgedHand]) -> tuple[float | None, str]:
    """The smallest likeness, and which hand has it in words; (None, "") where no hand was judged."""
    if not hands:
        return None, ""
    side = min(hands, key=lambda each: hands[each].likeness)
    return hands[side].likeness, hands[side].words(side)


def _judgeable(evidence: HandEvidence, photos: BeforeAfter, points: Points) -> bool:
    """Whether the photo shows a hand there, whole and large enough."""
    tall, wide = photos.photo.shape[:2]
    inside = (points >= 0).all() and (points[:, 0] < wide).all() and (points[:, 1] < tall).all()
    if not inside or extent(points) < LEAST_EXTENT_PX:
        return False
    return evidence.bare is None or mostly_bare(evidence.frame.points_to_canvas(points), evidence.bare)


def _changed(photos: BeforeAfter, points: Points) -> bool:
    """Whether a single pixel of the hand differs."""
    window, moved = around(photos, points)
    differs = (photos.photo[window] != photos.dressed[window]).any(2)
    return bool((differs & hand_area(differs.shape, moved, half_finger(points))).any())


def around(photos: BeforeAfter, points: Points, margin: float = 0.3) -> tuple[tuple[slice, slice], Points]:
    """The photo's window round a hand, and the hand's points in it; `margin` is a share of the extent."""
    low = points.min(0) - margin * extent(points)
    high = points.max(0) + margin * extent(points)
    box = Rect(int(low[1]), int(low[0]), int(np.ceil(high[1] - low[1])) + 1, int(np.ceil(high[0] - low[0])) + 1)
    window = box.window(photos.photo.shape[:2], 0)
    return window, points - np.array([window[1].start, window[0].start], np.float32)


def _cloth(evidence: HandEvidence, matrix: NDArray[np.float64], dressed: RGB) -> Cloth:
    """What is cloth in a hand's square: the garment that is replaced, and what has the new one's colours."""
    worn = None if evidence.worn is None else _square_of(evidence.worn, evidence.frame, matrix)
    return Cloth(worn, None if evidence.garment is None else garment_like(dressed, evidence.garment, GARMENT_REACH))


def _square_of(mask: Mask, frame: Frame, matrix: NDArray[np.float64]) -> Mask:
    """(n, n) bool: a canvas-sized mask in the square."""
    whole = np.vstack([frame.inverse, [0, 0, 1]])
    return mask_in_square(mask, np.asarray(matrix @ whole, np.float64))
