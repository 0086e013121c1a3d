"""Decoding for all requests together, in three threads: memory stays bounded however many pictures arrive at once.

Pictures of many megapixels are decoded one after another. Threads of their own matter as much as the queue: the allocator keeps
what a thread has freed for that thread, so that forty threads of a server that decode by turns hold forty large pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

RETRY_AFTER_S = 5
LIGHT_MEGAPIXELS = 8.0
"""Up to this size two pictures are decoded side by side, beside a larger one."""

Result = TypeVar("Result")


class BusyError(RuntimeError):
    """Too much is being received or decoded; the caller may ask again in `RETRY_AFTER_S` seconds."""


class Decoder:
    """Does the decoding of all requests. Safe to use from several threads.

    Args:
        waiting: how many pictures may be decoded or wait; each holds a thread of the server, so far below their number.
    """

    def __init__(self, waiting: int) -> None:
        self._most = waiting
        self._count = 0
        self._guard = threading.Lock()
        self._heavy = ThreadPoolExecutor(1, "decode")
        self._light = ThreadPoolExecutor(2, "decode-small")

    def run(self, megapixels: float, work: Callable[[], Result], *, refusable: bool = True) -> Result:
        """What `work` returns or raises; waits for its turn.

        Args:
            megapixels: of the picture that it decodes.
            work: decodes it.
            refusable: False for a caller who sees to it that only a few of its kind wait.

        Raises:
            BusyError: too many wait already.
        """
        with self._guard:
            if refusable and self._count >= self._most:
                raise BusyError("too many pictures are waiting to be decoded")
            self._count += 1
        try:
            threads = self._light if megapixels <= LIGHT_MEGAPIXELS else self._heavy
            return threads.submit(work).result()
        finally:
            with self._guard:
                self._count -= 1

    def close(self) -> None:
        """End the threads; what waits is given up."""
        for threads in (self._heavy, self._light):
            threads.shutdown(wait=False, cancel_futures=True)
