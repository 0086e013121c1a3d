"""Dress a person in a top or a dress: take the old one off, lay the new one on, piece by piece from back to front."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.masks import Mask, dilate
from tryon.engines.preview.body import Limb
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit import TorsoFit, fit_torso
from tryon.engines.preview.garment_landmarks import TopLandmarks
from tryon.engines.preview.limbs import StripFit, fit_sleeve
from tryon.engines.preview.outline import Points
from tryon.engines.preview.plate import Colour, KnownAreas, blend_into, limb_skin, over, soft, undress
from tryon.engines.preview.shading import Factor, cast_factor, fold_factor, round_factor
from tryon.engines.preview.sitter import ARM, LEG, SKIN, Sitter
from tryon.engines.preview.warp import Patch, ladder_patch, pull, soft_polygon, spline_patch

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
    sleeves: tuple[StripFit | None, StripFit | None]


def fit_top(sitter: Sitter, landmarks: TopLandmarks) -> TopFit:
    """Land every piece of a top or dress on a person."""
    torso = fit_torso(landmarks, sitter.body, sitter.silhouette, sitter.category, sitter.mask)
    sleeves = [
        fit_sleeve(sleeve, side, sitter.body, sitter.silhouette, torso) if sleeve is not None else None
        for side, sleeve in enumerate(landmarks.sleeves)
    ]
    return TopFit(torso, (sleeves[0], sleeves[1]))


def dress_top(sitter: Sitter, garment: TopGarment, config: PreviewConfig) -> NDArray[np.uint8]:
    """The person in a top or dress.

    Args:
        sitter: the person, with the mask of the garment's category.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    fit = fit_top(sitter, garment.landmarks)
    plate, folds = plate_of(sitter), worn_folds(sitter, config.fold_strength)
    solid = np.maximum(soft(~sitter.of(Parse.BACKGROUND) & ~sitter.replaced), soft_polygon(fit.torso.polygon, sitter.size))
    painter = _Painter(sitter, garment, fit, config, folds, solid, _arms_cover(sitter))
    canvas = plate
    behind = [sitter.arm_is_behind(side) for side in (0, 1)]
    for side in (0, 1):
        if behind[side]:
            canvas = painter.sleeve(canvas, side)
    canvas = painter.torso(canvas)
    for side in (0, 1):
        if not behind[side]:
            canvas = painter.bare_arm(canvas, plate, side)
            canvas = painter.sleeve(canvas, side)
            canvas = painter.hand(canvas, side)
    canvas = over(canvas, sitter.image, soft(sitter.of(Parse.HAIR, Parse.FACE, Parse.HAT, Parse.SUNGLASSES)))
    return blend_into(sitter.image, canvas, sitter.mask)


@lru_cache(maxsize=2)
def plate_of(sitter: Sitter) -> Colour:
    """The person without the worn garment; the same for every garment, so the last persons' are kept. Read-only."""
    upper = sitter.category is Category.UPPER
    skin = SKIN if upper else (*SKIN, *LEG)
    known = KnownAreas(sitter.of(Parse.BACKGROUND), sitter.of(*skin), sitter.of(*LOWER_LABELS) & ~sitter.replaced)
    limbs = sitter.body.arms if upper else (*sitter.body.legs, *sitter.body.arms)
    plate = undress(sitter.image, sitter.replaced, known, sitter.body, limbs)
    plate.flags.writeable = False
    return plate


@lru_cache(maxsize=2)
def worn_folds(sitter: Sitter, strength: float) -> Factor:
    """Folds of what is replaced, top and trousers apart: the step between a white shirt and dark jeans is no fold.

    The same for every garment, so the last persons' are kept. Read-only.
    """
    upper, lower = (
        fold_factor(sitter.image, sitter.replaced & sitter.of(*labels), sitter.body.scale, strength)
        for labels in (UPPER_LABELS, LOWER_LABELS)
    )
    folds: Factor = upper * lower
    folds.flags.writeable = False
    return folds


