"""CondInst (Tian et al. 2020) and BlendMask (Chen et al. 2020) find every person of a photo; GS-VITON's first step used them.

From an exported file, or through detectron2 and AdelaiDet where both are installed. Their masks are hard and coarser than
those of the rembg family; what they are better at is telling people apart. Facts: docs/facts/mattes.md#instances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Grey
from pipeline.core.card import ALL_THREADS, Card, Resources
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.machine.device import choose_device
from pipeline.core.masks import Mask
from pipeline.core.people_networks import PACKAGES
from pipeline.core.rect import Rect
from pipeline.core.weights import require
from preprocess.background.chosen_person import only_the_person, shows_person
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.people import Selection
from preprocess.background.rembg import others_at
from preprocess.networks.onnx_model import Array, OnnxModel, open_onnx
from preprocess.person.not_found import NotFound

SHORT_SIDE_PX, LONG_SIDE_PX = 800, 1333
MULTIPLE_PX = 32
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
"""Taken from blue, green and red; nothing is divided."""
PERSON = 0
"""The person's number in COCO's list of 80 classes."""
LEAST_SCORE = 0.3
"""As GS-VITON set it; the published threshold is 0.05."""
SOLID = 128
INSTALL = "install detectron2 and AdelaiDet from their sources, or use an exported file: --backend background=condinst"
R_101: list[Any] = [
    "MODEL.BACKBONE.NAME", "build_fcos_resnet_fpn_backbone",
    "MODEL.RESNETS.OUT_FEATURES", ["res3", "res4", "res5"],
    "MODEL.RESNETS.DEPTH", 101,
    "MODEL.FPN.IN_FEATURES", ["res3", "res4", "res5"],
    "MODEL.PROPOSAL_GENERATOR.NAME", "FCOS",
    "MODEL.FCOS.INFERENCE_TH_TEST", LEAST_SCORE,
    "MODEL.PIXEL_MEAN", MEAN.tolist(),
    "MODEL.PIXEL_STD", [1.0, 1.0, 1.0],
    "MODEL.WEIGHTS", "",
    "INPUT.FORMAT", "BGR",
    "INPUT.MIN_SIZE_TEST", SHORT_SIDE_PX,
    "INPUT.MAX_SIZE_TEST", LONG_SIDE_PX,
]  # fmt: skip
CONDINST: list[Any] = [
    *R_101,
    "MODEL.META_ARCHITECTURE", "CondInst",
    "MODEL.MASK_ON", True,
    "MODEL.CONDINST.MAX_PROPOSALS", -1,
    "MODEL.CONDINST.TOPK_PROPOSALS_PER_IM", 64,
]  # fmt: skip
BLENDMASK: list[Any] = [
    *R_101,
    "MODEL.META_ARCHITECTURE", "BlendMask",
    "MODEL.MASK_ON", True,
    "MODEL.BASIS_MODULE.NUM_CLASSES", 80,
]  # fmt: skip


@dataclass(frozen=True)
class Instances:
    """The people found in one photo.

    Args:
        scores: (n,) float32.
        masks: (n, h, w) float32 in 0 … 1 at the photo's size.
    """

    scores: NDArray[np.float32]
    masks: NDArray[np.float32]


class Finder(Protocol):
    """Finds the people of a photo."""

    def people(self, photo: RGB) -> Instances:
        """Everybody in an (h, w, 3) RGB uint8 photo with at least `LEAST_SCORE`."""


class InstanceMatte:
    """Separates one of the people that a detector finds; a subclass opens the detector.

    Args:
        weights: the weights folder.
    """

    card: ClassVar[Card]
    batch_size = 1

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._finder: Finder | None = None
        self._embedded = EmbeddedMatte()

    def open(self, device: str) -> Finder:
        """The detector, with its weights.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        raise NotImplementedError

    def load(self, device: str) -> None:
        """Open the detector, once per run, and the embedded matte that says who is meant; errors as `open`."""
        if self._finder is None:
            self._finder = self.open(device)
            self._embedded.load(device)

    def matte_in(self, photo: RGB, box: Rect[float]) -> Grey:
        """(h, w, 3) RGB uint8 → (h, w) uint8 alpha of the person in `box`; all zero when no person is there."""
        rough = self._embedded.matte_in(photo, box)
        if not rough.any():
            return rough
        found = self._meant(photo, rough)
        whole = found is not None and shows_person(found, rough)
        return only_the_person(found, rough, np.zeros(rough.shape, bool)) if found is not None and whole else rough

    def mattes_of(self, photos: Sequence[RGB], selections: Sequence[Selection]) -> list[Grey | NotFound]:
        """(h, w) uint8 alpha of the selected person in each (h, w, 3) RGB uint8 photo, without other people."""
        return [self._one(photo, selection) for photo, selection in zip(photos, selections, strict=True)]

    def _one(self, photo: RGB, selection: Selection) -> Grey | NotFound:
        rough = self._embedded.matte_of(photo, selection)
        found = self._meant(photo, rough)
        if found is None:
            return NotFound(f"{self.card.name} finds nobody where the landmarks show a person")
        if not shows_person(found, rough):
            return NotFound(f"{self.card.name} does not show the whole person that the landmarks show")
        return only_the_person(found, rough, others_at(selection, rough.shape))

    def _meant(self, photo: RGB, rough: Grey) -> Grey | None:
        """(h, w) uint8: the found person who covers most of the embedded matte; None where nobody covers half of it."""
        if self._finder is None:
            self.load("auto")
        assert self._finder is not None
        return most_alike(self._finder.people(photo), rough >= SOLID)


