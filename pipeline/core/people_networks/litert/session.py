"""One network file in a LiteRT interpreter."""

from __future__ import annotations

import importlib
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.core.machine.process import filtered_native_stderr
from pipeline.core.people_networks.files import find_file

THREADS = min(2, os.cpu_count() or 1)
"""The largest of the networks is no quicker with more."""


class Network:
    """A network that is opened at its first question and asked one picture at a time."""

    def __init__(self, name: str, weights: Path, low: float = 0.0) -> None:
        """Take a file.

        Args:
            name: file name.
            weights: the weights folder.
            low: what a black pixel is to the network; white is 1.
        """
        self._path = find_file(name, weights)
        self._low = low

    @cached_property
    def _interpreter(self) -> Any:
        with filtered_native_stderr():
            made = importlib.import_module("ai_edge_litert.interpreter").Interpreter(str(self._path), num_threads=THREADS)
            made.allocate_tensors()
        return made

    @cached_property
    def _input(self) -> dict[str, Any]:
        return dict(self._interpreter.get_input_details()[0])

    @cached_property
    def _outputs(self) -> list[int]:
        return [each["index"] for each in self._interpreter.get_output_details()]

    @property
    def side(self) -> int:
        """Rows, and columns, that the network sees."""
        return int(self._input["shape"][1])

    def answer(self, crop: RGB) -> list[Float]:
        """Ask about one crop.

        Args:
            crop: (side, side, 3) uint8.

        Returns:
            The outputs in the file's order, float32, with their first axis of 1.
        """
        scaled = crop.astype(np.float32) * np.float32((1 - self._low) / 255) + np.float32(self._low)
        self._interpreter.set_tensor(self._input["index"], scaled[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def sigmoid(logits: Float) -> Float:
    """Logits of any shape as probabilities; beyond ±80 they are as good as 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)
