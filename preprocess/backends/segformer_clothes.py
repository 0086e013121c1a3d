"""SegFormer (Xie et al. 2021) fine-tuned on ATR clothes, through transformers: the simplest real parser."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.card import Card
from pipeline.core.device import choose_device
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.labels import Atr
from pipeline.core.weights import require
from preprocess.backends.colour_parser import parse_person
from preprocess.label_tables import CIHP_FROM_ATR, converted
from preprocess.neck import derive_neck
from preprocess.person_view import PersonView

INSTALL = "pip install -e '.[diffusion]'"
CLASSES = len(Atr) - 1
"""All of ATR but the neck."""
LEAST_SHARE = 0.3
"""A map that labels less of the person than this has missed them."""

_log = logging.getLogger("lookbook")


@dataclass(frozen=True)
class Normal:
    """How the picture is shown to the network, from its `preprocessor_config.json`.

    Args:
        size: (height, width) in pixels; the picture is squashed into it.
        mean, std: RGB, on 0..1.
    """

    size: tuple[int, int] = (512, 512)
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


class SegformerClothes:
    """Parse maps by `segformer_b2_clothes`.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="segformer", weights=("segformer-clothes",), packages=("torch", "transformers"), extra="diffusion", seconds=1.5
    )

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._model: Any = None
        self._normal = Normal()
        self._device = "cpu"

    def load(self, device: str) -> None:
        """Verify the folder and build the network, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._model is None:
            folder = require(self.card.weights[0], self._weights)
            self._device = choose_device(device).name
            self._normal = read_normal(folder / "preprocessor_config.json")
            self._model = open_segformer(folder).to(self._device).eval()

    def parse(self, view: PersonView) -> NDArray[np.uint8]:
        """(h, w) uint8 of `Parse` on the canvas, `BACKGROUND` outside the person; the neck is derived, ATR has none."""
        if self._model is None:
            self.load("auto")
        labels = converted(self._atr(view.image), CIHP_FROM_ATR)
        labels[~view.person] = 0
        return checked_map(derive_neck(labels, view.body, view.person), view, self.card.name)

    def _atr(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w) uint8 of `Atr`; scores, not labels, are brought to the canvas."""
        import torch

        picture = torch.from_numpy(network_input(image, self._normal)).to(self._device)
        with torch.inference_mode():
            scores = self._model(pixel_values=picture).logits
            large = torch.nn.functional.interpolate(scores, image.shape[:2], mode="bilinear", align_corners=False)
            labels: NDArray[np.uint8] = large[0].argmax(0).to("cpu", torch.uint8).numpy()
        return labels


def network_input(image: NDArray[np.uint8], normal: Normal) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (1, 3, height, width) float32; Pillow's bilinear, as in the network's own processor."""
    small = np.asarray(Image.fromarray(image).resize(normal.size[::-1], Image.Resampling.BILINEAR), np.float32) / 255
    shown = (small - np.array(normal.mean, np.float32)) / np.array(normal.std, np.float32)
    return np.ascontiguousarray(shown.transpose(2, 0, 1)[None], np.float32)


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


def open_segformer(folder: Path, classes: int = CLASSES) -> Any:
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
            f"{folder}: {model.config.num_labels} classes, {classes} (ATR) were expected; tensors that do not fit: {wrong[:3]}",
            cure,
        )
    return model


def checked_map(labels: NDArray[np.uint8], view: PersonView, name: str) -> NDArray[np.uint8]:
    """The network's map, or the embedded parser's where the network saw next to nothing of the person."""
    person = view.person
    share = float(np.mean(labels[person] > 0)) if person.any() else 1.0
    if share >= LEAST_SHARE:
        return labels
    _log.warning("%s labels %.0f %% of the person; the embedded parser is used", name, 100 * share)
    return parse_person(view.image, person, view.body)
