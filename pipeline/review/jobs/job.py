"""One job: its options, its progress, and the time it still needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from pipeline.request import Request
from pipeline.review.answers import ItemFailure, Job, JobNotice, JobState, Made, StageCount, WebhookState
from pipeline.review.jobs.store import JobRecord
from pipeline.review.models import NewJob

MAX_RESULTS = 10_000
MAX_FAILURES = 200
MAX_TOLD = 100


OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(slots=True)
class StageProgress:
    """The progress of one stage; `each_s` is the estimate for one item, used until the first is made."""

    stage: str
    to_do: int
    each_s: float = 0.3
    made: int = 0
    failed: int = 0
    found: int = 0
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
        number: in the order of submission.
        key: the request's `Idempotency-Key`, or "".
    """

    id: str
    asked: NewJob
    request: Request
    events: deque[dict[str, Any]]
    number: int = 0
    key: str = ""
    state: JobState = JobState.QUEUED
    created: str = field(default_factory=lambda: _now())
    ended: str = ""
    exit_code: int | None = None
    message: str = ""
    remedy: str = ""
    stages: dict[str, StageProgress] = field(default_factory=dict)
    results: list[tuple[str, str]] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)
    webhook: WebhookState = WebhookState.NONE
    webhook_message: str = ""
    _number: int = 0
    _begun: float | None = None
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.asked.webhook:
            self.webhook = WebhookState.WAITING

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
            self._begin_stage(str(facts["stage"]), int(facts["to_do"]), int(facts.get("done", 0)))
        elif kind == "done" and stage is not None:
            stage.made += 1
            if len(self.results) < MAX_RESULTS:
                self.results.append((stage.stage, str(facts["item"])))
        elif kind == "failed" and stage is not None:
            stage.failed += 1
            if len(self.failures) < MAX_FAILURES:
                self.failures.append(ItemFailure(**{key: str(facts.get(key, "")) for key in ItemFailure.model_fields}))
        elif kind == "error":
            self.message, self.remedy = str(facts.get("message", "")), str(facts.get("remedy", ""))
        return self._number

    def _begin_stage(self, name: str, to_do: int, found: int) -> None:
        """Replace the estimated number of items by the real one; a stage that draws pictures again begins a second time."""
        stage = self.stages.setdefault(name, StageProgress(name, to_do))
        if stage.begun is None:
            stage.found = found
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

    def summary(self) -> Job:
        """The job as the page and the HTTP API show it."""
        stages = list(self.stages.values())
        return Job(
            id=self.id,
            state=self.state,
            steps=self.asked.steps,
            only=self.asked.only,
            force=self.asked.force,
            sizes=self.asked.sizes,
            format=self.asked.format,
            layers=self.asked.layers,
            created=self.created,
            ended=self.ended,
            exit_code=self.exit_code,
            message=self.message,
            remedy=self.remedy,
            to_do=sum(stage.to_do for stage in stages),
            made=sum(stage.made for stage in stages),
            failed=sum(stage.failed for stage in stages),
            found=sum(stage.found for stage in stages),
            seconds=round(self._elapsed(), 1),
            seconds_left=self.seconds_left,
            stages=[StageCount(**{name: getattr(each, name) for name in StageCount.model_fields}) for each in stages],
            failures=self.failures[:20],
            webhook=self.webhook,
            webhook_message=self.webhook_message,
        )

    def notice(self) -> JobNotice:
        """What its webhook is told."""
        summary = self.summary()
        same = {name: getattr(summary, name) for name in JobNotice.model_fields.keys() & Job.model_fields.keys()}
        items = [Made(stage=stage, item=item) for stage, item in self.results[:MAX_TOLD]]
        return JobNotice(**same, items=items, results=f"/api/jobs/{self.id}/results")

    def record(self) -> JobRecord:
        """What is kept on disk."""
        summary = self.summary()
        return JobRecord(
            id=self.id,
            number=self.number,
            asked=self.asked,
            state=self.state,
            created=self.created,
            ended=self.ended,
            exit_code=self.exit_code,
            message=self.message,
            remedy=self.remedy,
            seconds=summary.seconds,
            stages=summary.stages,
            results=self.results,
            failures=self.failures,
            key=self.key,
            webhook=self.webhook,
            webhook_message=self.webhook_message,
        )


def job_of(record: JobRecord, base: Request, most_events: int) -> ReviewJob:
    """A job as it was when the page ended. One that was waiting or at work waits again: what it made stays and is found made.

    Args:
        record: of the job.
        base: folders and settings of the page now.
        most_events: that are kept.

    Raises:
        UsageError: as `NewJob.request`.
    """
    job = ReviewJob(record.id, record.asked, record.asked.request(base), deque(maxlen=most_events), record.number, record.key)
    job.created, job.results = record.created, list(record.results)
    if record.state in {JobState.QUEUED, JobState.RUNNING}:
        return job
    job.state = JobState.CANCELLED if record.state is JobState.STOPPING else record.state
    job.ended, job.exit_code = record.ended, record.exit_code
    job.webhook, job.webhook_message = record.webhook, record.webhook_message
    job.message, job.remedy, job.failures = record.message, record.remedy, list(record.failures)
    job.stages = {
        each.stage: StageProgress(each.stage, each.to_do, made=each.made, failed=each.failed, found=each.found)
        for each in record.stages
    }
    job._seconds = record.seconds
    return job


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
