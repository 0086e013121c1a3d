"""Conversions of published files into the bytes of our artefacts: other label sets, other formats, artefacts made from others.

Each function reads its sources when it is called, so that planning an import opens none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, masks
from pipeline.core.errors import InputError
from pipeline.core.frame import whole_photo
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.picture import GREY
from preprocess.densepose.colours import decode, render
from preprocess.parsing.neck import derive_neck
from preprocess.person.body import joints_from_keypoints
from preprocess.person.body_parts import BodyParts
from preprocess.person.label_tables import CIHP_FROM_ATR, converted
from preprocess.pose.keypoint_files import read_keypoints
from preprocess.pose.skeleton import draw_skeleton

GREY_REACH = 6
"""How much the grey of an agnostic JPEG may differ in any channel."""
GREY_SPECK = 0.002
"""Smaller grey patches, as a share of the picture, belong to the photo."""


def frame_json(image: Path) -> bytes:
    """The frame of a picture that is its own canvas."""
    size = images.picture_size(image)
    return images.text(whole_photo(size, size).to_json())


def jpeg_of(picture: Path) -> bytes:
    """A picture of another format as JPEG, 4:4:4."""
    return images.jpeg(images.read_rgb(picture))


def read_points(pose: Path, image: Path) -> Keypoints:
    """The joints of a key-point file of any known form, in pixels of the person's picture."""
    return read_keypoints(pose.read_text("utf-8-sig"), images.picture_size(image), str(pose))


def skeleton_png(pose: Path, image: Path) -> bytes:
    """The skeleton picture drawn from the key-points."""
    return images.png(draw_skeleton(read_points(pose, image), images.picture_size(image)))


def parse_from_atr(label_map: Path, pose: Path | None, image: Path) -> bytes:
    """An ATR label map as CIHP, at the picture's size; the neck, which is face in ATR, is found with the key-points."""
    found = images.read_label_map(label_map)
    if found.palette == "CIHP":
        raise InputError(f"{label_map}: its colours are CIHP's, ATR's labels are expected", "remove it: the step then makes it")
    labels = _fitted(converted(found.labels, CIHP_FROM_ATR, str(label_map)), image)
    if pose is not None:
        labels = derive_neck(labels, joints_from_keypoints(read_points(pose, image)), labels != Parse.BACKGROUND)
    return images.labels_png(labels)


def parts_of_colours(densepose: Path) -> bytes:
    """The raw index from a coloured picture."""
    return images.npz(BodyParts(decode(images.read_rgb(densepose))).arrays("published"))


def parts_of_index(index: Path, uv: Path | None, image: Path) -> bytes:
    """The raw index and coordinates from DressCode's `dense` files."""
    u, v = (None, None) if uv is None else [_fitted(each, image) for each in _read_uv(uv)]
    return images.npz(BodyParts(_fitted(images.read_labels(index), image), u, v).arrays("published"))


def colours_of_index(index: Path, image: Path) -> bytes:
    """VITON-HD's coloured picture from a raw index."""
    return images.jpeg(render(_fitted(images.read_labels(index), image)))


def mask_of_agnostic(agnostic: Path) -> bytes:
    """The mask of an agnostic picture: its grey region, as in VITON-HD."""
    return images.mask_png(grey_region(images.read_rgb(agnostic)))


def grey_region(picture: NDArray[np.uint8]) -> Mask:
    """(h, w, 3) uint8 RGB → (h, w) bool: the area filled with grey 128, within the error of a JPEG."""
    off = np.abs(picture.astype(np.int16) - GREY).max(2)
    return masks.tidy(masks.open_(masks.close(off <= GREY_REACH, 2), 2), GREY_SPECK)


def _read_uv(path: Path) -> list[NDArray[np.uint8]]:
    """U and V as bytes; stored as (2, h, w) or (h, w, 2), in 0..1 or 0..255."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            uv: NDArray[Any] = arrays["uv"]
    except (OSError, ValueError, KeyError) as problem:
        raise InputError(f"{path}: no array `uv` ({problem})", "remove the file; the index alone is enough") from None
    planes = uv if uv.shape[0] == 2 else np.moveaxis(uv, -1, 0)
    scale = 255.0 if float(planes.max(initial=0)) <= 1.0 else 1.0
    return [np.clip(np.round(plane * scale), 0, 255).astype(np.uint8) for plane in planes[:2]]


def _fitted(labels: NDArray[np.uint8], image: Path) -> NDArray[np.uint8]:
    """(h, w) labels resized to the person's picture by nearest neighbour."""
    height, width = images.picture_size(image)
    if labels.shape == (height, width):
        return labels
    fitted: NDArray[np.uint8] = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    return fitted
