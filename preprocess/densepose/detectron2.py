"""DensePose through detectron2 where it is installed (Güler et al. 2018; R_50_FPN_s1x, as behind VITON-HD's own pictures).

Facts: docs/facts/densepose_picture.md#models.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.machine.device import choose_device
from pipeline.core.weights import require
from preprocess.densepose.charts import Charts, parts_of
from preprocess.networks.batch_size import pictures_at_once
from preprocess.person.body_parts import BodyParts
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

SHORT_SIDE_PX, LONG_SIDE_PX = 800, 1333
LEVELS = ["p2", "p3", "p4", "p5", "p6"]
STAGES = ["res2", "res3", "res4", "res5"]
R_50_FPN_S1X: list[Any] = [
    "MODEL.META_ARCHITECTURE", "GeneralizedRCNN",
    "MODEL.BACKBONE.NAME", "build_resnet_fpn_backbone",
    "MODEL.RESNETS.DEPTH", 50,
    "MODEL.RESNETS.OUT_FEATURES", STAGES,
    "MODEL.FPN.IN_FEATURES", STAGES,
    "MODEL.ANCHOR_GENERATOR.SIZES", [[32], [64], [128], [256], [512]],
    "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", [[0.5, 1.0, 2.0]],
    "MODEL.RPN.IN_FEATURES", LEVELS,
    "MODEL.RPN.PRE_NMS_TOPK_TEST", 1000,
    "MODEL.RPN.POST_NMS_TOPK_TEST", 1000,
    "MODEL.DENSEPOSE_ON", True,
    "MODEL.ROI_HEADS.NAME", "DensePoseROIHeads",
    "MODEL.ROI_HEADS.IN_FEATURES", LEVELS[:4],
    "MODEL.ROI_HEADS.NUM_CLASSES", 1,
    "MODEL.ROI_BOX_HEAD.NAME", "FastRCNNConvFCHead",
    "MODEL.ROI_BOX_HEAD.NUM_FC", 2,
    "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", 7,
    "MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO", 2,
    "MODEL.ROI_BOX_HEAD.POOLER_TYPE", "ROIAlign",
    "MODEL.ROI_DENSEPOSE_HEAD.NAME", "DensePoseV1ConvXHead",
    "MODEL.ROI_DENSEPOSE_HEAD.POOLER_TYPE", "ROIAlign",
    "MODEL.PIXEL_MEAN", [103.53, 116.28, 123.675],
    "MODEL.PIXEL_STD", [1.0, 1.0, 1.0],
    "MODEL.WEIGHTS", "",
    "INPUT.FORMAT", "BGR",
    "INPUT.MIN_SIZE_TEST", SHORT_SIDE_PX,
    "INPUT.MAX_SIZE_TEST", LONG_SIDE_PX,
]  # fmt: skip
"""The published configuration and its base; the packages do not contain their configuration files."""

SURE = 0.8
"""Score threshold of DensePose's own drawings; a box below it counts only when no box is above it."""
LEAST = 0.05

INSTALL = "build both as the last lines of environment.yml say, or use --set backends.densepose=torchscript"
_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("collections", "OrderedDict"), ("_codecs", "encode")}
"""What a pickled table of arrays needs; `_codecs.encode` only converts text to bytes."""


class DenseposeDetectron2:
    """Body parts by detectron2.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="detectron2",
        weights=("densepose-detectron2-r50-s1x",),
        packages=("torch", "torchvision", "detectron2", "densepose"),
        cure=INSTALL,
        seconds=3.0,
    )

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._model: Any = None
        self.batch_size = 1

    def load(self, device: str) -> None:
        """Build the network and load its weights, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._model is None:
            path = require(self.card.weights[0], self._weights)
            chosen = choose_device(device)
            model = build_model(chosen.name)
            fill(model, path)
            self._model, self.batch_size = model, pictures_at_once(chosen.kind, (SHORT_SIDE_PX, LONG_SIDE_PX))

    def body_parts(self, views: Sequence[PersonView]) -> list[BodyParts | NotFound]:
        """The parts of the person whom each matte shows; one call per picture size."""
        if self._model is None:
            self.load("auto")
        charts = charts_of(self._model, [view.image for view in views])
        parts = [parts_of(each, view.person) for each, view in zip(charts, views, strict=True)]
        return [each or NotFound("detectron2 finds nobody where the matte is") for each in parts]


