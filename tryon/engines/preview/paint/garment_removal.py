"""The undressed photo: the worn garment is removed wherever the new one may leave its place uncovered.

Bare arms, legs and neck are painted as skin. The background replaces cloth that hung beside the body, and trousers or a skirt
replace cloth below the new hem. Colours are filled in from what the photo shows; skin is shaded as a round surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from pipeline.core.labels import LEG_LABELS, Category, Parse
from pipeline.core.masks import Mask, dilate, erode
from tryon.engines.preview.paint.bare_limbs import SkinPatch, bare_limb, bare_limb_patch
from tryon.engines.preview.paint.below_top import midriff_patch, paint_kept_garment
from tryon.engines.preview.paint.fill import fill_smoothly
from tryon.engines.preview.paint.layers import Coverage, FloatRGB, blend, soften, three_channels
from tryon.engines.preview.paint.skin import SHADE_TINT, Skin
from tryon.engines.preview.paint.skin_colour import shaded_by_head, skin_colour
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.subject import ARM_LABELS, SKIN_LABELS, Subject
from tryon.engines.preview.person.windows import overlap, pixels_of, window_of

SEAM = 0.03
"""As a share of the skeleton's scale: width of the transition from painted to real skin."""


def remove_garment(subject: Subject, skin: Skin | None) -> tuple[FloatRGB, FloatRGB]:
    """Remove the worn garment from the photo.

    Args:
        subject: the person, on the part of the canvas to work on.
        skin: how bare skin looks; None = paint none.

    Returns:
        Two (h, w, 3) float32 pictures, 0..255, equal to the photo except where the garment was and in a narrow fringe around it:
        one with bare legs, and one with background in place of the legs, for a garment that covers them.
    """
    image, background = subject.image, subject.mask_of(Parse.BACKGROUND)
    known = erode(background, 4)
    painted = fill_smoothly(image, known) if known.any() else image.astype(np.float32)
    person = soften(~background)
    if subject.keeps_lower:
        paint_kept_garment(painted, subject, person)
    without_legs = painted
    if skin is not None:
        colour = skin_colour(subject, skin)
        if subject.category is not Category.LOWER:
            chest = _chest(subject, person)
            arms = [_joined(_limb(subject, side, False, person), chest, subject.skeleton, side) for side in (0, 1)]
            if subject.keeps_lower:
                _paint_skin(painted, [midriff_patch(subject, person)], colour, skin)
            _paint_skin(painted, [chest], shaded_by_head(subject, colour), skin)
            _paint_skin(painted, arms, colour, skin)
        if subject.category is not Category.UPPER:
            without_legs = painted.copy()
            _paint_skin(painted, [_limb(subject, side, True, person) for side in (0, 1)], colour, skin)
    photo = _blended(image, painted, _fringe(subject, subject.replaced, skin is not None))
    if without_legs is painted:
        return photo, photo
    covered = subject.replaced | (subject.mask & subject.mask_of(*LEG_LABELS))
    return photo, _blended(image, without_legs, _fringe(subject, covered, False))


def _fringe(subject: Subject, removed: Mask, skin: bool) -> Coverage:
    """(h, w) where the photo is repainted when `removed` is taken away."""
    background = subject.mask_of(Parse.BACKGROUND)
    fringe = soften(removed | (dilate(removed, 6) & background) | dilate(removed, 2))
    if skin:  # painted skin blends into real skin slowly, cloth into background at once
        real = subject.mask_of(*SKIN_LABELS, *LEG_LABELS) & ~background
        seam = SEAM * subject.skeleton.scale
        fringe = np.maximum(fringe, soften(dilate(removed, seam), seam) * real)
    return fringe


def _blended(image: RGB, colour: FloatRGB, alpha: Coverage) -> FloatRGB:
    """(h, w, 3) the photo with `colour` over it."""
    photo, window = image.astype(np.float32), window_of(alpha > 0)
    blend(photo, window, colour[window], alpha[window])
    return photo


def _paint_skin(canvas: FloatRGB, patches: Sequence[SkinPatch | None], colour: FloatRGB, skin: Skin) -> None:
    """Paint patches of skin in the light that falls on them, in place."""
    for patch in patches:
        if patch is not None:
            light = three_channels(skin.brightness(patch.across, patch.down) - 1) * SHADE_TINT + 1
            blend(canvas, patch.window, colour[patch.window] * light, patch.alpha)


def _limb(subject: Subject, side: int, is_leg: bool, person: Coverage) -> SkinPatch | None:
    """A bare arm or leg; side 0 = viewer's left. It lies within the photo's person, dressed as they are."""
    limb = (subject.skeleton.legs if is_leg else subject.skeleton.arms)[side]
    clothed = subject.replaced | subject.mask_of(*(LEG_LABELS if is_leg else ARM_LABELS))
    patch = bare_limb_patch(subject.size, bare_limb(limb, subject.silhouette, clothed, is_leg))
    return None if patch is None else replace(patch, alpha=patch.alpha * np.minimum(2 * person[patch.window], 1))


def _joined(arm: SkinPatch | None, chest: SkinPatch, skeleton: Skeleton, side: int) -> SkinPatch | None:
    """The arm with its upper end faded out where it lies in front of the chest."""
    if arm is None:
        return None
    rows, columns = pixels_of(arm.window)
    away = np.hypot(columns - skeleton.shoulders[side, 0], rows - skeleton.shoulders[side, 1]) / (0.5 * skeleton.scale)
    in_front = np.zeros_like(arm.alpha)
    inner, outer = overlap(arm.window, chest.window)
    in_front[inner] = chest.alpha[outer]
    in_front = np.clip(4 * in_front - 3, 0, 1)  # at the chest's soft edge the arm covers what would show through
    alpha: Coverage = (arm.alpha * (1 - in_front * np.clip(1.15 - away, 0, 1))).astype(np.float32)
    return replace(arm, alpha=alpha)


def _chest(subject: Subject, person: Coverage) -> SkinPatch:
    """Neck, shoulders and upper chest, which a neckline may show; the neck is a cylinder, the chest nearly flat."""
    skeleton, scale = subject.skeleton, subject.skeleton.scale
    outline = [(0.22, -0.5 * scale), (0.25, -0.36 * scale), (0.6, -0.1 * scale), (0.55, 0.38 * skeleton.torso_length)]
    zone = _torso_zone(skeleton, subject.size, outline) * person
    window = window_of(zone > 0)
    rows, columns = window
    x, y = np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop))
    place = skeleton.to_torso(np.stack([x, y], 2))
    half = np.interp(place[..., 1], [row for _, row in outline], [half * scale for half, _ in outline])
    turn = 0.75 * np.clip(place[..., 0] / half, -1, 1)
    across, down = ((turn * part).astype(np.float32) for part in skeleton.across)
    return SkinPatch(window, zone[window], across, down)


def _torso_zone(skeleton: Skeleton, size: tuple[int, int], outline: list[tuple[float, float]]) -> Coverage:
    """(h, w) soft coverage of a zone symmetric to the torso's axis.

    `outline` goes from top to bottom: (half width as a share of the skeleton's scale, pixels below the neck).
    """
    halves, down = np.array([half for half, _ in outline]) * skeleton.scale, np.array([row for _, row in outline])
    corners = np.vstack([skeleton.to_canvas(halves, down), skeleton.to_canvas(-halves, down)[::-1]])
    zone = np.zeros(size, np.uint8)
    cv2.fillPoly(zone, [np.round(corners).astype(np.int32)], 1)
    return soften(zone.astype(bool), 0.02 * skeleton.scale)