def most_alike(found: Instances, meant: Mask) -> Grey | None:
    """(h, w) uint8: the person whose mask is most like another mask (intersection over union at least a half), or None."""
    best: tuple[float, Grey] | None = None
    for share in found.masks:
        mask = share > 0.5
        union = np.count_nonzero(mask | meant)
        likeness = np.count_nonzero(mask & meant) / union if union else 0.0
        if likeness >= 0.5 and (best is None or likeness > best[0]):
            best = likeness, soft(share)
    return None if best is None else best[1]


def soft(share: NDArray[np.float32]) -> Grey:
    """(h, w) float32 mask → (h, w) uint8, with the detector's own slope at the rim."""
    grey: Grey = np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return grey


def shown_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) at which the detectors look at a photo: 800 the shorter side, at most 1333 the longer one."""
    scale = min(SHORT_SIDE_PX / min(height, width), LONG_SIDE_PX / max(height, width))
    return round(height * scale), round(width * scale)


@dataclass(frozen=True)
class ExportedFinder:
    """A detector in an ONNX file whose outputs are finished instances.

    Input (1, 3, h, w) float32, blue first, without its mean, padded to a multiple of 32 with zeros. Outputs, in any order:
    scores (n,) float32; classes (n,) whole numbers of COCO's 80; masks (n, h, w) or (n, 1, h, w) float32 or bool, of the padded
    input or a fraction of it. Boxes (n, 4) may be there and are not read.
    """

    model: OnnxModel
    row: str

    def people(self, photo: RGB) -> Instances:
        """Everybody who is sure enough, at the photo's size."""
        height, width = shown_size(*photo.shape[:2])
        shown = cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR)[..., ::-1].astype(np.float32) - MEAN
        padded = np.zeros((_up(height), _up(width), 3), np.float32)
        padded[:height, :width] = shown
        scores, classes, masks = self._sorted(self.model.answer(np.ascontiguousarray(padded.transpose(2, 0, 1)[None])))
        kept = (classes == PERSON) & (scores >= LEAST_SCORE)
        share = (height / padded.shape[0], width / padded.shape[1])
        return Instances(scores[kept], _at_photo(masks[kept].astype(np.float32), share, (photo.shape[0], photo.shape[1])))

    def _sorted(self, outputs: Sequence[Array]) -> tuple[Array, Array, Array]:
        scores = [each for each in outputs if each.ndim == 1 and np.issubdtype(each.dtype, np.floating)]
        classes = [each for each in outputs if each.ndim == 1 and np.issubdtype(each.dtype, np.integer)]
        masks = [
            each.reshape(-1, *each.shape[-2:]) for each in outputs if each.ndim == 3 or (each.ndim == 4 and each.shape[1] == 1)
        ]
        if not (scores and classes and masks) or not len(scores[0]) == len(classes[0]) == len(masks[0]):
            shapes = ", ".join(f"{each.dtype} {each.shape}" for each in outputs)
            raise WeightsError(
                f"{self.model.path}: outputs {shapes}; scores (n,), classes (n,) and masks (n, h, w) were expected",
                f"export it again, or: python run.py weights verify {self.row}",
            )
        return scores[0], classes[0], masks[0]


