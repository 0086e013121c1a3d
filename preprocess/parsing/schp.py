"""SCHP (Li et al. 2020) from its two ONNX exports: ATR for garments, LIP to separate neck from face.

Facts: docs/facts/parsing_networks.md#schp.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Atr, Lip
from pipeline.core.weights import access as model_files
from preprocess.networks.onnx_model import OnnxModel, open_onnx
from preprocess.parsing.neck import no_neck_above_mouth
from preprocess.parsing.network_labels import Parsed, checked
from preprocess.parsing.schp_frames import hybrid, labels_from, network_input
from preprocess.person.label_tables import CIHP_FROM_ATR, converted, with_garments_of_lip
from preprocess.person.not_found import NotFound
from preprocess.person.parse_lists import ParseLists
from preprocess.person.person_view import PersonView

ATR_FILE, LIP_FILE = "parsing_atr.onnx", "parsing_lip.onnx"
ATR_SIDE_PX, LIP_SIDE_PX = 512, 473
FUSION = 1
"""The exports' output that SCHP evaluates: parsing after fusion with edges."""


class Schp:
    """Parse maps by the ATR + LIP hybrid.

    Args:
        weights: the weights folder.
    """

    card = Card(name="schp", version=3, weights=("schp-onnx",), packages=("onnxruntime",), extra="onnx", seconds=3.5)
    keeps_lists = True
    keeps_edges = False

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._atr: OnnxModel | None = None
        self._lip: OnnxModel | None = None
        self.batch_size = 1

    def load(self, device: str) -> None:
        """Verify and open both networks, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._lip is None:
            files = model_files.paths("schp-onnx", self._weights)
            self._atr, self._lip = open_onnx(files[ATR_FILE], device), open_onnx(files[LIP_FILE], device)
            self.batch_size = min(each.at_once((ATR_SIDE_PX, ATR_SIDE_PX)) for each in (self._atr, self._lip))

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | NotFound]:
        """CIHP labels, `BACKGROUND` outside the person; coats, socks and gloves are taken from LIP."""
        lists = self.lists_of([view.image for view in views])
        return [checked(_cihp(each, view), view, self.card.name, each) for each, view in zip(lists, views, strict=True)]

    def lists_of(self, images: Sequence[NDArray[np.uint8]]) -> list[ParseLists]:
        """The labels of each network for (h, w, 3) RGB uint8 pictures of any size."""
        if self._lip is None:
            self.load("auto")
        assert self._atr is not None and self._lip is not None
        atr = _labels(self._atr, images, ATR_SIDE_PX, len(Atr) - 1)
        lip = _labels(self._lip, images, LIP_SIDE_PX, len(Lip))
        return [ParseLists(*each) for each in zip(lip, atr, strict=True)]


def _cihp(lists: ParseLists, view: PersonView) -> NDArray[np.uint8]:
    labels = converted(hybrid(lists.atr, lists.lip), CIHP_FROM_ATR)
    labels[~view.person] = 0
    return no_neck_above_mouth(with_garments_of_lip(labels, lists.lip), view.body)


def _labels(model: OnnxModel, images: Sequence[NDArray[np.uint8]], side_px: int, classes: int) -> list[NDArray[np.uint8]]:
    answer = model(np.concatenate([network_input(image, side_px) for image in images]))
    shape = answer[FUSION].shape if len(answer) > FUSION else ()
    if len(shape) != 4 or shape[:2] != (len(images), classes):
        raise WeightsError(
            f"{model.path}: output {FUSION} has shape {shape}, ({len(images)}, {classes}, h, w) was expected",
            "python run.py weights verify schp-onnx",
        )
    scores = answer[FUSION].astype(np.float32)
    return [labels_from(each, side_px, (image.shape[0], image.shape[1])) for each, image in zip(scores, images, strict=True)]