@dataclass(frozen=True)
class _Painter:
    """Lays the pieces of one garment onto one person."""

    sitter: Sitter
    garment: TopGarment
    fit: TopFit
    config: PreviewConfig
    folds: Factor
    solid: Factor
    arms_cover: Factor

    def torso(self, canvas: Colour) -> Colour:
        """Lay the garment's body on."""
        torso = self.fit.torso
        patch = spline_patch(torso.cloth, torso.canvas, torso.polygon, self.sitter.size, self.config.smoothing)
        if patch is None:
            return canvas
        rows, columns = patch.window
        alpha = np.maximum(patch.alpha, soft(self._peeking())[rows, columns])
        return self._lay(canvas, replace(patch, alpha=alpha), 0.25, 0.5)

    def _peeking(self) -> Mask:
        """(h, w) bool: rests of the old garment close round the new one's body, which covers them too; not inside the neck."""
        torso, scale = self.fit.torso, self.sitter.body.scale
        covered = soft_polygon(torso.polygon, self.sitter.size) > 0.5
        up = self.sitter.body.down * -0.5 * scale
        opening = soft_polygon(np.vstack([torso.neck, torso.neck[-1:] + up, torso.neck[:1] + up]), self.sitter.size) > 0.5
        above_hem = soft_polygon(self._hem_side(), self.sitter.size) > 0.5
        bare = [BARE_FROM - 0.1 if strip is None else strip.share for strip in self.fit.sleeves]
        arms = [
            limb_skin(self.sitter.size, _thick(limb, 1.5), start, max(1.3, start))[0] > 0
            for limb, start in zip(self.sitter.body.arms, bare, strict=True)
        ]
        return self.sitter.replaced & dilate(covered, 0.1 * scale) & ~opening & above_hem & ~arms[0] & ~arms[1]

    def _hem_side(self) -> Points:
        """A wide box from far above the shoulders down to the hem."""
        body, (left, right) = self.sitter.body, self.fit.torso.hem
        if self.sitter.category is Category.DRESS:  # a skirt keeps its own shape
            left, right = body.hips
        aside, up = body.across * 2 * body.scale, body.down * -4 * body.scale
        return np.stack([left - aside, left - aside + up, right + aside + up, right + aside])

    def sleeve(self, canvas: Colour, side: int) -> Colour:
        """Lay one sleeve on, with its shadow on what is behind it."""
        strip = self.fit.sleeves[side]
        patch = ladder_patch(strip.cloth, strip.canvas, self.sitter.size) if strip is not None else None
        return canvas if patch is None else self._lay(canvas, patch, 0.11, 1.0)

    def bare_arm(self, canvas: Colour, plate: Colour, side: int) -> Colour:
        """Lay the arm itself over the torso: as photographed where it was bare, repainted where a sleeve covered it."""
        sitter, strip = self.sitter, self.fit.sleeves[side]
        start = BARE_FROM if strip is None else max(BARE_FROM, strip.share + 0.04)
        if start >= 1:
            return canvas
        limb = sitter.body.arms[side]
        painted, _ = limb_skin(sitter.size, limb, start, 1.2)
        near, _ = limb_skin(sitter.size, _thick(limb, 1.8), start, 1.3)
        alpha = np.maximum(soft(sitter.of(*ARM)) * near, painted * soft(sitter.replaced | sitter.of(*ARM)))
        shadow = self._shadow(alpha, 0.05, self.config.contact_shadow)
        return over(canvas * shadow[..., None], plate, alpha)

    def hand(self, canvas: Colour, side: int) -> Colour:
        """The hand comes out of the sleeve."""
        limb = _thick(self.sitter.body.arms[side], 2.0)
        beyond, _ = limb_skin(self.sitter.size, limb, 1.0, 1.6)
        wrist, _ = limb_skin(self.sitter.size, limb, 0.0, 0.9)
        return over(canvas, self.sitter.image, soft(self.sitter.of(*ARM) & (beyond > 0) & (wrist == 0), 0.8))

    def _lay(self, canvas: Colour, patch: Patch, depth: float, shadow: float) -> Colour:
        """One piece: cast its shadow, fetch its colours, shade, blend."""
        rows, columns = patch.window
        scale = self.sitter.body.scale
        colour = pull(self.garment.cloth, patch, self.fit.torso.scale).astype(np.float32)
        padded = np.zeros(self.sitter.size, np.float32)
        padded[rows, columns] = patch.alpha
        whole = np.maximum(self.arms_cover, padded)[rows, columns] if depth > 0.2 else patch.alpha
        light = round_factor(whole, depth * scale, self.config.side_shade) * self.folds[rows, columns]
        result = canvas * self._shadow(padded, 0.04, self.config.contact_shadow * shadow)[..., None]
        result[rows, columns] = over(result[rows, columns], colour * light[..., None], patch.alpha)
        return result

    def _shadow(self, alpha: Factor, width: float, strength: float) -> Factor:
        """Shadow of a piece on the body; the background is too far away to catch any."""
        factor = 1 - (1 - cast_factor(alpha, width * self.sitter.body.scale, strength)) * self.solid
        shadow: Factor = factor.astype(np.float32)
        return shadow


def _arms_cover(sitter: Sitter) -> Factor:
    """(h, w) float32 coverage of both arms: where they adjoin the torso, its side does not turn away from the light."""
    left, right = (limb_skin(sitter.size, limb, 0.0, 1.0)[0] for limb in sitter.body.arms)
    cover: Factor = np.maximum(left, right)
    return cover


def _thick(limb: Limb, factor: float) -> Limb:
    return replace(limb, half_widths=limb.half_widths * factor)
