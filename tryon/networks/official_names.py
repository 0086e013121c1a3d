"""Our names of shared parts → official ones, for messages: who opens a published file looks for the names that stand in it.

The way back through the rules of `compvis_names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tryon.networks.compvis_names import LEVELS

Rule = tuple[str, str | Callable[[re.Match[str]], str]]

_LAYER_OF_RESIDUAL: tuple[Rule, ...] = (
    (r"(\bresnets\.\d+)\.norm1\.", r"\1.in_layers.0."),
    (r"(\bresnets\.\d+)\.conv1\.", r"\1.in_layers.2."),
    (r"(\bresnets\.\d+)\.time_emb_proj\.", r"\1.emb_layers.1."),
    (r"(\bresnets\.\d+)\.norm2\.", r"\1.out_layers.0."),
    (r"(\bresnets\.\d+)\.conv2\.", r"\1.out_layers.3."),
    (r"(\bresnets\.\d+)\.conv_shortcut\.", r"\1.skip_connection."),
)
UNET_RULES: tuple[Rule, ...] = (
    *_LAYER_OF_RESIDUAL,
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^down_blocks\.(\d)\.downsamplers\.0\.conv\.", lambda m: f"input_blocks.{3 * int(m[1]) + 3}.0.op."),
    (r"^down_blocks\.(\d)\.(resnets|attentions)\.(\d)\.", lambda m: _block("input", 3 * int(m[1]) + int(m[3]) + 1, m[2])),
    (r"^up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"output_blocks.{3 * int(m[1]) + 2}.{1 if m[1] == '0' else 2}."),
    (r"^up_blocks\.(\d)\.(resnets|attentions)\.(\d)\.", lambda m: _block("output", 3 * int(m[1]) + int(m[3]), m[2])),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.(\d)\.", lambda m: f"middle_block.{2 * int(m[1])}."),
    (r"^time_embedding\.linear_(\d)\.", lambda m: f"time_embed.{2 * int(m[1]) - 2}."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
)
_VAE: tuple[Rule, ...] = (
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.down_blocks\.(\d)\.resnets\.", r".down.\1.block."),
    (r"\.down_blocks\.(\d)\.downsamplers\.0\.", r".down.\1.downsample."),
    (r"\.up_blocks\.(\d)\.resnets\.", lambda m: f".up.{LEVELS - 1 - int(m[1])}.block."),
    (r"\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f".up.{LEVELS - 1 - int(m[1])}.upsample."),
    (r"\.mid_block\.resnets\.(\d)\.", lambda m: f".mid.block_{int(m[1]) + 1}."),
    (r"\.mid_block\.attentions\.0\.group_norm\.", ".mid.attn_1.norm."),
    (r"\.mid_block\.attentions\.0\.to_out\.0\.", ".mid.attn_1.proj_out."),
    (r"\.mid_block\.attentions\.0\.to_([qkv])\.", r".mid.attn_1.\1."),
)
_MAPPER: tuple[Rule, ...] = (
    (r"^blocks\.", "resblocks."),
    (r"\.to_qkv\.", ".attn.c_qkv."),
    (r"\.to_out\.", ".attn.c_proj."),
    (r"\.norm_value\.", ".ln_1."),
    (r"\.norm_feed_forward\.", ".ln_2."),
    (r"\.widen\.", ".mlp.c_fc."),
    (r"\.narrow\.", ".mlp.c_proj."),
)
Part = tuple[str, str, tuple[Rule, ...]]
"""What our names begin with, what the official ones begin with, and the rules for the rest."""

PARTS: tuple[Part, ...] = (
    ("mapper.unconditional", "learnable_vector", ()),
    ("mapper.projection.", "proj_out.", ()),
    ("mapper.final_norm.", "cond_stage_model.final_ln.", ()),
    ("mapper.", "cond_stage_model.mapper.", _MAPPER),
    ("image_encoder.", "cond_stage_model.transformer.vision_model.", ()),
    ("vae.", "first_stage_model.", _VAE),
    ("unet.", "model.diffusion_model.", UNET_RULES),
)


def official_name(name: str, parts: Iterable[Part] = PARTS) -> str:
    """The published name of one of our tensors.

    Args:
        name: of a network with Stable Diffusion 1's two layers per level.
        parts: that the network has; the first that fits counts.
    """
    ours, official, rules = next(part for part in parts if name.startswith(part[0]))
    rest = name.removeprefix(ours)
    for pattern, replacement in rules:
        rest = re.sub(pattern, replacement, rest)
    return official + rest


def _block(side: str, number: int, kind: str) -> str:
    return f"{side}_blocks.{number}.{0 if kind == 'resnets' else 1}."
