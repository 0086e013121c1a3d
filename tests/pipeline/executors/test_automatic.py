"""`--workers auto`: as many processes as the machine holds and the work is worth, and the same bytes as ever."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_steps import MatteStep, SmallConfig, World

from pipeline.catalog import BACKENDS, ENGINES, resolve
from pipeline.core.card import ALL_THREADS, Card, Resources, most_of
from pipeline.core.step import Context, Produced, Stage, StepBase
from pipeline.executors import automatic, machine
from pipeline.executors.automatic import worker_count
from pipeline.executors.machine import Machine, this_machine
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages

LAPTOP = Machine(cores=2, free_memory_gb=8)
SERVER = Machine(cores=64, free_memory_gb=256)
EIGHT = Machine(cores=8, free_memory_gb=64)


def step(tmp_path: Path, seconds: float = 1.0, batch_size: int = 1, **needs: float) -> StepBase:
    made = MatteStep(SmallConfig(), Context(World(tmp_path).layout))
    made.seconds, made.batch_size, made.resources = seconds, batch_size, Resources(**needs)  # type: ignore[misc]
    return made


# ---- how many -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "items", "needs", "count"),
    [
        (LAPTOP, 1000, {}, 2),
        (EIGHT, 1000, {}, 8),
        (SERVER, 1000, {}, 64),
        (SERVER, 5, {}, 1),  # a handful of items is done before a process has started
        (SERVER, 40, {}, 8),  # few workers with enough work each, rather than many without
        (EIGHT, 1000, {"cpu_threads": 2}, 4),
        (EIGHT, 1000, {"cpu_threads": ALL_THREADS}, 1),
        (EIGHT, 1000, {"memory_gb": 20}, 3),
        (LAPTOP, 1000, {"memory_gb": 20}, 1),  # too little memory for one is no reason to work with none
        (SERVER, 1000, {"gpu_memory_gb": 8}, 1),  # one process on one GPU
        (Machine(cores=1, free_memory_gb=64), 1000, {}, 1),
    ],
)
def test_workers_follow_from_cores_memory_gpu_and_amount_of_work(
    tmp_path: Path, there: Machine, items: int, needs: dict[str, float], count: int
) -> None:
    assert worker_count(step(tmp_path, **needs), items, there) == count


def test_workers_that_run_already_are_worth_less_work(tmp_path: Path) -> None:
    assert worker_count(step(tmp_path), 8, EIGHT) == 1
    assert worker_count(step(tmp_path), 8, EIGHT, running=True) > 1


def test_every_worker_gets_a_full_batch(tmp_path: Path) -> None:
    assert worker_count(step(tmp_path, seconds=60, batch_size=8), 24, EIGHT) == 3


@pytest.mark.parametrize("kind", [*BACKENDS, "engine"])
def test_embedded_backends_may_share_a_machine_and_networks_have_it_for_themselves(tmp_path: Path, kind: str) -> None:
    for target in (BACKENDS[kind] if kind in BACKENDS else {name: entry.engine for name, entry in ENGINES.items()}).values():
        card: Card = resolve(target).card
        made = replace(card.resources)
        count = worker_count(step(tmp_path, **{name: getattr(made, name) for name in Resources.__slots__}), 1000, SERVER)
        assert (count == 1) == bool(card.weights), card.name


def test_a_process_that_does_several_things_needs_the_most_of_each() -> None:
    needs = most_of([Resources(cpu_threads=4, memory_gb=1), Resources(memory_gb=3, gpu_memory_gb=2)])
    assert needs == Resources(cpu_threads=4, memory_gb=3, gpu_memory_gb=2)


# ---- what there is ------------------------------------------------------------------------------------------------------------


def test_this_machine_has_a_core_and_some_memory() -> None:
    here = this_machine()
    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert 0 < here.free_memory_gb < 100_000


def test_the_limits_of_a_container_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    assert this_machine() == Machine(16, 32.768)
    (tmp_path / "cpu.max").write_text("350000 100000\n")
    (tmp_path / "memory.max").write_text("8000000000\n")
    (tmp_path / "memory.current").write_text("3000000000\n")
    assert this_machine() == Machine(3, 5.0)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert this_machine() == Machine(16, 32.768)


def test_a_system_that_says_nothing_about_its_memory_gets_few_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path / "absent")
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert this_machine().free_memory_gb == machine.UNKNOWN_MEMORY_GB


# ---- at work ------------------------------------------------------------------------------------------------------------------

PATIENCE_SECONDS = 60


class Together(MatteStep):
    """Leaves its process's mark, and goes on when as many processes as there are to be are at work."""

    seconds = 10
    expected = 4

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        folder = self.layout.inputs.parent / "marks"
        folder.mkdir(exist_ok=True)
        (folder / str(os.getpid())).touch()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(list(folder.iterdir())) < self.expected and time.monotonic() < deadline:
            time.sleep(0.02)
        return super().run(inputs)


def run(world: World, build: type[StepBase], cores: int, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Run a step on a machine of so many cores; returns the processes that took part."""
    monkeypatch.setattr(automatic, "this_machine", lambda: Machine(cores, free_memory_gb=64))
    stage = world.stages("background")[0]
    builder = functools.partial(build, SmallConfig(), stage.step.context)
    with world.open() as records:
        summary = run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers="auto"))
    assert (summary.made, summary.failures) == (len(world.persons), [])
    return {int(mark.name) for mark in (world.root / "marks").iterdir()}


def test_as_many_workers_as_a_machine_of_many_cores_holds_are_at_work_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "auto", persons=[f"p{number}" for number in range(12)]).fill()
    workers = run(world, Together, cores=4, monkeypatch=monkeypatch)
    assert len(workers) == 4 and os.getpid() not in workers
    alone = World(tmp_path / "alone", persons=world.persons).fill()
    alone.run("background")
    assert world.snapshot() == alone.snapshot()


class Brief(Together):
    seconds = 0.01
    expected = 1


def test_a_handful_of_items_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, persons=[f"p{number}" for number in range(12)]).fill()
    assert run(world, Brief, cores=64, monkeypatch=monkeypatch) == {os.getpid()}


def test_a_step_that_no_other_process_can_build_is_worked_on_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path).fill()
    stage = world.stages("background")[0]
    stage.step.seconds = 100.0
    monkeypatch.setattr(automatic, "this_machine", lambda: EIGHT)
    with world.open() as records:
        assert run_stages([Stage(stage.step, stage.items)], records, RunOptions(workers="auto")).made == 3
