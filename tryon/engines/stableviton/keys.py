"""Which files are this engine's, and official names ↔ ours: from CompVis to diffusers and transformers, as rewriting rules.

A rule either renames, or drops a key for a written reason. A key that no rule knows is reported, never skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tryon.networks.sd1 import LEVEL_MULTIPLIERS
from tryon.recognise import FileKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

LEVELS = len(LEVEL_MULTIPLIERS)

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

_SCHEDULE = (
    "betas|(sqrt_)?alphas_cumprod(_prev)?|(sqrt|log)_one_minus_alphas_cumprod|sqrt_recip(m1)?_alphas_cumprod"
    "|posterior_variance|posterior_log_variance_clipped|posterior_mean_coef[12]|logvar|lvlb_weights|scale_factor"
)

DROPPED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (rf"({_SCHEDULE})", "the noise schedule is recomputed from its definition"),
        (r"lastzc\..*", "a layer that neither training nor inference ever calls"),
        (r"cond_stage_model\.transformer\.(vision_model\.)?embeddings\.position_ids", "0, 1, 2, …: stored by old transformers"),
        (r"model\.diffusion_model\.explicit_ratio", "SIFT-VTON's buffer of ones, unused at inference"),
    )
)

CONTROL_TAIL = re.compile(r"control_model\.(input_blocks\.(9|10|11)|middle_block)\.")
"""Spatial-encoder outputs 9 to 12: computed and thrown away by the official code."""

QUERIES = re.compile(
    r"(unet|control)\..*\.transformer_blocks\.0\.(norm2|attn2\.to_[qk])\..*|mapper\.blocks\.\d+\.to_(qkv|value)\..*"
)
"""Our names of queries and keys over a single token and of the norm before them, which have no say, or of what holds them."""

_RESIDUAL = (
    (r"\.in_layers\.0\.", ".norm1."),
    (r"\.in_layers\.2\.", ".conv1."),
    (r"\.emb_layers\.1\.", ".time_emb_proj."),
    (r"\.out_layers\.0\.", ".norm2."),
    (r"\.out_layers\.3\.", ".conv2."),
    (r"\.skip_connection\.", ".conv_shortcut."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
)
_CLIP_BLOCK = (
    (r"resblocks", "blocks"),
    (r"\.attn\.c_qkv\.", ".to_qkv."),
    (r"\.attn\.c_proj\.", ".to_out."),
    (r"\.ln_1\.", ".norm_value."),
    (r"\.ln_2\.", ".norm_feed_forward."),
    (r"\.mlp\.c_fc\.", ".widen."),
    (r"\.mlp\.c_proj\.", ".narrow."),
)
_VAE = (
    (r"\.down\.(\d+)\.block\.", r".down_blocks.\1.resnets."),
    (r"\.down\.(\d+)\.downsample\.", r".down_blocks.\1.downsamplers.0."),
    (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
    (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
    (r"\.mid\.attn_1\.norm\.", ".mid_block.attentions.0.group_norm."),
    (r"\.mid\.attn_1\.proj_out\.", ".mid_block.attentions.0.to_out.0."),
    (r"\.mid\.attn_1\.([qkv])\.", r".mid_block.attentions.0.to_\1."),
    (r"\.norm_out\.", ".conv_norm_out."),
)


def drop_reason(key: str) -> str | None:
    """Why an official key is not needed; None when it is."""
    return next((reason for pattern, reason in DROPPED if pattern.fullmatch(key)), None)


def our_name(key: str) -> str | None:
    """Our name of an official key that is not dropped; None when the key belongs to no part we know."""
    if key == "learnable_vector":
        return "mapper.unconditional"
    for prefix, rename in _PARTS:
        if key.startswith(prefix):
            return rename(key.removeprefix(prefix))
    return None


def our_tensor(name: str, tensor: Tensor) -> Tensor:
    """The same numbers in our shape: the VAE's attention was stored as 1x1 convolutions and is linear here."""
    is_attention = name.startswith("vae.") and ".attentions." in name
    return tensor.flatten(1) if is_attention and tensor.ndim == 4 else tensor


