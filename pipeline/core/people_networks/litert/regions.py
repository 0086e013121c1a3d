"""A turned rectangle of a picture: cutting it out for a network, and bringing what the network says back.

Pixel coordinates as the official graphs have them on a CPU: corner to corner, without half-pixel centres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float, Points

UP = math.pi / 2
"""Direction of a body's or hand's axis in its upright region; 0 is that of the line between the eyes."""
LIMITS = (-32768, 32767)
"""Columns and rows that OpenCV can address."""


@dataclass(frozen=True)
class Region:
    """A turned rectangle.

    Args:
        x, y: its middle in pixels.
        width, height: in pixels along its own sides.
        angle: radians by which it is turned clockwise as seen.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    @classmethod
    def whole(cls, picture: RGB) -> Region:
        """The whole picture, which a network may see squashed."""
        height, width = picture.shape[:2]
        return cls(width / 2, height / 2, width, height)

    @classmethod
    def around(cls, picture: RGB) -> Region:
        """The square round the whole picture: its longer side, the rest of the shorter one on both sides."""
        height, width = picture.shape[:2]
        return cls(width / 2, height / 2, max(height, width), max(height, width))

    def moved_down(self, part: float) -> Region:
        """The same one, shifted downwards along its own axis by a part of its height."""
        step = part * self.height
        return replace(self, x=self.x - step * math.sin(self.angle), y=self.y + step * math.cos(self.angle))

    def square(self, scale: float) -> Region:
        """A square with the same middle, its side the longer one, at least 1 pixel, times `scale`."""
        side = max(self.width, self.height, 1) * scale
        return replace(self, width=side, height=side)

    def to_picture(self, inside: Points) -> Points:
        """Bring points back.

        Args:
            inside: (n, 2) float32 x, y in parts of the region, 0..1 from its upper left corner.

        Returns:
            (n, 2) float32 x, y in pixels of the picture.
        """
        across, down = (inside[:, 0] - 0.5) * self.width, (inside[:, 1] - 0.5) * self.height
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        points = np.stack([cos * across - sin * down + self.x, sin * across + cos * down + self.y], axis=1)
        return np.asarray(points, np.float32)

    def matrix_from_picture(self, side: int) -> NDArray[np.float64]:
        """(2, 3) float64 that turns pixels of the picture into those of a crop of `side` × `side`."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        turned = np.array([[cos, sin], [-sin, cos]]) * np.array([[side / self.width], [side / self.height]])
        return np.column_stack([turned, side / 2 - turned @ (self.x, self.y)])


def turn(start: Points, end: Points, direction: float) -> float:
    """The angle of the region in which the line from one point to another has a direction.

    Args:
        start: (2,) x, y in pixels.
        end: (2,) x, y in pixels.
        direction: radians counter-clockwise from "to the right".

    Returns:
        Radians in [-π, π).
    """
    angle = direction - math.atan2(float(start[1] - end[1]), float(end[0] - start[0]))
    return (angle + math.pi) % math.tau - math.pi


def crop(picture: RGB, region: Region, side: int, *, black_outside: bool) -> RGB:
    """Cut out a region.

    Args:
        picture: (h, w, 3) uint8.
        region: may reach beyond the picture.
        side: rows and columns of the result.
        black_outside: black beyond the picture's edge; otherwise its outermost pixels go on.

    Returns:
        (side, side, 3) uint8.
    """
    cells, weights = positions(cv2.invertAffineTransform(region.matrix_from_picture(side)), side)
    border = cv2.BORDER_CONSTANT if black_outside else cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(picture, cells, weights, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def positions(matrix: NDArray[np.float64], side: int) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Where each pixel of a crop lies in the picture, to a 32nd of a pixel, which is as fine as the official graphs' OpenCV goes.

    OpenCV 5 is finer in `warpPerspective`, and the networks' answers then differ (docs/facts/people_networks.md#cutting-out).

    Args:
        matrix: (2, 3) float64 from the crop's pixels to the picture's.
        side: rows and columns of the crop.

    Returns:
        (side, side, 2) int16 column and row, and (side, side) uint16 number of the weights, as `cv2.remap` reads them.
    """
    along = np.arange(side)
    x, y = (np.rint(32 * (a * along + (b * along[:, None] + c))).astype(np.int64) for a, b, c in matrix)
    cells = np.clip(np.stack([x >> 5, y >> 5], axis=-1), *LIMITS).astype(np.int16)
    return cells, ((y & 31) * 32 + (x & 31)).astype(np.uint16)


def put_back(values: Float, region: Region, shape: tuple[int, ...]) -> Float:
    """Lay a map that a network made of a region over the picture.

    Args:
        values: (side, side) float32.
        region: where it was cut out.
        shape: the picture's; its first two are used.

    Returns:
        (h, w) float32; 0 outside the region.
    """
    matrix = region.matrix_from_picture(values.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(values, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(warped, np.float32)
