"""Pictures of 0..255 ↔ tensors of -1..1, as Stable Diffusion 1 wants and gives them."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB


def picture_tensor(picture: RGB) -> Tensor:
    """(height, width, 3) uint8 RGB → (1, 3, height, width) fp32 in [-1, 1], rounded exactly like the official u8 / 127.5 - 1."""
    values = picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def picture_levels(decoded: Tensor, *, rounded: bool) -> Tensor:
    """Decoded pictures (b, 3, h, w), about [-1, 1] → (b, h, w, 3) uint8, where they are.

    Args:
        decoded: what the VAE gave.
        rounded: see `to_levels`.
    """
    return to_levels((decoded.clamp(-1, 1) + 1) / 2 * 255, rounded=rounded).permute(0, 2, 3, 1)


def to_levels(values: Tensor, *, rounded: bool) -> Tensor:
    """Values of 0..255 → uint8.

    Args:
        values: any shape, float.
        rounded: to the nearest level; False cuts the fraction off like the official scripts (half a level darker).
    """
    return (values + 0.5 if rounded else values).clamp(0, 255).to(torch.uint8)


def to_host(*tensors: Tensor) -> list[Tensor]:
    """Tensors of one device on the CPU, with one wait for the device; those of the CPU as they are."""
    copies = [tensor.to("cpu", non_blocking=True) for tensor in tensors]
    if tensors[0].device.type == "cuda":
        torch.cuda.current_stream(tensors[0].device).synchronize()
    elif tensors[0].device.type == "mps":
        torch.mps.synchronize()
    return copies


def to_canvas(picture: RGB, canvas: tuple[int, int]) -> RGB:
    """A network's picture at the canvas's (height, width): the artefact has that size whatever the network worked at."""
    if picture.shape[:2] == canvas:
        return picture
    enlarge = canvas[0] * canvas[1] > picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, canvas[::-1], interpolation=cv2.INTER_CUBIC if enlarge else cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)
