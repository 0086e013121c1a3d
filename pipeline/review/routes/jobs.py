"""Routes of jobs and of the event stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from pipeline.core.inputs.collection import select
from pipeline.core.layout import FINAL, ORIGINAL, Layout, Ref
from pipeline.core.records.finished import further_refs
from pipeline.review.answers import Job, JobEvent, JobEvents, JobNotice, JobPicture, JobResults, Jobs, Made, PictureFile
from pipeline.review.gallery import Entry, PictureState
from pipeline.review.jobs.job import OVER, ReviewJob
from pipeline.review.models import NewJob
from pipeline.review.page import Page, ThePage
from pipeline.review.replays import IdempotencyKey

SHOWS_PICTURES = frozenset({"compose", "restore"})

job_routes = APIRouter(prefix="/api", tags=["jobs"])
"""Routes below /api for jobs; they run on the event loop, to which the queue belongs."""


told_routes = APIRouter()
"""What a webhook is asked; only described here, and carried out by `jobs/webhook.py`."""


@told_routes.post("{$request.body#/webhook}", status_code=204)
def job_over(notice: JobNotice) -> None:
    """The job is over. Signed where there is a secret; sent again, with the same `webhook-id`, after 429, 5xx or no answer."""


@job_routes.post("/jobs", status_code=202, callbacks=told_routes.routes)
async def submit(page: ThePage, new: NewJob, idempotency_key: IdempotencyKey = "") -> Job:
    """Queue a job; 429 when too many are waiting, 403 when its webhook is not on the list of the command."""
    asked = f"job {new.model_dump_json()}"
    return page.replays.once(idempotency_key, asked, lambda: page.jobs.again(idempotency_key, new)).summary()


@job_routes.get("/jobs")
async def list_jobs(page: ThePage) -> Jobs:
    """The last jobs, newest first."""
    return Jobs(jobs=[job.summary() for job in page.jobs.all()])


@job_routes.get("/jobs/{job}")
async def show_job(page: ThePage, job: str) -> Job:
    """One job: state, progress, time left."""
    return page.jobs.get(job).summary()


@job_routes.get("/jobs/{job}/events")
async def job_events(page: ThePage, job: str, after: Annotated[int, Query(ge=0, le=1 << 60)] = 0) -> JobEvents:
    """The events of a job after the one with a given number."""
    return JobEvents(events=[JobEvent(**event) for event in page.jobs.get(job).events_after(after)])


@job_routes.get("/jobs/{job}/results")
async def job_results(page: ThePage, job: str) -> JobResults:
    """What a job made; and, when it is over, all finished pictures it was asked for, those included that were there already."""
    found = page.jobs.get(job)
    return await asyncio.to_thread(_results, page, found, list(found.results))


def _results(page: Page, found: ReviewJob, results: Sequence[tuple[str, str]]) -> JobResults:
    entries = page.gallery.index().entries
    ids = dict.fromkeys(name for stage, item in results if stage in SHOWS_PICTURES for name in (item, f"{item}__original"))
    made = {name: entries[name] for name in ids if name in entries}
    there = _there(page, found) if found.state in OVER else {}
    pictures = [_picture(page.layout, each, name not in made) for name, each in {**made, **there}.items()]
    items = [Made(stage=stage, item=item) for stage, item in results]
    return JobResults(made=items, pictures=pictures, folder=FINAL.path, failures=found.failures)


def _picture(layout: Layout, entry: Entry, found: bool) -> JobPicture:
    files = further_refs(layout, entry.scene.id, entry.scene.pair.engine)
    further = [PictureFile(**_file(name, ref)) for name, ref in files.items()]
    return JobPicture(**_file(entry.ref.rpartition("/")[2], entry.ref), item=entry.scene.id, found=found, further=further)


def _file(name: str, ref: Ref) -> dict[str, str]:
    return {"name": name, "ref": ref, "url": f"/files/{ref}"}


def _there(page: Page, job: ReviewJob) -> dict[str, Entry]:
    """The pictures that exist and fit what a job was asked for; of a job that makes no pictures, none."""
    if not {"all", *SHOWS_PICTURES} & set(job.asked.steps):
        return {}
    wanted = select(page.workspace.items().wanted, job.asked.only, job.asked.skip, job.asked.limit)
    pairs, backgrounds = {pair.id for pair in wanted.pairs}, {each.id for each in wanted.backgrounds} | {ORIGINAL}
    return {
        name: entry
        for name, entry in page.gallery.index().entries.items()
        if entry.state is PictureState.DONE and entry.scene.pair.id in pairs and entry.scene.background.id in backgrounds
    }


@job_routes.post("/jobs/{job}/cancel")
async def cancel(page: ThePage, job: str) -> Job:
    """Stop after the current item; asked again, at once."""
    return page.jobs.cancel(job).summary()


@job_routes.get("/events", response_class=StreamingResponse)
async def events(page: ThePage) -> StreamingResponse:
    """Server-sent events: `job`, `job-event`, `gallery`, and `afresh` when a slow reader must load everything again."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(page.hub.stream(page.hub.join()), media_type="text/event-stream", headers=headers)
