"""What the program does with its own process: fewer searches for garbage, a quick exit, no start-up messages of libraries.

A plan over ten thousand photos makes half a million small objects without a cycle. Python's collector would search them again and
again, which takes a seventh of the time of a run with nothing to do; freeing them one by one at the end takes as long again.
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
"""Objects whose freeing takes about a tenth of a second."""
ARENA_MAX = -8
"""The number of `M_ARENA_MAX` in the C library of Linux (malloc.h)."""
NOISE = ("W0000", "I0000", "INFO: Created TensorFlow Lite", "WARNING: All log messages before absl")
"""Beginnings of the start-up messages of native libraries."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Switch the garbage collector off while many objects without cycles are made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def gc_freeze() -> None:
    """Exclude all present objects from garbage collection: plan, tables and modules live as long as the process."""
    gc.freeze()


def exit_without_teardown(code: int) -> None:
    """End the process without freeing its objects, where `gc_freeze` excluded many.

    Returns when there are few, or when other threads still run: the normal exit is then as quick, or waits for the threads.

    Args:
        code: exit code.
    """
    if gc.get_freeze_count() < MANY or threading.active_count() > 1:
        return
    atexit._run_exitfuncs()  # removes temporary folders and ends child processes, as at a normal exit
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def share_freed_memory() -> None:
    """Let all threads take memory from one heap, where what one freed serves the others: 45 MB less at the peak. Linux only.

    To be called before the first thread starts. Few threads allocate at once here, so none waits for another.
    """
    if sys.platform == "linux":
        import ctypes  # not needed by the help of the command line

        option = getattr(ctypes.CDLL(None), "mallopt", None)
        if option is not None:
            option(ARENA_MAX, 1)


def give_freed_memory_back() -> None:
    """Give back to the system what was freed; the C library keeps it, and the next step needs other sizes. Linux only."""
    if sys.platform == "linux":
        import ctypes  # not needed by the help of the command line

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def filtered_native_stderr() -> Iterator[None]:
    """Remove the start-up messages of native libraries from standard error; their other lines are printed afterwards."""
    import tempfile  # not needed by the help of the command line

    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            kept = [line for line in held.read().decode("utf-8", "replace").splitlines() if not line.startswith(NOISE)]
            if any(line.strip() for line in kept):
                sys.stderr.write("\n".join(kept) + "\n")
