"""How long an engine takes for a picture on this machine: measured on the demo's photo, kept beside the model files.

The file says on which machine, so figures that travelled with a weights folder to another one are not shown there.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.api import Request, run
from pipeline.catalog import STEPS
from pipeline.core.errors import InputError
from pipeline.core.weights.files import read_json, write_json
from pipeline.demo import fill_inputs
from pipeline.running.summary import ItemEvent, Listener

FILE = "engine_seconds.json"
GARMENTS = ("printed_tee", "knitted_crew")
"""Two pictures: the first also loads the engine, so the faster one counts."""
STAGES = frozenset(entry.of_engines for entry in STEPS["tryon"] if entry.of_engines)
"""What some engines do for a pair before they dress it."""


@dataclass
class Stopwatch(Listener):
    """Keeps the seconds of every dressed picture, the engine's stages before it included."""

    seconds: list[float] = field(default_factory=list)
    problem: str = ""
    _before: dict[str, float] = field(default_factory=dict)

    def item_finished(self, event: ItemEvent) -> None:
        """Note a picture's time, or why there is none."""
        if event.failed:
            self.problem = self.problem or event.message
        elif event.stage == "tryon":
            self.seconds.append(event.seconds + self._before.pop(event.item, 0.0))
        elif event.stage in STAGES:
            self._before[event.item] = self._before.get(event.item, 0.0) + event.seconds


def measure(engines: Sequence[str], weights: Path, overrides: Sequence[str] = ()) -> dict[str, float]:
    """Dress the demo's person with each engine, and keep the times.

    Args:
        engines: names from the catalogue that can run here.
        weights: the weights folder.
        overrides: `section.key=value` for the engines.

    Returns:
        Engine → seconds a picture, the engine's loading left out.

    Raises:
        InputError: an engine gave no picture; says why.
    """
    measured = {}
    with tempfile.TemporaryDirectory(prefix="lookbook-") as scratch:
        inputs, outputs = Path(scratch) / "inputs", Path(scratch) / "outputs"
        fill_inputs(inputs, full_body=False)
        steps = tuple(STEPS)[: list(STEPS).index("tryon") + 1]
        for engine in engines:
            watch = Stopwatch()
            chosen = (f"run.engine={engine}", *overrides)
            run(Request(steps=steps, inputs=inputs, outputs=outputs, weights=weights, overrides=chosen, only=GARMENTS), watch)
            if not watch.seconds:
                raise InputError(f"engine {engine} gave no picture: {watch.problem}", "python run.py doctor")
            measured[engine] = min(watch.seconds)
    _keep(weights, measured)
    return measured


def measured_here(weights: Path) -> dict[str, float]:
    """Engine → seconds a picture that were measured on this machine; empty without a measurement."""
    known: dict[str, float] = read_json(weights / FILE).get(_machine(), {})
    return known


def _keep(weights: Path, measured: dict[str, float]) -> None:
    everything = read_json(weights / FILE)
    everything[_machine()] = everything.get(_machine(), {}) | {name: round(seconds, 3) for name, seconds in measured.items()}
    weights.mkdir(parents=True, exist_ok=True)
    write_json(weights / FILE, everything)


def _machine() -> str:
    return f"{platform.node()} {platform.machine()}"
