"""The converted form of a network: a folder of safetensors, one sub-folder per part, opened by diffusers and transformers too.

An engine says which parts there are and what its index holds; `pipeline.core.weights.converted` says where such a folder is
looked for and when it counts as complete.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from pipeline.core.weights.access import converted_of, require
from pipeline.core.weights.converted import INDEX, damaged_files, find_converted, list_contents
from pipeline.core.weights.files import read_json
from tryon.checkpoints import open_checkpoint, own_weights
from tryon.networks.compvis_names import with_values
from tryon.networks.savings.quantised import names_in_8_bits, quantise

INT8 = "int8"
AS_DIFFUSERS = "diffusion_pytorch_model.safetensors"
AS_TRANSFORMERS = "model.safetensors"
"""What the libraries call a part's file; ours are named as the latter."""
IMAGE_ENCODER = "image_encoder"
_HUB_LEVEL = "vision_model."  # every CLIP tower on the hub carries it; both generations of transformers read it

_log = logging.getLogger("lookbook")


def refuse_request(model: str, folder: Path, dtype: str, known: Iterable[str]) -> None:
    """What no conversion can do, before anything is read.

    Args:
        model: what is converted, for people.
        folder: where it would appear.
        dtype: number format asked for.
        known: number formats that the model's folders may have.

    Raises:
        WeightsError: an unknown number format, or the folder exists already.
    """
    formats = tuple(known)
    if dtype not in formats:
        raise WeightsError(f"dtype {dtype!r} is not known to {model}", f"one of {', '.join(formats)}")
    _refuse_existing(folder)


def _refuse_existing(folder: Path) -> None:
    if folder.exists():
        raise WeightsError(f"{folder}: exists already", "remove it or give another folder")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that appears in its place when all went well, and not at all otherwise.

    Raises:
        WeightsError: it exists already.
    """
    _refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        yield made
        made.replace(folder)


def write_index(folder: Path, content: Mapping[str, Any]) -> None:
    """Write what a folder says about itself, and the list of its files, as its last file: without it, it is not finished."""
    (folder / INDEX).write_text(json.dumps({**content, "files": list_contents(folder)}, indent=2) + "\n", "utf-8")


def write_parts(
    folder: Path, parts: Mapping[str, str], weights: Mapping[str, Tensor], needed: nn.Module, dtype: torch.dtype
) -> None:
    """Write a network's parts.

    One part at a time, so that the memory holds one part in the new number format and no more.

    Args:
        folder: holds them.
        parts: attribute of the network = sub-folder → name of its file.
        weights: our name → tensor.
        needed: the network without memory; what it lacks is not written, what it keeps in 8 bits is rounded.
        dtype: number format of the rest.
    """
    eight_bits = names_in_8_bits(needed)
    names = frozenset(needed.state_dict()) - frozenset(eight_bits.values())
    for part, file_name in parts.items():
        (folder / part).mkdir(parents=True)
        prefix = f"{part}."
        own = own_weights(weights, sorted(name for name in names if name.startswith(prefix)), dtype)
        for name in eight_bits.keys() & own.keys():
            own[name], own[eight_bits[name]] = quantise(own[name], INT8)
        level = _HUB_LEVEL if part == IMAGE_ENCODER else ""
        named = {level + name.removeprefix(prefix): tensor for name, tensor in own.items()}
        save_file(named, folder / part / file_name, {"format": "pt"})
        _write_config(getattr(needed, part), folder / part)


def _write_config(part: Any, folder: Path) -> None:
    """The libraries write their own configuration; our parts are described by the index."""
    if hasattr(part, "save_config"):
        part.save_config(folder)
    elif hasattr(part, "config"):
        part.config.architectures = ["CLIPVisionModel"]
        part.config.save_pretrained(folder)


def read_parts(folder: Path, parts: Mapping[str, str]) -> dict[str, Tensor]:
    """Every tensor of a folder under our names, mapped from its file."""
    found: dict[str, Tensor] = {}
    for part, file_name in parts.items():
        tensors = open_checkpoint(folder / part / file_name)
        found |= {f"{part}.{name.removeprefix(_HUB_LEVEL)}": tensor for name, tensor in tensors.items()}
    return with_values(found)


def refuse_damaged(folder: Path, parts: Mapping[str, str]) -> None:
    """Hold the files against the index, whose identity they stand for. A file is hashed once, and again when it has changed.

    Raises:
        WeightsError: incomplete or damaged.
    """
    made, remedy = find_converted(folder), "convert the published file again"
    wanted = {f"{part}/{file_name}" for part, file_name in parts.items()}
    if made is None or not wanted <= made.files.keys():
        raise WeightsError(f"{folder}: incomplete: {INDEX} lists other files than are here, or of another size", remedy)
    if damaged := damaged_files(made):
        raise WeightsError(f"{folder}: damaged: {', '.join(damaged)} is not what {INDEX} lists", remedy)


def stored_dtype(converted: Path) -> str:
    """Number format of a converted folder: `fp32`, `bf16`, `fp16` or `int8`."""
    return str(read_json(converted / INDEX).get("dtype", ""))


def weights_path(engine: str, name: str, root: Path, dtype: str, weight_format: str = "full") -> Path:
    """The safetensors form when it was made from the file that is (or was) here, else that file.

    Asked for fp32 while the converted weights were rounded to 16 bits, the published file is taken where it still is. Weights
    that were rounded to int8 serve that weight format only, so that what was computed with is what the settings say.

    Args:
        engine: whose settings a remedy names.
        name: row of the weights table.
        root: the weights folder.
        dtype: number format asked for.
        weight_format: the one asked for.

    Raises:
        WeightsError: only weights in int8 are here, and another weight format is asked for.
    """
    converted, published = converted_of(name, root), require(name, root)
    if converted is not None and stored_dtype(converted) == INT8 and weight_format != INT8:
        if not published.is_file():
            raise WeightsError(
                f"{name}: only weights in int8 are here ({converted}), and {engine}.weight_format is {weight_format}",
                f"--set {engine}.weight_format=int8, or convert the published file again with --dtype bf16",
            )
        return published
    if converted is None or (dtype == "fp32" and published.is_file() and stored_dtype(converted) != "fp32"):
        return published
    if dtype == "fp32" and stored_dtype(converted) != "fp32":
        _log.warning("%s: fp32 asked for, but the converted weights were rounded to %s", name, stored_dtype(converted))
    return converted
