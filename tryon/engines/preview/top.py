"""Dress a person in a top or a dress: remove the worn garment, then paint the new one piece by piece from back to front."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Points64
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from pipeline.core.rect import Window
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit.top import TopFit, fit_top
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.garment.traits import TopTraits
from tryon.engines.preview.paint.layers import Coverage, FloatRGB, blend, multiply, soften
from tryon.engines.preview.paint.polygons import canvas_alpha, polygon_alpha, polygon_patch
from tryon.engines.preview.paint.shading import cast_factor, round_factor
from tryon.engines.preview.paint.undressed_subject import UndressedSubject, undressed_subject
from tryon.engines.preview.paint.warp import SPLINE_MARGIN_PX, ClothPatch, ladder_patch, spline_patch, warp_patch
from tryon.engines.preview.person.limbs import rounded_limb_polygons
from tryon.engines.preview.person.skeleton import Skeleton, sign_of
from tryon.engines.preview.person.subject import ARM_LABELS, Subject
from tryon.engines.preview.person.windows import WHOLE, grown, size_of

ARM_IN_FRONT_FROM = 0.22
"""Share of the arm from which it lies in front of the torso; above, the shoulder is the torso's."""


@dataclass(frozen=True)
class TopGarment:
    """A flat top or dress.

    Args:
        cloth: (h, w, 3) RGB uint8 whose colours reach beyond the garment's edge.
        landmarks: its landmarks.
        traits: in what it differs from other garments.
    """

    cloth: RGB
    landmarks: TopLandmarks
    traits: TopTraits


