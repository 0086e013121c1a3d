"""Key-points of a published tree, held against the person: points of another picture or size are refused."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, masks
from pipeline.core.arrays import Points
from pipeline.core.errors import InputError
from pipeline.core.keypoints import keypoints_from_json, keypoints_to_json
from pipeline.core.masks import Mask
from pipeline.datasets.conversions import read_points
from pipeline.datasets.tree import Files, Kind
from preprocess.pose.keypoint_files import is_in_pixels

LEAST_ON_PERSON = 0.6
"""Share of the points that must lie on the person; of right ones nearly all do."""
REACH = 0.03
"""How far beside the person a point may lie, as a share of the picture's height."""
CORNER = 0.52
"""Points that all lie in the upper left quarter of a picture count pixels of a picture half its size, or of a smaller one."""
DARK = 16
"""What is darker in a picture of body parts is ground."""
REMEDY = "scale the points to the picture, or remove the file: the pose step then makes it"


def pose_file(files: Files) -> bytes | None:
    """A person's key-points as one of our files; None where the file is one.

    Args:
        files: of one person; a parse map or a picture of body parts says where the person is.

    Raises:
        InputError: of no known form, without points, or of another picture.
    """
    pose, image = files[Kind.POSE], files[Kind.IMAGE]
    points, size = read_points(pose, image), images.picture_size(image)
    seen = points.body[points.body[:, 2] > 0, :2]
    if not len(seen):
        raise InputError(f"{pose}: no point of a body in it", REMEDY)
    if len(seen) > 2 and (seen < CORNER * np.array(size[::-1])).all():
        reached = "×".join(f"{end:.0f}" for end in seen.max(0)[::-1])
        raise InputError(f"{pose}: its points reach {reached} (height × width) of a picture of {size[0]}×{size[1]}", REMEDY)
    person = _person(files, size)
    if person is not None and (share := _share_on(person, seen)) < LEAST_ON_PERSON:
        raise InputError(f"{pose}: {1 - share:.0%} of its points lie beside the person", REMEDY)
    return None if _is_ours(pose.read_bytes(), points.body) else images.text(keypoints_to_json([points]))


def _is_ours(content: bytes, body: Points) -> bool:
    """Whether a key-point file can be used unchanged: OpenPose's form with 25 points, in pixels, this person first."""
    try:
        text = content.decode("utf-8")
        return is_in_pixels(text) and np.allclose(keypoints_from_json(text, "key-point file").body[:, :2], body[:, :2], atol=0.01)
    except (InputError, UnicodeDecodeError):
        return False


def _person(files: Files, size: tuple[int, int]) -> Mask | None:
    """(h, w) bool: the person by the parse map, else by the body parts; None where neither can be read."""
    for kind in (Kind.PARSE, Kind.INDEX, Kind.DENSEPOSE):
        try:
            if kind in files:
                area = _area(files, kind)
                there = cv2.resize(masks.bytes_of(area), size[::-1], interpolation=cv2.INTER_NEAREST) > 0
                return masks.dilate(there, REACH * size[0]) if there.any() else None
        except InputError:
            continue  # reported where that file itself is imported
    return None


def _area(files: Files, kind: Kind) -> NDArray[np.bool_]:
    if kind is Kind.DENSEPOSE:
        return np.asarray(images.read_rgb(files[kind]).max(2) > DARK)
    return np.asarray(images.read_labels(files[kind]) > 0)


def _share_on(person: Mask, seen: Points) -> float:
    """The share of the points within the picture that lie on the person; points beyond its edge are cut off with the body."""
    columns, rows = np.round(seen).astype(int).T
    within = (rows >= 0) & (rows < person.shape[0]) & (columns >= 0) & (columns < person.shape[1])
    return float(person[rows[within], columns[within]].mean()) if within.any() else 0.0
