"""What every garment that one person tries on needs: the undressed photo, the worn garment's folds, what stays in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Points64
from pipeline.core.labels import LEG_LABELS, LOWER_LABELS, UPPER_LABELS, Parse
from pipeline.core.rect import Window
from tryon.engines.preview.paint.garment_removal import remove_garment
from tryon.engines.preview.paint.layers import Brightness, Coverage, FloatRGB, blend, composite, edge_ramp, soften
from tryon.engines.preview.paint.polygons import canvas_alpha, polygon_patch
from tryon.engines.preview.paint.shading import fold_factor
from tryon.engines.preview.paint.skin import read_skin
from tryon.engines.preview.person.limbs import limb_polygon
from tryon.engines.preview.person.subject import ARM_LABELS, Subject

IN_FRONT = (Parse.HAIR, Parse.FACE, Parse.HAT, Parse.SUNGLASSES)


@dataclass(frozen=True, eq=False)
class UndressedSubject:
    """A person without the worn garment, on the window of the canvas that a garment may change.

    Args:
        subject: the person, cropped to that window.
        undressed_photo: (h, w, 3) the photo without the worn garment; read-only.
        without_legs: the same with background in place of bare legs, to show beside a garment that covers them; read-only.
        folds: (h, w) brightness factors of the worn garment's folds; read-only.
        full: the person on the full canvas.
    """

    subject: Subject
    undressed_photo: FloatRGB
    without_legs: FloatRGB
    folds: Brightness
    full: Subject

    @property
    def window(self) -> Window:
        """Rows and columns of the full canvas."""
        return self.full.window

    @property
    def offset(self) -> Points64:
        """(2,) x, y to add to a place on the full canvas to get the place in the window."""
        rows, columns = self.window
        return np.array([-columns.start, -rows.start], np.float64)

    @cached_property
    def front(self) -> Coverage:
        """(h, w) hair, face and what is worn on the head."""
        return soften(self.subject.mask_of(*IN_FRONT))

    @cached_property
    def arms(self) -> Coverage:
        """(h, w) bare arms and hands as photographed."""
        return soften(self.subject.mask_of(*ARM_LABELS))

    @cached_property
    def arms_and_sleeves(self) -> Coverage:
        """(h, w) where painted arms may show."""
        return soften(self.subject.replaced | self.subject.mask_of(*ARM_LABELS))

    @cached_property
    def shadow_receiver(self) -> Coverage:
        """(h, w) what stays of the person; shadows fall on it, but not on the background, which is too far away."""
        return soften(~self.subject.mask_of(Parse.BACKGROUND) & ~self.subject.replaced)

    @cached_property
    def arms_from_joints(self) -> Coverage:
        """(h, w) both arms at their usual width: where they adjoin the torso, its side does not turn away from the light."""
        left, right = (
            canvas_alpha([limb_polygon(limb, 0.0, 1.0, 1.0)], self.subject.size) for limb in self.subject.skeleton.arms
        )
        return np.maximum(left, right)

    def new_canvas(self, bare_legs: Sequence[Points64]) -> FloatRGB:
        """A canvas to paint on, (h, w, 3): the undressed photo, with bare legs only inside these polygons."""
        canvas, shown = self.without_legs.copy(), polygon_patch(bare_legs, self.subject.size)
        if shown is not None:
            blend(canvas, shown.window, self.undressed_photo[shown.window], shown.alpha)
        return canvas

    @cached_property
    def _ramp(self) -> Coverage:
        return edge_ramp(self.full.mask)[self.window]

    def finish(self, canvas: FloatRGB) -> RGB:
        """(h, w, 3) RGB uint8 of the full canvas: the photo, repainted inside the mask."""
        return composite(self.full.image, canvas, self._ramp, self.window)


@lru_cache(maxsize=2)
def undressed_subject(subject: Subject, fold_strength: float) -> UndressedSubject:
    """Remove the worn garment; the results for the last two persons are cached."""
    near = subject.cropped
    photo, without_legs = remove_garment(near, read_skin(subject, (LEG_LABELS, ARM_LABELS, (Parse.NECK,))))
    folds = _worn_folds(near, fold_strength)
    for cached in (photo, without_legs, folds):
        cached.flags.writeable = False
    return UndressedSubject(near, photo, without_legs, folds, subject)


def _worn_folds(subject: Subject, strength: float) -> Brightness:
    """(h, w) folds of the worn garment; of top and trousers apart, because the edge between them is no fold.

    Folds are wide, so half the size is enough to find them.
    """
    half = (max(1, subject.size[1] // 2), max(1, subject.size[0] // 2))
    image = cv2.resize(subject.image, half, interpolation=cv2.INTER_AREA)
    folds = np.ones(half[::-1], np.float32)
    for labels in (UPPER_LABELS, LOWER_LABELS):
        worn = (subject.replaced & subject.mask_of(*labels)).astype(np.uint8)
        small = cv2.resize(worn, half, interpolation=cv2.INTER_NEAREST).astype(bool)
        folds *= fold_factor(image, small, subject.skeleton.scale / 2, strength)
    full: Brightness = cv2.resize(folds, subject.size[::-1], interpolation=cv2.INTER_LINEAR)
    return full
