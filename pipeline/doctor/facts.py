"""The facts that the doctor checks, and the form of its answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pipeline.core.card import Card
from pipeline.core.machine.start_checks import Obstacle
from pipeline.core.weights.elsewhere import Sighting
from pipeline.core.weights.verify import Finding

REINSTALL = "pip install -e ."
"""The remedy for what every installation contains."""


class Level(StrEnum):
    """How serious the result of a check is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Args:
        level: how serious it is.
        name: what was checked.
        text: what was found.
        remedy: what to type; empty when nothing is wrong.
    """

    level: Level
    name: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package rule of pyproject. `satisfied` is None when the package is absent, else whether its version fits."""

    package: str
    rule: str
    version: str = ""
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class OpenCV:
    """An installed OpenCV distribution.

    Args:
        version: e.g. `4.12.0.88`.
        gone: files on its own list that are not there.
        changed: files on its list that have another size.
    """

    version: str
    gone: int = 0
    changed: int = 0

    @property
    def whole(self) -> bool:
        """Whether all its files are its own."""
        return not (self.gone or self.changed)


class NumbaCache(StrEnum):
    """The state of the compiled code of pymatting."""

    WARM = "compiled"
    COLD = "not yet compiled"
    NOWHERE = "no folder to keep the compiled code"
    ABSENT = "pymatting is not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """The facts of torch.

    Args:
        version: e.g. `2.13.0+cpu`.
        cuda_build: CUDA version it was built for, or empty.
        gpus: names of the usable GPUs.
    """

    version: str
    cuda_build: str = ""
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All facts that the doctor checks.

    Args:
        python: version and whether pyproject's rule allows it.
        requirements: the base packages.
        extras: packages of each optional extra.
        ours: folder that holds our packages.
        found: where Python finds each of our package names; None = nowhere.
        rivals: our package names that another distribution contains too, with its name.
        import_errors: modules that are installed and cannot be imported, with the last line of the error.
        opencv: the installed OpenCV distributions, which share one folder.
        torch: None when it is absent or cannot be imported.
        nvidia_card: an NVIDIA driver is installed.
        outputs: the outputs folder.
        outputs_problem: why it cannot be written; empty = it can.
        free_bytes: free space on its disk.
        numba: state of pymatting's compiled code.
        weights_root: the weights folder.
        weights: row → the findings of its files.
        users: `step:backend` → rows that it can use.
        cards: `step:backend` → its card, for those in the catalogue.
        broken_cards: `step:backend` → why it cannot be imported.
        people_runtime: what runs the networks that find people; None = nothing here can.
        people_missing: files that it lacks, each with the reason.
        offline: name of the variable that switches the network off, or empty.
        obstacles: what would end every run before its first item.
        worker_problem: why a worker process does not start; empty = it does.
        misplaced: model files that lie elsewhere on this machine.
        address_space_gb: limit of the address space in 1e9 bytes; infinite = none.
    """

    python: Requirement
    requirements: tuple[Requirement, ...] = ()
    extras: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
    ours: Path = Path()
    found: Mapping[str, Path | None] = field(default_factory=dict)
    rivals: Mapping[str, str] = field(default_factory=dict)
    import_errors: Mapping[str, str] = field(default_factory=dict)
    opencv: Mapping[str, OpenCV] = field(default_factory=dict)
    torch: Torch | None = None
    nvidia_card: bool = False
    outputs: Path = Path("outputs")
    outputs_problem: str = ""
    free_bytes: int = 0
    numba: NumbaCache = NumbaCache.WARM
    weights_root: Path = Path("weights")
    weights: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cards: Mapping[str, Card] = field(default_factory=dict)
    broken_cards: Mapping[str, str] = field(default_factory=dict)
    people_runtime: str | None = "mediapipe"
    people_missing: tuple[str, ...] = ()
    offline: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    worker_problem: str = ""
    misplaced: tuple[Sighting, ...] = ()
    address_space_gb: float = math.inf
