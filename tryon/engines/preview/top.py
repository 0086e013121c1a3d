"""Dress a person in a top or a dress: take the old one off, lay the new one on, piece by piece from back to front."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from pipeline.core.rect import Window
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit.sleeve import SleeveFit, fit_sleeve
from tryon.engines.preview.fit.torso import TorsoFit, fit_torso
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.paint.layers import Colour, Coverage, darken, lay, soft
from tryon.engines.preview.paint.scene import Scene, scene_of
from tryon.engines.preview.paint.shading import cast_factor, round_factor
from tryon.engines.preview.paint.warp import (
    SPLINE_MARGIN_PX,
    Cover,
    Patch,
    cover_patch,
    ladder_patch,
    polygon_alpha,
    pull,
    soft_polygon,
    spline_patch,
)
from tryon.engines.preview.person.limbs import rounded_limb_polygons
from tryon.engines.preview.person.skeleton import Limb, Skeleton
from tryon.engines.preview.person.subject import ARM_LABELS, Subject
from tryon.engines.preview.person.windows import WHOLE, grown

BARE_FROM = 0.22
"""Share of the arm from which it lies before the torso; above, the shoulder is the torso's."""


@dataclass(frozen=True)
class TopGarment:
    """A flat top or dress.

    Args:
        cloth: (h, w, 3) RGB uint8 whose colours reach beyond the garment's edge.
        landmarks: its landmarks.
    """

    cloth: NDArray[np.uint8]
    landmarks: TopLandmarks


@dataclass(frozen=True)
class TopFit:
    """Where all pieces land; `sleeves` are left and right, None when sleeveless."""

    torso: TorsoFit
    sleeves: tuple[SleeveFit | None, SleeveFit | None]

    def moved(self, offset: Points64) -> TopFit:
        """The same landing, (2,) pixels further."""
        left, right = (None if strip is None else strip.moved(offset) for strip in self.sleeves)
        return TopFit(self.torso.moved(offset), (left, right))


def fit_top(subject: Subject, landmarks: TopLandmarks) -> TopFit:
    """Land every piece of a top or dress on a person."""
    torso = fit_torso(subject, landmarks)
    sleeves = [
        fit_sleeve(subject, sleeve, side, torso) if sleeve is not None else None for side, sleeve in enumerate(landmarks.sleeves)
    ]
    return TopFit(torso, (sleeves[0], sleeves[1]))


