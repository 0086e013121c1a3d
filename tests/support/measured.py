"""What tests of speed stand on: how slow this machine is, and a heap that the garbage collector leaves alone."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CALIBRATION_SECONDS = 0.05
"""What `_calibrate` takes on the machine for which the limits were set."""


def slowness() -> float:
    """By how much a limit in seconds may grow on this machine: at least 1."""
    return max(1.0, min(_calibrate() for _ in range(3)) / CALIBRATION_SECONDS)


@contextmanager
def quiet_heap() -> Iterator[None]:
    """What earlier tests left behind is not searched for garbage while something is measured.

    A test process that has imported torch and run thousands of tests holds millions of objects; every full collection walks them
    all, which made planning four times as slow as in a process of its own.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def processor_seconds(work: Callable[[], object]) -> float:
    """What a piece of work takes of the processor, in all threads of this process; others at work on the machine do not count."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _calibrate() -> float:
    """Processor seconds of a fixed job: short strings, a dictionary, hashes."""

    def job() -> None:
        table = {f"folder/of/things/item_{number:06d}.png": number for number in range(100_000)}
        for name in list(table)[::10]:
            hashlib.sha256(name.encode()).hexdigest()

    return processor_seconds(job)
