"""Small networks with the documented inputs and outputs of the real ones, and weights folders that accept them.

They follow the published contract, not our code: the expected result of every test is worked out from the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.core.weights import table as weights_table
from pipeline.core.weights.table import Weight, WeightFile

Shape = Sequence[int | str]


def accept(monkeypatch: pytest.MonkeyPatch, row: str, *files: str) -> None:
    """Let files of any size and hash stand in for a row of the weights table; they are pinned on first use."""
    known = dict(weights_table.table())
    weight = known[row]
    stand_ins = tuple(WeightFile(name) for name in files or [file.name for file in weight.files])
    fields = {name: getattr(weight, name) for name in weight.__dataclass_fields__}
    changed = {**known, row: Weight(**{**fields, "files": stand_ins})}
    monkeypatch.setattr(weights_table, "table", lambda: changed)


def place(root: Path, row: str, file: str) -> Path:
    """Where a stand-in for this file belongs."""
    path = root / row / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save_network(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    constants: Mapping[str, np.ndarray],
) -> Path:
    """Write an ONNX file whose inputs and outputs are float32."""
    graph = helper.make_graph(
        list(nodes),
        "stand-in",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    model.doc_string = "stand-in " * 400  # a file of a few bytes would be taken for a download error
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


@dataclass(frozen=True)
class Normal:
    """How a network's picture is normalised, RGB on 0..1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Normal((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Normal((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def colour_network(
    path: Path, side: int, normal: Normal, weigh: Sequence[Sequence[float]], outputs: int = 1, batch: int | str = 1
) -> Path:
    """A network that undoes the published normalisation and weighs the picture's colours, pixel by pixel.

    Input `input.1` (batch, 3, side, side). The first output is (batch, n, side, side):
    channel k = weigh[k][:3] · RGB in 0..1 + weigh[k][3].
    With several outputs, as U²-Net and IS-Net have, the first is a probability in 0..1 and the others are zeros.
    """
    table = np.asarray(weigh, np.float32)
    constants = {
        "mean": np.asarray(normal.mean, np.float32).reshape(1, 3, 1, 1),
        "std": np.asarray(normal.std, np.float32).reshape(1, 3, 1, 1),
        "weigh": table[:, :3].reshape(-1, 3, 1, 1),
        "bias": table[:, 3].copy(),
        "nothing": np.asarray([0], np.float32),
        "low": np.asarray(0, np.float32),
        "high": np.asarray(1, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["input.1", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["picture"]),
        helper.make_node("Conv", ["picture", "weigh", "bias"], ["score"]),
        helper.make_node("Clip", ["score", "low", "high"], ["answer"])
        if outputs > 1
        else helper.make_node("Identity", ["score"], ["answer"]),
    ]
    nodes += [helper.make_node("Mul", ["answer", "nothing"], [f"side{n}"]) for n in range(1, outputs)]
    shape = (batch, len(table), side, side)
    named = {"answer": shape} | {f"side{n}": shape for n in range(1, outputs)}
    return save_network(path, nodes, {"input.1": (batch, 3, side, side)}, named, constants)
