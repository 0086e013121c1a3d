"""Chooses the runtime and builds this process's one set of networks."""

from __future__ import annotations

import functools
import importlib.util
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import MissingPackageError
from pipeline.core.people_networks.contract import PeopleNetworks
from pipeline.core.weights.access import DEFAULT_ROOT
from pipeline.core.weights.table import row

ROW = "people"
"""The networks' row in the weights table."""


class Runtime(StrEnum):
    """What runs the networks."""

    SOLUTIONS = "mediapipe"
    LITERT = "litert"


@functools.cache
def runtime_here() -> Runtime | None:
    """The runtime that this environment has; mediapipe's own graphs first; None = neither. Imports nothing heavy.

    mediapipe 1.x has no `solutions` and no models in its wheel.
    """
    package = importlib.util.find_spec("mediapipe")
    places = [] if package is None else list(package.submodule_search_locations or ())
    if any((Path(place) / "python" / "solutions" / "pose.py").is_file() for place in places):
        return Runtime.SOLUTIONS
    return Runtime.LITERT if importlib.util.find_spec("ai_edge_litert") else None


def wheel() -> str:
    """The wheel of mediapipe that contains the networks, as pip takes it: the one of their row in the weights table."""
    return row(ROW).files[0].package


def install_command() -> str:
    """What installs a runtime."""
    return f"pip install ai-edge-litert   (Python ≤ 3.12 also: pip install {wheel()})"


class _Place:
    """Where the files of the networks lie when no wheel brings them; one per process, like the set itself."""

    weights: Path = DEFAULT_ROOT


def use_weights(root: Path) -> None:
    """Say where the weights folder is, before the first call of `people_networks`."""
    _Place.weights = root


@functools.cache
def people_networks() -> PeopleNetworks:
    """This process's set of networks, built at the first call (about 1 s).

    Raises:
        MissingPackageError: neither runtime is installed.
        WeightsError: LiteRT is here, but the files of the networks are not.
    """
    runtime = runtime_here()
    if runtime is Runtime.SOLUTIONS:
        from pipeline.core.people_networks.solutions import MediapipeSolutions

        return MediapipeSolutions()
    if runtime is Runtime.LITERT:
        from pipeline.core.people_networks.litert import LiteRTNetworks

        return LiteRTNetworks(_Place.weights)
    raise MissingPackageError("people: neither mediapipe 0.10 nor ai-edge-litert is installed", install_command())
