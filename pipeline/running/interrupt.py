"""Ctrl-C and SIGTERM: the first asks to stop after the item at work, the second stops at once. Nothing is lost either way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Listens while it is a context; outside the main thread, where signals do not arrive, it never fires.

    Args:
        announce: called at the first signal.

    `asked` is True from the first signal on, `terminated` from the first SIGTERM on.
    """

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._before: dict[signal.Signals, Any] = {}
        self.asked = False
        self.terminated = False

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.terminated = self.terminated or number == signal.SIGTERM
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._announce()
