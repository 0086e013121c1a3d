"""SegFormer networks (Xie et al. 2021) from a folder in the form of transformers; the caller interprets the labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB, Labels
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.machine.device import Device
from preprocess.networks.batch_size import pictures_at_once

INSTALL = "pip install -e '.[diffusion]'"


@dataclass(frozen=True)
class Normal:
    """The network's input.

    Args:
        size: (height, width) in pixels; the picture is squashed to it.
        mean, std: RGB, on 0..1.
    """

    size: tuple[int, int] = (512, 512)
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


Shrink = Callable[[RGB, tuple[int, int]], RGB]
"""(h, w, 3) uint8 picture and (height, width) → the picture of that size, as the network's own processor resizes it."""


class Segformer:
    """An open network.

    Args:
        folder: `config.json`, `model.safetensors`, `preprocessor_config.json`; verified.
        classes: how many labels the network must have.
        device: where it runs.
        shrink: how its processor resizes.
        normal: its input; None = as the folder's `preprocessor_config.json` says.

    Raises:
        MissingPackageError, WeightsError: with the cure.
    """

    def __init__(self, folder: Path, classes: int, device: Device, shrink: Shrink, normal: Normal | None = None) -> None:
        self.normal = normal or read_normal(folder / "preprocessor_config.json")
        self.batch_size = pictures_at_once(device.kind, self.normal.size)
        self._device, self._shrink = device.name, shrink
        self._model = open_segformer(folder, classes).to(device.name).eval()

    def labels(self, pictures: Sequence[RGB]) -> list[Labels]:
        """(h, w) uint8 per (h, w, 3) RGB uint8 picture of any size; scores are enlarged to its size, not labels."""
        import torch

        shown = np.stack([normalised(self._shrink(each, self.normal.size), self.normal) for each in pictures])
        found: list[Labels] = []
        with torch.inference_mode():
            scores = self._model(pixel_values=torch.from_numpy(shown).to(self._device)).logits
            for own, picture in zip(scores, pictures, strict=True):
                large = torch.nn.functional.interpolate(own[None], picture.shape[:2], mode="bilinear", align_corners=False)
                found.append(large[0].argmax(0).to("cpu", torch.uint8).numpy())
        return found


def bilinear(picture: RGB, size: tuple[int, int]) -> RGB:
    """Pillow's bilinear, which blurs before it shrinks, as transformers' image processor does."""
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BILINEAR), np.uint8)


def normalised(picture: RGB, normal: Normal) -> NDArray[np.float32]:
    """(height, width, 3) RGB uint8 → (3, height, width) float32."""
    shown = (picture.astype(np.float32) / 255 - np.array(normal.mean, np.float32)) / np.array(normal.std, np.float32)
    return np.ascontiguousarray(shown.transpose(2, 0, 1), np.float32)


def read_normal(path: Path) -> Normal:
    """The picture's size and normalisation of a processor's settings.

    Raises:
        WeightsError: not such a file.
    """
    try:
        settings = json.loads(path.read_text("utf-8"))
        size = settings.get("size", {"height": 512, "width": 512})
        sides = (int(size["height"]), int(size["width"])) if isinstance(size, dict) else (int(size), int(size))
        return Normal(sides, tuple(settings.get("image_mean", Normal.mean)), tuple(settings.get("image_std", Normal.std)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WeightsError(
            f"{path}: not a picture processor's settings: {problem}", f"python run.py weights verify {path.parent.name}"
        ) from problem


def open_segformer(folder: Path, classes: int) -> Any:
    """The network of a folder with `config.json` and `model.safetensors`; nothing is downloaded.

    Raises:
        MissingPackageError: torch or transformers is missing or does not start.
        WeightsError: not a SegFormer with this many classes, or tensors are missing from the file.
    """
    try:
        from transformers import SegformerForSemanticSegmentation
    except (ImportError, OSError, RuntimeError) as problem:
        # RuntimeError: a torchvision built for another torch breaks every import of transformers
        raise MissingPackageError(f"parsing: transformers cannot be used here: {problem}", INSTALL) from problem
    cure = f"python run.py weights verify {folder.name}"
    try:
        model, loaded = SegformerForSemanticSegmentation.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as problem:  # safetensors and transformers raise a dozen unrelated classes for damaged folders
        raise WeightsError(f"{folder}: not a SegFormer folder: {problem}", cure) from problem
    wrong = [*loaded["missing_keys"], *loaded["unexpected_keys"], *(str(each) for each in loaded["mismatched_keys"])]
    if wrong or model.config.num_labels != classes:
        raise WeightsError(
            f"{folder}: {model.config.num_labels} classes, {classes} were expected; tensors that do not fit: {wrong[:3]}", cure
        )
    return model
