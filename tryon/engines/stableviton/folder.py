"""The converted form: a diffusers-style folder of safetensors, one sub-folder per part.

```
<folder>/model_index.json    widths, variant, number format, sha256 of the source and of every file here
         unet/ vae/          open with diffusers' own `from_pretrained`
         image_encoder/      opens with transformers' `CLIPVisionModel.from_pretrained`
         control/ warp/ mapper/   ours: plain safetensors
```

In `int8` every large weight is a tensor of 8-bit numbers, with its scales beside it as `<layer>.weight_scale`; only we open that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of
from tryon import network_folder
from tryon.checkpoints import difference, refuse_difference
from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.checkpoint import empty_network, fill_network, read_published
from tryon.engines.stableviton.keys import QUERIES
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.variants import VARIANTS, Variant, variant_named
from tryon.network_folder import (
    AS_DIFFUSERS,
    AS_TRANSFORMERS,
    IMAGE_ENCODER,
    INT8,
    new_folder,
    refuse_damaged,
    refuse_request,
    write_index,
    write_parts,
)
from tryon.networks.clip import ClipWidths
from tryon.networks.precision import DTYPES
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.networks.savings.switches import ALL, Savings

CLASS_NAME = "LookbookStableViton"

PARTS: Mapping[str, str] = {
    "unet": AS_DIFFUSERS,
    "vae": AS_DIFFUSERS,
    IMAGE_ENCODER: AS_TRANSFORMERS,
    "control": AS_TRANSFORMERS,
    "warp": AS_TRANSFORMERS,
    "mapper": AS_TRANSFORMERS,
}
"""Sub-folder → weight file, named as the library that opens it expects."""

WITH_QUERIES = replace(ALL, fold_single_token=False)
"""Of the control tail, which feeds nothing, no folder has anything; without the rest that has no say a folder is lean."""

STORED: Mapping[str, torch.dtype] = {**DTYPES, INT8: torch.bfloat16}
"""Number format of a folder → that of its weights which are not in 8 bits."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """What a converted folder says about itself."""

    architecture: Architecture
    variant: str
    dtype: str
    source_sha256: str
    source_bytes: int = 0
    files: Mapping[str, Any] = field(default_factory=dict)  # path below the folder → bytes, sha256


def weight_format_stored(dtype: str) -> str:
    """The weight format of a folder's number format."""
    return INT8 if dtype == INT8 else FULL_FORMAT


def read_index(folder: Path) -> Index:
    """Read a converted folder's description.

    Raises:
        WeightsError: no converted StableVITON lies there.
    """
    remedy = "python run.py weights convert FILE"
    if not (folder / INDEX).is_file():
        raise WeightsError(f"{folder}: no {INDEX}, so not a converted StableVITON or not a finished one", remedy)
    content = json.loads((folder / INDEX).read_text("utf-8"))
    known = content.pop("_class_name", None) == CLASS_NAME and content.get("variant") in {row.name for row in VARIANTS}
    if not known:
        raise WeightsError(f"{folder / INDEX}: describes another model", remedy)
    widths = content.pop("architecture")
    return Index(architecture=Architecture(**{**widths, "clip": ClipWidths(**widths["clip"])}), **content)


def convert(
    source: Path,
    folder: Path,
    *,
    dtype: str = "bf16",
    vae_file: Path | None = None,
    lean: bool = False,
    architecture: Architecture = FULL,
) -> None:
    """Turn a published checkpoint into a folder that loads in seconds; all or nothing.

    Args:
        source: the published file.
        folder: where the folder appears; must not exist.
        dtype: `fp32`, `bf16`, `fp16`, or `int8` for weights in 8 bits, the rest in bf16; such a folder is lean.
        vae_file: the published VAE fine-tuning file, whose VAE replaces the one inside.
        lean: leave out queries and keys over a single token as well; diffusers' own loader then misses them.
        architecture: the widths it must have.

    Raises:
        WeightsError: a bad source, an unknown dtype, or a folder that exists already.
    """
    refuse_request("StableVITON", folder, dtype, STORED)
    published = read_published(source, architecture, vae_file)
    origin = digest_of(source)
    index = Index(
        architecture=architecture,
        variant=published.variant.name,
        dtype=dtype,
        source_sha256=origin.sha256,
        source_bytes=origin.count,
    )
    write_folder(folder, published.weights, index, ALL if lean or dtype == INT8 else WITH_QUERIES)


def write_folder(folder: Path, weights: Mapping[str, Tensor], index: Index, savings: Savings = WITH_QUERIES) -> None:
    """Write weights as a folder that loads in seconds; all or nothing.

    Args:
        folder: where it appears; must not exist.
        weights: our name → tensor.
        index: what it says about itself, without its files.
        savings: what these leave out is not written.

    Raises:
        WeightsError: the folder exists already.
    """
    with new_folder(folder) as made:
        needed = empty_network(index.architecture, savings)
        needed.use_weight_format(weight_format_stored(index.dtype))
        write_parts(made, PARTS, weights, needed, STORED[index.dtype])
        write_index(made, {"_class_name": CLASS_NAME, **asdict(index)})


@dataclass(frozen=True)
class Loaded:
    """A network ready to run, which model it is, and a name for its weights that belongs into a recipe."""

    network: StableViton
    variant: Variant
    identity: str  # sha256 of the published file, or its name when it was opened directly


def load(path: Path, dtype: torch.dtype, *, savings: Savings = ALL, architecture: Architecture = FULL) -> Loaded:
    """Load a converted folder, or a published file directly.

    Args:
        path: a folder that `convert` made, or a published checkpoint.
        dtype: number format to run in.
        savings: which exact savings to use; a converted folder has no control tail, a lean one no queries over one token.
        architecture: the widths of a published file; a folder knows its own.

    Raises:
        WeightsError: damaged, unsafe, or another model.
    """
    if path.is_file():
        published = read_published(path, architecture)
        return Loaded(fill_network(architecture, published.weights, dtype, savings), published.variant, path.name)
    index = read_index(path)
    refuse_damaged(path, PARTS)
    weight_format = weight_format_stored(index.dtype)
    network = empty_network(index.architecture, savings)
    network.use_weight_format(weight_format)
    wanted = network.state_dict()
    found = network_folder.read_parts(path, PARTS)
    weights = {name: tensor for name, tensor in found.items() if name in wanted or not QUERIES.fullmatch(name)}
    remedy = "convert the published file again" if savings == ALL else "what a folder leaves out is in the published file"
    refuse_difference(path, "StableVITON", difference(weights, wanted), remedy)
    network = fill_network(index.architecture, weights, dtype, savings, weight_format)
    return Loaded(network, variant_named(index.variant), index.source_sha256)


def read_parts(path: Path) -> dict[str, Tensor]:
    """Every tensor of a converted folder under our names, mapped from its files.

    Raises:
        WeightsError: incomplete or damaged.
    """
    refuse_damaged(path, PARTS)
    return network_folder.read_parts(path, PARTS)
