"""How many hands survive: every hand counted once, with an interval that few hands make wide."""

from __future__ import annotations

import json

import pytest

from pipeline.core.errors import UsageError
from pipeline.core.hands.facts import GATE, REPAIR, Fate, HandFact, facts_of, hands_of
from pipeline.core.layout import LEDGER
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome, Status
from tryon.evaluation.hands import report_hands
from tryon.evaluation.intervals import wilson


def outcome(pair: str, step: str = GATE, engine: str = "one", failed: bool = False, **hands: HandFact) -> Outcome:
    folder = {GATE: "final", REPAIR: "tryon"}[step]
    status = Status.FAILED if failed else Status.DONE
    return Outcome(slot=f"{folder}/{engine}/{pair}.png", step=step, item=pair, status=status, facts=facts_of(hands))


def written(folder, *outcomes: Outcome):
    ledger = Ledger(folder / LEDGER, durable=False)
    ledger.settle([], outcomes)
    ledger.close()
    return folder


def hand(fate: Fate, score: float | None = None) -> HandFact:
    return HandFact(fate, score)


def counts(folder, engine: str = "one") -> dict[str, str]:
    return {row[0]: row[1] for row in report_hands(folder)["engines"][engine]}


def test_a_hand_is_read_back_as_it_was_written():
    hands = {"left": hand(Fate.KEPT, 0.75), "right": hand(Fate.UNTOUCHED)}
    assert hands_of(facts_of(hands)) == hands


def test_facts_of_another_form_are_passed_over():
    assert hands_of({"hand_left": "waving 0.3", "hand_right": "", "score": "0.5"}) == {}
    assert hands_of({"hand_left": "kept much"}) == {"left": hand(Fate.KEPT)}


def test_every_fate_is_a_share_of_the_hands_that_could_have_it(tmp_path):
    folder = written(
        tmp_path,
        outcome("a", left=hand(Fate.UNTOUCHED), right=hand(Fate.KEPT, 0.9)),
        outcome("b", left=hand(Fate.DIFFERS, 0.1), right=hand(Fate.PASTED, 0.2)),
        outcome("d"),
    )
    assert counts(folder) == {
        "untouched": "1 of 4",
        "drawn anew": "3 of 4",
        "drawn anew and kept": "1 of 3",
        "pasted from the photo": "1 of 3",
        "flagged": "1 of 3",
        "good in the end": "3 of 4",
    }


def test_repaired_hands_are_counted_beside_what_became_of_them(tmp_path):
    folder = written(
        tmp_path,
        outcome("a", REPAIR, left=hand(Fate.REPAIRED, 0.8), right=hand(Fate.NOT_REPAIRED, 0.2)),
        outcome("a", left=hand(Fate.KEPT, 0.8), right=hand(Fate.DIFFERS, 0.2)),
    )
    found = counts(folder)
    assert found["repaired"] == "1 of 2" and found["good in the end"] == "1 of 2"


def test_engines_are_counted_apart_and_failed_pairs_not_at_all(tmp_path):
    folder = written(
        tmp_path,
        outcome("a", left=hand(Fate.KEPT, 0.8)),
        outcome("a", engine="two", left=hand(Fate.DIFFERS, 0.2)),
        outcome("b", engine="two", failed=True, left=hand(Fate.KEPT, 0.8)),
    )
    assert counts(folder)["flagged"] == "0 of 1" and counts(folder, "two")["flagged"] == "1 of 1"


def test_figures_and_a_line_per_hand_are_written(tmp_path):
    folder = written(tmp_path, outcome("a", left=hand(Fate.KEPT, 0.8), right=hand(Fate.DIFFERS, 0.25)))
    report_hands(folder, tmp_path / "made")
    content = json.loads((tmp_path / "made/hands.json").read_text())
    assert content["hands"] == 2
    assert content["engines"]["one"]["flagged"] == {"count": 1, "of": 2, "wilson_95": list(wilson(1, 2))}
    assert (tmp_path / "made/hands.csv").read_text().splitlines() == [
        "engine,pair,side,end,score,repair", "one,a,left,kept,0.800,", "one,a,right,differs,0.250,",
    ]  # fmt: skip


@pytest.mark.parametrize("outcomes", [(), (outcome("a"),)])
def test_a_folder_without_hands_is_answered_with_what_to_run(tmp_path, outcomes):
    if outcomes:
        written(tmp_path, *outcomes)
    with pytest.raises(UsageError, match=r"python run\.py --step"):
        report_hands(tmp_path)


def test_the_interval_of_a_share_is_wilsons():
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 1)[0] == pytest.approx(0.2065, abs=1e-4) and wilson(1, 1)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "of"), [(3, 8), (40, 50), (1, 200)])
def test_the_intervals_ends_are_the_shares_that_would_just_not_be_surprised(count, of):
    for end in wilson(count, of):
        assert abs(count / of - end) == pytest.approx(1.959964 * (end * (1 - end) / of) ** 0.5, rel=1e-6)
