"""SCHP (Li et al. 2020) from its two ONNX exports: ATR for garments, LIP to part neck from face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import weights as model_files
from pipeline.core.card import Card
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Atr, Lip
from preprocess.backends.onnx_model import OnnxModel, open_onnx
from preprocess.backends.segformer_clothes import checked_map
from preprocess.label_tables import CIHP_FROM_ATR, converted
from preprocess.neck import no_neck_above_mouth
from preprocess.person_view import PersonView
from preprocess.schp_frames import hybrid, labels_from, network_input

ATR_FILE, LIP_FILE = "parsing_atr.onnx", "parsing_lip.onnx"
ATR_SIDE_PX, LIP_SIDE_PX = 512, 473
FUSION = 1
"""Of the exports' outputs, the one that SCHP evaluates: parsing after fusion with edges."""


class Schp:
    """Parse maps by the ATR + LIP hybrid.

    Args:
        weights: the weights folder.
    """

    card = Card(name="schp", weights=("schp-onnx",), packages=("onnxruntime",), extra="onnx", seconds=3.5)

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._atr: OnnxModel | None = None
        self._lip: OnnxModel | None = None

    def load(self, device: str) -> None:
        """Verify and open both networks, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._lip is None:
            files = model_files.paths("schp-onnx", self._weights)
            self._atr, self._lip = open_onnx(files[ATR_FILE], device), open_onnx(files[LIP_FILE], device)

    def parse(self, view: PersonView) -> NDArray[np.uint8]:
        """(h, w) uint8 of `Parse` on the canvas, `BACKGROUND` outside the person."""
        labels = converted(self.hybrid_of(view.image), CIHP_FROM_ATR)
        labels[~view.person] = 0
        return checked_map(no_neck_above_mouth(labels, view.body), view, self.card.name)

    def hybrid_of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 → (h, w) uint8 of `Atr` with the neck: what OOTDiffusion's mask rule reads."""
        if self._lip is None:
            self.load("auto")
        assert self._atr is not None and self._lip is not None
        atr = _labels(self._atr, image, ATR_SIDE_PX, len(Atr) - 1)
        return hybrid(atr, _labels(self._lip, image, LIP_SIDE_PX, len(Lip)))


def _labels(model: OnnxModel, image: NDArray[np.uint8], side_px: int, classes: int) -> NDArray[np.uint8]:
    answer = model(network_input(image, side_px))
    shape = answer[FUSION].shape if len(answer) > FUSION else ()
    if len(shape) != 4 or shape[1] != classes:
        raise WeightsError(
            f"{model.path}: output {FUSION} has shape {shape}, (1, {classes}, h, w) was expected",
            "python run.py weights verify schp-onnx",
        )
    return labels_from(answer[FUSION][0].astype(np.float32), side_px, (image.shape[0], image.shape[1]))
