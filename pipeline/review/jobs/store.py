"""Jobs on disk, one small JSON file each in `outputs/.review/jobs/`: they outlive the page, and what was not finished goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.core.errors import OutputError
from pipeline.core.layout import REVIEW, Layout
from pipeline.core.records.store import Store
from pipeline.review.answers import ItemFailure, JobState, StageCount, WebhookState
from pipeline.review.models import NewJob

FOLDER = f"{REVIEW}/jobs"


class JobRecord(BaseModel):
    """What is kept of a job; its events are not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    number: int
    """In the order of submission."""
    asked: NewJob
    state: JobState
    created: str
    ended: str = ""
    exit_code: int | None = None
    message: str = ""
    remedy: str = ""
    seconds: float = 0.0
    stages: list[StageCount] = []
    results: list[tuple[str, str]] = []
    failures: list[ItemFailure] = []
    key: str = ""
    """The request's `Idempotency-Key`."""
    webhook: WebhookState = WebhookState.NONE
    webhook_message: str = ""


class JobStore:
    """Writes, reads and deletes the files of jobs.

    Args:
        layout: the folders.
    """

    def __init__(self, layout: Layout) -> None:
        self._folder: Path = layout.path(FOLDER)
        self._store = Store(layout)

    def put(self, record: JobRecord) -> None:
        """Write one job, whole or not at all; where the disk refuses it, the job is done all the same."""
        with suppress(OSError, OutputError):
            self._store.replace(self._store.stage(f"{FOLDER}/{record.id}.json", record.model_dump_json().encode()))

    def forget(self, ident: str) -> None:
        """Delete one job's file."""
        with suppress(OSError):
            (self._folder / f"{ident}.json").unlink(missing_ok=True)

    def read(self) -> list[JobRecord]:
        """All jobs, oldest first. A file that is damaged, or of another version, is passed over."""
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append(JobRecord.model_validate(json.loads(path.read_text("utf-8"))))
            except (OSError, ValueError, ValidationError):
                continue
        return sorted(found, key=lambda record: (record.created, record.number))
