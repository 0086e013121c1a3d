"""`--retry-bad`: pairs whose score is low are drawn again from other seeds, and the best picture is kept.

What a run with it leaves is decided by its inputs alone: attempts are tried in order until one passes, the best one stays, the
earlier of equals. Every score is written down before the next attempt begins, so a killed run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.core.items import Pair, Unit
from pipeline.core.layout import Ref
from pipeline.core.records.attempts import Attempts, PairAttempts, Tried, read_attempts
from pipeline.core.records.fingerprint import Fingerprinter
from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.records.transaction import Finished, Records
from pipeline.core.score import PASS_SCORE, score_of
from pipeline.core.step import Stage
from pipeline.planning.decisions import Action, Line, Plan
from pipeline.planning.reasons import Code
from pipeline.running.summary import StageResult
from pipeline.running.writer import Entry, Writer

TOGETHER = 32
"""Pairs whose attempts are drawn side by side; their best pictures are held in memory meanwhile, about 2 MB each."""
FAILED = -1.0
"""The score of an attempt that gave no picture."""

RunStage = Callable[[Stage], StageResult]
"""Brings the items of a stage up to date and writes them down."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The first stage's part of an attempt, ready to be put in place again."""

    attempt: int
    outcome: Outcome
    files: dict[Ref, bytes]


