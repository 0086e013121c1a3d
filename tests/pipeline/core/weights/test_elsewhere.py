"""Model files one folder too high, renamed, or in another program's cache are found, and put in place by their hash."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_weights import BODY, OTHER, SHA, tiny_table
from typer.testing import CliRunner

from pipeline.cli.weights_here import app
from pipeline.core.errors import WeightsError
from pipeline.core.weights import access, require
from pipeline.core.weights import table as weights_table
from pipeline.core.weights.elsewhere import Elsewhere, Sighting, bring
from pipeline.core.weights.verify import FileState


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_table, "table", tiny_table)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder


def put(path: Path, body: bytes = BODY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def sighted(root: Path, home: Path, name: str = "known", **variables: str) -> Sighting:
    (found,) = Elsewhere(root, {"HOME": str(home), **variables}).of(name)
    return found


OWN = {
    "one folder too high": "model.ckpt",
    "renamed": "known/model (1).ckpt",
    "renamed and too high": "VITONHD-final.bin",
    "one folder too deep": "known/ckpts/model.ckpt",
    "in another row's folder": "by-hand/model.ckpt",
}


@pytest.mark.parametrize("how", OWN)
def test_a_misplaced_file_of_the_weights_folder_is_found_and_moved(root: Path, tmp_path: Path, how: str) -> None:
    lies = put(root / OWN[how])
    found = sighted(root, tmp_path)
    assert (found.path, found.shared) == (lies, False) and str(lies) in found.line()
    assert bring(found, root).state is FileState.VERIFIED
    assert not lies.exists() and require("known", root).read_bytes() == BODY


CACHES = {
    "rembg's": (".u2net/model.onnx", {}),
    "the hub's": (f".cache/huggingface/hub/models--a--b/blobs/{SHA}", {}),
    "torch's": (".cache/torch/hub/checkpoints/model.pth", {}),
    "rembg's elsewhere": ("u/other.onnx", {"U2NET_HOME": "u"}),
    "the hub's elsewhere": (f"h/models--a--b/blobs/{SHA}", {"HF_HUB_CACHE": "h"}),
    "the hub's home": (f"hf/hub/models--a--b/blobs/{SHA}", {"HF_HOME": "hf"}),
}


@pytest.mark.parametrize("how", CACHES)
def test_a_file_in_another_programs_cache_is_found_and_copied(root: Path, tmp_path: Path, how: str) -> None:
    place, variables = CACHES[how]
    lies = put(tmp_path / place)
    found = sighted(root, tmp_path, **{name: str(tmp_path / value) for name, value in variables.items()})
    assert (found.path, found.shared) == (lies, True)
    bring(found, root)
    assert lies.read_bytes() == BODY and require("known", root).read_bytes() == BODY


def test_another_file_of_the_same_size_is_refused_and_stays_where_it_is(root: Path, tmp_path: Path) -> None:
    lies = put(root / "model.ckpt", b"x" * len(BODY))
    with pytest.raises(WeightsError, match="another content") as caught:
        bring(sighted(root, tmp_path), root)
    assert lies.exists() and "weights use known" in caught.value.remedy and not (root / "known" / "model.ckpt").exists()


def test_a_file_of_unknown_size_is_told_by_its_name_alone(root: Path, tmp_path: Path) -> None:
    put(root / "something.ckpt", OTHER)
    assert Elsewhere(root, {"HOME": str(tmp_path)}).of("unknown") == []
    lies = put(root / "new.ckpt", OTHER)
    assert sighted(root, tmp_path, "unknown").path == lies


def test_what_is_in_its_place_is_not_looked_for_and_not_taken_for_another_row(root: Path, tmp_path: Path) -> None:
    put(root / "known" / "model.ckpt")
    places = Elsewhere(root, {"HOME": str(tmp_path)})
    assert places.of("known") == [] and places.of("clean") == []


def test_an_unfinished_download_and_a_page_are_no_sighting(root: Path, tmp_path: Path) -> None:
    put(root / "known" / "model.ckpt.part")
    put(root / "new.ckpt", b"<!doctype html> please log in")
    places = Elsewhere(root, {"HOME": str(tmp_path)})
    assert places.of("known") == [] and places.of("unknown") == []


def test_the_command_lists_with_the_move_and_moves_on_request(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    lies = put(root / "VITON.ckpt")
    listed = CliRunner().invoke(app, ["find", "known", "--weights", str(root)])
    assert listed.exit_code == 0 and f"weights find known --weights {root} --move" in listed.output and lies.exists()
    moved = CliRunner().invoke(app, ["find", "known", "--weights", str(root), "--move"])
    assert moved.exit_code == 0 and "known/model.ckpt: verified" in moved.output and not lies.exists()
    assert access.available("known", root)


def test_a_move_that_finds_another_file_ends_with_code_2(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    put(root / "VITON.ckpt", b"y" * len(BODY))
    assert CliRunner().invoke(app, ["find", "known", "--weights", str(root), "--move"]).exit_code == 2
