"""`weights use`: a file of another hash taken on purpose passes every check, until it changes, and its recipe says so."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tiny_weights import BODY, OTHER, SHA, tiny_table
from typer.testing import CliRunner

from pipeline.choice import Chooser
from pipeline.cli.weights_here import app
from pipeline.core.errors import WeightsError
from pipeline.core.weights import require, sha_of
from pipeline.core.weights import table as weights_table
from pipeline.core.weights.access import verify
from pipeline.core.weights.chosen import forget_choice, use_file

MINE = OTHER + b"converted by me"
MY_SHA = hashlib.sha256(MINE).hexdigest()


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_table, "table", tiny_table)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my copy.safetensors"
    path.write_bytes(MINE)
    return path


def test_a_chosen_file_is_used_under_its_own_hash_and_the_recipe_says_that_it_was_chosen(tmp_path: Path, mine: Path) -> None:
    root = tmp_path / "weights"
    found = use_file("known", mine, root)
    assert found.chosen and "not the published file" in found.line()
    assert require("known", root).read_bytes() == MINE and sha_of("known", root) == MY_SHA
    assert Chooser(root).sha_of("known") == f"{MY_SHA} (chosen with weights use)"


def test_the_published_file_itself_is_no_choice(tmp_path: Path, mine: Path) -> None:
    mine.write_bytes(BODY)
    assert not use_file("known", mine, tmp_path / "weights").chosen
    assert Chooser(tmp_path / "weights").sha_of("known") == SHA


def test_a_chosen_file_passes_again_when_everything_is_hashed_anew(tmp_path: Path, mine: Path) -> None:
    use_file("known", mine, tmp_path / "weights")
    (finding,) = verify("known", tmp_path / "weights", rehash=True)
    assert finding.usable and finding.chosen


def test_a_chosen_file_that_changes_is_refused(tmp_path: Path, mine: Path) -> None:
    root = tmp_path / "weights"
    use_file("known", mine, root)
    (root / "known" / "model.ckpt").unlink()
    (root / "known" / "model.ckpt").write_bytes(MINE + b"!")
    with pytest.raises(WeightsError, match="differs"):
        require("known", root)


def test_the_choice_can_be_taken_back(tmp_path: Path, mine: Path) -> None:
    root = tmp_path / "weights"
    use_file("known", mine, root)
    assert forget_choice("known", root) == 1 and forget_choice("known", root) == 0
    with pytest.raises(WeightsError, match="bytes instead of"):
        require("known", root)


def test_of_several_files_the_name_says_which(tmp_path: Path, mine: Path) -> None:
    with pytest.raises(WeightsError, match="several files") as caught:
        use_file("several", mine, tmp_path / "weights")
    assert "unet/model.bin" in caught.value.remedy
    named = mine.rename(mine.with_name("model.bin"))
    assert use_file("several", named, tmp_path / "weights").file.name == "unet/model.bin"


@pytest.mark.parametrize("body", [b"version https://git-lfs.github.com/spec/v1\n", b"<html>log in"])
def test_what_is_no_model_file_cannot_be_chosen(tmp_path: Path, mine: Path, body: bytes) -> None:
    mine.write_bytes(body)
    with pytest.raises(WeightsError, match=r"git-lfs|web page"):
        use_file("known", mine, tmp_path / "weights")


def test_a_disk_without_links_gets_a_copy(tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    use_file("known", mine, tmp_path / "weights")
    assert not (tmp_path / "weights/known/model.ckpt").samefile(mine)


def test_the_command_says_what_it_took_and_asks_for_a_file_or_undo(tmp_path: Path, mine: Path) -> None:
    root = str(tmp_path / "weights")
    taken = CliRunner().invoke(app, ["use", "known", str(mine), "--weights", root])
    assert taken.exit_code == 0 and MY_SHA in taken.output and "recipes" in taken.output
    undone = CliRunner().invoke(app, ["use", "known", "--undo", "--weights", root])
    assert undone.exit_code == 0 and "1 files" in undone.output
    assert CliRunner().invoke(app, ["use", "known", "--weights", root]).exit_code != 0
