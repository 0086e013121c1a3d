"""Where trousers, shorts or a skirt lie on a person: two strips that meet in the middle and part at the crotch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import LEG_LABELS, LOWER_LABELS
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.lower_landmarks import HIP_RUNGS, LEG_RUNGS, LowerLandmarks
from tryon.engines.preview.person.limbs import limb_axis, limb_half_widths, visible_half_widths
from tryon.engines.preview.person.silhouette import average_half_widths, mask_half_width
from tryon.engines.preview.person.skeleton import Limb, sign_of
from tryon.engines.preview.person.subject import ARM_LABELS, Subject

WAIST_EASE = 1.18
"""A waist laid flat is this much wider than its wearer's, seen from the front."""
HIP_EASE, LEG_EASE = 1.22, 1.3
"""A trouser leg laid flat is half its girth wide; worn, a round leg shows about a third of it, and cloth is a little stiff."""
CROTCH_BELOW_HIPS = 0.24
"""As a share of the skeleton's scale."""
FULL_LEG = 0.88
"""A trouser leg that reaches this share of the leg is meant to reach the ankle."""
GAP_AT_HEM = 0.03
"""As a share of the skeleton's scale: gap at the hem between wide legs that meet above."""
IN_MASK = 0.85
"""A hem is put where at least this share of it may be painted; further down, shoes would interrupt it."""


@dataclass(frozen=True)
class LowerFit:
    """Where both halves lie on the canvas.

    Args:
        canvas: left and right pair of edges, outer first, like `LowerLandmarks.halves`; the last rung is the hem.
        waist: (2, 2) corners, x, y.
        crotch: (2,) x, y.
        scale: canvas pixels per cloth pixel.
        hems: how much of the left and the right leg is covered, 1 = to the ankle.
        nearer: the leg in front, 0 = viewer's left: the one whose foot is lower in the picture.
    """

    canvas: tuple[tuple[Points64, Points64], tuple[Points64, Points64]]
    waist: Points64
    crotch: Points64
    scale: float
    hems: tuple[float, float]
    nearer: int

    def moved(self, offset: Points64) -> LowerFit:
        """The same fit, moved by (2,) pixels."""
        left, right = ((outer + offset, inner + offset) for outer, inner in self.canvas)
        return replace(self, canvas=(left, right), waist=self.waist + offset, crotch=self.crotch + offset)


def fit_lower(subject: Subject, garment: LowerLandmarks) -> LowerFit:
    """Place a lower garment: its waist where the worn one's is, its length by its own proportions."""
    skeleton = subject.skeleton
    waist_down = _waist_row(subject)
    crotch_down = max(skeleton.torso_length + CROTCH_BELOW_HIPS * skeleton.scale, waist_down + 0.3 * skeleton.scale)
    rows = np.linspace(waist_down, crotch_down, HIP_RUNGS)
    body_halves = [_body_half_widths(subject, side, rows) for side in (0, 1)]
    waist = np.stack([skeleton.to_canvas(-body_halves[0][0], rows[0]), skeleton.to_canvas(body_halves[1][0], rows[0])])
    scale = WAIST_EASE * float(np.hypot(*(waist[1] - waist[0]))) / max(garment.waist_width, 1.0)
    middle = skeleton.to_canvas(np.zeros(HIP_RUNGS), rows)
    share = _leg_share(garment, subject, waist_down, crotch_down, scale)
    canvas = []
    for side in (0, 1):
        half = np.maximum(body_halves[side], _hip_cut(garment, side, scale, body_halves[side]))
        free = _free_width(subject, middle, np.tile(sign_of(side) * skeleton.across, (HIP_RUNGS, 1)), 0.8 * body_halves[side])
        hip_outer = skeleton.to_canvas(sign_of(side) * np.minimum(half, free), rows)
        legs = _skirt_rungs if garment.crotch is None else _leg_rungs
        outer, inner = legs(subject, garment, side, share, scale, (hip_outer[-1], middle[-1]))
        canvas.append((np.vstack([hip_outer, outer]), np.vstack([middle, inner])))
    nearer = int(skeleton.legs[1].joints[2, 1] > skeleton.legs[0].joints[2, 1])
    hems = (share, share) if garment.crotch is None else tuple(_hem_share(subject.mask, leg, share) for leg in skeleton.legs)
    return LowerFit((canvas[0], canvas[1]), waist, middle[-1], scale, (hems[0], hems[1]), nearer)


def _body_half_widths(subject: Subject, side: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths from waist to crotch; neither a shirt that hangs over the hips nor a wide dress makes them wider."""
    half = subject.silhouette.torso_half_widths(subject.skeleton, side, rows) + 0.02 * subject.skeleton.scale
    if not (subject.mask_of(*LOWER_LABELS) & subject.mask).any():
        half = np.minimum(half, 1.05 * average_half_widths(subject.skeleton, side, rows))
    return np.minimum(half, 1.02 * float(half[-1]))


def _hip_cut(garment: LowerLandmarks, side: int, scale: float, body_half: NDArray[np.float64]) -> NDArray[np.float64]:
    """(HIP_RUNGS,) half widths of the garment: the body's at the waist, hardly more than the body's down to the crotch."""
    outer, inner = garment.halves[side]
    cut = np.abs((outer - inner)[:HIP_RUNGS, 0]) * scale / HIP_EASE
    limit: NDArray[np.float64] = np.minimum(cut, body_half * np.linspace(1.0, 1.12, HIP_RUNGS))
    return limit


def _waist_row(subject: Subject) -> float:
    """Pixels from the neck down to the upper edge of the worn lower garment; a little above the hips when none is visible."""
    skeleton = subject.skeleton
    rows, columns = np.nonzero(subject.mask_of(*LOWER_LABELS)[::2, ::2])
    place = skeleton.to_torso(np.column_stack([columns, rows]) * 2.0)
    middle = place[np.abs(place[:, 0]) < 0.3 * skeleton.scale, 1]
    usual = 0.88 * skeleton.torso_length
    if len(middle) < 50:
        return usual
    worn = float(np.percentile(middle, 1))
    worn = max(min(worn, _top_of_mask(subject)), worn - 0.08 * skeleton.scale)  # a belt or a shadow may hide the edge
    return float(np.clip(worn, 0.65 * skeleton.torso_length, 1.05 * skeleton.torso_length))


def _top_of_mask(subject: Subject) -> float:
    """Pixels from the neck down to the upper edge of the mask, in the middle of the torso."""
    rows, columns = np.nonzero(subject.mask[::2, ::2])
    place = subject.skeleton.to_torso(np.column_stack([columns, rows]) * 2.0)
    middle = place[np.abs(place[:, 0]) < 0.25 * subject.skeleton.scale, 1]
    return float(np.percentile(middle, 0.5)) if len(middle) > 50 else np.inf


def _leg_share(garment: LowerLandmarks, subject: Subject, waist_down: float, crotch_down: float, scale: float) -> float:
    """How far down the leg the garment reaches, 1 = to the ankle."""
    skeleton = subject.skeleton
    full = float(np.mean([leg.length for leg in skeleton.legs]))
    upright = max(full, 2.2 * skeleton.scale)  # a thigh pointing at the camera looks short, but wears no shorter trousers
    share = (garment.length * scale + waist_down - skeleton.torso_length) / upright
    shortest = (crotch_down - skeleton.torso_length) / upright + 0.05
    if garment.crotch is None:
        return float(np.clip(share, shortest, 1.0))
    if share > FULL_LEG:
        return 1.03
    rise = (float(garment.crotch[1]) - float(garment.waist[:, 1].mean())) * scale
    share -= max(0.0, rise - (crotch_down - waist_down)) / 2 / upright  # a wide waist makes the scale, and so the legs, too large
    return float(np.clip(share, shortest, 1.0))


def _leg_rungs(
    subject: Subject, garment: LowerLandmarks, side: int, share: float, scale: float, root: tuple[Points64, Points64]
) -> tuple[Points64, Points64]:
    """(LEG_RUNGS, 2) outer and inner edge of one trouser leg; `root` is the outer and inner end of the rung above."""
    skeleton = subject.skeleton
    limb: Limb = skeleton.legs[side]
    start = float(skeleton.to_torso((root[0] + root[1]) / 2)[1] - skeleton.torso_length) / max(limb.length, 1.0)
    shares = np.linspace(start, max(_hem_share(subject.mask, limb, share), start + 0.05), LEG_RUNGS + 1)[1:]
    middle, tangent = limb_axis(limb, shares)
    outward = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * -sign_of(side)
    limb_half = limb_half_widths(limb, shares)
    edges = garment.halves[side]
    cut = np.abs((edges[0] - edges[1])[HIP_RUNGS:, 0]) / 2 * scale / LEG_EASE
    half = np.clip(cut, 1.04 * limb_half, 2.0 * limb_half)
    outer, inner = (_leg_half_widths(subject, middle, sign * outward, half, limb_half) for sign in (1.0, -1.0))
    half_way = _half_way_between(middle, outward, limb_axis(skeleton.legs[1 - side], shares)[0], limb_half)
    inner = np.minimum(inner, half_way - np.linspace(0, GAP_AT_HEM, LEG_RUNGS) * skeleton.scale)
    fade = np.clip(1 - (shares - start) / max(0.35 * (shares[-1] - start), 1e-6), 0, 1)[:, None] ** 1.5
    first = [middle[0] + outward[0] * outer[0], middle[0] - outward[0] * inner[0]]
    return (
        middle + outward * outer[:, None] + fade * (root[0] - first[0]),
        middle - outward * inner[:, None] + fade * (root[1] - first[1]),
    )


def _leg_half_widths(
    subject: Subject, middle: Points64, outward: Points64, half: NDArray[np.float64], limb_half: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) half widths to one side: the cloth's own, a little more where the worn leg is wider, no more than may be painted."""
    visible = visible_half_widths(subject.silhouette, middle, outward, limb_half, subject.mask_of(*LOWER_LABELS, *LEG_LABELS)) + 2
    wanted = _smooth(np.maximum(half, np.minimum(visible, 1.15 * half)))
    free = np.maximum(_free_width(subject, middle, outward, limb_half), limb_half)
    tightest = int(np.argmin(free / wanted))
    ramp = np.minimum(np.arange(1, len(half) + 1) / (tightest + 1), 1)  # straight down to where it is tightest, without a step
    return np.minimum(wanted * (1 - ramp * max(0.0, 1 - float((free / wanted)[tightest]))), free)


def _free_width(subject: Subject, middle: Points64, outward: Points64, least: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) pixels from the middle line to the first place that must not be painted, at least `least`; inf when none is near.

    Hands do not count, because they are in front.
    """
    allowed, (height, width) = subject.mask | subject.mask_of(*ARM_LABELS), subject.size
    steps = np.arange(0.0, 2.2 * float(least.max()), 2.0)
    columns, rows = np.round(middle[:, None] + steps[:, None] * outward[:, None]).astype(int).transpose(2, 0, 1)
    beyond = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    paintable = allowed[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] | beyond | (steps < least[:, None])
    return np.where(paintable.all(1), np.inf, steps[np.argmin(paintable, 1)] - 2)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) moving average over five, ends kept in place."""
    smooth: NDArray[np.float64] = np.convolve(np.pad(values, 2, mode="reflect", reflect_type="odd"), np.full(5, 0.2), "valid")
    return smooth


def _half_way_between(
    middle: Points64, outward: Points64, other: Points64, limb_half: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) half widths up to the line half-way between the legs, where each leg ends unless one is in front of the other."""
    apart = ((middle - other) * outward).sum(1)
    half_way: NDArray[np.float64] = np.maximum(apart / 2, 0.9 * limb_half)
    return half_way


def _hem_share(mask: Mask, limb: Limb, share: float) -> float:
    """How far down this leg a hem can be painted without a break: below, the mask ends at shoes."""
    shares = np.linspace(0.6 * share, share, 48)
    middle, tangent = limb_axis(limb, shares)
    aside = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * limb_half_widths(limb, shares)[:, None]
    columns, rows = np.round(middle + np.linspace(-1.1, 1.1, 11)[:, None, None] * aside).astype(int).transpose(2, 0, 1)
    beyond = (rows < 0) | (rows >= mask.shape[0]) | (columns < 0) | (columns >= mask.shape[1])
    free = mask[np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1)] | beyond
    whole = np.flatnonzero(free.mean(0) >= IN_MASK)
    return float(shares[whole[-1]]) if len(whole) else share


def _skirt_rungs(
    subject: Subject, garment: LowerLandmarks, side: int, share: float, scale: float, root: tuple[Points64, Points64]
) -> tuple[Points64, Points64]:
    """(LEG_RUNGS, 2) outer edge and middle line of half a skirt below the hips, as wide as the mask allows."""
    skeleton = subject.skeleton
    ends = np.mean([limb_axis(leg, np.array([share]))[0][0] for leg in skeleton.legs], axis=0)
    down = np.linspace(float(skeleton.to_torso(root[1])[1]), float(skeleton.to_torso(ends)[1]), LEG_RUNGS + 1)[1:]
    edges = garment.halves[side]
    cut = np.abs((edges[0] - edges[1])[HIP_RUNGS:, 0]) * scale / WAIST_EASE
    free = np.array([mask_half_width(subject.mask, skeleton, row) for row in down])
    half = np.minimum(np.maximum(cut, 0.3 * skeleton.scale), np.maximum(free, 0.3 * skeleton.scale))
    return skeleton.to_canvas(sign_of(side) * half, down), skeleton.to_canvas(np.zeros(LEG_RUNGS), down)
