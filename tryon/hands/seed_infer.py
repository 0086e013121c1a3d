"""The hand adapter's published way to repair, for comparison: the whole picture, squashed to 512 x 512.

Everything outside the mask has gone through the VAE: faces, writing and fabric change a little.

Facts: docs/facts/lora_files.md#the-hand-adapters-own-way.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError
from pipeline.core.masks import Mask
from tryon.hands.inpainting import Canvas, Prompted, Sampling, Watch, inpaint
from tryon.noise import SeededNoise

SIDE = 512
SEED = 42
MULTIPLIER = 0.8
SAMPLING = Sampling(steps=75, strength=0.65, guidance_scale=7.5)


def squashed(picture: RGB, mask: Mask, side: int = SIDE) -> Canvas:
    """Both as a square of any shape's picture; the mask is cut at one half after it is resized.

    Raises:
        InputError: the mask is of another size.
    """
    if picture.shape[:2] != mask.shape:
        raise InputError(f"hands: the mask is {mask.shape}, the picture {picture.shape[:2]}", "give a mask of the picture's size")
    square = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    soft = Image.fromarray(mask.astype(np.uint8) * 255).resize((side, side), Image.Resampling.LANCZOS)
    return Canvas(np.asarray(square), np.asarray(soft) >= 127.5)


def seed_infer(
    networks: Prompted,
    picture: RGB,
    mask: Mask,
    sampling: Sampling = SAMPLING,
    side: int = SIDE,
    watch: Watch | None = None,
) -> RGB | None:
    """Repeat it.

    Args:
        networks: a U-Net with 4 input channels, the LoRA inside at `MULTIPLIER`; text (2, 77, 768) of `config.SEED_PROMPT` and
            `config.SEED_NEGATIVE`.
        picture: (h, w, 3) uint8 RGB, whole.
        mask: (h, w) bool, True = repaint: both bare arms.
        sampling: how.
        side: of the square.
        watch: sees every call.

    Returns:
        (h, w, 3) uint8 RGB; None where a number format overflowed.

    Raises:
        InputError: the mask is of another size.
    """
    (square,) = inpaint(networks, squashed(picture, mask, side), sampling, [SeededNoise(SEED)], watch)
    return None if square is None else unsquashed(square, (picture.shape[0], picture.shape[1]))


def unsquashed(square: RGB, size: tuple[int, int]) -> RGB:
    """Back to (height, width)."""
    return np.asarray(Image.fromarray(square).resize(size[::-1], Image.Resampling.BICUBIC))
