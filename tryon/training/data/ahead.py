"""Reading pairs ahead of the step that needs them, in threads; the result does not depend on how many."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")


class ReadAhead(Generic[Request, Result]):
    """The results of a function for a stream of requests, in their order.

    Args:
        read: called in a thread.
        requests: what to call it with.
        threads: 0 = no threads and nothing ahead.
        depth: requests begun before the first is taken.
    """

    def __init__(self, read: Callable[[Request], Result], requests: Iterable[Request], threads: int, depth: int) -> None:
        self._read, self._requests, self._depth = read, iter(requests), max(1, depth)
        self._pool = ThreadPoolExecutor(threads) if threads else None

    def __iter__(self) -> Iterator[Result]:
        if self._pool is None:
            yield from map(self._read, self._requests)
            return
        begun: deque[Future[Result]] = deque()
        for request in self._requests:
            begun.append(self._pool.submit(self._read, request))
            if len(begun) > self._depth:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def close(self) -> None:
        """End the threads without waiting for what nobody takes any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
