"""Input of a densepose or parsing backend for one person: the canvas picture, the matte on the canvas, the joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, layout
from pipeline.core.frame import Frame
from pipeline.core.items import Person
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.layout import Layout
from pipeline.core.masks import Mask
from preprocess.person.body import Joints, joints_from_keypoints, joints_from_landmarks, merged, with_openpose_shoulders
from preprocess.person.landmarks import Landmarks


@dataclass(frozen=True)
class PersonView:
    """One person on the canvas.

    Args:
        image: (h, w, 3) uint8 RGB.
        matte: (h, w) uint8 soft alpha, 255 = person.
        body: the joints on the canvas.
    """

    image: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    body: Joints

    @property
    def person(self) -> Mask:
        """(h, w) bool: where the matte is at least half person."""
        inside: Mask = self.matte >= 128
        return inside

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas."""
        return self.image.shape[0], self.image.shape[1]


def read_view(folders: Layout, item: Person) -> PersonView:
    """Decode picture, matte and joints of a person; the matte is moved from the photo to the canvas.

    Raises:
        InputError: an artefact cannot be read.
    """
    frame = Frame.from_json(folders.path(layout.FRAME.of(item.id)).read_text("utf-8"))
    matte = frame.to_canvas(images.read_grey(folders.path(layout.MATTE.of(item.id))), fill=0)
    return PersonView(images.read_rgb(folders.path(layout.IMAGE.of(item.id))), matte, read_joints(folders, item))


def read_joints(folders: Layout, item: Person) -> Joints:
    """The joints from the landmarks and the key-point file, as far as they exist; joints of the key-point file count first.

    Raises:
        InputError: the key-point file is not usable.
    """
    raw, pose = _raw_joints(folders, item), folders.path(layout.POSE_JSON.of(item.id))
    if raw is None:
        return joints_from_keypoints(keypoints_from_json(pose.read_text("utf-8"), pose.name))
    return merged(raw, keypoints_from_json(pose.read_text("utf-8"), pose.name)) if pose.exists() else raw


def read_openpose_joints(folders: Layout, item: Person) -> Joints:
    """As `read_joints`, with shoulders where OpenPose sees them: what rules written for OpenPose's joints draw with.

    Raises:
        InputError: the key-point file is not usable.
    """
    raw, body = _raw_joints(folders, item), read_joints(folders, item)
    return body if raw is None else with_openpose_shoulders(body, raw)


def _raw_joints(folders: Layout, item: Person) -> Joints | None:
    """The joints from the landmarks alone; None in a downloaded data set, which has none."""
    landmarks, frame = (folders.path(kind.of(item.id)) for kind in (layout.LANDMARKS, layout.FRAME))
    if not (landmarks.exists() and frame.exists()):
        return None
    return joints_from_landmarks(Landmarks.from_json(landmarks.read_text("utf-8")), Frame.from_json(frame.read_text("utf-8")))
