"""Names of Stable Diffusion 1's parts in published checkpoints, to ours: from CompVis to diffusers and transformers, by rules.

An engine names what only it has; a key that no rule knows is reported, never skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tryon.networks.sd1 import LAYERS_PER_LEVEL, LEVEL_MULTIPLIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

LEVELS = len(LEVEL_MULTIPLIERS)

_SCHEDULE = (
    "betas|(sqrt_)?alphas_cumprod(_prev)?|(sqrt|log)_one_minus_alphas_cumprod|sqrt_recip(m1)?_alphas_cumprod"
    "|posterior_variance|posterior_log_variance_clipped|posterior_mean_coef[12]|logvar|lvlb_weights|scale_factor"
)

DROPPED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({_SCHEDULE})"), "the noise schedule is recomputed from its definition"),
    (
        re.compile(r"cond_stage_model\.transformer\.(vision_model\.)?embeddings\.position_ids"),
        "0, 1, 2, …: stored by old transformers",
    ),
)
"""Keys that are not needed, and why."""

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


def part_name(key: str) -> str | None:
    """Our name of a key of the VAE, the image encoder or the mapper to its token; None when it is of no such part."""
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


def unet_name(name: str, layers: int = LAYERS_PER_LEVEL) -> str:
    """Our name of a key of the U-Net.

    Args:
        name: below the U-Net's prefix.
        layers: of a level of its encoder; the decoder has one more.
    """
    if match := re.match(r"(in|out)put_blocks\.(\d+)\.(\d+)\.(.*)", name):
        side, block, index, rest = match[1], int(match[2]), int(match[3]), match[4]
        name = _down_name(block, index, rest, layers) if side == "in" else _up_name(block, index, rest, layers)
    name = re.sub(r"^middle_block\.1\.", "mid_block.attentions.0.", name)
    name = re.sub(r"^middle_block\.([02])\.", lambda m: f"mid_block.resnets.{int(m[1]) // 2}.", name)
    name = re.sub(r"^time_embed\.([02])\.", lambda m: f"time_embedding.linear_{int(m[1]) // 2 + 1}.", name)
    name = re.sub(r"^out\.0\.", "conv_norm_out.", re.sub(r"^out\.2\.", "conv_out.", name))
    return _rewrite(name, _RESIDUAL)


def _down_name(block: int, index: int, rest: str, layers: int) -> str:
    """Input block 0 is the first convolution; then per level its layers and, but for the last level, a downsampling."""
    if block == 0:
        return f"conv_in.{rest}"
    level, layer = divmod(block - 1, layers + 1)
    if layer == layers:
        return f"down_blocks.{level}.downsamplers.0.{rest.replace('op.', 'conv.')}"
    return f"down_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}.{rest}"


def _up_name(block: int, index: int, rest: str, layers: int) -> str:
    """One layer more per level than in the encoder; the upsampling sits behind the last one and its transformer."""
    level, layer = divmod(block, layers + 1)
    if rest.startswith("conv."):
        return f"up_blocks.{level}.upsamplers.0.{rest}"
    return f"up_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}.{rest}"


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
    ("first_stage_model.", _vae_name),
    ("cond_stage_model.transformer.", _clip_name),
    ("cond_stage_model.final_ln.", lambda name: f"mapper.final_norm.{name}"),
    ("cond_stage_model.mapper.", lambda name: f"mapper.{_rewrite(name, _CLIP_BLOCK)}"),
    ("proj_out.", lambda name: f"mapper.projection.{name}"),
)
