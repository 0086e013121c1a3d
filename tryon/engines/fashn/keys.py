"""Which files are this engine's, and official names ↔ ours. Facts: docs/facts/fashn_vton.md#file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tryon.recognise import FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="fashn_vton",
        about="a FASHN VTON checkpoint",
        has=("patch_mixer_token", "t_embedder.mlp.in_layer.weight", "x_embedder.proj.weight"),
        engines=("fashn",),
    ),
)

UNUSED = "patch_mixer_token"
"""Stored, and read by no part of the published code."""

_JOINED = re.compile(r"(x_patch_mixer|single_blocks)\.(\d+)\.linear1\.(weight|bias)")
_RULES = (
    (r"^t_embedder\.mlp\.in_layer\.", "time.0."),
    (r"^t_embedder\.mlp\.out_layer\.", "time.2."),
    (r"^y_embedder\.", "category."),
    (r"^x_embedder\.proj\.", "person_in."),
    (r"^garment_embedder\.proj\.", "garment_in."),
    (r"^final_layer\.linear\.", "out."),
    (r"^final_layer\.adaLN_modulation\.1\.", "out_modulation."),
    (r"^x_patch_mixer\.", "mixer_blocks."),
    (r"^single_blocks\.", "joint_blocks."),
    (r"^double_blocks\.", "pair_blocks."),
    (r"\.linear2\.", ".narrow."),
    (r"\.img_", ".person."),
    (r"\.txt_", ".garment."),
    (r"\.mod\.lin\.", ".modulation."),
    (r"\.modulation\.lin\.", ".modulation."),
    (r"\.attn\.qkv\.", ".qkv."),
    (r"\.attn\.proj\.", ".out."),
    (r"\.(attn\.)?norm\.(query|key)_norm\.", r".\2_norm."),
    (r"\.mlp\.0\.", ".widen."),
    (r"\.mlp\.2\.", ".narrow."),
)


def our_name(key: str) -> str:
    """Our name of an official key; a key that no rule knows stays as it is and is found to be unexpected."""
    for pattern, replacement in _RULES:
        key = re.sub(pattern, replacement, key)
    return key


def our_tensors(key: str, tensor: Tensor, hidden: int) -> Iterator[tuple[str, Tensor]]:
    """One official tensor under our names. Queries, keys with values, and the widened part are stored as one and are three here.

    Args:
        key: the official name.
        tensor: its values.
        hidden: channels of a token.
    """
    match = _JOINED.fullmatch(key)
    if match is None or len(tensor) < 3 * hidden:
        yield our_name(key), tensor
        return
    block = our_name(f"{match[1]}.{match[2]}.")
    for part, rows in (("query", slice(hidden)), ("key_value", slice(hidden, 3 * hidden)), ("widen", slice(3 * hidden, None))):
        yield f"{block}{part}.{match[3]}", tensor[rows]