def dress_top(subject: Subject, garment: TopGarment, config: PreviewConfig) -> NDArray[np.uint8]:
    """The person in a top or dress.

    Args:
        subject: the person, with the mask of the garment's category.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    scene = scene_of(subject, config.fold_strength)
    fit = fit_top(subject, garment.landmarks).moved(scene.offset)
    painter = _Painter(scene, garment, fit, config, scene.canvas([_below_hem(fit, scene.subject.skeleton)]))
    behind = [subject.arm_is_behind(side) for side in (0, 1)]
    for side in (0, 1):
        if behind[side]:
            painter.sleeve(side)
    painter.torso()
    for side in (0, 1):
        if not behind[side]:
            painter.bare_arm(side)
            painter.sleeve(side)
            painter.hand(side)
    painter.front()
    return scene.finish(painter.canvas)


def _below_hem(fit: TopFit, skeleton: Skeleton) -> Points64:
    """A wide box from just above the hem downwards, where legs may be bare."""
    above = 8 if skeleton.has_raised_thigh else 0.08  # raised thighs may come out beside a skirt anywhere
    left, right = fit.torso.hem - skeleton.down * above * skeleton.scale
    aside, end = skeleton.across * 3 * skeleton.scale, skeleton.down * 16 * skeleton.scale
    return np.stack([left - aside, left, right, right + aside, right + aside + end, left - aside + end])


@dataclass(frozen=True)
class _Painter:
    """Lays the pieces of one garment onto one person's `canvas`, which it changes in place."""

    scene: Scene
    garment: TopGarment
    fit: TopFit
    config: PreviewConfig
    canvas: Colour

    @property
    def _body(self) -> Skeleton:
        return self.scene.subject.skeleton

    @property
    def _size(self) -> tuple[int, int]:
        return self.scene.subject.size

    @property
    def _reach(self) -> float:
        """Pixels round the garment's body within which rests of the old one are covered; seen from the side, a back is one."""
        return (0.5 if self._body.in_profile else 0.1) * self._body.scale

    @cached_property
    def _solid(self) -> Coverage:
        """(h, w) what catches shadows: the person and the garment's body."""
        return np.maximum(self.scene.solid, soft_polygon(self.fit.torso.polygon, self._size))

    def torso(self) -> None:
        """Lay the garment's body on."""
        torso = self.fit.torso
        margin = max(SPLINE_MARGIN_PX, round(self._reach))
        patch = spline_patch(torso.cloth, torso.canvas, torso.polygon, self._size, self.config.smoothing, margin)
        if patch is not None:
            self._lay(replace(patch, alpha=np.maximum(patch.alpha, soft(self._peeking(patch)))), 0.25, 0.5)

    def _peeking(self, patch: Patch) -> Mask:
        """(h, w) bool: rests of the old garment close round the new one's body, which covers them too; not inside the neck."""
        torso, skeleton, box = self.fit.torso, self._body, patch.box
        reach = cv2.distanceTransform((patch.alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 3) <= round(self._reach)
        up = skeleton.down * -0.5 * skeleton.scale
        kept = polygon_alpha([np.vstack([torso.neck, torso.neck[-1:] + up, torso.neck[:1] + up])], box) > 0.5
        bare = [BARE_FROM - 0.1 if strip is None else strip.share for strip in self.fit.sleeves]
        for limb, start in zip(skeleton.arms, bare, strict=True):
            kept |= polygon_alpha(rounded_limb_polygons(limb, start, max(1.3, start), 1.5), box) > 0
        above_hem = polygon_alpha([self._hem_side()], box) > 0.5
        peeking: Mask = self.scene.subject.replaced[patch.window] & reach & ~kept & above_hem
        return peeking

    def _hem_side(self) -> Points64:
        """A wide box from far above the shoulders down to the hem."""
        skeleton, (left, right) = self._body, self.fit.torso.hem
        if self.scene.subject.category is Category.DRESS:  # a skirt keeps its own shape
            left, right = skeleton.hips
        aside, up = skeleton.across * 2 * skeleton.scale, skeleton.down * -4 * skeleton.scale
        if skeleton.in_profile:  # up to the collar: beside the neck there is hair or sky
            slope = skeleton.across * 0.5 * skeleton.scale
            first, last = self.fit.torso.neck[[0, -1]]
            return np.stack([left - aside, first - slope - up / 14, first, last, last + slope - up / 14, right + aside])
        return np.stack([left - aside, left - aside + up, right + aside + up, right + aside])

    def sleeve(self, side: int) -> None:
        """Lay one sleeve on, with its shadow on what is behind it."""
        strip = self.fit.sleeves[side]
        patch = ladder_patch(strip.cloth, strip.canvas, self._size) if strip is not None else None
        if patch is not None:
            self._lay(patch, 0.11, 1.0)

    def bare_arm(self, side: int) -> None:
        """Lay the arm itself over the torso: as photographed where it was bare, repainted where a sleeve covered it."""
        strip = self.fit.sleeves[side]
        start = BARE_FROM if strip is None else max(BARE_FROM, strip.share + 0.04)
        if start >= 1:
            return
        limb = self._body.arms[side]
        near = limb_cover(limb, start, 1.3, 1.8, self._size)
        if near is None:
            return
        painted = polygon_alpha(rounded_limb_polygons(limb, start, 1.2, 1.0), near.box)
        window = near.window
        alpha = np.maximum(self.scene.arms[window] * near.alpha, painted * self.scene.limbs[window])
        self._shade(window, alpha, 0.05, 1.0)
        lay(self.canvas, window, self.scene.plate[window], alpha)

    def hand(self, side: int) -> None:
        """The hand comes out of the sleeve."""
        limb = self._body.arms[side]
        beyond = limb_cover(limb, 1.0, 1.6, 2.0, self._size)
        if beyond is None:
            return
        window, subject = beyond.window, self.scene.subject
        wrist = polygon_alpha(rounded_limb_polygons(limb, 0.0, 0.9, 2.0), beyond.box)
        shown = subject.mask_of(*ARM_LABELS)[window] & (beyond.alpha > 0) & (wrist == 0)
        lay(self.canvas, window, subject.image[window], soft(shown, 0.8))

    def front(self) -> None:
        """Hair and face lie in front of everything."""
        lay(self.canvas, WHOLE, self.scene.subject.image, self.scene.front)

    def _lay(self, patch: Patch, depth: float, shadow: float) -> None:
        """One piece: cast its shadow, fetch its colours, shade, blend."""
        window = patch.window
        colour = pull(self.garment.cloth, patch, self.fit.torso.scale).astype(np.float32)
        whole = np.maximum(self.scene.arms_cover[window], patch.alpha) if depth > 0.2 else patch.alpha
        light = round_factor(whole, depth * self._body.scale, self.config.side_shade) * self.scene.folds[window]
        self._shade(window, patch.alpha, 0.04, shadow)
        darken(colour, WHOLE, light)
        lay(self.canvas, window, colour, patch.alpha)

    def _shade(self, window: Window, alpha: Coverage, width: float, strength: float) -> None:
        """Shadow of a piece on the body; the background is too far away to catch any."""
        width_px = width * self._body.scale
        wide = grown(window, 3.5 * width_px + 4, self._size)
        padded = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), np.float32)
        top, left = window[0].start - wide[0].start, window[1].start - wide[1].start
        padded[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
        cast = cast_factor(padded, width_px, strength * self.config.contact_shadow)
        shadow: Coverage = ((1 - cast) * self._solid[wide]).astype(np.float32)
        darken(self.canvas, wide, 1 - shadow)


def limb_cover(limb: Limb, start: float, end: float, ease: float, size: tuple[int, int]) -> Cover | None:
    """Coverage of a stretch of a limb, `ease` times its usual width; None outside the canvas."""
    return cover_patch(rounded_limb_polygons(limb, start, end, ease), size)
