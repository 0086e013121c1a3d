"""How the page is served, and its limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from pipeline.request import Request

MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request, and everybody together, may take.

    Args:
        body_bytes: of an ordinary request.
        upload_bytes: of a request that brings a picture.
        upload_megapixels: of an uploaded picture.
        queued_jobs: that wait while one runs; more are refused with 429.
        remembered_jobs: that can still be asked about when they are over.
        job_events: that a job keeps for late readers.
        streams: open event streams.
        waiting_events: that a slow reader of a stream may fall behind before it is told to start afresh.
    """

    body_bytes: int = 2 * MB
    upload_bytes: int = 64 * MB
    upload_megapixels: float = 60.0
    queued_jobs: int = 8
    remembered_jobs: int = 50
    job_events: int = 2000
    streams: int = 200
    waiting_events: int = 256


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Where the page is served and to whom.

    Args:
        request: the folders and settings that every job inherits.
        host: address to listen on.
        port: 0 takes a free one.
        token: what a caller must know; "" = nothing, allowed on loopback only.
        names: further host names under which the page is reached.
        limits: sizes and counts.
    """

    request: Request
    host: str = "127.0.0.1"
    port: int = 8321
    token: str = ""
    names: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
