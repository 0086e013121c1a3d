"""The demo as somebody meets it first: nothing in it is to be looked at twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from workspaces import Workspace, fill

from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.layout import LEDGER
from pipeline.core.records.ledger import Ledger
from pipeline.demo.choice import PAIRS

pytestmark = pytest.mark.slow
KNOWN = {
    ("kofi__trousers", Flag.BACKGROUND_LEFT),
    ("kofi__sunrise_tee", Flag.BACKGROUND_LEFT),
    ("astronaut__printed_tee", Flag.OLD_GARMENT_LEFT),
    ("astronaut__printed_tee__street", Flag.PERSON_ENLARGED),
}
"""The wall within a hand at the hip, and between arm and a T-shirt whose print has its colour; the shape of the space suit's
collar beside the neck; and the portrait is small for a group."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A folder after `demo`, and what the command said."""
    workspace = Workspace(tmp_path_factory.mktemp("demo"))
    done = workspace.cli("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace, done.stdout


def test_one_command_shows_every_pair_on_every_background_with_known_doubts_only(shown: tuple[Workspace, str]):
    ledger = Ledger(shown[0].outputs / LEDGER, writable=False)
    outcomes = list(ledger.outcomes())
    ledger.close()
    assert len([each for each in outcomes if each.step == "compose"]) == len(PAIRS) * 3
    assert len([*(shown[0].outputs / "final/preview").glob("*__original.png")]) == len(PAIRS)
    doubts = {
        (each.item, notice.flag) for each in outcomes for notice in each.all_notices if notice.flag is not Flag.PREVIEW_ONLY
    }
    assert doubts <= KNOWN


def test_it_says_what_it_made_and_where_to_look(shown: tuple[Workspace, str]):
    workspace, said = shown
    assert "files written to inputs" in said and "outputs/report/index.html" in said
    (line,) = (line for line in said.splitlines() if line.startswith("look at: "))
    folder, group = line.removeprefix("look at: ").removesuffix(" shows a group").split("; ")
    assert (workspace.folder / folder / group).is_file()


def test_everybody_of_the_group_stands_on_the_street(shown: tuple[Workspace, str]):
    """The picture differs from the background in three places."""
    workspace = shown[0]
    group = workspace.outputs / f"final/preview/{PAIRS[-1][0]}__{PAIRS[-1][1]}__street.png"
    apart = np.abs(images.read_rgb(group).astype(int) - images.read_rgb(workspace.inputs / "background/street.jpg")).max(2)
    high, wide = apart.shape
    column = (apart[int(0.3 * high) : int(0.5 * high)] > 25).mean(0) > 0.4
    people = cv2.morphologyEx(column.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, wide // 40), np.uint8))[0]
    assert np.count_nonzero(np.diff(people, prepend=0) == 1) == 3


def test_a_second_time_nothing_is_written_or_made(shown: tuple[Workspace, str]):
    workspace = shown[0]
    before = workspace.files()
    again = workspace.cli("demo")
    assert again.returncode == 0 and "has the demo files already" in again.stdout
    assert workspace.files() == before
    after = workspace.cli("--step", "all", "--engine", "preview", "--dry-run")
    assert after.returncode == 0 and "to do" not in after.stdout.replace("nothing to do", "")


@pytest.fixture
def filled(shown: tuple[Workspace, str], tmp_path: Path) -> Workspace:
    """Another folder with the demo's files, and nothing made."""
    shutil.copytree(shown[0].inputs, tmp_path / "inputs")
    return Workspace(tmp_path)


def test_beside_own_pictures_only_the_demo_s_are_made(filled: Workspace):
    fill(filled.inputs)
    own = "ann tee\nkofi trousers\n"
    (filled.inputs / "pairs.txt").write_text(own)
    (filled.inputs / "background/street.toml").unlink()  # is not written beside a list of one's own
    done = filled.cli("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(PAIRS) - 1} of the demo's {len(PAIRS)} pairs are not in inputs" in done.stdout
    made = {path.name.rpartition("__")[0] for path in (filled.outputs / "final/preview").iterdir()}
    assert made == {"kofi__trousers"} and (filled.inputs / "pairs.txt").read_text() == own


def test_the_files_alone_make_no_pictures(filled: Workspace):
    (filled.inputs / "person/kofi.jpg").unlink()
    done = filled.cli("demo", "--files-only")
    assert done.returncode == 0 and "1 file written to inputs" in done.stdout and "next: python run.py --step all" in done.stdout
    assert not filled.outputs.exists() and (filled.inputs / "person/kofi.jpg").is_file()
