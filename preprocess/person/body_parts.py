"""Result of a densepose backend: the chart index and, where the backend has them, the coordinates on the charts."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import InputError
from pipeline.core.labels import BodyPart

CURE = "python run.py --step densepose --force"


@dataclass(frozen=True)
class BodyParts:
    """DensePose's result for one person on the canvas.

    Args:
        index: (h, w) uint8 of `labels.BodyPart`.
        u, v: (h, w) uint8 chart coordinates × 255, or None where the backend has none.
        boxes: (n, 4) float32 x0, y0, x1, y1 of the person; (0, 4) when unknown.
    """

    index: NDArray[np.uint8]
    u: NDArray[np.uint8] | None = None
    v: NDArray[np.uint8] | None = None
    boxes: NDArray[np.float32] | None = None

    def arrays(self, model: str) -> dict[str, NDArray[Any]]:
        """The named arrays of the `.npz` beside the picture (docs/facts/densepose_picture.md#raw-index)."""
        known = {"I": self.index, "U": self.u, "V": self.v, "boxes": self.boxes, "model": np.asarray(model)}
        return {name: array for name, array in known.items() if array is not None}


def read_index(path: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 of `labels.BodyPart`: the index in the `.npz` that the densepose step writes.

    Raises:
        InputError: not such a file.
    """
    return read_parts(path).index


def read_parts(path: Path) -> BodyParts:
    """The content of the `.npz` that the densepose step writes.

    Raises:
        InputError: not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            parts = BodyParts(arrays["I"], *(arrays[name] if name in arrays.files else None for name in ("U", "V", "boxes")))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as problem:
        raise InputError(f"{path}: no body-part index ({problem})", CURE) from None
    index = parts.index
    if index.ndim != 2 or index.dtype != np.uint8 or index.max(initial=0) > max(BodyPart):
        raise InputError(f"{path}: I is not a (h, w) uint8 array of 0..{max(BodyPart)}", CURE)
    for name, chart in (("U", parts.u), ("V", parts.v)):
        if chart is not None and (chart.shape != index.shape or chart.dtype != np.uint8):
            raise InputError(f"{path}: {name} is {chart.shape} {chart.dtype}, I is {index.shape} uint8", CURE)
    return parts
