"""Saves of the page that meet: one store for the process, one lock per target, and the check of what a save is based on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.core.errors import UsageError
from pipeline.core.layout import Layout, Ref
from pipeline.core.records.store import Store


class ConflictError(UsageError):
    """The file changed since the editor read it."""


class Saver:
    """Lets one change of a target at a time through: of two that are based on the same version exactly one wins.

    Args:
        layout: the folders.
    """

    def __init__(self, layout: Layout) -> None:
        self.store = Store(layout)
        self._guard = threading.Lock()
        self._locks: dict[Ref, threading.Lock] = {}

    @contextmanager
    def change(self, target: Ref, base: str, version: Callable[[], str]) -> Iterator[Store]:
        """Hold a target while it is compared and written; what the answer says of it must be read within, too.

        Args:
            target: what is changed, by the ref of its file.
            base: the version that the editor started from; "" = there was no file.
            version: reads the present one.

        Raises:
            ConflictError: somebody else changed it meanwhile.
        """
        with self._guard:
            lock = self._locks.setdefault(target, threading.Lock())
        with lock:
            if base != version():
                raise ConflictError(f"{target.rpartition('/')[2].rpartition(':')[2]} was changed meanwhile", "load it again")
            yield self.store
