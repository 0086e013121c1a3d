"""Options of the page: its address, its token and its limits."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import UsageError
from pipeline.request import Request
from pipeline.review.jobs.webhook import WebhookOptions

MB = 1_000_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one request and of all requests together.

    Args:
        body_bytes: of an ordinary request.
        upload_bytes: of a request with a picture.
        upload_megapixels: of an uploaded picture.
        uploads_bytes: of the bodies of all uploads that are being received; more are refused with 503.
        waiting_decodes: pictures that may be decoded or wait for it; more are refused with 503.
        queued_jobs: jobs that may wait while one runs; more are refused with 429.
        remembered_jobs: ended jobs that are kept.
        job_events: events that are kept of each job.
        streams: open event streams.
        waiting_events: how many events a reader of a stream may be behind before it must load everything again.
    """

    body_bytes: int = 2 * MB
    upload_bytes: int = 64 * MB
    upload_megapixels: float = 60.0
    uploads_bytes: int = 1000 * MB
    waiting_decodes: int = 16
    queued_jobs: int = 8
    remembered_jobs: int = 50
    job_events: int = 2000
    streams: int = 200
    waiting_events: int = 256


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Where the page is served, and who has access.

    Args:
        request: the folders and settings that every job inherits.
        host: address to listen on.
        port: 0 takes a free one.
        token: secret that every caller needs; "" = none, allowed on loopback only.
        names: further host names of the page.
        proxies: proxies in front of the page, whose `X-Forwarded-Proto` and `X-Forwarded-Host` are believed.
        webhooks: who is told of the end of jobs; off by default.
        limits: sizes and counts.
    """

    request: Request
    host: str = "127.0.0.1"
    port: int = 8321
    token: str = ""
    names: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    webhooks: WebhookOptions = field(default_factory=WebhookOptions)
    limits: Limits = field(default_factory=Limits)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_loopback(self.host)


def proxy_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The addresses and networks of `--trusted-proxy`.

    Raises:
        UsageError: neither an address nor a network.
    """
    return tuple(_network(text) for text in texts)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise UsageError(f"--trusted-proxy {text!r}: not an address", "e.g. --trusted-proxy 127.0.0.1 or 10.0.0.0/24") from None


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
