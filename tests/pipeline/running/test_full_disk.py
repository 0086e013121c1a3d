"""A disk that is full, read-only or not ours: a clear line, nothing half-written, and the same command goes on later."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from killable import nobodys_run, pipe, process
from small_steps import World, paint

from pipeline.core.errors import ExitCode, OutputError
from pipeline.core.layout import LEDGER
from pipeline.core.records.store import TEMP_PREFIX

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
CAN_MOUNT = IS_ROOT and sys.platform == "linux" and shutil.which("mount") is not None
PEOPLE = [f"p{number}" for number in range(8)]
PHOTO_PX = 128
PLENTY_KB = 16_000


def mounted(folder: Path, kilobytes: int) -> bool:
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world whose outputs folder is a small disk of its own."""
    if not CAN_MOUNT:
        pytest.skip("mounting a small disk needs root on Linux")
    world = noisy_world(tmp_path)
    if not mounted(world.layout.outputs, request.param):
        pytest.skip("this machine does not let root mount a tmpfs (a container without the right)")
    try:
        yield world
    finally:
        subprocess.run(["umount", str(world.layout.outputs)], check=True)


def noisy_world(root: Path) -> World:
    world = World(root, persons=PEOPLE, durable=True)
    for number, name in enumerate(PEOPLE):
        paint(world.photo(name), number, PHOTO_PX)
    for number, name in enumerate((*world.garments, *world.backgrounds)):
        kind = "cloth" if name in world.garments else "background"
        paint(world.layout.inputs / kind / f"{name}.png", 50 + number, PHOTO_PX)
    return world


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    world = noisy_world(tmp_path_factory.mktemp("roomy"))
    world.run()
    return world.snapshot()


@pytest.mark.slow
@pytest.mark.parametrize("small_disk", [8, 100, 250, 400, 700, 1100], indirect=True)
def test_a_full_disk_ends_the_run_with_a_clear_line_and_the_run_can_go_on(small_disk: World, expected: dict[str, bytes]) -> None:
    with pytest.raises(OutputError, match="full") as caught:
        small_disk.run()
    assert caught.value.remedy
    for name, data in small_disk.snapshot().items():
        assert data == expected[name], f"{name} is half-written"
    assert not list(small_disk.layout.outputs.rglob(f"{TEMP_PREFIX}*"))

    subprocess.run(["mount", "-o", f"remount,size={PLENTY_KB}k", str(small_disk.layout.outputs)], check=True)
    summary = small_disk.run()
    assert summary.exit_code is ExitCode.DONE
    assert [stage.kept for stage in summary.stages if stage.kept] == []
    assert small_disk.snapshot() == expected


@pytest.mark.parametrize("small_disk", [PLENTY_KB], indirect=True)
def test_a_read_only_disk_is_named_and_still_allows_a_dry_run(small_disk: World) -> None:
    small_disk.run("cloth")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.layout.outputs)], check=True)
    with pytest.raises(OutputError, match="read-only"):
        small_disk.run()
    assert small_disk.lines("cloth") == []


# ---- permissions: root may do anything, so these run as nobody ----------------------------------------------------------------


@pytest.fixture
def open_world() -> Iterator[World]:
    """A world that everybody may read, in a folder that nobody but root may write."""
    if not IS_ROOT:
        pytest.skip("giving up rights needs root")
    root = Path(tempfile.mkdtemp())
    try:
        root.chmod(0o755)
        world = World(root, durable=True).fill()
        world.layout.outputs.mkdir()
        yield world
    finally:
        shutil.rmtree(root)


def as_nobody(world: World, dry: bool = False) -> tuple[int, list[str]]:
    here, there = pipe()
    with process(nobodys_run, world.root, there, dry):
        assert here.poll(60), "nobody's run did not answer"
        answer: tuple[int, list[str]] = here.recv()
        return answer


def test_an_outputs_folder_that_may_not_be_written_is_named(open_world: World) -> None:
    code, lines = as_nobody(open_world)
    assert code != 0
    assert str(open_world.layout.outputs) in lines[0]
    assert "may not be written" in lines[0]
    assert list(open_world.layout.outputs.iterdir()) == []


def test_a_dry_run_needs_no_right_to_write(open_world: World) -> None:
    code, lines = as_nobody(open_world, dry=True)
    assert (code, lines[0]) == (0, "3 background: never run")


def test_an_artefact_folder_that_may_not_be_written_loses_nothing(open_world: World) -> None:
    outputs = open_world.layout.outputs
    outputs.chmod(0o777)
    (outputs / "tryon").mkdir()
    code, lines = as_nobody(open_world)
    assert code == OutputError.exit_code
    assert f"{outputs}/tryon/preview" in lines[0]
    assert len([name for name in open_world.snapshot() if name.startswith("vitonhd/")]) == 3 + 3 + 2
    (outputs / "tryon").chmod(0o777)
    assert as_nobody(open_world) == (0, [])


def test_an_unreadable_photo_fails_alone_until_it_can_be_read(open_world: World) -> None:
    open_world.layout.outputs.chmod(0o777)
    open_world.photo("bob").chmod(0)
    code, lines = as_nobody(open_world)
    assert code == ExitCode.ITEMS_FAILED
    assert "bob.png" in lines[0]
    open_world.photo("bob").chmod(0o644)
    assert as_nobody(open_world) == (0, [])
    assert (open_world.layout.outputs / LEDGER / "driver.sqlite").exists()
