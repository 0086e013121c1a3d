"""The event stream: everybody who looks at the page hears what happens (server-sent events).

Nobody is waited for: a reader that falls behind loses its backlog and is told to start afresh, so memory stays flat.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

HEARTBEAT_S = 15.0
AFRESH = "afresh"
"""The event that tells a reader to read everything anew."""


class TooManyStreamsError(Exception):
    """As many streams are open as are allowed."""


class Hub:
    """Passes events on to open streams. Lives on one event loop.

    Args:
        streams: how many may be open.
        waiting: events that a stream may fall behind.
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

    def tell(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Pass one event on to everybody; never waits."""
        self._number += 1
        data = encode(kind, facts, self._number)
        for queue in self._queues:
            if queue.full():
                _empty(queue)
                queue.put_nowait(encode(AFRESH, {}, self._number))
            else:
                queue.put_nowait(data)

    def join(self) -> asyncio.Queue[bytes | None]:
        """A place in the audience.

        Raises:
            TooManyStreamsError: it is full.
        """
        if len(self._queues) >= self._most:
            raise TooManyStreamsError
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(self._waiting)
        queue.put_nowait(encode("hello", {"number": self._number}, self._number))
        self._queues.add(queue)
        return queue

    async def stream(self, queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        """What one reader receives, until it leaves or the page closes."""
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
    """One event in the form browsers read (HTML Living Standard, server-sent events)."""
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(facts, ensure_ascii=True)}\n\n".encode()


def _empty(queue: asyncio.Queue[bytes | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
