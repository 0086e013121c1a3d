"""Names and shapes of a model file are read without its tensors and without its code."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.core.errors import WeightsError
from tryon.tensor_shapes import read_shapes

WEIGHTS = {"first.weight": torch.zeros(4, 3, 2, 2), "first.bias": torch.zeros(4), "count": torch.tensor(7)}
SHAPES = {"first.weight": (4, 3, 2, 2), "first.bias": (4,), "count": ()}

READ = """
import sys
from pathlib import Path
from tryon.tensor_shapes import read_shapes
print(len(read_shapes(Path(sys.argv[1]))), "torch" in sys.modules)
"""


class Foreign:
    """A class that the reader must not need."""

    def __init__(self) -> None:
        self.best = 0.5


class Attack:
    """What a malicious checkpoint would hold: unpickling it makes a folder."""

    def __init__(self, trace: Path) -> None:
        self.trace = str(trace)

    def __reduce__(self):
        return (os.mkdir, (self.trace,))


def lightning(weights: dict) -> dict:
    """Weights among what a training run leaves behind, numpy numbers and foreign classes included."""
    state = OrderedDict(weights)
    state._metadata = {"": {"version": 1}}
    return {
        "epoch": 9,
        "state_dict": state,
        "callbacks": {Foreign: Foreign(), "best": torch.ones(2).numpy()[0]},
        "optimizer_states": [{"state": {0: {"step": 1, "exp_avg": torch.ones(3)}}}],
    }


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("pack", [dict, OrderedDict, lightning])
def test_a_torch_file_of_either_age_says_names_and_shapes(tmp_path: Path, old: bool, pack: Callable[[dict], dict]):
    torch.save(pack(WEIGHTS), tmp_path / "model.ckpt", _use_new_zipfile_serialization=not old)
    assert read_shapes(tmp_path / "model.ckpt") == SHAPES


def test_a_parameter_counts_as_its_tensor(tmp_path: Path):
    torch.save({"weight": torch.nn.Parameter(torch.zeros(2, 5))}, tmp_path / "model.pt")
    assert read_shapes(tmp_path / "model.pt") == {"weight": (2, 5)}


def test_a_safetensors_file_says_them_in_its_header_whatever_it_is_called(tmp_path: Path):
    save_file(WEIGHTS, tmp_path / "model.bin", {"format": "pt"})
    assert read_shapes(tmp_path / "model.bin") == SHAPES


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_file_never_runs_and_the_file_can_still_be_named(tmp_path: Path, old: bool):
    torch.save({**WEIGHTS, "attack": Attack(tmp_path / "trace")}, tmp_path / "bad.ckpt", _use_new_zipfile_serialization=not old)
    assert read_shapes(tmp_path / "bad.ckpt") == SHAPES
    assert not (tmp_path / "trace").exists()


def test_tensors_are_not_read(tmp_path: Path):
    """A file that ends behind its header is enough."""
    save_file({"weight": torch.zeros(512, 512)}, tmp_path / "model.safetensors")
    (tmp_path / "header.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:200])
    assert read_shapes(tmp_path / "header.safetensors") == {"weight": (512, 512)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither a safetensors nor a torch file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "neither a safetensors nor a torch file"),
        (b"<!DOCTYPE html><html>sign in</html>", "neither a safetensors nor a torch file"),
        (b"\x10\0\0\0\0\0\0\0{not json at all", "header is damaged"),
        (b"\x02\0\0\0\0\0\0\0{}", "it holds none"),
        (b"PK\x03\x04" + b"\0" * 50, "cut short, only 54 bytes"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "model.ckpt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as caught:
        read_shapes(path)
    assert str(path) in caught.value.message


def test_a_folder_a_missing_file_another_archive_and_a_list_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("ann.jpg", b"...")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    for path, words in (
        (tmp_path, "a folder"),
        (tmp_path / "none.ckpt", "no such file"),
        (tmp_path / "photos.zip", "another kind"),
        (tmp_path / "list.pt", "it holds none"),
    ):
        with pytest.raises(WeightsError, match=words):
            read_shapes(path)


def test_reading_imports_no_torch(tmp_path: Path):
    torch.save(WEIGHTS, tmp_path / "model.ckpt")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", READ, str(tmp_path / "model.ckpt")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "False"]
