"""What an image adapter may look with instead of OOTDiffusion's own CLIP ViT-L/14: OpenCLIP's ViT-H/14, or DINOv2.

Facts: docs/facts/ootdiffusion.md#ip-adapter. Both are transformers' own classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import Dinov2Config, Dinov2Model

from tryon.networks.clip import DEVIATION, MEAN, ClipWidths, build_projecting_image_encoder

Eye = Literal["clip-l", "clip-h", "dinov2"]
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that DINOv2 learnt from, per channel."""


@dataclass(frozen=True, kw_only=True)
class DinoWidths:
    """The widths of a DINOv2; the defaults are ViT-B/14."""

    hidden_size: int = 768
    layers: int = 12
    heads: int = 12
    widening: int = 4  # of the feed-forward
    image_size: int = 518  # pixels, of the grid whose positions are stored
    patch_size: int = 14  # pixels


CLIP_H = ClipWidths(hidden_size=1280, intermediate_size=5120, layers=32, heads=16, projection_dim=1024)


def build_clip_h(widths: ClipWidths = CLIP_H) -> Any:
    """OpenCLIP's vision tower, with its projection; its activation is the plain GELU."""
    return build_projecting_image_encoder(widths, activation="gelu")


def build_dinov2(widths: DinoWidths) -> Any:
    """DINOv2, which answers one token for the picture and one per patch."""
    config = Dinov2Config(
        hidden_size=widths.hidden_size,
        num_hidden_layers=widths.layers,
        num_attention_heads=widths.heads,
        mlp_ratio=widths.widening,
        image_size=widths.image_size,
        patch_size=widths.patch_size,
    )
    return Dinov2Model(config)


def clip_features(tower: Any, squares: Tensor, *, patches: bool) -> Tensor:
    """What a CLIP tower says of squares (b, 3, s, s) in its units: its vector (b, c), or its last but one patches (b, m, c)."""
    out = tower(squares, output_hidden_states=patches)
    found: Tensor = out.hidden_states[-2] if patches else out.image_embeds
    return found


def dino_features(tower: Any, squares: Tensor, *, patches: bool) -> Tensor:
    """What DINOv2 says of squares (b, 3, s, s) in **CLIP's** units: the picture's token (b, c), or the patches' (b, m, c)."""
    out: Tensor = tower(pixel_values=as_imagenet(squares)).last_hidden_state
    return out[:, 1:] if patches else out[:, 0]


def as_imagenet(squares: Tensor) -> Tensor:
    """Squares (b, 3, h, w) in CLIP's units, in those of DINOv2."""
    mean, deviation, other, spread = (
        torch.tensor(each).view(1, 3, 1, 1).to(squares) for each in (MEAN, DEVIATION, IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return (squares * deviation + mean - other) / spread


def feature_width(eye: Any, *, patches: bool) -> int:
    """Channels of what an eye says, by its widths."""
    if isinstance(eye, ClipWidths):
        return eye.hidden_size if patches else eye.projection_dim
    assert isinstance(eye, DinoWidths)
    return eye.hidden_size
