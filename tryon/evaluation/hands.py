"""How many hands survive the try-on: the ledger's facts of every pair, counted, with intervals.

The seed's "about 50 %" was judged by eye and without a count; here every hand of a finished outputs folder is counted once.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.core.errors import UsageError
from pipeline.core.hands.facts import GATE, REPAIR, Fate, HandFact, hands_of
from pipeline.core.layout import LEDGER
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.records.whole_file import write_whole
from tryon.evaluation.intervals import wilson

REDRAWN = (Fate.KEPT, Fate.DIFFERS, Fate.PASTED)
"""Fates of hands that the engine drew anew: of what it drew, before any was pasted, only `KEPT` was a success."""
GOOD = (Fate.UNTOUCHED, Fate.KEPT, Fate.PASTED)
"""Fates of hands that are the photo's hands in the finished picture."""


@dataclass(frozen=True, slots=True)
class CountedHand:
    """One hand of one pair.

    Args:
        engine: which drew it.
        pair: the pair's id.
        side: the subject's left or right.
        end: what it is in the finished picture.
        repair: what the repair made of it, or None when it was not asked.
    """

    engine: str
    pair: str
    side: str
    end: HandFact
    repair: HandFact | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    name: str
    count: int
    of: int
    interval: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", wilson(self.count, self.of))

    def cells(self) -> tuple[str, ...]:
        """Name, count, share and interval in words."""
        if not self.of:
            return self.name, "0 of 0", "-", "-"
        low, high = self.interval
        return self.name, f"{self.count} of {self.of}", f"{self.count / self.of:.0%}", f"{low:.0%} to {high:.0%}"


def counted(outcomes: Iterable[Outcome]) -> list[CountedHand]:
    """The hands that the gate judged, each with what the repair did to it before.

    Args:
        outcomes: of both steps; the engine is the folder of an outcome's first file.
    """
    ends: dict[tuple[str, str, str], HandFact] = {}
    repairs: dict[tuple[str, str, str], HandFact] = {}
    for row in outcomes:
        if row.failed:
            continue
        place = ends if row.step == GATE else repairs
        engine = row.slot.split("/")[-2]
        place |= {(engine, row.item, side): hand for side, hand in hands_of(row.facts).items()}
    return [CountedHand(*key, ends[key], repairs.get(key)) for key in sorted(ends)]


def shares(hands: Sequence[CountedHand]) -> list[Share]:
    """What is reported of one engine's hands."""
    ends = Counter(hand.end.fate for hand in hands)
    repairs = Counter(hand.repair.fate for hand in hands if hand.repair)
    redrawn = sum(ends[fate] for fate in REDRAWN)
    asked = repairs[Fate.REPAIRED] + repairs[Fate.NOT_REPAIRED]
    return [
        Share("untouched", ends[Fate.UNTOUCHED], len(hands)),
        Share("drawn anew", redrawn, len(hands)),
        Share("drawn anew and kept", ends[Fate.KEPT], redrawn),
        Share("pasted from the photo", ends[Fate.PASTED], redrawn),
        Share("flagged", ends[Fate.DIFFERS], redrawn),
        *([Share("repaired", repairs[Fate.REPAIRED], asked)] if asked else []),
        Share("good in the end", sum(ends[fate] for fate in GOOD), len(hands)),
    ]


def report_hands(outputs: Path, report: Path | None = None) -> dict[str, Any]:
    """Count the hands of a finished outputs folder, per engine.

    Args:
        outputs: the folder; it is only read.
        report: where `hands.json` and `hands.csv` go; None = nowhere.

    Returns:
        `engines`: engine → rows of text (what, count, share, 95 %); `hands`: how many in all.

    Raises:
        UsageError: no run has written here, or none has looked at hands.
    """
    hands = _read(outputs)
    engines = sorted({hand.engine for hand in hands})
    by_engine = {engine: shares([hand for hand in hands if hand.engine == engine]) for engine in engines}
    if report is not None:
        write_whole(report / "hands.json", _json(hands, by_engine))
        write_whole(report / "hands.csv", _csv(hands))
    return {"hands": len(hands), "engines": {name: [each.cells() for each in rows] for name, rows in by_engine.items()}}


def _read(outputs: Path) -> list[CountedHand]:
    folder = outputs / LEDGER
    if not folder.is_dir():
        raise UsageError(f"hands report: no run has written to {outputs}", "python run.py --step all, or --outputs DIR")
    ledger = Ledger(folder, writable=False)
    try:
        hands = counted(ledger.outcomes("step IN (?, ?)", (GATE, REPAIR)))
    finally:
        ledger.close()
    if not hands:
        raise UsageError(
            f"hands report: {outputs} has no finished picture of somebody whose hands were seen",
            "people whose hands are in the photo, and then: python run.py --step compose",
        )
    return hands


def _json(hands: Sequence[CountedHand], by_engine: Mapping[str, Sequence[Share]]) -> str:
    content = {
        engine: {each.name: {"count": each.count, "of": each.of, "wilson_95": list(each.interval)} for each in rows}
        for engine, rows in by_engine.items()
    }
    return json.dumps({"hands": len(hands), "engines": content}, indent=2) + "\n"


def _csv(hands: Sequence[CountedHand]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("engine", "pair", "side", "end", "score", "repair"))
    for hand in hands:
        score = "" if hand.end.score is None else f"{hand.end.score:.3f}"
        repair = hand.repair.fate.value if hand.repair else ""
        rows.writerow((hand.engine, hand.pair, hand.side, hand.end.fate.value, score, repair))
    return text.getvalue()
