"""What a process holds of the system's memory beside its tensors. On Linux; elsewhere everything here does nothing.

Pages of a mapped file count as this process's memory once they were read, until somebody says that they are not needed. Freed
memory stays with the C library or goes back, by its settings.
"""

from __future__ import annotations

import ctypes
import mmap
from bisect import bisect
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

_MAPS = Path("/proc/self/maps")
_DONT_NEED = 4  # madvise: a private mapping of a file reads such a page from the file again
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt
_KEPT_BYTES = 1 << 28  # tensors up to this size are kept: the largest of the VAE at 512×384 has 100 MB in 16 bits
_GIVEN_BACK_BYTES = 1 << 20  # from this size on they go back


class MappedFiles:
    """The files that are mapped into this process now."""

    def __init__(self) -> None:
        self._ranges = sorted(_mapped_ranges())

    def hold(self, tensor: Tensor) -> bool:
        """Whether a tensor's numbers lie in a file."""
        return self._end(tensor) > 0

    def forget(self, tensor: Tensor) -> None:
        """Let the pages of a tensor go, where they are a file's. It stays usable: they are read again when somebody asks."""
        if not self.hold(tensor) or not tensor.is_contiguous():
            return
        first = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE  # a page at either end is a neighbour's too
        last = min(tensor.data_ptr() + tensor.nbytes, self._end(tensor)) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            _c_library().madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DONT_NEED)

    def _end(self, tensor: Tensor) -> int:
        """Where the mapping ends that holds a tensor; 0 when none does."""
        number = bisect(self._ranges, (tensor.data_ptr(), float("inf"))) - 1
        if number < 0 or tensor.device.type != "cpu":
            return 0
        _, end = self._ranges[number]
        return end if tensor.data_ptr() < end else 0


def give_freed_memory_back() -> None:
    """Give back what was freed, and let what is freed from now on go back at once: for loading and rearranging weights."""
    _set_thresholds(_GIVEN_BACK_BYTES)
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_freed_memory() -> None:
    """Keep what is freed for the next tensor of that size.

    Otherwise each large tensor is made of new pages, which the system fills with zeros first: half of the time of adding two
    maps of 100 MB, and a fifteenth of what the VAE takes on a CPU.
    """
    _set_thresholds(_KEPT_BYTES)


def _set_thresholds(count: int) -> None:
    option = getattr(_c_library(), "mallopt", None)
    if option is not None:
        option(_MMAP_THRESHOLD, count)
        option(_TRIM_THRESHOLD, count)


def _mapped_ranges() -> list[tuple[int, int]]:
    """Start and end of every private mapping of a file."""
    if not _MAPS.is_file():
        return []
    ranges = []
    for line in _MAPS.read_text("utf-8", "replace").splitlines():
        addresses, mode, _, _, inode, *_ = line.split(maxsplit=5)
        if inode != "0" and mode.endswith("p") and "x" not in mode:
            start, end = (int(address, 16) for address in addresses.split("-"))
            ranges.append((start, end))
    return ranges


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None) if _MAPS.is_file() else None
