"""What is the same for every garment a person tries on: the person undressed, the folds of what was worn, what stays in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import LEG_LABELS, LOWER_LABELS, UPPER_LABELS, Parse
from pipeline.core.rect import Window
from tryon.engines.preview.paint.layers import Colour, Coverage, blend_into, edge_ramp, lay, soft
from tryon.engines.preview.paint.shading import fold_factor
from tryon.engines.preview.paint.skin import read_skin
from tryon.engines.preview.paint.undressed import undress
from tryon.engines.preview.paint.warp import cover_patch, soft_polygon
from tryon.engines.preview.person.limbs import limb_polygon
from tryon.engines.preview.person.subject import ARM_LABELS, Subject

IN_FRONT = (Parse.HAIR, Parse.FACE, Parse.HAT, Parse.SUNGLASSES)


@dataclass(frozen=True, eq=False)
class Scene:
    """A person ready to be dressed, on the window of the canvas that a garment may change.

    Args:
        subject: the person on that window alone.
        plate: (h, w, 3) the person without the worn garment; read-only.
        legless: the same with background instead of bare legs: what lies beside a garment that covers them; read-only.
        folds: (h, w) brightness factors of the worn garment's folds; read-only.
        whole: the person on the whole canvas.
    """

    subject: Subject
    plate: Colour
    legless: Colour
    folds: Coverage
    whole: Subject

    @property
    def window(self) -> Window:
        """Where the scene lies on the canvas."""
        return self.whole.window

    @property
    def offset(self) -> Points64:
        """(2,) x, y to add to a place on the canvas to get the place in the scene."""
        rows, columns = self.window
        return np.array([-columns.start, -rows.start], np.float64)

    @cached_property
    def front(self) -> Coverage:
        """(h, w) hair and face."""
        return soft(self.subject.mask_of(*IN_FRONT))

    @cached_property
    def arms(self) -> Coverage:
        """(h, w) bare arms and hands as photographed."""
        return soft(self.subject.mask_of(*ARM_LABELS))

    @cached_property
    def limbs(self) -> Coverage:
        """(h, w) arms and sleeves: where painted arms may show."""
        return soft(self.subject.replaced | self.subject.mask_of(*ARM_LABELS))

    @cached_property
    def solid(self) -> Coverage:
        """(h, w) what stays of the person: shadows fall on it, but not on the background, which is too far away."""
        return soft(~self.subject.mask_of(Parse.BACKGROUND) & ~self.subject.replaced)

    @cached_property
    def arms_cover(self) -> Coverage:
        """(h, w) coverage of both arms: where they adjoin the torso, its side does not turn away from the light."""
        polygons = [limb_polygon(limb, 0.0, 1.0, 1.0) for limb in self.subject.skeleton.arms]
        return np.maximum(soft_polygon(polygons[0], self.subject.size), soft_polygon(polygons[1], self.subject.size))

    def canvas(self, legs_from: Sequence[Points64]) -> Colour:
        """A new canvas to paint on: the person undressed, with bare legs only inside these polygons."""
        canvas, shown = self.legless.copy(), cover_patch(legs_from, self.subject.size)
        if shown is not None:
            lay(canvas, shown.window, self.plate[shown.window], shown.alpha)
        return canvas

    @cached_property
    def _ramp(self) -> Coverage:
        return edge_ramp(self.whole.mask)[self.window]

    def finish(self, canvas: Colour) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 of the whole canvas: the photo, repainted inside the mask."""
        return blend_into(self.whole.image, canvas, self._ramp, self.window)


@lru_cache(maxsize=2)
def scene_of(subject: Subject, fold_strength: float) -> Scene:
    """Undress a person; the last persons' scenes are kept."""
    near = subject.cropped
    plate, legless = undress(near, read_skin(subject, (LEG_LABELS, ARM_LABELS, (Parse.NECK,))))
    folds = _worn_folds(near, fold_strength)
    for kept in (plate, legless, folds):
        kept.flags.writeable = False
    return Scene(near, plate, legless, folds, subject)


def _worn_folds(subject: Subject, strength: float) -> Coverage:
    """Folds of what is replaced, top and trousers apart: the step between a white shirt and dark jeans is no fold.

    Folds are wide: looked for at half the size, they are the same.
    """
    half = (max(1, subject.size[1] // 2), max(1, subject.size[0] // 2))
    image = cv2.resize(subject.image, half, interpolation=cv2.INTER_AREA)
    folds = np.ones(half[::-1], np.float32)
    for labels in (UPPER_LABELS, LOWER_LABELS):
        worn = (subject.replaced & subject.mask_of(*labels)).astype(np.uint8)
        small = cv2.resize(worn, half, interpolation=cv2.INTER_NEAREST).astype(bool)
        folds *= fold_factor(image, small, subject.skeleton.scale / 2, strength)
    full: Coverage = cv2.resize(folds, subject.size[::-1], interpolation=cv2.INTER_LINEAR)
    return full