def with_values(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the mapper's value projections beside those of query, key and value in one, where only these are given."""
    fused = [name for name in weights if ".to_qkv." in name]
    return {**weights, **{name.replace(".to_qkv.", ".to_value."): weights[name].chunk(3)[2] for name in fused}}


def _rewrite(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _unet_name(name: str) -> str | None:
    if match := re.match(r"(in|out)put_blocks\.(\d+)\.(\d+)\.(.*)", name):
        side, block, index, rest = match[1], int(match[2]), int(match[3]), match[4]
        name = _down_name(block, index, rest) if side == "in" else _up_name(block, index, rest)
    name = re.sub(r"^middle_block\.1\.", "mid_block.attentions.0.", name)
    name = re.sub(r"^middle_block\.([02])\.", lambda m: f"mid_block.resnets.{int(m[1]) // 2}.", name)
    name = re.sub(r"^time_embed\.([02])\.", lambda m: f"time_embedding.linear_{int(m[1]) // 2 + 1}.", name)
    name = re.sub(r"^out\.0\.", "conv_norm_out.", re.sub(r"^out\.2\.", "conv_out.", name))
    return _rewrite(name, _RESIDUAL)


def _down_name(block: int, index: int, rest: str) -> str:
    """Input block 0 is the first convolution; then per level two layers and, but for the last level, a downsampling."""
    if block == 0:
        return f"conv_in.{rest}"
    level, layer = divmod(block - 1, 3)
    if layer == 2:
        return f"down_blocks.{level}.downsamplers.0.{rest.replace('op.', 'conv.')}"
    return f"down_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}.{rest}"


def _up_name(block: int, index: int, rest: str) -> str:
    """Three layers per level; the upsampling sits behind the last one, after its transformer where there is one."""
    level, layer = divmod(block, 3)
    if rest.startswith("conv."):
        return f"up_blocks.{level}.upsamplers.0.{rest}"
    return f"up_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}.{rest}"


def _diffusion_name(name: str) -> str | None:
    if match := re.match(r"warp_flow_blks\.(\d+)\.(.*)", name):
        return f"warp.{match[1]}.transformer.{match[2]}"
    if match := re.match(r"warp_zero_convs\.(\d+)\.(.*)", name):
        return f"warp.{match[1]}.zero_conv.{match[2]}"
    return f"unet.{_unet_name(name)}"


def _control_name(name: str) -> str | None:
    return f"control.{name.replace('cond_first_block.0.', 'garment_in.') if name.startswith('cond_') else _unet_name(name)}"


def _vae_name(name: str) -> str | None:
    name = _rewrite(name, _RESIDUAL + _VAE)
    # The decoder counts its levels from the finest, diffusers from the coarsest.
    up = re.match(r"decoder\.up\.(\d+)\.(block|upsample)\.(.*)", name)
    if up is not None:
        part = "resnets." if up[2] == "block" else "upsamplers.0."
        name = f"decoder.up_blocks.{LEVELS - 1 - int(up[1])}.{part}{up[3]}"
    return f"vae.{name}"


def _clip_name(name: str) -> str | None:
    """transformers 5 took the inner `vision_model.` level away; both spellings mean the same tensors."""
    return f"image_encoder.{name.removeprefix('vision_model.')}"


_PARTS = (
    ("model.diffusion_model.", _diffusion_name),
    ("control_model.", _control_name),
    ("first_stage_model.", _vae_name),
    ("cond_stage_model.transformer.", _clip_name),
    ("cond_stage_model.final_ln.", lambda name: f"mapper.final_norm.{name}"),
    ("cond_stage_model.mapper.", lambda name: f"mapper.{_rewrite(name, _CLIP_BLOCK)}"),
    ("proj_out.", lambda name: f"mapper.projection.{name}"),
)
