"""Model files for measuring: published architectures with random weights, and networks of published shapes that do little."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core.weights import table as weights_table
from pipeline.core.weights.table import Weight, WeightFile

PADDING = " " * 4096
"""A file of a few bytes would be taken for a download error."""


def accept(root: Path) -> None:
    """Let whatever lies in a weights folder stand in for its rows of the weights table, in this process."""
    known = dict(weights_table.table())
    for folder in root.iterdir():
        files = tuple(WeightFile(path.name) for path in sorted(folder.iterdir()))
        known[folder.name] = replace(known[folder.name], files=files)

    def table() -> dict[str, Weight]:
        return known

    weights_table.table = table  # type: ignore[assignment]  # the real one is cached, which nobody here asks for


def segformer_folder(folder: Path, labels: int, size: tuple[int, int], architecture: Mapping[str, list[int]]) -> None:
    """A SegFormer with random weights, as transformers keeps one.

    Args:
        folder: where.
        labels: classes.
        size: (height, width) of its pictures.
        architecture: hidden sizes, depths and heads of the four stages; the decoder is that of B1 to B5.
    """
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    wide = {"decoder_hidden_size": 768, "num_labels": labels}
    SegformerForSemanticSegmentation(SegformerConfig(**architecture, **wide)).save_pretrained(folder)
    config = folder / "config.json"
    config.write_text(config.read_text("utf-8") + PADDING, "utf-8")
    settings = {"size": {"height": size[0], "width": size[1]}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings) + PADDING, "utf-8")


def detectron2_file(path: Path) -> None:
    """A checkpoint in detectron2's model zoo form with random weights; they find nobody, so DensePose's own head stays idle."""
    from preprocess.densepose.detectron2 import build_model

    arrays = {name: tensor.numpy() for name, tensor in build_model("cpu").state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "random"}, protocol=2))


def onnx_file(path: Path, side: int, channels: int, outputs: int, shrink: int = 1) -> None:
    """A network that mixes the picture's colours and, where it shrinks, takes means.

    Args:
        path: where.
        side: of its square input, pixels.
        channels: of its answer; channel 0 says yes everywhere.
        outputs: how many, all alike.
        shrink: input side over output side.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    bias = np.zeros(channels, np.float32)
    bias[0] = 9.0
    mix = np.random.default_rng(0).normal(0, 0.1, (channels, 3, 1, 1)).astype(np.float32)
    pool = helper.make_node("AveragePool", ["score"], ["mean"], kernel_shape=[shrink] * 2, strides=[shrink] * 2, ceil_mode=1)
    nodes = [helper.make_node("Conv", ["input.1", "mix", "bias"], ["score"]), pool]
    nodes += [helper.make_node("Identity", ["mean"], [f"out{number}"]) for number in range(outputs)]
    shape = [1, channels, -(-side // shrink), -(-side // shrink)]
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(f"out{number}", TensorProto.FLOAT, shape) for number in range(outputs)],
        [numpy_helper.from_array(mix, "mix"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version, model.doc_string = 8, PADDING
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
