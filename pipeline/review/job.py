"""One job: its options, its progress, and the time it still needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import Any

from pipeline.request import Request
from pipeline.review.models import NewJob

MAX_RESULTS = 10_000
MAX_FAILURES = 200


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(slots=True)
class StageProgress:
    """The progress of one stage; `each_s` is the estimate for one item, used until the first is made."""

    stage: str
    to_do: int
    each_s: float = 0.3
    made: int = 0
    failed: int = 0
    begun: float | None = None

    @property
    def left(self) -> int:
        """Items that are neither made nor failed."""
        return max(0, self.to_do - self.made - self.failed)

    def seconds_left(self, now: float) -> float:
        """From the speed so far, which includes loading models; before the first item from the estimate."""
        done = self.made + self.failed
        pace = (now - self.begun) / done if done and self.begun is not None else self.each_s
        return self.left * pace


@dataclass(slots=True)
class ReviewJob:
    """A job and its progress.

    Args:
        id: short and random.
        asked: what the caller sent.
        request: what the job runs.
        events: the last ones, numbered.
    """

    id: str
    asked: NewJob
    request: Request
    events: deque[dict[str, Any]]
    state: JobState = JobState.QUEUED
    created: str = field(default_factory=lambda: _now())
    ended: str = ""
    exit_code: int | None = None
    message: str = ""
    remedy: str = ""
    stages: dict[str, StageProgress] = field(default_factory=dict)
    results: list[tuple[str, str]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    _number: int = 0
    _begun: float | None = None
    _seconds: float = 0.0

    def begin(self) -> None:
        """Mark the job as running."""
        self.state, self._begun = JobState.RUNNING, monotonic()

    def end(self, state: JobState, exit_code: int | None = None) -> None:
        """Mark the job as ended."""
        self._seconds = self._elapsed()
        self.state, self.exit_code, self.ended = state, exit_code, _now()

    def _elapsed(self) -> float:
        return self._seconds or (monotonic() - self._begun if self._begun is not None else 0.0)

    def note(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Record one event of the process; returns its number."""
        self._number += 1
        self.events.append({"number": self._number, "kind": kind, **facts})
        stage = self.stages.get(str(facts.get("stage", "")))
        if kind == "estimate":
            for each in facts.get("stages", ()):
                self.stages[each["stage"]] = StageProgress(each["stage"], int(each["to_do"]), float(each["seconds_each"]))
        elif kind == "stage":
            self._begin_stage(str(facts["stage"]), int(facts["to_do"]))
        elif kind == "done" and stage is not None:
            stage.made += 1
            if len(self.results) < MAX_RESULTS:
                self.results.append((stage.stage, str(facts["item"])))
        elif kind == "failed" and stage is not None:
            stage.failed += 1
            if len(self.failures) < MAX_FAILURES:
                self.failures.append({key: str(facts.get(key, "")) for key in ("stage", "item", "message", "remedy")})
        elif kind == "error":
            self.message, self.remedy = str(facts.get("message", "")), str(facts.get("remedy", ""))
        return self._number

    def _begin_stage(self, name: str, to_do: int) -> None:
        """Replace the estimated number of items by the real one; a stage that draws pictures again begins a second time."""
        stage = self.stages.setdefault(name, StageProgress(name, to_do))
        stage.to_do = to_do + stage.made + stage.failed
        stage.begun = stage.begun or monotonic()

    def events_after(self, number: int) -> Iterator[dict[str, Any]]:
        """The stored events with higher numbers."""
        return (event for event in self.events if event["number"] > number)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the job ends; None before the first estimate and after the end."""
        if self.state not in {JobState.RUNNING, JobState.STOPPING} or not self.stages:
            return None
        return round(sum(stage.seconds_left(monotonic()) for stage in self.stages.values()), 1)

    def summary(self) -> dict[str, Any]:
        """The job as the page and the HTTP API show it."""
        return {
            "id": self.id,
            "state": self.state.value,
            "steps": self.asked.steps,
            "only": self.asked.only,
            "force": self.asked.force,
            "created": self.created,
            "ended": self.ended,
            "exit_code": self.exit_code,
            "message": self.message,
            "remedy": self.remedy,
            "to_do": sum(stage.to_do for stage in self.stages.values()),
            "made": sum(stage.made for stage in self.stages.values()),
            "failed": sum(stage.failed for stage in self.stages.values()),
            "seconds": round(self._elapsed(), 1),
            "seconds_left": self.seconds_left,
            "stages": [
                {"stage": each.stage, "to_do": each.to_do, "made": each.made, "failed": each.failed}
                for each in self.stages.values()
            ],
            "failures": self.failures[:20],
        }


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
