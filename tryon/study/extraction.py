"""Each sub-model of a checkpoint as a file of its own, and all of them together again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.weights.files import digest_of, read_json, write_json
from tryon.checkpoints import open_checkpoint, own_weights
from tryon.study.protocol import Anatomy, part_of

MANIFEST = "parts.json"
"""Written last: a folder without it is not finished."""


def extract(anatomy: Anatomy, weights: Mapping[str, Tensor], folder: Path, source: str = "") -> dict[str, Any]:
    """Write one safetensors file per sub-model, in the checkpoint's own number formats; all or nothing.

    Args:
        anatomy: whose.
        weights: the network's name → tensor, mapped from the checkpoint.
        folder: where they appear; must not exist.
        source: what they were read from, for the manifest.

    Returns:
        The manifest: sub-model → prefix that its names have lost, tensors, values, bytes, sha256.

    Raises:
        WeightsError: the folder exists, or the weights are in 8 bits.
    """
    if folder.exists():
        raise WeightsError(f"{folder}: exists already", "remove it or give another folder")
    if narrow := [name for name, tensor in weights.items() if tensor.element_size() < 2]:
        raise WeightsError(f"{len(narrow)} weights are in 8 bits, {narrow[0]} first", "extract from the published file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        names = _by_model(anatomy, weights)
        models = {model: _write(made / f"{model}.safetensors", weights, own, model) for model, own in names.items()}
        manifest = {"engine": anatomy.name, "source": source, "models": models}
        write_json(made / MANIFEST, manifest)
        made.replace(folder)
    return manifest


def joined(folder: Path) -> dict[str, Tensor]:
    """Every tensor of an extracted folder under the network's names, mapped from its files.

    Raises:
        WeightsError: not such a folder, or a file that is not what the manifest says.
    """
    models = read_json(folder / MANIFEST).get("models", {})
    if not models:
        raise WeightsError(f"{folder}: no {MANIFEST}, so not an extracted checkpoint or not a finished one", "extract it again")
    found: dict[str, Tensor] = {}
    for model, facts in models.items():
        path = folder / f"{model}.safetensors"
        if not path.is_file() or digest_of(path).sha256 != facts["sha256"]:
            raise WeightsError(f"{path}: missing, or not what {MANIFEST} says", "extract it again")
        found |= {facts["prefix"] + name: tensor for name, tensor in open_checkpoint(path).items()}
    return found


def _by_model(anatomy: Anatomy, weights: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Sub-model → its tensors, of those that the published network has."""
    found: dict[str, list[str]] = {part.model: [] for part in anatomy.parts}
    for name in anatomy.network().state_dict():
        if name in weights:
            found[part_of(name, anatomy.parts).model].append(name)
    return found


def _write(path: Path, weights: Mapping[str, Tensor], names: list[str], model: str) -> dict[str, Any]:
    prefix = f"{model}." if all(name.startswith(f"{model}.") for name in names) else ""
    own = own_weights(weights, names, torch.float32, as_stored=frozenset(names))
    tensors = {name.removeprefix(prefix): own.pop(name) for name in names}
    save_file(tensors, path, {"format": "pt"})
    digest = digest_of(path)
    values = sum(tensor.numel() for tensor in tensors.values())
    return {"prefix": prefix, "tensors": len(names), "values": values, "bytes": digest.count, "sha256": digest.sha256}
