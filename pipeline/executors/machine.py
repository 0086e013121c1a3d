"""What this machine has for worker processes: processor threads and memory."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

UNKNOWN_MEMORY_GB = 4.0
"""Where the system does not say how much memory is free."""

_MEMINFO = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, or the part of one that this process may use.

    Args:
        cores: processor threads.
        free_memory_gb: memory that may be taken without swapping, in 1e9 bytes.
    """

    cores: int
    free_memory_gb: float


def this_machine() -> Machine:
    """What is free at this moment; the limits of a container count."""
    return Machine(_cores(), _free_memory() / 1e9)


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = (_CONTAINER / "cpu.max").read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def _free_memory() -> float:
    free = UNKNOWN_MEMORY_GB * 1e9
    with suppress(OSError, ValueError, AttributeError):  # systems without sysconf, or without this name
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text().splitlines()
        free = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    with suppress(OSError, ValueError):
        limit, used = ((_CONTAINER / name).read_text() for name in ("memory.max", "memory.current"))
        free = min(free, max(0, int(limit) - int(used)))
    return free
