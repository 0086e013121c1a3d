"""What an engine or backend is and needs, readable before any heavy library is imported."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable
from dataclasses import dataclass

ALL_THREADS = math.inf
"""Of a network that keeps every processor thread of the machine busy by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one process needs while it works; `--workers auto` counts the processes by it.

    Args:
        cpu_threads: processor threads kept busy, on average.
        memory_gb: peak resident memory of the whole process, libraries included, in 1e9 bytes.
        gpu_memory_gb: likewise of the GPU; 0 = the work is always done on the CPU.
    """

    cpu_threads: float = 1
    memory_gb: float = 0.3
    gpu_memory_gb: float = 0


def most_of(needs: Iterable[Resources]) -> Resources:
    """What a process needs that meets each of several needs, one after the other."""
    needs = list(needs)
    return Resources(
        cpu_threads=max(each.cpu_threads for each in needs),
        memory_gb=max(each.memory_gb for each in needs),
        gpu_memory_gb=max(each.gpu_memory_gb for each in needs),
    )


def _one_is_here(modules: str) -> bool:
    return any(importlib.util.find_spec(name) for name in modules.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts by which `auto` chooses and fingerprints decide.

    Args:
        name: the name in the catalogue, on the command line and in the ledger.
        version: bump when pixels change.
        weights: names in the weights table.
        packages: importable modules that must be present; of `a|b` one.
        extra: the pip extra that brings them, for the remedy line.
        cure: the remedy line itself, where no pip extra brings them.
        seconds: rough time for one item on two CPU cores, for the plan's estimate.
        approximate: True when the result is a stand-in for a real model's.
        resources: what a process needs that works with it; unless it says so, it has the machine for itself.
    """

    name: str
    version: int = 1
    weights: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str = ""
    cure: str = ""
    seconds: float = 0.5
    approximate: bool = False
    resources: Resources = Resources(cpu_threads=ALL_THREADS, memory_gb=2)

    def signature(self, separator: str = "/") -> str:
        """Name and version, as fingerprints hold them; another separator than a step had before would redo its pictures."""
        return f"{self.name}{separator}{self.version}"

    def missing_packages(self) -> tuple[str, ...]:
        """Modules that cannot be found here; finds without importing."""
        return tuple(" or ".join(each.split("|")) for each in self.packages if not _one_is_here(each))

    @property
    def install(self) -> str:
        """What to type when a package is missing."""
        return self.cure or f"pip install -e '.[{self.extra}]'"
