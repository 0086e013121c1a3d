"""What worker processes gain.

    python -m benchmarks.workers                     # the whole way of twenty people with embedded backends: 1, 2 and auto
    python -m benchmarks.workers --repeats 3
    python -m benchmarks.workers --sleeping          # a step that sleeps, on a machine that claims 1, 2, 4 and 8 cores

Rows of one run alternate, so they can be compared with each other on a machine that is not quite quiet; the load is printed.
Outputs of all runs are compared byte by byte.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from benchmarks.machine import machine_line
from benchmarks.sleeping_step import SECONDS, build
from pipeline.core.items import Person
from pipeline.core.layout import Layout
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Stage
from pipeline.demo import fill_inputs
from pipeline.executors import automatic
from pipeline.executors.machine import Machine
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = 20
SLEEPERS = 320
CORES = (1, 2, 4, 8)


def make_inputs(folder: Path) -> None:
    """The demo's portrait as twenty photos of 768×1024 that differ, two garments, two backgrounds."""
    fill_inputs(folder, full_body=False)
    [path] = (folder / "person").iterdir()
    large = Image.open(path).convert("RGB").resize((1024, 1024))
    path.unlink()
    for number in range(PEOPLE):
        photo = large.crop((100 + number, 0, 868 + number, 1024)).point(lambda value, add=number: min(255, value + add))
        photo.save(folder / f"person/p{number:02d}.jpg", quality=95)
    for kind in ("cloth", "background"):
        for extra in sorted((folder / kind).rglob("*.*"))[2:]:
            extra.unlink()


def run(inputs: Path, outputs: Path, workers: str) -> tuple[float, float, float]:
    """Seconds elapsed, processor seconds, peak memory of the largest process in GB."""
    command = [sys.executable, str(ROOT / "run.py"), "--inputs", str(inputs), "--outputs", str(outputs), "--workers", workers]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in {0, 3}:
        raise SystemExit(f"--workers {workers} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def made(outputs: Path) -> dict[str, bytes]:
    """Every file but the ledger's, with its bytes."""
    files = (path for path in outputs.rglob("*") if path.is_file() and ".ledger" not in path.parts)
    return {path.relative_to(outputs).as_posix(): path.read_bytes() for path in files}


def compare(folder: Path, repeats: int, choices: list[str]) -> None:
    """Print a row per number of workers."""
    make_inputs(folder / "inputs")
    rows: dict[str, list[tuple[float, float, float]]] = {workers: [] for workers in choices}
    first: dict[str, bytes] = {}
    for _ in range(repeats):
        for workers in choices:
            outputs = folder / "outputs"
            rows[workers].append(run(folder / "inputs", outputs, workers))
            files = made(outputs)
            first = first or files
            if files != first:
                differing = sorted(name for name in {*files, *first} if files.get(name) != first.get(name))
                print(f"--workers {workers}: {len(differing)} of {len(files)} files differ, e.g. {differing[0]}")
            shutil.rmtree(outputs)
    print(f"{'workers':>8} {'elapsed':>8} {'of one':>7} {'processor':>10} {'largest process':>16}")
    alone = statistics.median(row[0] for row in rows[choices[0]])
    for workers, taken in rows.items():
        elapsed, processor, memory = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{workers:>8} {elapsed:7.1f}s {elapsed / alone:7.2f} {processor:9.1f}s {memory:13.2f} GB")


def sleep(folder: Path) -> None:
    """Print what `auto` makes of a step that needs no processor, by the number of cores that the machine claims to have."""
    print(f"{SLEEPERS} items of {SECONDS} s each, ideal: {SLEEPERS * SECONDS:.0f} s divided by the number of workers")
    for cores in CORES:
        layout = Layout(folder / "inputs", folder / str(cores), folder / "weights")
        people = [Person(f"p{number}", f"inputs:person/p{number}.png") for number in range(SLEEPERS)]
        for person in people:
            path = layout.path(person.source)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
        builder = functools.partial(build, Context(layout))
        stage = Stage(builder(), people, builder)
        here = Machine(cores, free_memory_gb=64)
        count = automatic.worker_count(stage.step, len(people), here)
        begun = time.perf_counter()
        with mock.patch.object(automatic, "this_machine", lambda here=here: here), open_records(layout) as records:
            run_stages([stage], records, RunOptions(workers="auto"))
        seconds = time.perf_counter() - begun
        efficiency = SLEEPERS * SECONDS / count / seconds
        print(f"{cores} cores: {count} workers, {seconds:.1f} s, {efficiency:.0%} of the ideal")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sleeping", action="store_true", help="the step that sleeps, instead of the real ones")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--workers", nargs="+", default=["1", "2", "auto"])
    options = parser.parse_args()
    print(f"{machine_line()}, load {os.getloadavg()[0]:.1f}")
    folder = Path(tempfile.mkdtemp(prefix="lookbook-workers-"))
    try:
        if options.sleeping:
            sleep(folder)
        else:
            compare(folder, options.repeats, options.workers)
    finally:
        shutil.rmtree(folder)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
