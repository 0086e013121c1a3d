"""Weights leave no pages of their file behind, and a CPU's large tensors are not made of new pages each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from tryon import system_memory  # noqa: E402
from tryon.checkpoints import own_weights  # noqa: E402
from tryon.system_memory import MappedFiles  # noqa: E402

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
FILE_MB = 64

READING = """
import resource, sys, torch
from tryon.checkpoints import open_checkpoint, own_weights
from pathlib import Path
def now():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(("RssAnon", "RssFile"))) / 1024
weights = open_checkpoint(Path(sys.argv[1]))
before, peak = now(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
owned = own_weights(weights, list(weights), torch.bfloat16)
print(now() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - peak)
"""

ADDING = """
import resource, torch
from tryon.system_memory import give_freed_memory_back, keep_freed_memory
torch.set_num_threads(1)
x = torch.ones(8 * 2**20)
for settle in (give_freed_memory_back, keep_freed_memory):
    settle()
    for _ in range(20):
        x + x
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        x + x
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def numbers(script: str, *arguments: object) -> list[float]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return {f"layer{number}.weight": torch.randn(2**20 * FILE_MB // 4 // 16) for number in range(16)}


@linux
@pytest.mark.parametrize("form", ["safetensors", "ckpt"])
def test_a_file_is_taken_over_without_being_held_twice(tmp_path: Path, weights, form):
    path = tmp_path / f"weights.{form}"
    (save_file if form == "safetensors" else torch.save)(weights, path)
    more, peak = numbers(READING, path)
    half = FILE_MB / 2  # what bf16 takes
    assert more < half + 6 and peak < half + 12


@linux
def test_a_tensor_whose_pages_went_still_has_its_numbers(tmp_path: Path, weights):
    save_file(weights, tmp_path / "weights.safetensors")
    mapped = load_file(tmp_path / "weights.safetensors")
    files = MappedFiles()
    for name, tensor in mapped.items():
        assert files.hold(tensor)
        files.forget(tensor)
        assert torch.equal(tensor, weights[name])


@linux
def test_memory_that_is_no_file_is_left_alone(weights):
    files = MappedFiles()
    for tensor in weights.values():
        before = tensor.clone()
        files.forget(tensor)
        assert not files.hold(tensor) and torch.equal(tensor, before)


def test_what_is_taken_over_outlives_its_file(tmp_path: Path, weights):
    path = tmp_path / "weights.safetensors"
    save_file(weights, path)
    mapped = load_file(path)
    owned = own_weights(mapped, list(mapped), torch.float32)
    assert not any(owned[name].data_ptr() == mapped[name].data_ptr() for name in owned)
    assert all(torch.equal(owned[name], weights[name]) for name in owned)


def test_kernels_of_convolutions_get_their_layout_and_nothing_is_copied_twice():
    kernel, bias = torch.randn(8, 4, 3, 3), torch.randn(8)
    owned = own_weights({"kernel": kernel, "bias": bias}, ["kernel", "bias"], torch.float32, channels_last=True)
    assert owned["kernel"].is_contiguous(memory_format=torch.channels_last) and torch.equal(owned["kernel"], kernel)
    assert owned["bias"].data_ptr() == bias.data_ptr()


@linux
def test_large_tensors_take_the_memory_of_those_that_went():
    pages = 5 * 8 * 2**20 * 4 / 4096
    given_back, kept = numbers(ADDING)
    assert given_back > 0.9 * pages and kept < 0.1 * pages


def test_where_there_is_no_proc_nothing_happens(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(system_memory, "_MAPS", tmp_path / "absent")
    system_memory._c_library.cache_clear()
    try:
        system_memory.give_freed_memory_back()
        system_memory.keep_freed_memory()
        assert not MappedFiles().hold(torch.ones(3))
        MappedFiles().forget(torch.ones(3))
    finally:
        system_memory._c_library.cache_clear()