def build_model(device: str) -> Any:
    """R_50_FPN_s1x without weights, on a device, in evaluation mode.

    Raises:
        MissingPackageError: detectron2 or its DensePose project is not installed or does not start.
    """
    try:
        from densepose import add_densepose_config
        from detectron2.config import get_cfg
        from detectron2.modeling import build_model as build
    except (ImportError, OSError, RuntimeError, AttributeError) as problem:
        raise MissingPackageError(
            f"densepose: detectron2 or its DensePose project cannot be used: {problem}", INSTALL
        ) from problem
    config = get_cfg()
    add_densepose_config(config)
    config.merge_from_list([*R_50_FPN_S1X, "MODEL.DEVICE", device, "MODEL.ROI_HEADS.SCORE_THRESH_TEST", LEAST])
    return build(config).eval()


def fill(model: Any, path: Path) -> None:
    """Load a published checkpoint strictly.

    Raises:
        WeightsError: not such a checkpoint, or not of this network.
    """
    import torch

    arrays = read_arrays(path)
    # Every current detectron2 computes the anchors; old checkpoints still contain them.
    state = {key: torch.from_numpy(np.asarray(value)) for key, value in arrays.items() if "cell_anchors" not in key}
    # The mean and deviation of the pixels come from the configuration above and may be absent from a checkpoint.
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [key for key in missing if key not in {"pixel_mean", "pixel_std"}]
    if missing or unexpected:
        raise WeightsError(
            f"{path}: not the weights of densepose_rcnn_R_50_FPN_s1x: {len(missing)} tensors missing {missing[:3]}, "
            f"{len(unexpected)} unknown {unexpected[:3]}",
            f"python run.py weights verify {path.parent.name}",
        )


def read_arrays(path: Path) -> dict[str, Any]:
    """The named arrays of a checkpoint in detectron2's model zoo form; only numpy arrays can come out of the pickle.

    Raises:
        WeightsError: another kind of file, or a pickle that needs anything else.
    """
    try:
        with path.open("rb") as handle:
            content = _ArraysOnly(handle, encoding="latin1").load()
        arrays: dict[str, Any] = content["model"]
        if not all(isinstance(key, str) and isinstance(value, np.ndarray) for key, value in arrays.items()):
            raise TypeError("the model is not a table of arrays")
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, IndexError, ValueError) as problem:
        raise WeightsError(
            f"{path}: not a checkpoint of detectron2's model zoo: {problem}", f"python run.py weights verify {path.parent.name}"
        ) from problem
    return arrays


class _ArraysOnly(pickle.Unpickler):
    """Refuses every name that a table of numpy arrays does not need."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED or (module.startswith("numpy") and name in {"_reconstruct", "scalar"}):
            return super().find_class(module.replace("numpy._core", "numpy.core") if np.__version__ < "2" else module, name)
        raise pickle.UnpicklingError(f"it needs {module}.{name}, which no table of arrays needs")


def charts_of(model: Any, pictures: Sequence[NDArray[np.uint8]]) -> list[Charts]:
    """What the network finds in each picture.

    Args:
        model: of `build_model`.
        pictures: (h, w, 3) RGB uint8; one call per size. detectron2 would pad pictures to a common size, and the padding changes
            what is found near the border.

    Returns:
        Boxes in each picture's own pixels; doubtful boxes only where there are no sure ones.
    """
    found: dict[int, Charts] = {}
    for size in dict.fromkeys(each.shape for each in pictures):
        numbers = [number for number, each in enumerate(pictures) if each.shape == size]
        found |= zip(numbers, _charts_of_one_size(model, [pictures[number] for number in numbers]), strict=True)
    return [found[number] for number in range(len(pictures))]


def _charts_of_one_size(model: Any, pictures: Sequence[NDArray[np.uint8]]) -> list[Charts]:
    import torch

    height, width = pictures[0].shape[:2]
    shown = [{"image": torch.as_tensor(_network_input(each)), "height": height, "width": width} for each in pictures]
    with torch.inference_mode():
        return [_charts(answer["instances"].to("cpu")) for answer in model(shown)]


def _network_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (3, height, width) float32, blue first, at the size of the network's own tests."""
    from detectron2.data.transforms import ResizeShortestEdge

    blue_first = np.ascontiguousarray(picture[..., ::-1])
    resize = ResizeShortestEdge([SHORT_SIDE_PX, SHORT_SIDE_PX], LONG_SIDE_PX).get_transform(blue_first)
    return np.ascontiguousarray(resize.apply_image(blue_first).astype(np.float32).transpose(2, 0, 1))


def _charts(found: Any) -> Charts:
    pose = found.pred_densepose
    maps = (pose.coarse_segm, pose.fine_segm, pose.u, pose.v)
    charts = Charts(found.pred_boxes.tensor.float().numpy(), *(each.float().numpy() for each in maps))
    sure = found.scores.numpy() >= SURE
    return charts.only(sure) if sure.any() else charts
