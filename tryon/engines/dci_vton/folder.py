"""The converted form of the diffusion network: a diffusers-style folder of safetensors, one sub-folder per part.

```
<folder>/model_index.json    widths, variant, number format, sha256 of the source and of every file here
         unet/ vae/          open with diffusers' own `from_pretrained`
         image_encoder/      opens with transformers' `CLIPVisionModel.from_pretrained`
         mapper/             ours: plain safetensors
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of
from tryon import network_folder
from tryon.checkpoints import difference, refuse_difference
from tryon.engines.dci_vton.architecture import FULL, Architecture
from tryon.engines.dci_vton.checkpoint import empty_network, fill_network, read_published
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.variants import FIRST, ROWS, SECOND, known_variant, refuse_other_variant
from tryon.network_folder import (
    AS_DIFFUSERS,
    AS_TRANSFORMERS,
    IMAGE_ENCODER,
    new_folder,
    refuse_damaged,
    refuse_request,
    write_index,
    write_parts,
)
from tryon.networks.clip import ClipWidths
from tryon.networks.precision import DTYPES
from tryon.networks.savings.switches import ALL, Savings

CLASS_NAME = "LookbookDciVton"
PARTS: Mapping[str, str] = {
    "unet": AS_DIFFUSERS,
    "vae": AS_DIFFUSERS,
    IMAGE_ENCODER: AS_TRANSFORMERS,
    "mapper": AS_TRANSFORMERS,
}
"""Sub-folder → weight file, named as the library that opens it expects."""
WITH_QUERIES = replace(ALL, fold_single_token=False)
"""Without the queries and keys over a single token, which have no say, a folder is lean."""
QUERIES = re.compile(r"unet\..*\.transformer_blocks\.0\.(norm2|attn2\.to_[qk])\..*|mapper\.blocks\.\d+\.to_(qkv|value)\..*")
"""Our names of those, or of what holds them."""


def convert(
    source: Path,
    folder: Path,
    variant: str,
    *,
    dtype: str = "bf16",
    vae_file: Path | None = None,
    lean: bool = False,
    architecture: Architecture = FULL,
) -> None:
    """Turn a published checkpoint into a folder that loads in seconds; all or nothing.

    Args:
        source: `viton512.ckpt` or `viton512_v2.ckpt`.
        folder: where the folder appears; must not exist.
        variant: which of the two it is; refused when its hash is known to be the other's.
        dtype: `fp32`, `bf16` or `fp16`.
        vae_file: no such file exists for DCI-VTON; refused.
        lean: leave out queries and keys over a single token as well; diffusers' own loader then misses them.
        architecture: the widths it must have.

    Raises:
        WeightsError: a bad source, the other variant, an unknown dtype, or a folder that exists already.
    """
    refuse_request("DCI-VTON", folder, dtype, DTYPES)
    if vae_file is not None:
        raise WeightsError(f"{vae_file}: DCI-VTON was published with its own VAE, inside the checkpoint", "leave out --vae")
    weights = read_published(source, architecture)
    origin = digest_of(source)
    refuse_other_variant(source, known_variant(origin.sha256), variant)
    index = {"architecture": asdict(architecture), "variant": variant, "dtype": dtype, "source_sha256": origin.sha256}
    with new_folder(folder) as made:
        write_parts(made, PARTS, weights, empty_network(architecture, ALL if lean else WITH_QUERIES), DTYPES[dtype])
        write_index(made, {"_class_name": CLASS_NAME, **index, "source_bytes": origin.count})


convert_first = partial(convert, variant=FIRST)
convert_second = partial(convert, variant=SECOND)
"""What `weights convert` calls for each engine."""


def read_index(folder: Path) -> dict[str, Any]:
    """A converted folder's description; its variant is one of the two.

    Raises:
        WeightsError: no converted DCI-VTON lies there, or one that does not say which model it is.
    """
    remedy = "python run.py weights convert dci_vton|dci_vton_v2 FILE"
    if not (folder / INDEX).is_file():
        raise WeightsError(f"{folder}: no {INDEX}, so not a converted DCI-VTON or not a finished one", remedy)
    content: dict[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
    if content.get("_class_name") != CLASS_NAME:
        raise WeightsError(f"{folder / INDEX}: describes another model", remedy)
    if content.get("variant") not in ROWS:
        raise WeightsError(f"{folder / INDEX}: variant {content.get('variant')!r} is none of {', '.join(ROWS)}", remedy)
    return content


def load(path: Path, dtype: torch.dtype, variant: str, *, savings: Savings = ALL, architecture: Architecture = FULL) -> DciVton:
    """Load a converted folder, or a published file directly.

    Args:
        path: a folder that `convert` made, or a published checkpoint, whose variant the caller answers for.
        dtype: number format to run in.
        variant: which of the two models it must be.
        savings: which exact savings to use; a lean folder has no queries over one token.
        architecture: the widths of a published file; a folder knows its own.

    Raises:
        WeightsError: damaged, unsafe, another model, or the other variant.
    """
    if path.is_file():
        return fill_network(read_published(path, architecture), dtype, architecture, savings)
    index = read_index(path)
    refuse_other_variant(path, index["variant"], variant)
    refuse_damaged(path, PARTS)
    widths = index["architecture"]
    architecture = Architecture(**{**widths, "clip": ClipWidths(**widths["clip"])})
    wanted = empty_network(architecture, savings).state_dict()
    found = network_folder.read_parts(path, PARTS)
    weights = {name: tensor for name, tensor in found.items() if name in wanted or not QUERIES.fullmatch(name)}
    remedy = "convert the published file again" if savings == ALL else "what a folder leaves out is in the published file"
    refuse_difference(path, "DCI-VTON", difference(weights, wanted), remedy)
    return fill_network(weights, dtype, architecture, savings)


def read_parts(path: Path) -> dict[str, Tensor]:
    """Every tensor of a converted folder under our names, mapped from its files.

    Raises:
        WeightsError: incomplete or damaged.
    """
    refuse_damaged(path, PARTS)
    return network_folder.read_parts(path, PARTS)
