"""Garment cut-outs by networks: foreground networks, and U²-Net trained on upper, lower and whole-body garments."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Grey
from pipeline.core.card import Card
from pipeline.core.errors import WeightsError
from pipeline.core.weights import require
from preprocess.networks.onnx_model import OnnxModel, open_onnx
from preprocess.networks.rembg_models import (
    BIREFNET_GENERAL,
    BIREFNET_GENERAL_LITE,
    ISNET_GENERAL_USE,
    U2NET_ANYTHING,
    U2NET_CLOTH_SEG,
    Network,
    SaliencyNetwork,
    enlarged,
    network_input,
)
from preprocess.person.not_found import NotFound

SOLID = 128
LEAST_SHARE, MOST_SHARE = 0.005, 0.97
"""When a cut-out covers less or more of its picture, the network found no garment, or no ground."""
CLOTH_CLASSES = 4
"""Background, upper, lower, whole body."""


class RembgCloth:
    """Separates a garment from its ground; a subclass names the network.

    Args:
        weights: the weights folder.
    """

    card: ClassVar[Card]
    network: ClassVar[Network]

    def __init_subclass__(cls, network: Network) -> None:
        cls.network, cls.card = network, network.card()

    def __init__(self, weights: Path) -> None:
        self._network = SaliencyNetwork(self.card.weights[0], self.network.spec, weights)

    def load(self, device: str) -> None:
        """Open the network, once per run.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        self._network.load(device)

    def cut(self, photo: RGB) -> Grey | NotFound:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha, 255 = garment."""
        (share,) = self._network([photo])
        return checked_cut(share, self.card.name)


class ClothSeg:
    """U²-Net trained on garments (iMaterialist); its three kinds of garment count as one.

    Args:
        weights: the weights folder.
    """

    card = U2NET_CLOTH_SEG.card()

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._model: OnnxModel | None = None

    def load(self, device: str) -> None:
        """Open the network, once per run.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._model is None:
            self._model = open_onnx(require(self.card.weights[0], self._weights), device)

    def cut(self, photo: RGB) -> Grey | NotFound:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha, 255 = garment."""
        if self._model is None:
            self.load("auto")
        assert self._model is not None
        scores = self._model(network_input(photo, U2NET_CLOTH_SEG.spec))[0]
        if scores.ndim != 4 or scores.shape[1] != CLOTH_CLASSES:
            raise WeightsError(
                f"{self._model.path}: the network answers with shape {scores.shape}, (1, {CLOTH_CLASSES}, h, w) was expected",
                f"python run.py weights verify {self.card.weights[0]}",
            )
        share = enlarged(garment_share(scores[0].astype(np.float32)), photo.shape[:2])
        return checked_cut(share, self.card.name)


def garment_share(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, h, w) float32 class scores → (h, w) float32 probability of being any garment.

    Probabilities, unlike labels, can be resized: resized labels mix (docs/facts/mattes.md#rembg).
    """
    grown = np.exp(scores - scores.max(0))
    garment: NDArray[np.float32] = (1 - grown[0] / grown.sum(0)).astype(np.float32)
    return garment


def checked_cut(share: NDArray[np.float32], name: str) -> Grey | NotFound:
    """(h, w) float32 in [0, 1] → (h, w) uint8, or `NotFound` when nearly nothing or everything is garment."""
    alpha: Grey = np.round(255 * share).astype(np.uint8)
    solid = float(np.mean(alpha >= SOLID))
    return alpha if LEAST_SHARE <= solid <= MOST_SHARE else NotFound(f"{name} marks {solid:.1%} of the picture as garment")


class BirefnetGeneral(RembgCloth, network=BIREFNET_GENERAL):
    """BiRefNet for any foreground."""


class BirefnetGeneralLite(RembgCloth, network=BIREFNET_GENERAL_LITE):
    """BiRefNet with a small backbone."""


class IsnetGeneralUse(RembgCloth, network=ISNET_GENERAL_USE):
    """IS-Net for any foreground."""


class U2net(RembgCloth, network=U2NET_ANYTHING):
    """U²-Net for any foreground."""
