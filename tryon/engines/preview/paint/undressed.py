"""The plate: the photo with the old garment taken off, wherever the new one may leave it uncovered.

Bare arms, legs and neck get skin, cloth that hung beside the body gives way to the background, cloth below the new hem to the
trousers or skirt. Colours grow in from what is really visible; skin is shaded as the round thing it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import LEG_LABELS, LOWER_LABELS, Category, Parse
from pipeline.core.masks import Mask, dilate, erode
from pipeline.core.rect import Window
from tryon.engines.preview.paint.bare_limbs import LimbPatch, limb_flesh, limb_patch
from tryon.engines.preview.paint.layers import Colour, Coverage, lay, soft, triple
from tryon.engines.preview.paint.skin import SHADE_TINT, Skin
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.subject import ARM_LABELS, SKIN_LABELS, Subject
from tryon.engines.preview.person.windows import window_of

OWN_REACH = 0.22
"""Of the body's scale: so far from visible skin its own colour counts more than the person's usual one."""
CHIN_SHADE = 0.24
"""Darkness of the head's shadow on the neck."""
SEAM = 0.03
"""Of the body's scale: width of the passage from painted to real skin."""
MOTTLE = 0.008
"""Skin is not of one colour: slow variation of its brightness, as a share."""


def spread(image: NDArray[np.uint8] | Colour, known: Mask) -> Colour:
    """Fill everything unknown from the nearest known colours, by a pyramid of averages (pull-push, Gortler et al. 1996).

    Args:
        image: (h, w, 3) RGB, any range.
        known: (h, w) bool: pixels to keep.

    Returns:
        (h, w, 3) float32; equal to `image` where known.
    """
    weight = known.astype(np.float32)
    levels = [(image.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        colour, weight = levels[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        small = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
        share = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
        gain = np.minimum(1, 2 * share) / np.maximum(share, 1e-6)
        levels.append((small * gain[..., None], share * gain))
    colour, weight = levels[-1]
    mean = colour.sum((0, 1)) / max(float(weight.sum()), 1e-6)
    filled = np.where(weight[..., None] > 0, colour / np.maximum(weight, 1e-6)[..., None], mean).astype(np.float32)
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: Colour = filled
    return result


def spread_softly(image: NDArray[np.uint8], known: Mask) -> Colour:
    """`spread` at half the size: smooth colours for places where nothing sharp is known anyway."""
    height, width = known.shape
    half = (max(1, width // 2), max(1, height // 2))
    small = spread(
        cv2.resize(image, half, interpolation=cv2.INTER_NEAREST),
        cv2.resize(known.astype(np.uint8), half, interpolation=cv2.INTER_NEAREST).astype(bool),
    )
    soft_colour: Colour = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return soft_colour


def undress(subject: Subject, skin: Skin | None) -> tuple[Colour, Colour]:
    """Take the old garment off.

    Args:
        subject: the person, on the part of the canvas to work on.
        skin: how bare skin looks; None = paint none.

    Returns:
        Two (h, w, 3) float32, the photo itself outside what is replaced and a narrow fringe of it in the background: with bare
        legs, and with background where the new garment will cover the legs, so that they cannot show beside it.
    """
    image, background = subject.image, subject.mask_of(Parse.BACKGROUND)
    clear = erode(background, 4)
    bare = spread_softly(image, clear) if clear.any() else image.astype(np.float32)
    person = soft(~background)
    beneath = subject.mask_of(*LOWER_LABELS) & ~subject.replaced
    if subject.category is Category.UPPER and np.count_nonzero(beneath) > 300:
        _lay_beneath(bare, subject, beneath, person)
    hidden = bare
    if skin is not None:
        colour = _skin_colour(subject, skin)
        if subject.category is not Category.LOWER:
            chest = _chest(subject, person)
            _lay_skin(bare, [chest], _under_chin(subject, colour), skin)
            _lay_skin(
                bare, [_joined(_limb(subject, side, False), chest, subject.skeleton, side) for side in (0, 1)], colour, skin
            )
        if subject.category is not Category.UPPER:
            hidden = bare.copy()
            _lay_skin(bare, [_limb(subject, side, True) for side in (0, 1)], colour, skin)
    plate = _seen_through(image, bare, _fringe(subject, subject.replaced, skin is not None))
    if hidden is bare:
        return plate, plate
    clothed = subject.replaced | (subject.mask & subject.mask_of(*LEG_LABELS))
    return plate, _seen_through(image, hidden, _fringe(subject, clothed, False))


def _fringe(subject: Subject, old: Mask, skin: bool) -> Coverage:
    """(h, w) where the plate differs from the photo when `old` is taken away."""
    background = subject.mask_of(Parse.BACKGROUND)
    fringe = soft(old | (dilate(old, 6) & background) | dilate(old, 2))
    if skin:  # skin goes over into skin slowly, cloth into background at once
        bare = subject.mask_of(*SKIN_LABELS, *LEG_LABELS) & ~background
        seam = SEAM * subject.skeleton.scale
        fringe = np.maximum(fringe, soft(dilate(old, seam), seam) * bare)
    return fringe


def _seen_through(image: NDArray[np.uint8], colour: Colour, fringe: Coverage) -> Colour:
    plate, window = image.astype(np.float32), window_of(fringe > 0)
    lay(plate, window, colour[window], fringe[window])
    return plate


def _lay_beneath(result: Colour, subject: Subject, beneath: Mask, person: Coverage) -> None:
    """Trousers or a skirt go on under the old top."""
    skeleton = subject.skeleton
    rows = [(0.55, 0.35 * skeleton.torso_length), (0.5, 1.3 * skeleton.torso_length)]
    zone = _zone(skeleton, subject.size, rows) * person
    window = window_of(zone > 0)
    lay(result, window, spread_softly(subject.image, beneath & ~dilate(subject.replaced, 3))[window], zone[window])


def _lay_skin(canvas: Colour, patches: Sequence[LimbPatch | None], colour: Colour, skin: Skin) -> None:
    """Paint parts of the body in the light that falls on them, in place."""
    for patch in patches:
        if patch is not None:
            light = triple(skin.brightness(patch.across, patch.down) - 1) * SHADE_TINT + 1
            lay(canvas, patch.window, colour[patch.window] * light, patch.alpha)


def _limb(subject: Subject, side: int, is_leg: bool) -> LimbPatch | None:
    limb = (subject.skeleton.legs if is_leg else subject.skeleton.arms)[side]
    clothed = subject.replaced | subject.mask_of(*(LEG_LABELS if is_leg else ARM_LABELS))
    return limb_patch(subject.size, limb_flesh(limb, subject.silhouette, clothed, is_leg))


def _joined(arm: LimbPatch | None, chest: LimbPatch, skeleton: Skeleton, side: int) -> LimbPatch | None:
    """The arm grows out of the chest: before it, its upper end fades in."""
    if arm is None:
        return None
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in arm.window)
    away = np.hypot(columns - skeleton.shoulders[side, 0], rows[:, None] - skeleton.shoulders[side, 1]) / (0.5 * skeleton.scale)
    before = np.zeros_like(arm.alpha)
    inner, outer = _common(arm.window, chest.window)
    before[inner] = chest.alpha[outer]
    before = np.clip(4 * before - 3, 0, 1)  # at the chest's soft edge the arm covers what would shine through
    alpha: Coverage = (arm.alpha * (1 - before * np.clip(1.15 - away, 0, 1))).astype(np.float32)
    return replace(arm, alpha=alpha)


def _common(one: Window, other: Window) -> tuple[Window, Window]:
    """What two windows of the same canvas share, as seen from either; empty slices when they share nothing."""
    starts = [max(a.start, b.start) for a, b in zip(one, other, strict=True)]
    stops = [max(min(a.stop, b.stop), start) for a, b, start in zip(one, other, starts, strict=True)]
    (rows, columns), (others, across) = (
        [slice(start - part.start, stop - part.start) for start, stop, part in zip(starts, stops, window, strict=True)]
        for window in (one, other)
    )
    return (rows, columns), (others, across)


def _skin_colour(subject: Subject, skin: Skin) -> Colour:
    """(h, w, 3) the person's own colours near visible skin, the usual tone elsewhere, with the photo's grain."""
    labels = {Category.UPPER: SKIN_LABELS, Category.LOWER: LEG_LABELS, Category.DRESS: (*SKIN_LABELS, *LEG_LABELS)}[
        subject.category
    ]
    known = erode(subject.mask_of(*labels) & ~dilate(subject.replaced, 3), 2)
    noise = _noise(subject.size, skin.grain, subject.skeleton.scale)
    if np.count_nonzero(known) < 100:
        return skin.tone + noise
    near = cv2.resize(known.astype(np.float32), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(near, (0, 0), max(OWN_REACH * subject.skeleton.scale / 4, 1.0))
    share = np.clip(cv2.resize(near, subject.size[::-1], interpolation=cv2.INTER_LINEAR) * 5, 0, 1)
    colour: Colour = skin.tone + (spread_softly(subject.image, known) - skin.tone) * triple(share) + noise
    return colour


def _noise(size: tuple[int, int], grain: float, scale: float) -> Colour:
    """(h, w, 3) the same grain for the same size, whatever was painted before."""
    source = np.random.default_rng(7)
    fine = cv2.GaussianBlur(source.standard_normal(size, dtype=np.float32), (0, 0), 0.6) * (1.5 * grain)
    coarse = source.standard_normal((max(2, size[0] // 8), max(2, size[1] // 8)), dtype=np.float32)
    slow = cv2.GaussianBlur(coarse, (0, 0), max(0.05 * scale / 8, 0.5))
    slow *= MOTTLE * 180 / max(float(slow.std()), 1e-6)
    return triple(fine + cv2.resize(slow, size[::-1], interpolation=cv2.INTER_LINEAR))


def _under_chin(subject: Subject, colour: Colour) -> Colour:
    """The head's shadow on neck and chest: light comes from above."""
    scale = subject.skeleton.scale
    head = subject.mask_of(Parse.FACE, Parse.HAIR).astype(np.float32)
    small = cv2.GaussianBlur(cv2.resize(head, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), 0.06 * scale / 4)
    shifted = cv2.warpAffine(
        small, np.array([[1, 0, 0], [0, 1, 0.09 * scale / 4]], np.float32), small.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    shade = cv2.resize(shifted, subject.size[::-1], interpolation=cv2.INTER_LINEAR)
    darker: Colour = colour * (1 - CHIN_SHADE * triple(shade) * SHADE_TINT)
    return darker


def _chest(subject: Subject, person: Coverage) -> LimbPatch:
    """Neck, slope of the shoulders and upper chest: what a neckline may show; the neck is a cylinder, the chest nearly flat."""
    skeleton, scale = subject.skeleton, subject.skeleton.scale
    outline = [(0.22, -0.5 * scale), (0.25, -0.36 * scale), (0.6, -0.1 * scale), (0.55, 0.38 * skeleton.torso_length)]
    zone = _zone(skeleton, subject.size, outline) * person
    window = window_of(zone > 0)
    rows, columns = window
    x, y = np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop))
    local = skeleton.to_torso(np.stack([x, y], 2))
    half = np.interp(local[..., 1], [row for _, row in outline], [half * scale for half, _ in outline])
    turn = 0.75 * np.clip(local[..., 0] / half, -1, 1)
    across, down = ((turn * part).astype(np.float32) for part in skeleton.across)
    return LimbPatch(window, zone[window], across, down)


def _zone(skeleton: Skeleton, shape: tuple[int, int], outline: list[tuple[float, float]]) -> Coverage:
    """Soft coverage of a zone symmetric to the torso's axis: (half width in body scales, pixels below neck), top to bottom."""
    halves, down = np.array([half for half, _ in outline]) * skeleton.scale, np.array([row for _, row in outline])
    corners = np.vstack([skeleton.to_canvas(halves, down), skeleton.to_canvas(-halves, down)[::-1]])
    zone = np.zeros(shape, np.uint8)
    cv2.fillPoly(zone, [np.round(corners).astype(np.int32)], 1)
    return soft(zone.astype(bool), 0.02 * skeleton.scale)
