"""CLIP's towers, and the picture that the vision tower wants: 224×224, squashed or cut, normalised by its training set.

Facts: docs/facts/stable_diffusion_1.md#image-token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

from pipeline.core.arrays import RGB

SIDE = 224  # pixels
MEAN = (0.48145466, 0.4578275, 0.40821073)  # per channel, of pictures in [0, 1]
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class ClipWidths:
    """The widths of a vision tower; the defaults are ViT-L/14."""

    hidden_size: int = 1024
    intermediate_size: int = 4096
    layers: int = 24
    heads: int = 16
    image_size: int = SIDE  # pixels, square
    patch_size: int = 14  # pixels
    projection_dim: int = 768


@dataclass(frozen=True, kw_only=True)
class TextWidths:
    """The widths of a text tower; the defaults are ViT-L/14's."""

    vocabulary: int = 49408
    hidden_size: int = 768
    intermediate_size: int = 3072
    layers: int = 12
    heads: int = 12
    positions: int = 77
    projection_dim: int = 768


def build_image_encoder(widths: ClipWidths) -> Any:
    """Build the CLIP vision tower (transformers' own class, quick_gelu)."""
    model = CLIPVisionModel(_vision_config(widths))
    return getattr(model, "vision_model", model)  # transformers 5 took this inner level away


def build_projecting_image_encoder(widths: ClipWidths, activation: str = "quick_gelu") -> Any:
    """Build the vision tower with the projection into the space that texts share: `image_embeds` (b, projection_dim)."""
    return CLIPVisionModelWithProjection(_vision_config(widths, activation))


def build_text_encoder(widths: TextWidths) -> Any:
    """Build the text tower (transformers' own class, quick_gelu)."""
    config = CLIPTextConfig(
        vocab_size=widths.vocabulary,
        hidden_size=widths.hidden_size,
        intermediate_size=widths.intermediate_size,
        num_hidden_layers=widths.layers,
        num_attention_heads=widths.heads,
        max_position_embeddings=widths.positions,
        projection_dim=widths.projection_dim,
        hidden_act="quick_gelu",
        layer_norm_eps=1e-5,
    )
    model = CLIPTextModel(config)
    return getattr(model, "text_model", model)  # transformers 5 took this inner level away


def _vision_config(widths: ClipWidths, activation: str = "quick_gelu") -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=widths.hidden_size,
        intermediate_size=widths.intermediate_size,
        num_hidden_layers=widths.layers,
        num_attention_heads=widths.heads,
        image_size=widths.image_size,
        patch_size=widths.patch_size,
        projection_dim=widths.projection_dim,
        hidden_act=activation,
        layer_norm_eps=1e-5,
    )


def count_positions(encoder: Any) -> None:
    """Give a tower that was built without memory its position numbers: they are computed, not stored."""
    embeddings = getattr(encoder, "vision_model", encoder).embeddings
    embeddings.position_ids = torch.arange(embeddings.position_ids.shape[-1])[None]


def clip_input(pictures: Tensor, *, side: int = SIDE, antialias: bool = False) -> Tensor:
    """Squash pictures (b, 3, height, width) in [-1, 1] to CLIP's square (b, 3, side, side) and normalise them.

    The aspect ratio is lost and there is no antialias: that is how the try-on networks saw garments in training.
    """
    return normalised(F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False, antialias=antialias))


def clip_crop(picture: RGB, *, side: int = SIDE) -> Tensor:
    """A picture as CLIP's own processor shows it: shortest side to `side`, the middle square cut out.

    Args:
        picture: (height, width, 3) uint8 RGB.
        side: pixels of the square.

    Returns:
        (1, 3, side, side) fp32 in CLIP's units.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    size = int(side * height / short), int(side * width / short)
    resized = Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    square = np.asarray(resized)[top : top + side, left : left + side]
    return normalised(torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1)


def normalised(squares: Tensor) -> Tensor:
    """Squares (b, 3, h, w) in [-1, 1] in CLIP's own units: about zero mean and unit deviation per channel."""
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (squares / 2 + 0.5 - mean.to(squares)) / deviation.to(squares)
