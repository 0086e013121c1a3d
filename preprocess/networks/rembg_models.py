"""The networks of rembg, run without its wrapper: same input, same output.

rembg itself hashes and downloads on its own, looks in a home folder, ends the interpreter when onnxruntime is missing, and
stretches every answer to 0..1, so that an empty picture still shows a person (docs/facts/mattes.md#rembg). Here the file comes
verified from the weights folder and the answer is stretched only when the network is sure of something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB
from pipeline.core.card import Card
from pipeline.core.errors import WeightsError
from pipeline.core.weights import require
from preprocess.networks.onnx_model import OnnxModel, open_onnx

Share = NDArray[np.float32]
"""(h, w) float32 in [0, 1]: how much of a pixel is foreground."""

SURE = 0.5
"""A network whose output is stretched found nothing if its highest value is below this."""
DARKEST = 1e-6


@dataclass(frozen=True)
class NetworkSpec:
    """Input and output of a network (docs/facts/mattes.md#rembg).

    Args:
        side_px: its input is a square of this size; the picture is squashed to it.
        mean, std: RGB, on the picture divided by its own maximum.
        logits: whether the output needs a sigmoid; otherwise it is a probability that must be stretched to 0..1.
    """

    side_px: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    logits: bool = False


U2NET = NetworkSpec(320)
ISNET = NetworkSpec(1024, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
BIREFNET = NetworkSpec(1024, logits=True)


@dataclass(frozen=True, slots=True)
class Network:
    """One network of the family.

    Args:
        name: in the catalogue; its row of the weights table is `rembg-<name>`.
        spec: its input and output.
        seconds: time for one picture on two CPU cores.
    """

    name: str
    spec: NetworkSpec
    seconds: float

    def card(self, *packages: str) -> Card:
        """The card of a backend that also needs these packages."""
        needs = ("onnxruntime", *packages)
        return Card(name=self.name, weights=(f"rembg-{self.name}",), packages=needs, extra="onnx", seconds=self.seconds)


BIREFNET_PORTRAIT = Network("birefnet-portrait", BIREFNET, 12.0)
BIREFNET_GENERAL = Network("birefnet-general", BIREFNET, 12.0)
BIREFNET_GENERAL_LITE = Network("birefnet-general-lite", BIREFNET, 5.0)
ISNET_GENERAL_USE = Network("isnet-general-use", ISNET, 2.5)
U2NET_HUMAN_SEG = Network("u2net-human-seg", U2NET, 1.5)
U2NET_ANYTHING = Network("u2net", U2NET, 1.5)
U2NET_CLOTH_SEG = Network("u2net-cloth-seg", NetworkSpec(768), 5.0)
SILUETA = Network("silueta", U2NET, 1.5)


class SaliencyNetwork:
    """A foreground network from the weights table.

    Args:
        row: its row.
        spec: its input and output.
        weights: the weights folder.
    """

    def __init__(self, row: str, spec: NetworkSpec, weights: Path) -> None:
        self._row, self._spec, self._weights = row, spec, weights
        self._model: OnnxModel | None = None
        self.batch_size = 1

    def load(self, device: str) -> None:
        """Verify and open the file, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._model is None:
            self._model = open_onnx(require(self._row, self._weights), device)
            self.batch_size = self._model.at_once((self._spec.side_px, self._spec.side_px))

    def __call__(self, pictures: Sequence[RGB]) -> list[Share]:
        """(h, w) float32 in [0, 1] for every (h, w, 3) RGB uint8 picture, 1 = foreground; all zero when nothing is found.

        Every picture is processed separately: normalisation and stretching do not depend on the other pictures.
        """
        if self._model is None:
            self.load("auto")
        assert self._model is not None
        answer = self._model(np.concatenate([network_input(each, self._spec) for each in pictures]))[0]
        if answer.ndim != 4 or answer.shape[0] != len(pictures):
            raise WeightsError(
                f"{self._model.path}: the network answers with shape {answer.shape}, ({len(pictures)}, 1, h, w) was expected",
                f"python run.py weights verify {self._row}",
            )
        shares = [foreground_share(each[0].astype(np.float32), self._spec) for each in answer]
        return [enlarged(share, picture.shape[:2]) for share, picture in zip(shares, pictures, strict=True)]


def network_input(picture: RGB, spec: NetworkSpec) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (1, 3, side, side) float32, normalised."""
    # Pillow's Lanczos blurs before it shrinks, as rembg does
    small = Image.fromarray(picture).resize((spec.side_px, spec.side_px), Image.Resampling.LANCZOS)
    values = np.asarray(small, np.float32)
    values = values / max(float(values.max()), DARKEST)
    normal = (values - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


def foreground_share(answer: NDArray[np.float32], spec: NetworkSpec) -> Share:
    """A network's raw (h, w) output → (h, w) float32 in [0, 1]; all zero when no value is sure."""
    if spec.logits:
        sigmoid: Share = (1 / (1 + np.exp(-np.clip(answer, -60, 60)))).astype(np.float32)
        return sigmoid
    low, high = float(answer.min()), float(answer.max())
    if high < SURE:
        return np.zeros(answer.shape, np.float32)
    low = low if low < SURE else 0.0  # all foreground: stretching would make holes
    stretched: Share = ((answer - low) / (high - low)).astype(np.float32)
    return stretched


def enlarged(share: Share, size: tuple[int, ...]) -> Share:
    """A network's output at the picture's (height, width)."""
    shrink = share.shape[0] > size[0] and share.shape[1] > size[1]
    large: Share = cv2.resize(share, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return np.clip(large, 0, 1)