class Retry:
    """Draws low-scored pairs again.

    Args:
        stages: of the run.
        records: of the outputs folder.
        max_attempts: further attempts per pair.
    """

    def __init__(self, stages: Sequence[Stage], records: Records, max_attempts: int) -> None:
        self.last = -1
        """Place of the stage after which `work` is to be called, or -1."""
        self._records = records
        self._max_attempts = max_attempts
        self._attempts = read_attempts(records.layout) if max_attempts else Attempts()
        self._part: tuple[Stage, ...] = ()
        part, last = _pair_stages(stages)
        if max_attempts:
            self.last = last
        if max_attempts and len(part) > 1:
            self._part = part
            self._printer = Fingerprinter(self._part[0].step, records.contents.of)
            self._judging = _judging(self._part[1:])

    def low(self) -> list[Pair]:
        """Pairs that are finished and whose score is below `PASS_SCORE`; those with a hand edit are left alone."""
        if not self._part:
            return []
        scores = self._scores()
        pairs = [pair for pair in self._part[0].items if isinstance(pair, Pair)]
        found = (pair for pair in pairs if self._score(pair, scores, 1.0) < PASS_SCORE)
        return [self._attempts.at_chosen(pair) for pair in found if not self._is_hand_edit(pair)]

    def to_draw(self) -> list[Pair]:
        """Those of `low` that another seed may better and that have attempts left."""
        return [pair for pair in self.low() if self._draws(pair) and self._following(pair) is not None]

    def lines(self, plan: Plan) -> tuple[Line, ...]:
        """What would be drawn again, judged by what the ledger says now; what is made anyway is judged when it is there."""
        made = {decision.item.id for stage in plan.stages if stage.unit is Unit.PAIR for decision in stage.decisions}
        count = sum(pair.id not in made for pair in self.to_draw())
        text = f"score below {PASS_SCORE:.2f}, up to {self._max_attempts} further attempt{'s' if self._max_attempts > 1 else ''}"
        return (Line(self._part[0].name, Unit.PAIR, Action.RUN, count, Code.LOW_SCORE, text),) if count else ()

    def warning(self) -> str:
        """A line about what cannot be bettered: no step that draws or judges, engines without a seed; "" when all is well."""
        if self._max_attempts and not self._part:
            return "--retry-bad has no effect: it needs the steps tryon and compose in one run"
        still = [pair for pair in self.low() if not self._draws(pair)]
        if not still:
            return ""
        engines = " and ".join(sorted({pair.engine for pair in still}))
        count = f"{len(still)} low-scored pair{'s' if len(still) > 1 else ''}"
        return f"the {engines} engine has no seed: --retry-bad leaves {count} alone"

    def work(self, run_stage: RunStage, writer: Writer, note: Callable[[str], None], stopped: Callable[[], bool]) -> bool:
        """Draw again, a few pairs at a time.

        Args:
            run_stage: brings a stage's items up to date.
            writer: puts the best picture back.
            note: is told what happens.
            stopped: True once no further picture is to be begun.

        Returns:
            Whether anything was drawn.
        """
        if text := self.warning():
            note(text)
        pairs = self.to_draw()
        if pairs:
            note(f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} with a score below {PASS_SCORE:.2f}: trying other seeds")
        for start in range(0, len(pairs), TOGETHER):
            if not stopped():
                self._retry_batch(pairs[start : start + TOGETHER], run_stage, writer, note, stopped)
        return bool(pairs)

    def _retry_batch(
        self, pairs: list[Pair], run_stage: RunStage, writer: Writer, note: Callable[[str], None], stopped: Callable[[], bool]
    ) -> None:
        """All attempts of a few pairs, side by side; then the best of each is put back where it is not the last."""
        scores = self._scores()
        best = {pair.id: self._snapshot(pair) for pair in pairs}
        for pair in pairs:
            self._note_down(pair, self._score(pair, scores, FAILED))
        shown = dict.fromkeys(best, -1)
        while (todo := list(self._next_round(pairs))) and not stopped():
            failed = self._round(todo, run_stage, note)
            if stopped():
                return  # half done; the next run goes on from what is written down
            scores = self._scores()
            for pair in todo:
                shown[pair.id] = pair.attempt
                if self._note_down(pair, FAILED if pair.id in failed else self._score(pair, scores, FAILED)):
                    best[pair.id] = self._snapshot(pair)
            self._attempts.save(self._records.store)
        back = [pair for pair in pairs if shown[pair.id] not in {-1, best[pair.id].attempt}]
        self._put_back([self._attempts.at_chosen(pair) for pair in back], best, run_stage, writer)

    def _round(self, todo: list[Pair], run_stage: RunStage, note: Callable[[str], None]) -> set[str]:
        """One attempt of each pair, drawn and judged; the ids of those that failed."""
        failed: set[str] = set()
        for stage in self._part:
            result = run_stage(replace(stage, items=todo))
            for failure in (each for each in result.failures if not each.blocked):
                note(f"{failure.item}: this attempt failed ({failure.message}); the picture before it is kept")
            failed |= {failure.item for failure in result.failures}
            result.failures.clear()
        return failed

    def _put_back(self, pairs: list[Pair], best: dict[str, _Snapshot], run_stage: RunStage, writer: Writer) -> None:
        if not pairs:
            return
        for pair in pairs:
            kept = best[pair.id]
            writer.put(Entry(kept.outcome, Finished(kept.outcome, kept.files)))
        writer.flush()
        list(writer.written())  # counted when they were drawn
        for stage in self._part:  # the first finds its files up to date, and the next ones run if those changed
            run_stage(replace(stage, items=pairs))

    def _next_round(self, pairs: Sequence[Pair]) -> Iterator[Pair]:
        for pair in pairs:
            attempt = self._following(pair)
            if attempt is not None:
                yield replace(pair, attempt=attempt)

    def _following(self, pair: Pair) -> int | None:
        """The next attempt to try; None when one passed or all were tried."""
        record = self._attempts.of(pair)
        tried = {attempt: each for attempt, each in record.tried.items() if each.basis == self._basis(pair, attempt)}
        if any(each.score >= PASS_SCORE for each in tried.values()):
            return None
        wanted = range(record.first, record.first + self._max_attempts + 1)
        return next((attempt for attempt in wanted if attempt not in tried and attempt != record.chosen), None)

    def _note_down(self, pair: Pair, score: float) -> bool:
        """Remember an attempt's score, forget what was tried on other inputs; whether it is the best so far."""
        record = self._attempts.of(pair)
        valid = {attempt: each for attempt, each in record.tried.items() if each.basis == self._basis(pair, attempt)}
        tried = {**valid, pair.attempt: Tried(score, self._basis(pair, pair.attempt))}
        chosen = max(sorted(tried), key=lambda attempt: tried[attempt].score)
        self._attempts.put(pair, PairAttempts(record.first, chosen, tried))
        return chosen == pair.attempt

    def _basis(self, pair: Pair, attempt: int) -> str:
        drawn = self._printer.of(replace(pair, attempt=attempt)) or ""
        return hashlib.sha256(f"{drawn} {self._judging}".encode()).hexdigest()[:16]

    def _snapshot(self, pair: Pair) -> _Snapshot:
        step, layout = self._part[0].step, self._records.layout
        writes = step.writes(pair)
        outcome = self._records.ledger.outcome(writes[0])
        assert outcome is not None, f"{pair.id} has a score, so it was drawn"
        return _Snapshot(pair.attempt, outcome, {ref: layout.path(ref).read_bytes() for ref in writes})

    def _scores(self) -> dict[Ref, float]:
        """Scores by slot, as the ledger has them; none of what failed."""
        rows = (row for stage in self._part[1:] for row in self._records.ledger.outcomes("step = ?", (stage.name,)))
        scores = {row.slot: score_of(row.facts) for row in rows if not row.failed}
        return {slot: score for slot, score in scores.items() if score is not None}

    def _score(self, pair: Pair, scores: dict[Ref, float], unknown: float) -> float:
        slots = (stage.step.writes(pair)[0] for stage in self._part[1:])
        return min((scores[slot] for slot in slots if slot in scores), default=unknown)

    def _draws(self, pair: Pair) -> bool:
        return self._part[0].step.has_attempts(pair)

    def _is_hand_edit(self, pair: Pair) -> bool:
        return any(self._records.is_hand_edit(ref) for stage in self._part for ref in stage.step.writes(pair))


def _pair_stages(stages: Sequence[Stage]) -> tuple[tuple[Stage, ...], int]:
    """The stages that draw and judge pairs, and the place of the last one; the first pass of outfits is none of them."""
    found = (place for place, stage in enumerate(stages) if stage.step.unit is Unit.PAIR and not stage.step.prepares)
    places = {stages[place].name: place for place in found}
    return tuple(stages[place] for place in places.values()), max(places.values(), default=-1)


def _judging(stages: Sequence[Stage]) -> str:
    """What scores depend on besides the pictures: the judging steps' versions and settings."""
    return json.dumps([[stage.name, stage.step.version, stage.step.config.model_dump(mode="json")] for stage in stages])
