"""Part Grouping Network (Gong et al. 2018) trained on CIHP, from an ONNX file: the parser behind VITON-HD's own label maps.

Two kinds of file are understood by their outputs: one scale with scores, which is run at six scales and mirrored here, and the
published program's whole graph, which does that inside. Facts: docs/facts/parsing_networks.md#pgn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.card import ALL_THREADS, Card, Resources
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Parse
from pipeline.core.weights import require
from preprocess.networks.onnx_model import Array, OnnxModel, open_onnx
from preprocess.parsing.network_labels import Parsed, checked
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

ROW = "cihp-pgn-onnx"
MEAN = np.array([125.0, 114.4, 107.9], np.float32)
"""Taken from blue, green and red; nothing is divided."""
SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
EDGES_FROM = 1.0
"""Edges are taken of this scale and larger ones."""
SIDES = ((Parse.LEFT_ARM, Parse.RIGHT_ARM), (Parse.LEFT_LEG, Parse.RIGHT_LEG), (Parse.LEFT_SHOE, Parse.RIGHT_SHOE))
"""Labels that a mirrored picture exchanges."""
CLASSES = len(Parse)
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """What the network says about one picture.

    Args:
        labels: (h, w) uint8 of `Parse`.
        edges: (h, w) uint8, 255 = surely an outline between two parts; None where the file has none.
    """

    labels: Labels
    edges: Grey | None


class Pgn:
    """Parse maps by CIHP_PGN.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="pgn",
        weights=(ROW,),
        packages=("onnxruntime",),
        extra="onnx",
        seconds=120.0,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=10, gpu_memory_gb=10),
    )
    keeps_lists = False
    keeps_edges = True

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._model: OnnxModel | None = None
        self.batch_size = 1

    def load(self, device: str) -> None:
        """Verify and open the file, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._model is None:
            self._model = open_onnx(require(ROW, self._weights), device)

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | NotFound]:
        """CIHP labels, `BACKGROUND` outside the person, and the edges; neck included, as in VITON-HD's own maps."""
        if self._model is None:
            self.load("auto")
        assert self._model is not None
        return [_parsed(answer_of(self._model, view.image), view, self.card.name) for view in views]


def _parsed(answer: Answer, view: PersonView, name: str) -> Parsed | NotFound:
    labels = answer.labels.copy()
    labels[~view.person] = Parse.BACKGROUND
    return checked(labels, view, name, edges=answer.edges)


def answer_of(model: OnnxModel, picture: RGB) -> Answer:
    """Labels and edges of an (h, w, 3) RGB uint8 picture, at its own size.

    Raises:
        WeightsError: the file answers with neither labels nor scores of 20 classes.
    """
    whole = _outputs(model, shown(picture))
    size = (picture.shape[0], picture.shape[1])
    found = next((each for each in whole if _is_label_map(each, size)), None)
    if found is not None:
        edges = [each for each in whole if each is not found and _planes(each, 1) is not None]
        return Answer(found.reshape(size).astype(np.uint8), _as_grey(_planes(edges[-1], 1)) if edges else None)
    return _over_scales(model, picture, whole)


def _over_scales(model: OnnxModel, picture: RGB, whole: Sequence[Array]) -> Answer:
    """Scores of a one-scale file, averaged over six scales, both ways round and, where it has them, first and refined scores."""
    size = (picture.shape[0], picture.shape[1])
    total = np.zeros((CLASSES, *size), np.float32)
    edges: list[Scores] = []
    for mirrored in (False, True):
        given = np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture
        for scale in SCALES:
            outputs = whole if scale == 1 and not mirrored else _outputs(model, shown(resized_by(given, scale)))
            scores, edge = _scores(model, outputs), _edge(outputs)
            total += _turned(_enlarged(scores, size), mirrored)
            if edge is not None and scale >= EDGES_FROM:
                edges.append(_enlarged(edge[None], size)[0][:, :: -1 if mirrored else 1])
    mean = np.mean(edges, axis=0) if edges else None
    return Answer(
        total.argmax(0).astype(np.uint8), None if mean is None else _as_grey((1 / (1 + np.exp(-mean))).astype(np.float32))
    )


def shown(picture: RGB) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (h, w, 3) float32, blue first, without its mean."""
    blue_first: NDArray[np.float32] = picture[..., ::-1].astype(np.float32) - MEAN
    return blue_first


def resized_by(picture: RGB, scale: float) -> RGB:
    """The picture at a scale, sizes truncated."""
    height, width = int(picture.shape[0] * scale), int(picture.shape[1] * scale)
    resized: RGB = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized


def _outputs(model: OnnxModel, given: NDArray[np.float32]) -> list[Array]:
    """All outputs for one picture, whatever the file's order of axes."""
    shape = model.session.get_inputs()[0].shape
    if len(shape) == 3:
        return model.answer(given)
    return model.answer(given[None] if shape[-1] == 3 else given.transpose(2, 0, 1)[None])


def _is_label_map(output: Array, size: tuple[int, int]) -> bool:
    return np.issubdtype(output.dtype, np.integer) and output.size == size[0] * size[1]


def _planes(output: Array, count: int) -> Scores | None:
    """(count, h, w) of an output with so many planes, in either order of axes; None where it has another number."""
    maps = output[0] if output.ndim == 4 and output.shape[0] == 1 else output
    if maps.ndim == 2 and count == 1:
        maps = maps[None]
    if maps.ndim != 3 or not np.issubdtype(maps.dtype, np.floating):
        return None
    if maps.shape[0] == count:
        return maps.astype(np.float32)
    return np.moveaxis(maps, -1, 0).astype(np.float32) if maps.shape[-1] == count else None


def _scores(model: OnnxModel, outputs: Sequence[Array]) -> Scores:
    """(20, h, w): the mean of all maps of scores, at the size of the largest."""
    maps = [planes for planes in (_planes(each, CLASSES) for each in outputs) if planes is not None]
    if not maps:
        shapes = ", ".join(str(each.shape) for each in outputs)
        raise WeightsError(
            f"{model.path}: outputs of shape {shapes}; labels of the picture's size or scores of {CLASSES} classes were expected",
            f"python run.py weights verify {ROW}",
        )
    size = max((each.shape[1], each.shape[2]) for each in maps)
    mean: Scores = np.mean([_enlarged(each, size) for each in maps], axis=0, dtype=np.float32)
    return mean


def _edge(outputs: Sequence[Array]) -> Scores | None:
    """(h, w) of the last output with a single plane: the refined edges."""
    found = [planes[0] for planes in (_planes(each, 1) for each in outputs) if planes is not None]
    return found[-1] if found else None


def _enlarged(maps: Scores, size: tuple[int, int]) -> Scores:
    """(n, h, w) at (height, width), bilinear."""
    if maps.shape[1:] == size:
        return maps
    return np.stack([cv2.resize(each, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for each in maps]).astype(np.float32)


def _turned(scores: Scores, mirrored: bool) -> Scores:
    """Scores of a mirrored picture as those of the picture: mirrored back, with left and right exchanged."""
    if not mirrored:
        return scores
    order = list(range(CLASSES))
    for left, right in SIDES:
        order[left], order[right] = right, left
    return scores[order][..., ::-1]


def _as_grey(share: Scores | None) -> Grey:
    """Shares of 1, or logits where values lie outside, as grey levels."""
    assert share is not None
    if share.min() < 0 or share.max() > 1:
        share = (1 / (1 + np.exp(-share))).astype(np.float32)
    grey: Grey = np.round(255 * np.clip(share.reshape(share.shape[-2:]), 0, 1)).astype(np.uint8)
    return grey
