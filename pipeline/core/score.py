"""The one figure by which pictures are compared: `compose` writes it down, the runner retries by it, the report sorts by it."""

from __future__ import annotations

from collections.abc import Mapping

SCORE = "score"
"""Name of the fact: text of a number in [0, 1]."""
SCORE_WHY = "score_why"
"""Name of the fact that says in one sentence which measure decides the score."""
PASS_SCORE = 0.5
"""Below, at least one of the quality gate's thresholds is broken; on it, the worst measure stands exactly at its threshold."""


def score_of(facts: Mapping[str, str]) -> float | None:
    """The score among an item's facts; None when there is none or it is not a number."""
    try:
        return float(facts[SCORE])
    except (KeyError, ValueError):
        return None
