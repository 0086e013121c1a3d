"""What an engine or backend is and needs, readable before any heavy library is imported."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts by which `auto` chooses and fingerprints decide.

    Args:
        name: the name in the catalogue, on the command line and in the ledger.
        version: bump when pixels change.
        weights: names in the weights table.
        packages: importable modules that must be present.
        extra: the pip extra that brings them, for the remedy line.
        cure: the remedy line itself, where no pip extra brings them.
        seconds: rough time for one item on two CPU cores, for the plan's estimate.
        approximate: True when the result is a stand-in for a real model's.
    """

    name: str
    version: int = 1
    weights: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str = ""
    cure: str = ""
    seconds: float = 0.5
    approximate: bool = False

    def signature(self, separator: str = "/") -> str:
        """Name and version, as fingerprints hold them; another separator than a step had before would redo its pictures."""
        return f"{self.name}{separator}{self.version}"

    def missing_packages(self) -> tuple[str, ...]:
        """Modules that cannot be found here; finds without importing."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)

    @property
    def install(self) -> str:
        """What to type when a package is missing."""
        return self.cure or f"pip install -e '.[{self.extra}]'"
