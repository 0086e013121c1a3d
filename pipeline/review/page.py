"""The state that all routes share, and the task that notices changes by other programs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request

from pipeline.core.errors import LookbookError
from pipeline.core.layout import VERDICTS
from pipeline.review.decoding import Decoder
from pipeline.review.events import Hub
from pipeline.review.gallery import Gallery
from pipeline.review.jobs.job import OVER
from pipeline.review.jobs.queue import COMMAND, JobQueue
from pipeline.review.jobs.store import JobStore
from pipeline.review.jobs.webhook import Webhooks
from pipeline.review.options import Serving
from pipeline.review.placement import Placements
from pipeline.review.replays import Replays
from pipeline.review.saving import Saver
from pipeline.review.settings_files import SettingsFiles
from pipeline.review.uploads import Uploads
from pipeline.review.verdicts import Verdicts
from pipeline.review.workspace import Workspace

CHECK_EVERY_S = 0.7


class Page:
    """The application's state.

    Args:
        serving: folders and limits.
        command: what runs a job; replaced in tests.
    """

    def __init__(self, serving: Serving, command: Sequence[str] = COMMAND) -> None:
        self.serving = serving
        self.limits = serving.limits
        self.workspace = Workspace(serving.request)
        self.layout = self.workspace.layout
        self.verdicts = Verdicts(self.layout.path(VERDICTS))
        self.gallery = Gallery(self.workspace, self.verdicts)
        self.saver = Saver(self.layout)
        self.decoder = Decoder(self.limits.waiting_decodes)
        self.uploads = Uploads(self.layout, self.limits.upload_megapixels, self.decoder)
        self.replays = Replays()
        self.placements = Placements(self.workspace)
        self.settings_files = SettingsFiles(self.workspace)
        self.hub = Hub(self.limits.streams, self.limits.waiting_events)
        webhooks = Webhooks(serving.webhooks)
        self.jobs = JobQueue(self.workspace.request, self.limits, self._notify, JobStore(self.layout), webhooks, command)
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run jobs and to watch the folders."""
        self.jobs.start()
        self._watch = asyncio.get_running_loop().create_task(self._keep_watch())

    async def close(self) -> None:
        """End the streams, the watch and the running job."""
        self.hub.close()
        if self._watch is not None:
            self._watch.cancel()
        await self.jobs.close()
        self.decoder.close()

    def _notify(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Pass a job's news on; what a job made is in the gallery as soon as it is said to be over."""
        if kind == "job" and facts["state"] in OVER:
            self.gallery.changed()
        self.hub.notify(kind, facts)

    async def _keep_watch(self) -> None:
        """Notify open pages when the gallery changed, whatever changed it. Does nothing while no page is open."""
        sent = -1
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            if not self.hub.listeners:
                continue
            try:
                index = await asyncio.to_thread(self.gallery.index, patient=True)
            except (LookbookError, OSError):
                continue  # e.g. a half-written settings file; the next request for the gallery reports it
            if index.version != sent:
                sent = index.version
                self.hub.notify("gallery", {"version": index.version, "total": len(index.entries), "done": index.done})


async def _page_of(request: Request) -> Page:
    page: Page = request.app.state.page
    return page


ThePage = Annotated[Page, Depends(_page_of)]
"""The type of a route's parameter that receives the page of its application."""
