"""One ONNX network: opened once per run from verified weights, with the providers for the device."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.machine.device import Device, choose_device
from preprocess.networks.batch_size import pictures_at_once

Array = NDArray[Any]
Provider = str | tuple[str, Mapping[str, str]]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
INSTALL = "pip install -e '.[onnx]'"

_log = logging.getLogger("lookbook")


@dataclass(frozen=True)
class OnnxModel:
    """An open network.

    Args:
        path: its file, for errors.
        session: onnxruntime's `InferenceSession`.
        input_name: the first input.
    """

    path: Path
    session: Any
    input_name: str

    @property
    def takes_batches(self) -> bool:
        """Whether the file accepts any number of pictures; most exports accept exactly one."""
        shape = self.session.get_inputs()[0].shape
        return bool(shape) and not isinstance(shape[0], int)

    def at_once(self, size: tuple[int, int]) -> int:
        """Pictures per call: one where the file takes no batches or the CPU runs the network.

        Args:
            size: (height, width) of the input.
        """
        on_gpu = CUDA in self.session.get_providers()
        return pictures_at_once("cuda" if on_gpu else "cpu", size) if self.takes_batches else 1

    def __call__(self, pictures: NDArray[np.float32]) -> list[Array]:
        """All outputs, in the file's order; the first axis of each counts the pictures.

        Args:
            pictures: (n, c, h, w) float32, as the network expects them; run one by one where the file takes no batches.

        Raises:
            WeightsError: the network does not accept this input, so it is not the model of the table.
        """
        if len(pictures) == 1 or self.takes_batches:
            return self.answer(pictures)
        outputs = [self.answer(each[None]) for each in pictures]
        return [np.concatenate(each) for each in zip(*outputs, strict=True)]

    def answer(self, picture: NDArray[np.float32]) -> list[Array]:
        """All outputs for one input as it is, in the file's order.

        Args:
            picture: float32, of the shape that the file's input has.

        Raises:
            WeightsError: as above.
        """
        try:
            return list(self.session.run(None, {self.input_name: picture}))
        except Exception as problem:  # onnxruntime's errors share no public base class
            if not type(problem).__module__.startswith("onnxruntime"):
                raise
            wanted = self.session.get_inputs()[0].shape
            raise WeightsError(
                f"{self.path}: the network refuses a {picture.shape} picture (its input is {wanted}): {_first_line(problem)}",
                f"fetch the model again: python run.py weights verify {self.path.parent.name}",
            ) from problem


def open_onnx(path: Path, device: str) -> OnnxModel:
    """Open a network file.

    Args:
        path: a verified `.onnx` file.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        MissingPackageError: onnxruntime is not installed or does not start.
        WeightsError: the file is not a network.
    """
    runtime = _runtime()
    providers = providers_for(choose_device(device), runtime.get_available_providers())
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # its warnings about unused initialisers do not concern a user
    try:
        session = runtime.InferenceSession(str(path), sess_options=options, providers=list(providers))
    except Exception as problem:  # onnxruntime's errors share no public base class
        if not type(problem).__module__.startswith("onnxruntime"):
            raise
        raise WeightsError(
            f"{path}: not a network that onnxruntime can open: {_first_line(problem)}",
            f"python run.py weights verify {path.parent.name}",
        ) from problem
    return OnnxModel(path, session, session.get_inputs()[0].name)


def providers_for(device: Device, available: Sequence[str]) -> tuple[Provider, ...]:
    """The providers for a device, best first; the CPU is always the last.

    Args:
        device: the run's device.
        available: the providers of this onnxruntime.
    """
    if device.kind == "cuda":
        if CUDA in available:
            return (CUDA, {"device_id": device.name.partition(":")[2] or "0"}), CPU
        _log.warning("onnxruntime has no CUDA here, its networks run on the CPU: pip install onnxruntime-gpu")
    return (CPU,)  # Apple's provider splits these graphs and is slower than the CPU


def _runtime() -> Any:
    """The onnxruntime module; imported here, so that a missing library ends in an error with its cure."""
    try:
        import onnxruntime
    except ModuleNotFoundError as problem:
        raise MissingPackageError("onnxruntime is not installed", INSTALL) from problem
    except (ImportError, OSError) as problem:  # a GPU build whose CUDA libraries are missing
        raise MissingPackageError(f"onnxruntime is installed but does not start: {problem}", INSTALL) from problem
    return onnxruntime


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0][:300] if str(problem) else type(problem).__name__
