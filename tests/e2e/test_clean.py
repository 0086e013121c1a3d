"""Pairs files that leave people out: nothing made is lost, and the error talks about the file."""

from __future__ import annotations

import shutil

import pytest
from workspaces import Workspace

pytestmark = pytest.mark.slow


def test_clean_spares_people_whom_the_pairs_file_leaves_out_now(workspace: Workspace):
    (workspace.inputs / "pairs.txt").write_text("nobody nothing\n")
    before = workspace.files()
    assert workspace.cli("clean", "--yes").stdout.startswith("0 removed")
    assert workspace.files() == before


def test_clean_refuses_an_inputs_folder_without_pictures(workspace: Workspace):
    shutil.rmtree(workspace.inputs)
    workspace.inputs.mkdir()
    before = workspace.files()
    result = workspace.cli("clean", "--yes")
    assert result.returncode == 2 and "no pictures" in result.stderr + result.stdout
    assert workspace.files() == before


def test_a_pairs_file_that_names_nobody_is_what_the_error_talks_about(workspace: Workspace):
    (workspace.inputs / "pairs.txt").write_text("")
    result = workspace.cli("--step", "all")
    assert result.returncode == 2 and "pairs.txt: no line names" in result.stderr + result.stdout


def test_the_pair_list_of_a_category_that_nobody_wears_any_more_is_emptied(workspace: Workspace):
    garment = next((workspace.inputs / "cloth").rglob("*.jpg"))
    (workspace.inputs / "cloth/dress").mkdir(exist_ok=True)
    garment.rename(workspace.inputs / "cloth/dress/other.jpg")
    for left in (workspace.inputs / "cloth").rglob("*.jpg"):
        if left.parent.name != "dress":
            left.unlink()
    assert workspace.cli("--step", "cloth").returncode == 0
    assert (workspace.outputs / "vitonhd/test_pairs.txt").read_text() == ""
    assert "other.jpg" in (workspace.outputs / "vitonhd/test_pairs_dress.txt").read_text()
