"""What the network is shown of a person and of a garment. Facts: docs/facts/fashn_vton.md#pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from tryon.engines.fashn.canvas import Padding, Size, drawing_on_canvas, nearest, on_canvas, reduced
from tryon.engines.fashn.masked import garment_alone, masked_person
from tryon.engines.fashn.pose_picture import PosePoints, pose_picture
from tryon.networks.pictures import picture_tensor

CATEGORY_NUMBER = {Category.UPPER: 1, Category.LOWER: 2, Category.DRESS: 3}
"""The network's classes; 0 is none."""


@dataclass(frozen=True)
class Shown:
    """A picture on the network's canvas with the drawing of its wearer's pose.

    Args:
        picture: (h, w, 3) uint8 RGB, black around it.
        pose: (h, w) uint8, black where nobody is.
        padding: what is black around it.
    """

    picture: RGB
    pose: Grey
    padding: Padding

    def tensor(self) -> Tensor:
        """(1, 4, h, w) fp32, -1..1: colours, then pose."""
        pose = torch.from_numpy(self.pose.astype(np.float32) / np.float32(127.5) - np.float32(1))
        return torch.cat([picture_tensor(self.picture), pose[None, None]], dim=1)


def shown_person(picture: RGB, points: PosePoints, canvas: Size, category: Category, labels: Labels | None = None) -> Shown:
    """The person.

    Args:
        picture: (h, w, 3) uint8 RGB, upright.
        points: the pose, in shares of the picture.
        canvas: (height, width) of the network.
        category: of the new garment.
        labels: (h, w) uint8 of `Fashn`, to hide the worn garment; None = the network sees the whole photo.
    """
    small = reduced(picture, canvas[0])
    if labels is not None:
        small = masked_person(small, _at_size(labels, small), category)
    return _shown(small, points, canvas)


def shown_garment(picture: RGB, canvas: Size, garment: Mask | None = None, points: PosePoints | None = None) -> Shown:
    """The garment.

    Args:
        picture: (h, w, 3) uint8 RGB.
        canvas: (height, width) of the network.
        garment: (h, w) bool of the garment, where the picture shows somebody wearing it; None = a flat lay.
        points: the wearer's pose, in shares of the picture; None = nobody.
    """
    small = reduced(picture, canvas[0])
    if garment is not None:
        small = garment_alone(small, _at_size(garment.astype(np.uint8), small) > 0)
    return _shown(small, points, canvas)


def _shown(small: RGB, points: PosePoints | None, canvas: Size) -> Shown:
    size = small.shape[0], small.shape[1]
    drawing = np.zeros(size, np.uint8) if points is None else pose_picture(points, size)
    picture, padding = on_canvas(small, canvas)
    return Shown(picture, drawing_on_canvas(drawing, canvas), padding)


def _at_size(labels: Labels, picture: RGB) -> Labels:
    if labels.shape == picture.shape[:2]:
        return labels
    return nearest(labels, picture.shape[:2])
