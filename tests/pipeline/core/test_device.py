"""Choosing a device without torch, and with a torch that a test invents."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from pipeline.core.errors import MissingPackageError, UsageError
from pipeline.core.machine import device
from pipeline.core.machine.device import CPU, Device, choose_device


def invent(monkeypatch: pytest.MonkeyPatch, *, gpus: tuple[tuple[str, int], ...] = (), mps: bool = False) -> None:
    """A torch with these CUDA cards (name, capability)."""
    cuda = SimpleNamespace(
        is_available=lambda: bool(gpus),
        device_count=lambda: len(gpus),
        get_device_name=lambda index: gpus[index][0],
        get_device_capability=lambda index: (gpus[index][1], 0),
    )
    torch = SimpleNamespace(cuda=cuda, backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)))
    monkeypatch.setitem(sys.modules, "torch", torch)


def test_the_cpu_never_imports_torch() -> None:
    ask = "from pipeline.core.machine.device import choose_device; choose_device('cpu')"
    code = f"import sys; {ask}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_auto_prefers_cuda_then_mps_then_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    invent(monkeypatch, gpus=(("H100", 9),), mps=True)
    assert choose_device() == Device("cuda:0", "cuda", supports_bf16=True, label="H100")
    invent(monkeypatch, mps=True)
    assert choose_device().kind == "mps"
    invent(monkeypatch)
    assert choose_device() is CPU


def test_old_cards_do_not_pretend_to_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    invent(monkeypatch, gpus=(("T4", 7), ("A100", 8)))
    assert not choose_device("cuda:0").supports_bf16
    assert choose_device("cuda:1") == Device("cuda:1", "cuda", supports_bf16=True, label="A100")


def test_auto_without_torch_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert choose_device("auto") is CPU
    with pytest.raises(MissingPackageError) as caught:
        choose_device("cuda")
    assert "pip install" in caught.value.remedy


def test_a_torch_that_cannot_start_points_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise OSError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(device.importlib, "import_module", broken)
    assert choose_device("auto") is CPU
    with pytest.raises(MissingPackageError, match="libcudart") as caught:
        choose_device("cuda")
    assert "doctor" in caught.value.remedy


def test_a_device_that_is_not_there_says_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    invent(monkeypatch, gpus=(("H100", 9),))
    with pytest.raises(UsageError, match=r"has 1 CUDA device"):
        choose_device("cuda:3")
    with pytest.raises(UsageError, match="no Apple GPU"):
        choose_device("mps")
    invent(monkeypatch)
    with pytest.raises(UsageError, match="finds no CUDA device"):
        choose_device("cuda")


@pytest.mark.parametrize("wanted", ["gpu", "cpu:1", "cuda:x", "cuda:-1", "", "mps:0"])
def test_unknown_devices_are_usage_errors(wanted: str) -> None:
    with pytest.raises(UsageError, match="allowed: auto, cpu, cuda"):
        choose_device(wanted)
