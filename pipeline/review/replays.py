"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is answered again and not carried out twice.

After the IETF's draft "The Idempotency-Key HTTP Header Field": the same key with another request is refused.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Header
from pydantic import AfterValidator

from pipeline.core.errors import InputError

Result = TypeVar("Result")
REMEMBERED = 2000


def _visible(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("only visible ASCII characters")
    return text


IdempotencyKey = Annotated[
    str,
    Header(max_length=200, description="Any text of the caller's: the same request with the same key is carried out once."),
    AfterValidator(_visible),
]
"""The type of a route's parameter."""


class OtherRequestError(InputError):
    """The key was used for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r} was used for another request", "take a new key for a new one")


@dataclass
class _Slot:
    asked: str
    guard: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None


class Replays:
    """The answers of the last requests that carried a key. Safe to use from several threads.

    Args:
        most: how many are remembered.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._slots: OrderedDict[str, _Slot] = OrderedDict()

    def once(self, key: str, asked: str, work: Callable[[], Result]) -> Result:
        """The answer of `work`, which is called unless this key was answered before; what raises may be tried again.

        Args:
            key: of the caller; "" = no key.
            asked: what tells one request from another.
            work: carries the request out.

        Raises:
            OtherRequestError: the key was used for another request.
        """
        if not key:
            return work()
        slot = self._slot(key, asked)
        with slot.guard:
            if slot.answer is None:
                slot.answer = work()
            answer: Result = slot.answer
            return answer

    def _slot(self, key: str, asked: str) -> _Slot:
        with self._guard:
            slot = self._slots.setdefault(key, _Slot(asked))
            if slot.asked != asked:
                raise OtherRequestError(key)
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot
