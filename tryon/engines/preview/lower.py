"""Dress a person in trousers, shorts or a skirt: two bent strips that meet in the middle."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import LOWER_LABELS, Parse
from pipeline.core.masks import Mask
from tryon.engines.preview.body import Limb
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit import mask_half
from tryon.engines.preview.limbs import limb_axis, limb_halves, seen_halves
from tryon.engines.preview.lower_landmarks import HIP_RUNGS, LEG_RUNGS, LowerLandmarks
from tryon.engines.preview.outline import Points
from tryon.engines.preview.plate import Colour, KnownAreas, blend_into, over, undress
from tryon.engines.preview.shading import fold_factor, round_factor
from tryon.engines.preview.sitter import LEG, Sitter
from tryon.engines.preview.warp import ladder_patch, pull

OVERLAP_PX = 1.5
WAIST_EASE = 1.18
"""A waist laid flat is this much wider than its wearer's, seen from the front."""
CROTCH_BELOW_HIPS = 0.24
"""Of the body's scale."""
FULL_LEG = 0.88
"""A trouser leg that reaches this share of the leg is meant to reach the ankle."""


@dataclass(frozen=True)
class LowerGarment:
    """A flat lower garment: colours that reach beyond its edge, and its landmarks."""

    cloth: NDArray[np.uint8]
    landmarks: LowerLandmarks


@dataclass(frozen=True)
class LowerFit:
    """Where both halves land.

    Args:
        canvas: left and right pair of edges, outer first, like `LowerLandmarks.halves`.
        waist: (2, 2) landing corners.
        crotch: (2,).
        scale: canvas pixels per cloth pixel.
        share: how much of the leg is covered, 1 = to the ankle.
    """

    canvas: tuple[tuple[Points, Points], tuple[Points, Points]]
    waist: Points
    crotch: Points
    scale: float
    share: float


def fit_lower(sitter: Sitter, garment: LowerLandmarks) -> LowerFit:
    """Land a lower garment: the waist where the worn one's is, the length by its own proportions."""
    body, silhouette = sitter.body, sitter.silhouette
    waist_down = _waist_row(sitter)
    crotch_down = max(body.torso_length + CROTCH_BELOW_HIPS * body.scale, waist_down + 0.3 * body.scale)
    rows = np.linspace(waist_down, crotch_down, HIP_RUNGS)
    flanks = [silhouette.flank(body, sign, rows) + 0.02 * body.scale for sign in (-1.0, 1.0)]
    waist = np.stack([body.at(-flanks[0][0], rows[0]), body.at(flanks[1][0], rows[0])])
    scale = WAIST_EASE * float(np.hypot(*(waist[1] - waist[0]))) / max(garment.waist_width, 1.0)
    middle = body.at(np.zeros(HIP_RUNGS), rows)
    share = _leg_share(garment, sitter, waist_down, crotch_down, scale)
    canvas = []
    for side, sign in ((0, -1.0), (1, 1.0)):
        hip_outer = body.at(sign * np.maximum(flanks[side], _hip_cut(garment, side, scale, flanks[side])), rows)
        legs = _skirt_rungs if garment.crotch is None else _leg_rungs
        outer, inner = legs(sitter, garment, side, (share, scale), (hip_outer[-1], middle[-1]))
        canvas.append((np.vstack([hip_outer, outer]), np.vstack([middle, inner])))
    return LowerFit((canvas[0], canvas[1]), waist, middle[-1], scale, share)


def _hip_cut(garment: LowerLandmarks, side: int, scale: float, flank: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half widths of the garment above the crotch, no more than a quarter wider than the body; at the waist it is the body's."""
    outer, inner = garment.halves[side]
    cut = np.abs((outer - inner)[:HIP_RUNGS, 0]) * scale / WAIST_EASE
    limit: NDArray[np.float64] = np.minimum(cut, flank * np.linspace(1.0, 1.25, HIP_RUNGS))
    return limit


def _waist_row(sitter: Sitter) -> float:
    """Pixels from the neck down to the upper edge of the worn lower garment; a little above the hips when none is seen."""
    body = sitter.body
    rows, columns = np.nonzero(sitter.of(*LOWER_LABELS)[::2, ::2])
    place = body.local(np.column_stack([columns, rows]) * 2.0)
    middle = place[np.abs(place[:, 0]) < 0.3 * body.scale, 1]
    usual = 0.88 * body.torso_length
    if len(middle) < 50:
        return usual
    return float(np.clip(np.percentile(middle, 1), 0.65 * body.torso_length, 1.05 * body.torso_length))


def _leg_share(garment: LowerLandmarks, sitter: Sitter, waist_down: float, crotch_down: float, scale: float) -> float:
    """How far down the leg the garment reaches."""
    body = sitter.body
    full = float(np.mean([leg.length for leg in body.legs]))
    upright = max(full, 2.2 * body.scale)  # a thigh pointing at the camera looks short, but wears no shorter trousers
    share = (garment.length * scale + waist_down - body.torso_length) / upright
    lowest = (crotch_down - body.torso_length) / upright + 0.05
    return 1.03 if share > FULL_LEG and garment.crotch is not None else float(np.clip(share, lowest, 1.0))


def _leg_rungs(
    sitter: Sitter, garment: LowerLandmarks, side: int, size: tuple[float, float], root: tuple[Points, Points]
) -> tuple[Points, Points]:
    """Outer and inner edge of one trouser leg below the crotch."""
    share, scale = size
    body = sitter.body
    limb: Limb = body.legs[side]
    start = CROTCH_BELOW_HIPS * body.scale / max(limb.length, 1.0)
    shares = np.linspace(start, share, LEG_RUNGS + 1)[1:]
    middle, tangent = limb_axis(limb, shares)
    outward = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * (1.0 if side == 0 else -1.0)
    edges = garment.halves[side]
    cut = np.abs((edges[0] - edges[1])[HIP_RUNGS:, 0]) / 2 * scale / WAIST_EASE
    bare = limb_halves(limb, shares)
    legs = sitter.of(*LOWER_LABELS, *LEG)
    half = np.clip(cut, 1.02 * bare, 1.9 * bare)
    outer = np.maximum(half, seen_halves(sitter.silhouette, middle, outward, bare, legs) + 2)
    inner = np.maximum(half, seen_halves(sitter.silhouette, middle, -outward, bare, legs) + 2)
    fade = np.clip(1 - (shares - start) / max(0.25 * (share - start), 1e-6), 0, 1)[:, None] ** 2
    first = [middle[0] + outward[0] * outer[0], middle[0] - outward[0] * inner[0]]
    return (
        middle + outward * outer[:, None] + fade * (root[0] - first[0]),
        middle - outward * inner[:, None] + fade * (root[1] - first[1]),
    )


def _skirt_rungs(
    sitter: Sitter, garment: LowerLandmarks, side: int, size: tuple[float, float], root: tuple[Points, Points]
) -> tuple[Points, Points]:
    """Outer edge and middle line of one half of a skirt below the hips, as wide as the mask allows."""
    share, scale = size
    body = sitter.body
    sign = -1.0 if side == 0 else 1.0
    ends = np.mean([limb_axis(leg, np.array([share]))[0][0] for leg in body.legs], axis=0)
    down = np.linspace(float(body.local(root[1])[1]), float(body.local(ends)[1]), LEG_RUNGS + 1)[1:]
    edges = garment.halves[side]
    cut = np.abs((edges[0] - edges[1])[HIP_RUNGS:, 0]) * scale / WAIST_EASE
    room = np.array([mask_half(sitter.mask, body, row) for row in down])
    half = np.minimum(np.maximum(cut, 0.3 * body.scale), np.maximum(room, 0.3 * body.scale))
    return body.at(sign * half, down), body.at(np.zeros(LEG_RUNGS), down)


def leg_skin(sitter: Sitter) -> Mask:
    """(h, w) bool: bare legs; arms, neck and face where what the parse map calls a leg is not of their colour."""
    legs, others = sitter.of(*LEG), sitter.of(Parse.FACE, Parse.NECK, Parse.LEFT_ARM, Parse.RIGHT_ARM)
    if np.count_nonzero(others) < 100:
        return legs
    if np.count_nonzero(legs) < 400:
        return others
    lab = cv2.cvtColor(sitter.image, cv2.COLOR_RGB2LAB).astype(np.float32)
    light, green_red, blue_yellow = np.abs(np.median(lab[legs], axis=0) - np.median(lab[others], axis=0))
    return legs if light < 70 and green_red < 12 and blue_yellow < 12 else others


def dress_lower(sitter: Sitter, garment: LowerGarment, config: PreviewConfig) -> NDArray[np.uint8]:
    """The person in trousers, shorts or a skirt.

    Args:
        sitter: the person, with the mask for lower garments.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    fit = fit_lower(sitter, garment.landmarks)
    known = KnownAreas(sitter.of(Parse.BACKGROUND), leg_skin(sitter), np.zeros_like(sitter.mask))
    canvas = undress(sitter.image, sitter.replaced, known, sitter.body, sitter.body.legs)
    folds = fold_factor(sitter.image, sitter.replaced, sitter.body.scale, config.fold_strength)
    joined = HIP_RUNGS if garment.landmarks.crotch is not None else HIP_RUNGS + LEG_RUNGS
    halves = [
        ladder_patch(_overlapping(cloth, fit.scale, joined), _overlapping(edges, 1.0, joined), sitter.size)
        for cloth, edges in zip(garment.landmarks.halves, fit.canvas, strict=True)
    ]
    patches = [patch for patch in halves if patch is not None]
    whole = np.zeros(sitter.size, np.float32)
    for patch in patches:
        whole[patch.window] = np.maximum(whole[patch.window], patch.alpha)
    light = round_factor(whole, 0.12 * sitter.body.scale, config.side_shade) * folds
    for patch in patches:
        colour: Colour = pull(garment.cloth, patch, fit.scale).astype(np.float32)
        canvas[patch.window] = over(canvas[patch.window], colour * light[patch.window][..., None], patch.alpha)
    canvas = over(canvas, sitter.image, sitter.of(Parse.LEFT_ARM, Parse.RIGHT_ARM).astype(np.float32))
    return blend_into(sitter.image, canvas, sitter.mask)


def _overlapping(edges: tuple[Points, Points], scale: float, joined: int) -> tuple[Points, Points]:
    """The first `joined` rungs reach across the middle by a pixel or two, so that no line shines through between the halves."""
    outer, inner = edges
    across = inner - outer
    across = across / np.maximum(np.hypot(*across.T), 1e-6)[:, None] * OVERLAP_PX / max(scale, 1e-6)
    return outer, np.where(np.arange(len(inner))[:, None] < joined, inner + across, inner)
