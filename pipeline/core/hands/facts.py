"""What became of each hand of a photo: written down by the steps that may change one, counted by `hands report`.

A step gives a pair at most two facts, `hand_left` and `hand_right` (the subject's own sides), each a fate and, where one was
measured, a score: `kept 0.83`. A hand that the photo does not show whole has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SIDES = ("left", "right")
PREFIX = "hand_"
GATE, REPAIR = "restore", "hand-repair"
"""The steps that write them: the one whose gate judges the finished picture, and the one that draws hands once more before."""


class Fate(StrEnum):
    """What became of one hand."""

    UNTOUCHED = "untouched"
    """Bit-identical to the photo's."""
    KEPT = "kept"
    """Drawn anew, and the same hand."""
    DIFFERS = "differs"
    """Drawn anew, and flagged."""
    PASTED = "pasted"
    """Drawn anew badly, and the photo's copied back."""
    REPAIRED = "repaired"
    """Drawn once more by the repair, and better."""
    NOT_REPAIRED = "not-repaired"
    """Drawn once more by the repair, no better, and left as it was."""


@dataclass(frozen=True, slots=True)
class HandFact:
    """One hand.

    Args:
        fate: what became of it.
        score: how much it is still the photo's hand, in [0, 1]; None = not measured.
    """

    fate: Fate
    score: float | None = None

    def __str__(self) -> str:
        return self.fate.value if self.score is None else f"{self.fate.value} {self.score:.3f}"


def facts_of(hands: Mapping[str, HandFact]) -> dict[str, str]:
    """Side → hand, as facts for the ledger."""
    return {f"{PREFIX}{side}": str(hands[side]) for side in SIDES if side in hands}


def hands_of(facts: Mapping[str, str]) -> dict[str, HandFact]:
    """The inverse of `facts_of`; facts of another form, as another version may have left, are passed over."""
    found = {}
    for side in SIDES:
        words = facts.get(f"{PREFIX}{side}", "").split()
        if words and words[0] in list(Fate):
            found[side] = HandFact(Fate(words[0]), _number(words[1:]))
    return found


def _number(words: list[str]) -> float | None:
    try:
        return float(words[0])
    except (IndexError, ValueError):
        return None
