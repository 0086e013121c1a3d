"""Routes of jobs and of the event stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from pipeline.core.layout import FINAL
from pipeline.review.models import NewJob
from pipeline.review.page import ThePage

SHOWS_PICTURES = frozenset({"compose", "restore"})

job_routes = APIRouter(prefix="/api", tags=["jobs"])
"""Routes below /api for jobs; they run on the event loop, to which the queue belongs."""


@job_routes.post("/jobs", status_code=202)
async def submit(page: ThePage, new: NewJob) -> dict[str, Any]:
    """Queue a job; 429 when too many are waiting."""
    return page.jobs.submit(new).summary()


@job_routes.get("/jobs")
async def list_jobs(page: ThePage) -> dict[str, Any]:
    """The last jobs, newest first."""
    return {"jobs": [job.summary() for job in page.jobs.all()]}


@job_routes.get("/jobs/{job}")
async def show_job(page: ThePage, job: str) -> dict[str, Any]:
    """One job: state, progress, time left."""
    return page.jobs.get(job).summary()


@job_routes.get("/jobs/{job}/events")
async def job_events(page: ThePage, job: str, after: Annotated[int, Query(ge=0, le=1 << 60)] = 0) -> dict[str, Any]:
    """The events of a job after the one with a given number."""
    return {"events": list(page.jobs.get(job).events_after(after))}


@job_routes.get("/jobs/{job}/results")
async def job_results(page: ThePage, job: str) -> dict[str, Any]:
    """The items that a job made; finished pictures with their address below /files/."""
    found = page.jobs.get(job)
    scenes = page.gallery.index().entries
    made = [{"stage": stage, "item": item} for stage, item in found.results]
    ids = dict.fromkeys(name for stage, item in found.results if stage in SHOWS_PICTURES for name in (item, f"{item}__original"))
    pictures = [{"item": name, "ref": scenes[name].ref, "url": f"/files/{scenes[name].ref}"} for name in ids if name in scenes]
    return {"made": made, "pictures": pictures, "folder": FINAL.path, "failures": found.failures}


@job_routes.post("/jobs/{job}/cancel")
async def cancel(page: ThePage, job: str) -> dict[str, Any]:
    """Stop after the current item; asked again, at once."""
    return page.jobs.cancel(job).summary()


@job_routes.get("/events", response_class=StreamingResponse)
async def events(page: ThePage) -> StreamingResponse:
    """Server-sent events: `job`, `job-event`, `gallery`, and `afresh` when a slow reader must load everything again."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(page.hub.stream(page.hub.join()), media_type="text/event-stream", headers=headers)