def dress_top(subject: Subject, garment: TopGarment, config: PreviewConfig) -> RGB:
    """The person in a top or dress.

    Args:
        subject: the person, with the mask of the garment's category.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    undressed = undressed_subject(subject, config.fold_strength)
    fit = fit_top(subject, garment.landmarks).moved(undressed.offset)
    canvas = undressed.new_canvas([_below_hem(fit, undressed.subject.skeleton)])
    painter = _Painter(undressed, garment, fit, config, canvas)
    behind = [subject.arm_is_behind(side) for side in (0, 1)]
    for side in (0, 1):
        if behind[side]:
            painter.paint_sleeve(side)
    painter.paint_torso()
    for side in (0, 1):
        if not behind[side]:
            painter.paint_bare_arm(side)
            painter.paint_sleeve(side)
            painter.paint_hand(side)
    painter.paint_front()
    return undressed.finish(canvas)


def _below_hem(fit: TopFit, skeleton: Skeleton) -> Points64:
    """(6, 2) a wide area from just above the hem downwards, where legs may be bare."""
    above = 8 if skeleton.has_raised_thigh else 0.08  # raised thighs may come out beside a skirt anywhere
    left, right = fit.torso.hem - skeleton.down * above * skeleton.scale
    aside, end = skeleton.across * 3 * skeleton.scale, skeleton.down * 16 * skeleton.scale
    return np.stack([left - aside, left, right, right + aside, right + aside + end, left - aside + end])


@dataclass(frozen=True)
class _Painter:
    """Paints the pieces of one garment onto one person's `canvas`, which it changes in place. Side 0 = viewer's left."""

    undressed: UndressedSubject
    garment: TopGarment
    fit: TopFit
    config: PreviewConfig
    canvas: FloatRGB

    @property
    def _skeleton(self) -> Skeleton:
        return self.undressed.subject.skeleton

    @property
    def _size(self) -> tuple[int, int]:
        return self.undressed.subject.size

    @property
    def _margin(self) -> float:
        """Pixels around the garment's body within which the worn one is covered: seen from the side, a whole back."""
        return (0.5 if self._skeleton.in_profile else 0.1) * self._skeleton.scale

    @cached_property
    def _shadow_receiver(self) -> Coverage:
        """(h, w) what shadows fall on: the person and the garment's body."""
        return np.maximum(self.undressed.shadow_receiver, canvas_alpha([self.fit.torso.polygon], self._size))

    def paint_torso(self) -> None:
        """The garment's body."""
        torso = self.fit.torso
        margin = max(SPLINE_MARGIN_PX, round(self._margin))
        patch = spline_patch(torso.cloth, torso.canvas, torso.polygon, self._size, self.config.smoothing, margin)
        if patch is not None:
            alpha = np.maximum(patch.alpha, soften(self._visible_worn(patch)))
            self._paint_cloth(replace(patch, alpha=alpha), 0.25, 0.5)

    def _visible_worn(self, patch: ClothPatch) -> Mask:
        """(h, w) bool: parts of the worn garment just outside the new one's body, which covers them too; not inside the neck."""
        torso, skeleton, window = self.fit.torso, self._skeleton, patch.window
        near = cv2.distanceTransform((patch.alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 3) <= round(self._margin)
        up = skeleton.down * -0.5 * skeleton.scale
        kept = polygon_alpha([np.vstack([torso.neck, torso.neck[-1:] + up, torso.neck[:1] + up])], window) > 0.5
        bare_from = [ARM_IN_FRONT_FROM - 0.1 if sleeve is None else sleeve.share for sleeve in self.fit.sleeves]
        for limb, start in zip(skeleton.arms, bare_from, strict=True):
            kept |= polygon_alpha(rounded_limb_polygons(limb, start, max(1.3, start), 1.5), window) > 0
        if self.garment.landmarks.has_straps:
            kept |= polygon_alpha([self._beside_strap(side) for side in (0, 1)], window) > 0.5
        above_hem = polygon_alpha([self._above_hem()], window) > 0.5
        visible: Mask = self.undressed.subject.replaced[window] & near & ~kept & above_hem
        return visible

    def _beside_strap(self, side: int) -> Points64:
        """(n, 2) a wide area from the armhole outwards, where the shoulder is bare."""
        skeleton, hole = self._skeleton, self.fit.torso.armholes[side]
        aside = sign_of(side) * skeleton.across * skeleton.scale
        return np.vstack([hole, hole[-1] + aside, hole[0] + aside - 0.3 * skeleton.scale * skeleton.down])

    def _above_hem(self) -> Points64:
        """(n, 2) a wide area from far above the shoulders down to the hem."""
        skeleton, (left, right) = self._skeleton, self.fit.torso.hem
        if self.undressed.subject.category is Category.DRESS:  # a skirt keeps its own shape
            left, right = skeleton.hips
        aside, up = skeleton.across * 2 * skeleton.scale, skeleton.down * -4 * skeleton.scale
        if skeleton.in_profile:  # up to the collar: beside the neck there is hair or sky
            beside = skeleton.across * 0.5 * skeleton.scale
            first, last = self.fit.torso.neck[[0, -1]]
            return np.stack([left - aside, first - beside - up / 14, first, last, last + beside - up / 14, right + aside])
        return np.stack([left - aside, left - aside + up, right + aside + up, right + aside])

    def paint_sleeve(self, side: int) -> None:
        """One sleeve, with its shadow on what is behind it."""
        sleeve = self.fit.sleeves[side]
        patch = ladder_patch(sleeve.cloth, sleeve.canvas, self._size) if sleeve is not None else None
        if patch is not None:
            self._paint_cloth(patch, 0.11, 1.0)

    def paint_bare_arm(self, side: int) -> None:
        """The arm in front of the torso: as photographed where it was bare, painted where a sleeve covered it."""
        sleeve, limb = self.fit.sleeves[side], self._skeleton.arms[side]
        start = ARM_IN_FRONT_FROM if sleeve is None else max(ARM_IN_FRONT_FROM, sleeve.share + 0.04)
        near = polygon_patch(rounded_limb_polygons(limb, start, 1.3, 1.8), self._size) if start < 1 else None
        if near is None:
            return
        window = near.window
        painted = polygon_alpha(rounded_limb_polygons(limb, start, 1.2, 1.0), window)
        photographed = self.undressed.arms[window] * near.alpha
        alpha = np.maximum(photographed, painted * self.undressed.arms_and_sleeves[window])
        self._cast_shadow(window, alpha, 0.05, 1.0)
        blend(self.canvas, window, self.undressed.undressed_photo[window], alpha)

    def paint_hand(self, side: int) -> None:
        """The hand, which comes out of the sleeve."""
        limb, subject = self._skeleton.arms[side], self.undressed.subject
        beyond = polygon_patch(rounded_limb_polygons(limb, 1.0, 1.6, 2.0), self._size)
        if beyond is None:
            return
        window = beyond.window
        wrist = polygon_alpha(rounded_limb_polygons(limb, 0.0, 0.9, 2.0), window)
        shown = subject.mask_of(*ARM_LABELS)[window] & (beyond.alpha > 0) & (wrist == 0)
        blend(self.canvas, window, subject.image[window], soften(shown, 0.8))

    def paint_front(self) -> None:
        """Hair and face, which lie in front of everything."""
        blend(self.canvas, WHOLE, self.undressed.subject.image, self.undressed.front)

    def _paint_cloth(self, patch: ClothPatch, depth: float, shadow: float) -> None:
        """One piece of cloth: cast its shadow, warp its colours, shade them, blend.

        Args:
            patch: the piece.
            depth: width of its shaded sides, as a share of the skeleton's scale.
            shadow: strength of its shadow, 0..1.
        """
        window = patch.window
        colour: FloatRGB = warp_patch(self.garment.cloth, patch, self.fit.torso.scale).astype(np.float32)
        outline = np.maximum(self.undressed.arms_from_joints[window], patch.alpha) if depth > 0.2 else patch.alpha
        light = round_factor(outline, depth * self._skeleton.scale, self.config.side_shade) * self.undressed.folds[window]
        self._cast_shadow(window, patch.alpha, 0.04, shadow)
        multiply(colour, WHOLE, light)
        blend(self.canvas, window, colour, patch.alpha)

    def _cast_shadow(self, window: Window, alpha: Coverage, width: float, strength: float) -> None:
        """Shadow of a piece on the person; the background is too far away to receive any."""
        width_px = width * self._skeleton.scale
        wide = grown(window, 3.5 * width_px + 4, self._size)
        padded = np.zeros(size_of(wide), np.float32)
        top, left = window[0].start - wide[0].start, window[1].start - wide[1].start
        padded[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
        cast = cast_factor(padded, width_px, strength * self.config.contact_shadow)
        shadow: Coverage = ((1 - cast) * self._shadow_receiver[wide]).astype(np.float32)
        multiply(self.canvas, wide, 1 - shadow)
