"""The published file: names and shapes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.core.errors import WeightsError
from pipeline.engine_of_file import reader_of
from tryon.engines.fashn.architecture import FULL, PARAMETERS
from tryon.engines.fashn.checkpoint import empty_network, read_published
from tryon.engines.fashn.keys import UNUSED, our_tensors


@pytest.fixture
def published_shapes(fixtures_root: Path) -> dict[str, list[int]]:
    listed = json.loads((fixtures_root.parent / "spec" / "engines_keys.json").read_text())["fashn_vton_1_5"]
    return listed["keys"]


def altered(published_file: Path, path: Path, **changes: torch.Tensor | None) -> Path:
    tensors = load_file(published_file) | changes
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, path)
    return path


def test_the_network_has_the_published_files_tensors_and_no_others(published_shapes):
    assert len(published_shapes) == 366
    ours: dict[str, torch.Tensor] = {}
    for key, shape in published_shapes.items():
        if key != UNUSED:
            ours |= dict(our_tensors(key, torch.empty(shape, device="meta"), FULL.hidden))
    wanted = empty_network().state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {name: tensor.shape for name, tensor in wanted.items()}
    assert sum(tensor.numel() for tensor in wanted.values()) == PARAMETERS


def test_modulations_are_counted_right(architecture):
    network = empty_network(architecture)
    rows = [block.modulation.out_features for block in (*network.mixer_blocks, *network.joint_blocks)]
    rows += [stream.modulation.out_features for block in network.pair_blocks for stream in (block.person, block.garment)]
    assert sum(rows) + network.out_modulation.out_features == architecture.modulation_parts * architecture.hidden


def test_a_missing_tensor_is_named_as_the_file_would(published_file, architecture, tmp_path):
    path = altered(published_file, tmp_path / "cut.safetensors", **{"final_layer.linear.bias": None})
    with pytest.raises(WeightsError, match=r"1 missing: out\.bias|1 missing: final_layer\.linear\.bias"):
        read_published(path, architecture)


def test_a_foreign_tensor_is_named(published_file, architecture, tmp_path):
    path = altered(published_file, tmp_path / "more.safetensors", **{"guidance_in.weight": torch.zeros(2)})
    with pytest.raises(WeightsError, match=r"1 unexpected: guidance_in\.weight"):
        read_published(path, architecture)


def test_another_shape_is_named(published_file, architecture, tmp_path):
    path = altered(published_file, tmp_path / "wide.safetensors", **{"y_embedder.weight": torch.zeros(5, 64)})
    with pytest.raises(WeightsError, match=r"1 of another shape: y_embedder\.weight: \(5, 64\) instead of \(4, 64\)"):
        read_published(path, architecture)


def test_the_file_needs_no_conversion_and_that_is_said(published_file):
    with pytest.raises(WeightsError, match="a FASHN VTON checkpoint; it is used as it is") as refusal:
        reader_of(published_file)
    assert "weights pull fashn-vton-1.5 --from" in str(refusal.value.remedy)


def test_weights_of_another_engine_are_refused(architecture, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"model.diffusion_model.out.0.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match=r"not a checkpoint of FASHN VTON 1\.5"):
        read_published(path, architecture)
