"""A parser's result: the parse map, and the labels of LIP and ATR where the parser uses both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import Grey, Labels
from preprocess.person.not_found import NotFound
from preprocess.person.parse_lists import ParseLists
from preprocess.person.person_view import PersonView

LEAST_SHARE = 0.3
"""A map that labels a smaller share of the person has missed them."""


@dataclass(frozen=True)
class Parsed:
    """A parser's result for one person.

    Args:
        labels: (h, w) uint8 of `Parse`, `BACKGROUND` outside the person.
        lists: the labels of LIP and ATR, where the parser uses both.
        edges: (h, w) uint8, 255 = surely an outline between two parts, where the parser finds them.
    """

    labels: Labels
    lists: ParseLists | None = None
    edges: Grey | None = None


def checked(
    labels: Labels, view: PersonView, name: str, lists: ParseLists | None = None, edges: Grey | None = None
) -> Parsed | NotFound:
    """A network's map, or `NotFound` when it labels too little of the person.

    Args:
        labels: (h, w) uint8 of `Parse`.
        view: the person.
        name: the parser's name, for the flag.
        lists: the labels of LIP and ATR.
        edges: outlines between parts.
    """
    person = view.person
    share = float(np.mean(labels[person] > 0)) if person.any() else 1.0
    return Parsed(labels, lists, edges) if share >= LEAST_SHARE else NotFound(f"{name} labels {share:.0%} of the person")
