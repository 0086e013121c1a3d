"""Which files are this engine's, and official names to ours, as rewriting rules; `compvis_names` has those of shared parts.

A rule either renames, or drops a key for a written reason. A key that no rule knows is reported, never skipped.
"""

from __future__ import annotations

import re

from tryon.networks import compvis_names
from tryon.networks.compvis_names import part_name, unet_name
from tryon.recognise import FileKind

_CONVERT = "tryon.engines.stableviton.folder:convert"
_IMAGE_TOKEN = ("learnable_vector", "proj_out.weight", "cond_stage_model.mapper.resblocks.0.ln_1.weight")
_CONTROLLED = (*_IMAGE_TOKEN, "control_model.cond_first_block.0.weight", "model.diffusion_model.warp_zero_convs.0.weight")

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="sift_vton",
        about="a SIFT-VTON checkpoint",
        has=(*_CONTROLLED, "model.diffusion_model.explicit_ratio"),
        before=("stableviton",),
        engines=("sift_vton",),
        convert=_CONVERT,
    ),
    FileKind(
        name="stableviton",
        about="a StableVITON checkpoint",
        has=_CONTROLLED,
        before=("stableviton_start",),
        engines=("stableviton", "stableviton_1024"),
        convert=_CONVERT,
    ),
    FileKind(
        name="stableviton_start",
        about="the 13-channel Paint-by-Example checkpoint from which StableVITON is trained",
        has=_IMAGE_TOKEN,
        inputs={"model.diffusion_model.input_blocks.0.0.weight": 13},
        advice="the trained weights dress: python run.py weights pull stableviton-vitonhd",
    ),
    FileKind(
        name="stableviton_vae",
        about="a VAE alone, in the layout of StableVITON's fine-tuned one",
        has=("encoder.down.0.block.0.norm1.weight", "decoder.up.0.block.0.norm1.weight", "post_quant_conv.weight"),
        advice="give it beside a StableVITON checkpoint: python run.py weights convert CHECKPOINT --vae FILE",
    ),
)
"""By the names of their tensors; `variants.py` says what follows from the first two."""

DROPPED: tuple[tuple[re.Pattern[str], str], ...] = (
    *compvis_names.DROPPED,
    (re.compile(r"lastzc\..*"), "a layer that neither training nor inference ever calls"),
    (re.compile(r"model\.diffusion_model\.explicit_ratio"), "SIFT-VTON's buffer of ones, unused at inference"),
)

CONTROL_TAIL = re.compile(r"control_model\.(input_blocks\.(9|10|11)|middle_block)\.")
"""Spatial-encoder outputs 9 to 12: computed and thrown away by the official code."""

QUERIES = re.compile(
    r"(unet|control)\..*\.transformer_blocks\.0\.(norm2|attn2\.to_[qk])\..*|mapper\.blocks\.\d+\.to_(qkv|value)\..*"
)
"""Our names of queries and keys over a single token and of the norm before them, which have no say, or of what holds them."""


def drop_reason(key: str) -> str | None:
    """Why an official key is not needed; None when it is."""
    return next((reason for pattern, reason in DROPPED if pattern.fullmatch(key)), None)


def our_name(key: str) -> str | None:
    """Our name of an official key that is not dropped; None when the key belongs to no part we know."""
    for prefix, rename in _PARTS:
        if key.startswith(prefix):
            return rename(key.removeprefix(prefix))
    return part_name(key)


def _diffusion_name(name: str) -> str | None:
    if match := re.match(r"warp_flow_blks\.(\d+)\.(.*)", name):
        return f"warp.{match[1]}.transformer.{match[2]}"
    if match := re.match(r"warp_zero_convs\.(\d+)\.(.*)", name):
        return f"warp.{match[1]}.zero_conv.{match[2]}"
    return f"unet.{unet_name(name)}"


def _control_name(name: str) -> str | None:
    return f"control.{name.replace('cond_first_block.0.', 'garment_in.') if name.startswith('cond_') else unet_name(name)}"


_PARTS = (
    ("model.diffusion_model.", _diffusion_name),
    ("control_model.", _control_name),
)
