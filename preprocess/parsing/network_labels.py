"""What a parser gives: the parse map, and what LIP and ATR found where it is made of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import Labels
from preprocess.person.not_found import NotFound
from preprocess.person.parse_lists import ParseLists
from preprocess.person.person_view import PersonView

LEAST_SHARE = 0.3
"""A map that labels less of the person than this has missed them."""


@dataclass(frozen=True)
class Parsed:
    """A parser's result for one person.

    Args:
        labels: (h, w) uint8 of `Parse`, `BACKGROUND` outside the person.
        lists: what LIP and ATR said, where the parser is made of both.
    """

    labels: Labels
    lists: ParseLists | None = None


def checked(labels: Labels, view: PersonView, name: str, lists: ParseLists | None = None) -> Parsed | NotFound:
    """A network's map, unless it labels next to nothing of the person.

    Args:
        labels: (h, w) uint8 of `Parse`.
        view: the person.
        name: the parser's, for the flag.
        lists: what LIP and ATR said.
    """
    person = view.person
    share = float(np.mean(labels[person] > 0)) if person.any() else 1.0
    return Parsed(labels, lists) if share >= LEAST_SHARE else NotFound(f"{name} labels {share:.0%} of the person")
