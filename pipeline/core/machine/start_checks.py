"""What would end every run on this machine, found before the first heavy library is imported; the doctor tells the same.

A library that another package has emptied, or a limit of the address space, otherwise shows as an error deep in a step, or as a
process that ends without a word.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import UsageError

ADDRESS_SPACE_GB = 2.0
"""Of 1e9 bytes. Below this even the embedded backends are ended by the system in mid-work: 1.6 fails, 2.05 passes."""
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Distributions that share the folder of `cv2`."""
_BINARIES = ("cv2*.so", "cv2*.pyd", "cv2*.dylib")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way of every run.

    Args:
        name: of the check.
        text: what is wrong.
        remedy: what cures it.
    """

    name: str
    text: str
    remedy: str


def obstacles() -> Iterator[Obstacle]:
    """Everything that stands in the way; takes less than a millisecond where nothing does."""
    if text := opencv_damage():
        yield Obstacle("opencv", text, f"pip uninstall -y {' '.join(OPENCV)}; pip install -e .")
    if text := address_space_lack():
        yield Obstacle("address space", text, "ulimit -v unlimited, or ask for more memory where the batch system sets it")


def refuse_obstacles(memory_gb: float = 0.0) -> None:
    """Refuse to start.

    Args:
        memory_gb: what the work at hand needs, in 1e9 bytes, where it is known.

    Raises:
        UsageError: naming the first obstacle.
    """
    for each in obstacles():
        raise UsageError(f"{each.name}: {each.text}", each.remedy)
    if address_space_gb() < memory_gb:
        raise UsageError(f"address space: {_limited()}, and this work needs {memory_gb:.1f} GB", "ulimit -v unlimited")


def opencv_damage() -> str:
    """Why `cv2` cannot work although Python finds it; empty where it can, and where it is not installed at all.

    The distributions of OpenCV share one folder: taking one away, or putting another over it, leaves a folder without its
    library, which Python still imports as an empty package.
    """
    try:
        found = importlib.util.find_spec("cv2")
    except (ImportError, ValueError):  # an emptied module that is imported already has no specification
        return "the module cv2 is damaged"
    if found is None or (found.origin and not found.origin.endswith("__init__.py")):
        return ""  # absent, or a module of one file, as system packages have it
    folders = [Path(place) for place in found.submodule_search_locations or ()]
    if not found.origin:
        return f"{_places(folders)} is an empty shell (another package has removed its files)"
    if not any(next(folder.rglob(pattern), None) for folder in folders for pattern in _BINARIES):
        return f"{_places(folders)} has lost its library (another package has removed it)"
    if not any((folder / "config.py").is_file() for folder in folders):
        return f"{_places(folders)} has lost its config.py (another package has removed it)"
    return ""


def _places(folders: list[Path]) -> str:
    return ", ".join(map(str, folders))


def address_space_gb() -> float:
    """The limit of this process's address space in 1e9 bytes; infinite where there is none, or no such thing."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else limit / 1e9


def address_space_lack() -> str:
    """Why the address space is too small for any run, or empty."""
    return "" if address_space_gb() >= ADDRESS_SPACE_GB else f"{_limited()}, and a run needs {ADDRESS_SPACE_GB:.1f} GB"


def _limited() -> str:
    return f"limited to {address_space_gb():.1f} GB (ulimit -v)"
