"""What the try-on step costs beside its network: reading, resizing, PNG, ledger, on a folder of 32 pairs.

    python -m benchmarks.step_overhead

The real step and engine run with a tiny generated network on canvases of the real size, 1024x768. Processor time is counted per
thread, so that other jobs on the machine do not show: what the working thread does beside the network is what nothing hides;
what the other threads do (reading ahead, PNG, ledger) runs while the network works.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.generated import TINY, generated_network
from pipeline.core import images
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH, DENSEPOSE, IMAGE, Layout
from pipeline.core.machine.device import CPU
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Stage
from pipeline.running.runner import run_stages
from tryon.batching import Limits
from tryon.engines.stableviton import runtime, sampling
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.engine import StableVITON
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import PRESETS
from tryon.engines.stableviton.runtime import Runtime
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.savings.switches import ALL
from tryon.step import TryOnConfig, TryOnStep

CANVAS = (1024, 768)  # pixels
SIZE = (64, 64)  # pixels the tiny network works at
PERSONS, GARMENTS = 4, 8


@dataclass(frozen=True)
class Measured:
    """Processor seconds of a whole step over `PERSONS` × `GARMENTS` pairs."""

    network: float  # the working thread inside the network: encoding, sampling, decoding
    beside: float  # the working thread everywhere else
    hidden: float  # all other threads
    made: int


def measure(folder: Path) -> Measured:
    """Run the step on 32 pairs, from the first item's reading to the last file in place."""
    layout = Layout(outputs=folder)
    pairs = write_conditions(layout)
    with open_records(layout) as records, network_clock() as inside:
        step = step_with_tiny_network(layout)  # within the clock: the engine keeps the functions that are clocked
        mine, everybody = time.thread_time(), time.process_time()
        summary = run_stages([Stage(step, pairs)], records)
        mine, everybody = time.thread_time() - mine, time.process_time() - everybody
    return Measured(sum(inside), mine - sum(inside), everybody - mine, summary.made)


@contextmanager
def network_clock() -> Iterator[list[float]]:
    """Collects the thread's processor seconds of every call into the network."""
    spent: list[float] = []
    places = [(sampling, "sample"), (sampling, "decode"), (runtime, "encode_all"), (runtime, "garment_tokens")]
    originals = [getattr(module, name) for module, name in places]

    def clocked(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            begun = time.thread_time()
            made = work(*given, **named)
            spent.append(time.thread_time() - begun)
            return made

        return run

    for (module, name), original in zip(places, originals, strict=True):
        setattr(module, name, clocked(original))
    try:
        yield spent
    finally:
        for (module, name), original in zip(places, originals, strict=True):
            setattr(module, name, original)


def step_with_tiny_network(layout: Layout) -> TryOnStep:
    """The step with the real engine, already loaded with a tiny generated network, one picture at a time."""
    context = Context(layout, device="cpu")
    engine = StableVITON(StableVITONConfig(), context)
    loaded = Loaded(generated_network(ALL, torch.float32, TINY), STABLEVITON, "generated")
    engine._runtime = Runtime(loaded, replace(PRESETS["fast"], dtype="fp32", steps=1), SIZE, Limits(CPU))
    setattr(engine, "load", lambda device: None)  # noqa: B010  # it is loaded
    return TryOnStep(TryOnConfig(), context, {"stableviton": engine})


def write_conditions(layout: Layout) -> list[Pair]:
    """Canvases with the detail of photos, and a mask over a third of them; returns all pairs."""
    random, upper = np.random.default_rng(0), Category.UPPER
    mask = cv2.ellipse(np.zeros(CANVAS, np.uint8), (384, 480), (240, 330), 0, 0, 360, 255, -1) > 0
    persons = [Person(f"person{number}", "inputs:x") for number in range(PERSONS)]
    garments = [Garment(f"garment{number}", "inputs:y") for number in range(GARMENTS)]
    photo = cv2.GaussianBlur(random.integers(0, 256, (*CANVAS, 3), dtype=np.uint8), (0, 0), 3)
    picture = images.jpeg(np.asarray(cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX), np.uint8))
    for person in persons:
        for ref in (IMAGE.of(person.id), AGNOSTIC.of(person.id, upper), DENSEPOSE.of(person.id)):
            _write(layout.path(ref), picture)
        _write(layout.path(AGNOSTIC_MASK.of(person.id, upper)), images.mask_png(mask))
    for garment in garments:
        _write(layout.path(CLOTH.of(garment.id)), picture)
    return [Pair(person, garment, "stableviton") for person in persons for garment in garments]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main() -> None:
    """Measure once and print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder))
    print(f"{measured.made} pairs of {PERSONS} people and {GARMENTS} garments, processor time a pair:")
    for name, seconds in (("beside the network", measured.beside), ("in other threads", measured.hidden)):
        print(f"{name:20} {1000 * seconds / measured.made:6.1f} ms")
    print(f"the first is within 10 % of the network's own time from {10 * measured.beside / measured.made:.2f} s a pair on")


if __name__ == "__main__":
    main()
