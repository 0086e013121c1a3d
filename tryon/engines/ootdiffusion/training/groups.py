"""Which weights are trained, in named groups, and those that no training may touch.

Facts: docs/facts/ootdiffusion.md#token-maps, #training.
"""

from __future__ import annotations

from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.training.config import OotdTraining
from tryon.training.low_rank import changes_of
from tryon.training.parameters import Groups

GARMENT, TRY_ON = "unet_garm", "unet_vton"
LAST_BLOCK = "unet_garm.up_blocks.3.attentions.2."
DEAD = (f"{LAST_BLOCK}transformer_blocks.", f"{LAST_BLOCK}proj_out.", "unet_garm.conv_norm_out.", "unet_garm.conv_out.")
"""What comes behind the garment U-Net's last tokens: no gradient comes there, and weight decay must not shrink it."""

LAYERS = r".*transformer_blocks\.0\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2))"
"""Beside which a LoRA is put."""


def trained_groups(network: OotDiffusion, config: OotdTraining) -> Groups:
    """Group → name → parameter, as the arrangement says."""
    if config.trained == "lora":
        parts = {"try-on LoRA": TRY_ON, "garment LoRA": GARMENT}
        found = {group: changes_of(getattr(network, part), part) for group, part in parts.items()}
        alive = {group: {name: each for name, each in own.items() if not _dead(name, config)} for group, own in found.items()}
        return {group: own for group, own in alive.items() if own}
    named = {name: each for name, each in network.named_parameters() if not _dead(name, config)}
    garment = {name: each for name, each in named.items() if name.startswith(f"{GARMENT}.")}
    try_on = {name: each for name, each in named.items() if name.startswith(f"{TRY_ON}.")}
    more = {name: each for name, each in named.items() if name.startswith("alignment.")}
    adapter = {name: each for name, each in named.items() if name.startswith(("adapter.", "mask_tokens."))}
    branch = {name: each for name, each in named.items() if name.startswith("branch.")}
    extra = {"alignment": more, "image adapter": adapter, "residual branch": branch}
    extra = {group: own for group, own in extra.items() if own}
    if config.trained in ("adapter", "branch"):
        return extra
    if config.trained == "attention":
        return extra | {"self-attention": {name: each for name, each in try_on.items() if ".attn1." in name}}
    if config.trained == "garment":
        return extra | {"garment U-Net": garment}
    return extra | {"try-on U-Net": try_on} | ({"garment U-Net": garment} if config.trained == "joint" else {})


def garment_learns(config: OotdTraining) -> bool:
    """Whether gradients go through the garment U-Net."""
    return config.trained in ("joint", "garment") or (config.trained == "lora" and config.lora_on != "try-on")


def lora_parts(config: OotdTraining) -> tuple[str, ...]:
    """The U-Nets beside whose layers a LoRA is put."""
    if config.trained != "lora":
        return ()
    return {"try-on": (TRY_ON,), "garment": (GARMENT,), "both": (TRY_ON, GARMENT)}[config.lora_on]


def _dead(name: str, config: OotdTraining) -> bool:
    if config.vision_only and name.startswith(f"{TRY_ON}.") and name.endswith((".attn2.to_k.weight", ".attn2.to_v.weight")):
        return True  # nobody looks at text
    norm = f"{LAST_BLOCK}transformer_blocks.0.norm1."
    return name.startswith(DEAD) and not (config.tokens == "after" and name.startswith(norm))
