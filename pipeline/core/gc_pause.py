"""Python's collector of cycles, kept from searching where there is nothing to find.

A plan over ten thousand photos makes half a million small objects without one cycle. Looking through them again and again takes
a seventh of the time of a run that has nothing to do; taking them apart when the process ends takes as much once more.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 200_000
"""Objects from which taking them apart takes a tenth of a second."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Make many objects that stay, without a search for cycles among them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def gc_freeze() -> None:
    """Never look again through what exists now: the plan, the tables, the modules live as long as the process."""
    gc.freeze()


def leave(code: int) -> None:
    """End the process without taking its objects apart, where `gc_freeze` spared many.

    Returns when there are few, or when other threads are still at work: then the ordinary way out is as quick, or waits for them.

    Args:
        code: exit code.
    """
    if gc.get_freeze_count() < MANY or threading.active_count() > 1:
        return
    atexit._run_exitfuncs()  # temporary folders and child processes are put away as ever
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
