"""Tells a job's webhook that the job is over: signed, a few times where nobody answers, never in the way of the jobs.

Headers and signature are those of the Standard Webhooks specification (standardwebhooks.com), for which there are libraries.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from pipeline.core.errors import UsageError
from pipeline.review.jobs.webhook_address import (
    PORTS,
    Address,
    Receiver,
    RefusedWebhookError,
    Webhook,
    as_address,
    check_addresses,
    check_listed,
    read_webhook,
)

SECRET_VARIABLE = "LOOKBOOK_WEBHOOK_SECRET"
LEAST_SECRET = 16
WAITS_S = (2.0, 15.0, 120.0)
"""Seconds before the second, third and fourth try."""
LIMIT_S = 10.0
"""Of one try, looking the name up included."""
AGAIN = frozenset({408, 425, 429, *range(500, 600)})
"""Answers after which it is sent once more."""
AT_ONCE = 4
_NAMES = ThreadPoolExecutor(AT_ONCE, "webhook-names")
"""Names are looked up here: a name server that hangs keeps no thread from the page's other work."""


class UndeliveredError(Exception):
    """Nobody took it, which may be different later."""


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """Who may be told.

    Args:
        allowed: receivers that the command names; none = webhooks are off.
        secret: that messages are signed with; empty = they are not.
        waits_s: seconds before each further try.
        limit_s: seconds of one try.
        tls: certificates that are trusted; None = the system's.
    """

    allowed: tuple[Receiver, ...] = ()
    secret: bytes = field(default=b"", repr=False)
    waits_s: tuple[float, ...] = WAITS_S
    limit_s: float = LIMIT_S
    tls: ssl.SSLContext | None = None


def webhook_secret(environment: Mapping[str, str]) -> bytes:
    """The secret of the environment: `whsec_` and base64, or any text; b"" where there is none.

    Raises:
        UsageError: not base64, or too short.
    """
    text = environment.get(SECRET_VARIABLE, "").strip()
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True) if text.startswith("whsec_") else text.encode()
    except binascii.Error:
        raise UsageError(f"{SECRET_VARIABLE} is not base64 behind whsec_", "e.g. whsec_$(openssl rand -base64 32)") from None
    if text and len(secret) < LEAST_SECRET:
        raise UsageError(f"{SECRET_VARIABLE} is shorter than {LEAST_SECRET} bytes", "e.g. whsec_$(openssl rand -base64 32)")
    return secret


def signature(secret: bytes, ident: str, seconds: int, body: bytes) -> str:
    """The header `webhook-signature`: HMAC-SHA256 over id, time and body, joined by dots."""
    words = b".".join((ident.encode(), str(seconds).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, words, hashlib.sha256)).decode()


Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
Told = Callable[[str], None]


async def addresses_of(host: str, port: int) -> list[Address]:
    """All addresses of a host.

    Raises:
        OSError: it is not known.
    """
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_NAMES, look_up)
    addresses = (as_address(str(row[4][0])) for row in found)
    return list(dict.fromkeys(each for each in addresses if each is not None))


class Webhooks:
    """Sends messages in the background. Belongs to one event loop.

    Args:
        options: who may be told, and how.
        resolve: the addresses of a host; replaced in tests.
    """

    def __init__(self, options: WebhookOptions, resolve: Resolve = addresses_of) -> None:
        self._options = options
        self._resolve = resolve
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def check(self, text: str) -> None:
        """See whether an address may be told; "" always may.

        Raises:
            RefusedWebhookError: it is not on the list.
        """
        if text:
            check_listed(read_webhook(text), self._options.allowed)

    def send(self, text: str, ident: str, body: bytes, told: Told) -> None:
        """Send a message in the background.

        Args:
            text: the webhook's address.
            ident: of the message, the same in every try.
            body: JSON.
            told: called once with why it was not taken, "" when it was; not at all when the page ends before.
        """
        task = asyncio.get_running_loop().create_task(self._send(text, ident, body, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is not sent yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, text: str, ident: str, body: bytes, told: Told) -> None:
        try:
            trouble = await self._trouble(read_webhook(text), ident, body)
        except RefusedWebhookError as problem:
            trouble = problem.message
        except ValueError as problem:
            trouble = str(problem)
        told(trouble)

    async def _trouble(self, webhook: Webhook, ident: str, body: bytes) -> str:
        """Try until somebody takes it, or it was tried often enough; returns why nobody did, "" when somebody did."""
        trouble = ""
        for wait in (0.0, *self._options.waits_s):
            await asyncio.sleep(wait)
            try:
                async with self._slots:
                    await self._try(webhook, ident, body)
            except UndeliveredError as problem:
                trouble = str(problem)
            else:
                return ""
        return trouble

    async def _try(self, webhook: Webhook, ident: str, body: bytes) -> None:
        """One try.

        Raises:
            RefusedWebhookError: it may not be told, or does not want to be. UndeliveredError: it did not answer.
        """
        name = webhook.receiver
        try:
            async with asyncio.timeout(self._options.limit_s):
                status = await self._posted(webhook, ident, body)
        except TimeoutError:
            raise UndeliveredError(f"{name} did not answer in {self._options.limit_s:g} s") from None
        except ssl.SSLError as problem:
            raise UndeliveredError(f"{name}: the certificate is not accepted ({problem.reason})") from None
        except (OSError, EOFError, asyncio.LimitOverrunError) as problem:
            raise UndeliveredError(f"{name} does not answer ({type(problem).__name__})") from None
        if status in AGAIN:
            raise UndeliveredError(f"{name} answered {status}")
        if not 200 <= status < 300:
            raise RefusedWebhookError(f"{name} answered {status}" + (", which is not followed" if status // 100 == 3 else ""))

    async def _posted(self, webhook: Webhook, ident: str, body: bytes) -> int:
        """Connect to an address that was looked at, and to no other; returns the status of the answer."""
        check_listed(webhook, self._options.allowed)
        addresses = await self._resolve(webhook.receiver.host, webhook.receiver.port)
        check_addresses(webhook, addresses, self._options.allowed)
        reader, writer = await self._connected(webhook, addresses)
        try:
            writer.write(self._head(webhook, ident, body) + body)
            await writer.drain()
            version, status = (await reader.readuntil(b"\r\n")).split(maxsplit=2)[:2]
            if not version.startswith(b"HTTP/1.") or not status.isdigit():
                raise OSError("no HTTP")
            return int(status)
        finally:
            writer.close()
            writer.transport.abort()

    async def _connected(
        self, webhook: Webhook, addresses: Sequence[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = webhook.scheme == "https"
        tls = (self._options.tls or ssl.create_default_context()) if secure else None
        last: OSError = OSError("no address")
        for address in addresses:
            try:
                return await asyncio.open_connection(
                    str(address), webhook.receiver.port, ssl=tls, server_hostname=webhook.receiver.host if secure else None
                )
            except OSError as problem:
                last = problem
        raise last

    def _head(self, webhook: Webhook, ident: str, body: bytes) -> bytes:
        seconds = int(time.time())
        usual = webhook.receiver.port == PORTS[webhook.scheme]
        host = str(webhook.receiver).rpartition(":")[0] if usual else str(webhook.receiver)
        headers = {"host": host, "user-agent": "lookbook", "content-type": "application/json", "content-length": str(len(body))}
        headers |= {"connection": "close", "webhook-id": ident, "webhook-timestamp": str(seconds)}
        if self._options.secret:
            headers["webhook-signature"] = signature(self._options.secret, ident, seconds, body)
        lines = [f"POST {webhook.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("ascii")
