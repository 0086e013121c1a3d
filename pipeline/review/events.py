"""The event stream: every open page receives every event (server-sent events).

No reader is waited for: one that falls behind loses its waiting events and gets the event `afresh`, so memory stays constant.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

HEARTBEAT_S = 15.0
AFRESH = "afresh"
"""The event after which a reader must load everything again."""


class TooManyStreamsError(Exception):
    """The allowed number of streams is open already."""


class Hub:
    """Sends events to open streams. Belongs to one event loop.

    Args:
        streams: how many may be open.
        waiting: how many events a stream may be behind.
    """

    def __init__(self, streams: int, waiting: int) -> None:
        self._most = streams
        self._waiting = waiting
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._number = 0

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._queues)

    def notify(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Send one event to all streams; never waits."""
        self._number += 1
        data = encode(kind, facts, self._number)
        for queue in self._queues:
            if queue.full():
                _empty(queue)
                queue.put_nowait(encode(AFRESH, {}, self._number))
            else:
                queue.put_nowait(data)

    def join(self) -> asyncio.Queue[bytes | None]:
        """Open a stream; returns its queue of events.

        Raises:
            TooManyStreamsError: too many are open.
        """
        if len(self._queues) >= self._most:
            raise TooManyStreamsError
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(self._waiting)
        queue.put_nowait(encode("hello", {"number": self._number}, self._number))
        self._queues.add(queue)
        return queue

    async def stream(self, queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        """The bytes that one reader receives, until it disconnects or the page closes."""
        try:
            while True:
                try:
                    data = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if data is None:
                    return
                yield data
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            if queue.full():
                _empty(queue)
            queue.put_nowait(None)


def encode(kind: str, facts: Mapping[str, Any], number: int) -> bytes:
    """One event in the form that browsers read (HTML Living Standard, server-sent events)."""
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(facts, ensure_ascii=True)}\n\n".encode()


def _empty(queue: asyncio.Queue[bytes | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
