"""One person as the preview needs them: photo, labels, skeleton, and what follows from these alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.core.arrays import RGB, Labels
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, BodyPart, Category, Parse
from pipeline.core.masks import Mask
from pipeline.core.rect import Window
from tryon.engines.preview.person.limbs import limb_axis
from tryon.engines.preview.person.silhouette import Silhouette, mask_of_labels
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.windows import window_of

SKIN_LABELS = (Parse.NECK, Parse.LEFT_ARM, Parse.RIGHT_ARM)
ARM_LABELS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
LEAST_KEPT = 0.03
"""As a share of the skeleton's scale squared: trousers or a skirt of which less is seen are not continued."""
WAIST = 0.9
"""The natural waist, as a share of the torso's length from neck to hips."""
BAND = 0.1
"""Height of a waistband, as a share of the skeleton's scale."""
MARGIN = 0.16
"""Width of the margin around the mask, as a share of the skeleton's scale."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One person. Equal only to itself, so that results about it can be cached.

    Args:
        image: (h, w, 3) RGB uint8.
        mask: (h, w) bool, True = repaint.
        parse: (h, w) uint8 of `Parse`.
        parts: (h, w) uint8 of DensePose's `BodyPart`.
        skeleton: the joints, in canvas pixels.
        category: the garment category that the mask was made for.
    """

    image: RGB
    mask: Mask
    parse: Labels
    parts: Labels
    skeleton: Skeleton
    category: Category

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def silhouette(self) -> Silhouette:
        """The outline of the person, with clothes."""
        return Silhouette(self.parse, self.parts)

    def mask_of(self, *labels: Parse) -> Mask:
        """(h, w) bool: where the parse map has one of these labels."""
        return mask_of_labels(self.parse, labels)

    @cached_property
    def window(self) -> Window:
        """The rectangle of the canvas that a garment may change, with a margin from which colours are taken."""
        return window_of(self.mask, MARGIN * self.skeleton.scale)

    @cached_property
    def cropped(self) -> Subject:
        """The person cropped to `window`, which becomes a canvas of its own."""
        rows, columns = self.window
        return Subject(
            self.image[self.window],
            self.mask[self.window],
            self.parse[self.window],
            self.parts[self.window],
            self.skeleton.moved(np.array([-columns.start, -rows.start], np.float64)),
            self.category,
        )

    @cached_property
    def replaced(self) -> Mask:
        """(h, w) bool: the worn garment that the new one replaces.

        A worn garment that hangs below the hips, with no trousers or skirt beneath, is a dress. A new top replaces its upper
        part, and the lower part stays on as a skirt; new trousers replace the lower part.
        """
        labels = {
            Category.UPPER: (*UPPER_LABELS, Parse.SCARF),
            Category.LOWER: LOWER_LABELS,
            Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS, Parse.SCARF),
        }[self.category]
        worn = self.mask_of(*labels) & self.mask
        if self.category is Category.LOWER and np.count_nonzero(worn) < 0.01 * worn.size:
            return worn | (self.mask_of(*UPPER_LABELS) & self.mask & self._below(0.92 * self.skeleton.torso_length))
        if self.category is Category.UPPER and np.count_nonzero(self.mask_of(*LOWER_LABELS)) < 0.02 * worn.size:
            return worn & ~self._below(1.15 * self.skeleton.torso_length)
        return worn

    @cached_property
    def kept_below(self) -> Mask:
        """(h, w) bool: what stays on below a new top (trousers, a skirt, the lower part of a dress); else empty."""
        if self.category is not Category.UPPER:
            return np.zeros(self.size, bool)
        worn = self.mask_of(*LOWER_LABELS, *UPPER_LABELS) & ~self.replaced
        return worn & self._below(0.5 * self.skeleton.torso_length)

    @property
    def keeps_lower(self) -> bool:
        """Whether the photo shows enough of it to continue it upwards."""
        return bool(np.count_nonzero(self.kept_below) > LEAST_KEPT * self.skeleton.scale**2)

    @cached_property
    def waist_down(self) -> float:
        """Pixels from the neck down to where it begins: a waistband above where the photo shows its edge, which is ragged and may
        be the edge of what hung over it; at the latest at the natural waist."""
        return min(self.top_of(self.kept_below) - BAND * self.skeleton.scale, WAIST * self.skeleton.torso_length)

    def top_of(self, mask: Mask) -> float:
        """Pixels from the neck down to the upper edge of a mask, in the middle of the torso; inf where it is not there."""
        rows, columns = np.nonzero(mask[::2, ::2])
        place = self.skeleton.to_torso(np.column_stack([columns, rows]) * 2.0)
        middle = place[np.abs(place[:, 0]) < 0.3 * self.skeleton.scale, 1]
        return float(np.percentile(middle, 1)) if len(middle) > 20 else np.inf

    def _below(self, down: float) -> Mask:
        """(h, w) bool: everything more than `down` pixels below the neck."""
        rows, columns = np.indices(self.size, np.float32)
        neck, axis = self.skeleton.neck, self.skeleton.down
        below: Mask = (columns - neck[0]) * axis[0] + (rows - neck[1]) * axis[1] > down
        return below

    def arm_is_behind(self, side: int) -> bool:
        """Whether the torso hides the forearm of a side (0 = viewer's left): the body-part map shows mostly torso there."""
        points, _ = limb_axis(self.skeleton.arms[side], np.linspace(0.45, 1.0, 14))
        columns, rows = np.round(points).astype(int).T
        within = (rows >= 0) & (rows < self.size[0]) & (columns >= 0) & (columns < self.size[1])
        if not within.any():
            return False
        parts = self.parts[rows[within], columns[within]]
        return bool(np.isin(parts, (BodyPart.TORSO_FRONT, BodyPart.TORSO_BACK)).mean() > 0.5)
