"""The queue of jobs: one runs at a time, each in a process of its own that runs the command line.

A crash, even of a native library, ends that process only. To stop a job, its process is asked to finish the current item, as
Ctrl-C does; asked again, it is killed, which leaves outputs and ledger consistent.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pipeline
from pipeline.core.errors import ExitCode, UsageError
from pipeline.request import Request
from pipeline.review.answers import JobState, WebhookState
from pipeline.review.jobs.job import OVER, ReviewJob, job_of
from pipeline.review.jobs.store import JobStore
from pipeline.review.jobs.webhook import SECRET_VARIABLE, Webhooks
from pipeline.review.models import NewJob
from pipeline.review.options import Limits
from pipeline.review.replays import OtherRequestError

Notify = Callable[[str, Mapping[str, Any]], None]
LINE_BYTES = 4_000_000
KEPT_EVERY_S = 2.0
"""How much of a running job's progress a crash of the page may lose; its pictures are found made all the same."""
STOP_TIMEOUT_S = 30.0
"""Seconds that a job has to finish its current item when it is asked to stop."""
COMMAND = (sys.executable, "-c", "from pipeline.cli.app import main; main()")
ROOT = Path(pipeline.__file__).resolve().parents[1]


class QueueFullError(Exception):
    """The allowed number of jobs is waiting already."""


class UnknownJobError(LookupError):
    """No job has this id, or it ended long ago and was removed."""