def _up(length: int) -> int:
    return -(-length // MULTIPLE_PX) * MULTIPLE_PX


def _at_photo(masks: NDArray[np.float32], share: tuple[float, float], size: tuple[int, int]) -> NDArray[np.float32]:
    """(n, h, w) of a padded picture → (n, height, width) of the photo; `share` is the part that is no padding."""
    rows, columns = (max(1, round(length * part)) for length, part in zip(masks.shape[1:], share, strict=True))
    own = masks[:, :rows, :columns]
    fitted = [cv2.resize(each, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for each in own]
    return np.stack(fitted) if fitted else np.zeros((0, *size), np.float32)


@dataclass(frozen=True)
class DetectronFinder:
    """A detector of AdelaiDet, in detectron2."""

    model: Any

    def people(self, photo: RGB) -> Instances:
        """Everybody who is sure enough; detectron2 brings the masks to the photo's size."""
        import torch

        height, width = photo.shape[:2]
        size = shown_size(height, width)
        shown = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_LINEAR)[..., ::-1].astype(np.float32)
        given = torch.from_numpy(np.ascontiguousarray(shown.transpose(2, 0, 1)))
        with torch.inference_mode():
            answer = self.model([{"image": given, "height": height, "width": width}])[0]["instances"].to("cpu")
        scores = answer.scores.float().numpy()
        kept = (answer.pred_classes.numpy() == PERSON) & (scores >= LEAST_SCORE)
        return Instances(scores[kept], answer.pred_masks.numpy().astype(np.float32).reshape(-1, height, width)[kept])


def build_model(options: list[Any], path: Path, device: str) -> Any:
    """A detector of AdelaiDet with a published checkpoint, in evaluation mode.

    Args:
        options: its configuration; the packages do not contain their files of it.
        path: a checkpoint of tensors below the key `model`, or flat.
        device: where it runs.

    Raises:
        MissingPackageError: detectron2 or AdelaiDet is not installed or does not start.
        WeightsError: the checkpoint does not fit.
    """
    try:
        from adet.config import get_cfg
        from detectron2.modeling import build_model as build
    except (ImportError, OSError, RuntimeError, AttributeError) as problem:
        raise MissingPackageError(f"background: detectron2 or AdelaiDet cannot be used: {problem}", INSTALL) from problem
    config = get_cfg()
    config.merge_from_list([*options, "MODEL.DEVICE", device])
    model = build(config).eval()
    _fill(model, path)
    return model


def _fill(model: Any, path: Path) -> None:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content.get("model", content)
    except Exception as problem:  # torch raises whatever its pickle met
        raise WeightsError(
            f"{path}: cannot be opened as tensors: {problem}", f"python run.py weights verify {path.parent.name}"
        ) from None
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [key for key in missing if key not in {"pixel_mean", "pixel_std"}]  # of the configuration
    if missing or unexpected:
        raise WeightsError(
            f"{path}: {len(missing)} tensors missing {missing[:3]}, {len(unexpected)} unknown {unexpected[:3]}",
            f"take the published file of this model: python run.py weights verify {path.parent.name}",
        )


class ExportedMatte(InstanceMatte):
    """From an exported file; a subclass names its row."""

    def __init_subclass__(cls, name: str) -> None:
        needs = ("onnxruntime", PACKAGES)
        cls.card = Card(
            name=name, weights=(f"adelaidet-{name}",), packages=needs, extra="onnx", seconds=30.0,
            resources=Resources(cpu_threads=ALL_THREADS, memory_gb=4, gpu_memory_gb=4),
        )  # fmt: skip

    def open(self, device: str) -> Finder:
        """The file, verified."""
        (row,) = self.card.weights
        return ExportedFinder(open_onnx(require(row, self._weights), device), row)


class DetectronMatte(InstanceMatte):
    """Through detectron2; a subclass names its configuration."""

    options: ClassVar[list[Any]]

    def __init_subclass__(cls, name: str, options: list[Any]) -> None:
        cls.options = options
        needs = ("torch", "detectron2", "adet", PACKAGES)
        cls.card = Card(
            name=f"{name}-detectron2", weights=(f"adelaidet-{name}-detectron2",), packages=needs, cure=INSTALL, seconds=30.0,
            resources=Resources(cpu_threads=ALL_THREADS, memory_gb=4, gpu_memory_gb=4),
        )  # fmt: skip

    def open(self, device: str) -> Finder:
        """The network with its verified checkpoint."""
        return DetectronFinder(
            build_model(self.options, require(self.card.weights[0], self._weights), choose_device(device).name)
        )


class CondInst(ExportedMatte, name="condinst"):
    """CondInst from an exported file."""


class BlendMask(ExportedMatte, name="blendmask"):
    """BlendMask from an exported file."""


class CondInstDetectron(DetectronMatte, name="condinst", options=CONDINST):
    """CondInst MS_R_101_3x through AdelaiDet: the model that GS-VITON's first step used."""


class BlendMaskDetectron(DetectronMatte, name="blendmask", options=BLENDMASK):
    """BlendMask R_101_3x through AdelaiDet."""
