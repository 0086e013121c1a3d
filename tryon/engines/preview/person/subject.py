"""The person as the preview sees them: photo, labels, skeleton, and what follows from these alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import DENSEPOSE_COLOURS, LOWER_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.labels import Body as Part
from pipeline.core.masks import Mask
from tryon.engines.preview.person.body import Body
from tryon.engines.preview.person.limbs import limb_axis
from tryon.engines.preview.person.silhouette import Silhouette, labelled
from tryon.engines.preview.person.windows import Window, window_of

SKIN = (Parse.NECK, Parse.LEFT_ARM, Parse.RIGHT_ARM)
ARM = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
LEG = (Parse.LEFT_LEG, Parse.RIGHT_LEG)
MARGIN = 0.16
"""Of the body's scale, round the mask."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One person; small enough to keep many. Equal only to itself, so that results about it can be kept.

    Args:
        image: (h, w, 3) RGB uint8.
        mask: (h, w) bool, True = repaint.
        parse: (h, w) uint8 of `Parse`.
        parts: (h, w) uint8 of DensePose's `Body`.
        body: the skeleton.
        category: what the mask was made for.
    """

    image: NDArray[np.uint8]
    mask: Mask
    parse: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    body: Body
    category: Category

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def silhouette(self) -> Silhouette:
        """The parse map, ready for questions about outlines."""
        return Silhouette(self.parse, self.parts)

    def of(self, *labels: Parse) -> Mask:
        """(h, w) bool: where the parse map has one of these labels."""
        return labelled(self.parse, labels)

    @cached_property
    def window(self) -> Window:
        """The rectangle of the canvas that a garment may change, and so much round it that colours can grow in from there."""
        return window_of(self.mask, MARGIN * self.body.scale)

    @cached_property
    def close_up(self) -> Subject:
        """The person on `window` alone, as a canvas of its own."""
        rows, columns = self.window
        return Subject(
            self.image[self.window],
            self.mask[self.window],
            self.parse[self.window],
            self.parts[self.window],
            self.body.moved(np.array([-columns.start, -rows.start], np.float64)),
            self.category,
        )

    @cached_property
    def replaced(self) -> Mask:
        """(h, w) bool: the worn garment that the new one replaces.

        Under a top, what hangs below the hips without trousers or skirt beneath is a dress: its lower part stays on as a skirt;
        under trousers, that part goes.
        """
        labels = {
            Category.UPPER: (*UPPER_LABELS, Parse.SCARF),
            Category.LOWER: LOWER_LABELS,
            Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS, Parse.SCARF),
        }[self.category]
        worn = self.of(*labels) & self.mask
        if self.category is Category.LOWER and np.count_nonzero(worn) < 0.01 * worn.size:
            return worn | (self.of(*UPPER_LABELS) & self.mask & self._below(0.92 * self.body.torso_length))
        if self.category is Category.UPPER and np.count_nonzero(self.of(*LOWER_LABELS)) < 0.02 * worn.size:
            return worn & ~self._below(1.15 * self.body.torso_length)
        return worn

    def _below(self, down: float) -> Mask:
        """(h, w) bool: everything further below the neck than `down` pixels."""
        rows, columns = np.indices(self.size, np.float32)
        reach = (columns - self.body.neck[0]) * self.body.down[0] + (rows - self.body.neck[1]) * self.body.down[1]
        below: Mask = reach > down
        return below

    def arm_is_behind(self, side: int) -> bool:
        """Whether the torso hides this forearm: along it the body-part map shows mostly torso."""
        points, _ = limb_axis(self.body.arms[side], np.linspace(0.45, 1.0, 14))
        columns, rows = np.round(points).astype(int).T
        within = (rows >= 0) & (rows < self.size[0]) & (columns >= 0) & (columns < self.size[1])
        if not within.any():
            return False
        parts = self.parts[rows[within], columns[within]]
        return bool(np.isin(parts, (Part.TORSO_FRONT, Part.TORSO_BACK)).mean() > 0.5)


def read_parts(densepose: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Body parts from VITON-HD's colours.

    Args:
        densepose: (h, w, 3) RGB uint8, maybe a JPEG.

    Returns:
        (h, w) uint8 of `Body`: the nearest colour of the table to within two levels, read on every second pixel.
    """
    small = densepose[::2, ::2] >> 2
    parts = _nearest_parts()[small[..., 0], small[..., 1], small[..., 2]]
    full: NDArray[np.uint8] = cv2.resize(parts, densepose.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return full


@lru_cache(maxsize=1)
def _nearest_parts() -> NDArray[np.uint8]:
    """(64, 64, 64) uint8: the part whose colour is nearest to the middle of each cell of the colour cube; 0 where it is dark."""
    levels = np.arange(64, dtype=np.int16) * 4 + 2
    nearest, least = np.zeros((64, 64, 64), np.uint8), np.full((64, 64, 64), 999, np.int16)
    for part, colour in enumerate(DENSEPOSE_COLOURS):
        red, green, blue = (np.abs(levels - value) for value in colour)
        distance = red[:, None, None] + green[None, :, None] + blue[None, None]
        nearest[distance < least] = part
        np.minimum(least, distance, out=least)
    lit = (levels[:, None, None] > 24) | (levels[None, :, None] > 24) | (levels[None, None] > 24)
    return np.where(lit, nearest, np.uint8(0))