class JobQueue:
    """Queues jobs, runs one at a time and keeps the last ones. Belongs to one event loop.

    Args:
        request: folders and settings that every job inherits.
        limits: the lengths of the queue and of the list of ended jobs.
        notify: called at every change, with the kind of event and its facts.
        store: keeps jobs over a restart.
        webhooks: tell others of the end of jobs.
        command: what runs a job; replaced in tests.
    """

    def __init__(
        self,
        request: Request,
        limits: Limits,
        notify: Notify,
        store: JobStore,
        webhooks: Webhooks,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._request = request
        self._store = store
        self._webhooks = webhooks
        self._limits = limits
        self._notify = notify
        self._command = tuple(command)
        self._jobs: dict[str, ReviewJob] = {}
        self._waiting: deque[ReviewJob] = deque()
        self._wake = asyncio.Event()
        self._process: Process | None = None
        self._worker: asyncio.Task[None] | None = None
        self._kept_at = 0.0

    # ---- for callers -------------------------------------------------------------------------------------------------------

    def all(self) -> list[ReviewJob]:
        """All jobs, newest first."""
        return list(self._jobs.values())[::-1]

    def get(self, ident: str) -> ReviewJob:
        """One job.

        Raises:
            UnknownJobError: no job has this id.
        """
        if ident not in self._jobs:
            raise UnknownJobError(ident)
        return self._jobs[ident]

    def submit(self, asked: NewJob, key: str = "") -> ReviewJob:
        """Queue a job.

        Args:
            asked: what it shall do.
            key: the request's `Idempotency-Key`, or "".

        Raises:
            UsageError: its steps exclude each other. QueueFullError: too many are waiting.
            RefusedWebhookError: its webhook is not on the list.
        """
        self._webhooks.check(asked.webhook)
        request = asked.request(self._request)
        if len(self._waiting) >= self._limits.queued_jobs:
            raise QueueFullError
        number = 1 + max((job.number for job in self._jobs.values()), default=0)
        job = ReviewJob(uuid.uuid4().hex[:12], asked, request, deque(maxlen=self._limits.job_events), number, key)
        self._jobs[job.id] = job
        self._waiting.append(job)
        self._forget_old()
        self._turned(job)
        self._wake.set()
        return job

    def again(self, key: str, asked: NewJob) -> ReviewJob:
        """The job that was submitted with a key before the page was restarted, or a new one; raises as `submit`.

        Raises:
            OtherRequestError: that job was asked for something else.
        """
        earlier = next((job for job in self._jobs.values() if key and job.key == key), None)
        if earlier is None:
            return self.submit(asked, key)
        if earlier.asked != asked:
            raise OtherRequestError(key)
        return earlier

    def cancel(self, ident: str) -> ReviewJob:
        """Remove a waiting job from the queue; ask a running one to stop; kill one that was asked before."""
        job = self.get(ident)
        if job in self._waiting:
            self._waiting.remove(job)
            job.end(JobState.CANCELLED)
            self._tell(job)
        elif job.state is JobState.STOPPING:
            self._signal(kill=True)
        elif job.state is JobState.RUNNING:
            job.state = JobState.STOPPING
            self._signal(kill=False)
            asyncio.get_running_loop().call_later(STOP_TIMEOUT_S, self._kill_if_stopping, job)
        self._turned(job)
        return job

    def _kill_if_stopping(self, job: ReviewJob) -> None:
        if job.state is JobState.STOPPING:
            self._signal(kill=True)

    def _signal(self, kill: bool) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill() if kill else self._process.terminate()

    def _forget_old(self) -> None:
        over = [ident for ident, job in self._jobs.items() if job.state in OVER]
        for ident in over[: max(0, len(self._jobs) - self._limits.remembered_jobs)]:
            del self._jobs[ident]
            self._store.forget(ident)

    # ---- the worker --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to run jobs, with those that an earlier page left unfinished."""
        self._take_up()
        self._worker = asyncio.get_running_loop().create_task(self._work())

    def _take_up(self) -> None:
        for record in self._store.read():
            with suppress(UsageError):  # of a version with other steps
                job = job_of(record, self._request, self._limits.job_events)
                self._jobs[job.id] = job
                if job.state is JobState.QUEUED:
                    self._waiting.append(job)
                elif job.webhook is WebhookState.WAITING:
                    self._tell(job)
                self._wake.set()

    async def close(self) -> None:
        """Stop; the running job finishes its current item, or is killed when that takes too long."""
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        process = self._process
        if process is not None and process.returncode is None:
            self._signal(kill=False)
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                self._signal(kill=True)
                await process.wait()
        for job in self._jobs.values():
            if job.state is JobState.RUNNING:
                self._keep(job)
        await self._webhooks.close()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._run(self._waiting.popleft())

    async def _run(self, job: ReviewJob) -> None:
        job.begin()
        self._turned(job)
        try:
            code, errors = await self._process_of(job)
        except OSError as problem:
            job.message, job.remedy = f"the job could not be started ({problem})", "check memory and permissions"
            job.end(JobState.FAILED)
        else:
            self._conclude(job, code, errors)
        self._turned(job)
        self._tell(job)

    async def _process_of(self, job: ReviewJob) -> tuple[int, str]:
        """Run a job and read its events; returns its exit code and the last lines of its standard error."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            "--json",
            "--yes",
            *job.request.words(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_BYTES,
            start_new_session=True,
            env={**_environment(), "PYTHONPATH": os.pathsep.join(paths)},
        )
        errors = asyncio.get_running_loop().create_task(_last_lines(self._process))
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue  # the reader drops a line beyond the limit; the next one is complete
            if not line:
                break
            self._record(job, line)
        code = await self._process.wait()
        self._process = None
        return code, await errors

    def _record(self, job: ReviewJob, line: bytes) -> None:
        """Record one line of the job's process."""
        try:
            event = json.loads(line)
            kind = str(event.pop("event"))
        except (ValueError, KeyError, AttributeError, TypeError):
            return  # not an event: a library wrote to standard output
        number = job.note(kind, event)
        self._notify("job-event", {"job": job.id, "number": number, "kind": kind, **_short(event)})
        if kind in {"stage", "done", "failed", "estimate", "finished"}:
            self._changed(job)
        if monotonic() - self._kept_at > KEPT_EVERY_S:
            self._keep(job)

    def _conclude(self, job: ReviewJob, code: int, errors: str) -> None:
        if job.state is JobState.STOPPING or code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
            job.end(JobState.CANCELLED, code)
        elif code in {ExitCode.DONE, ExitCode.ITEMS_FAILED}:
            job.end(JobState.DONE, code)
        else:
            if not job.message:
                job.message = f"the job's process ended with {code}; its last messages: {errors or 'none'}"
                job.remedy = "submit it again; what was finished is kept"
            job.end(JobState.FAILED, code)

    def _turned(self, job: ReviewJob) -> None:
        """A job has another state."""
        self._keep(job)
        self._changed(job)

    def _tell(self, job: ReviewJob) -> None:
        """Tell a job's webhook that it is over, in the background; what the page cannot say in time is said by the next."""
        if job.asked.webhook:
            body = job.notice().model_dump_json().encode()
            self._webhooks.send(job.asked.webhook, job.id, body, lambda trouble: self._told(job, trouble))

    def _told(self, job: ReviewJob, trouble: str) -> None:
        job.webhook, job.webhook_message = WebhookState.FAILED if trouble else WebhookState.DELIVERED, trouble
        if job.id in self._jobs:
            self._turned(job)

    def _keep(self, job: ReviewJob) -> None:
        self._store.put(job.record())
        self._kept_at = monotonic()

    def _changed(self, job: ReviewJob) -> None:
        self._notify("job", job.summary().model_dump(mode="json"))


def _environment() -> dict[str, str]:
    """What the process of a job may know."""
    return {name: value for name, value in os.environ.items() if name != SECRET_VARIABLE}


async def _last_lines(process: Process) -> str:
    """The last lines of a process's standard error, which is read completely so that the process never blocks."""
    assert process.stderr is not None
    kept = b""
    while chunk := await process.stderr.read(65536):
        kept = (kept + chunk)[-4000:]
    lines = [line for line in kept.decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-600:]


def _short(event: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an event that every open page receives; the others can be requested."""
    return {key: event[key] for key in ("stage", "item", "seconds", "message") if key in event}
