"""What a shorter top leaves bare: the midriff as skin, and below the waist the trousers or skirt, continued upwards.

The photo shows neither, because the removed top hung over them. The colours are those of the visible part below, the shape is the
body's down to the crotch and the visible legs' own width from there on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, dilate
from tryon.engines.preview.paint.bare_limbs import SkinPatch
from tryon.engines.preview.paint.fill import fill_smoothly
from tryon.engines.preview.paint.layers import Coverage, FloatRGB, blend, multiply
from tryon.engines.preview.paint.polygons import canvas_alpha
from tryon.engines.preview.paint.shading import round_factor
from tryon.engines.preview.person.limbs import limb_axis, limb_half_widths, visible_half_widths
from tryon.engines.preview.person.silhouette import average_half_widths, mask_half_width, sampled
from tryon.engines.preview.person.skeleton import sign_of
from tryon.engines.preview.person.subject import Subject
from tryon.engines.preview.person.windows import WHOLE, window_of

CROTCH_BELOW_HIPS = 0.24
"""As a share of the skeleton's scale."""
USUAL_EASE = 1.3
"""A trouser leg is this much wider than the leg in it, where the photo does not show how wide it is."""
MOST_EASE = 1.8
SIDE_SHADE = 0.84
"""Brightness at the sides, as on the garments that the photo shows."""
ROUNDNESS = 0.8
"""How far the body's sides turn away from the viewer, as a share of a full turn; its front is nearly flat."""
STATIONS = 32


def paint_kept_garment(canvas: FloatRGB, subject: Subject, person: Coverage) -> None:
    """Continue what stays on below the removed top up to the waist, in place.

    Args:
        canvas: (h, w, 3) float32.
        subject: the person, with the mask for tops.
        person: (h, w) the person's own area.
    """
    kept = subject.kept_below
    zone = canvas_alpha(_zone(subject, kept), subject.size) * person
    window = window_of(zone > 0)
    colour = fill_smoothly(subject.image, kept & ~dilate(subject.replaced, 3))[window]
    multiply(colour, WHOLE, round_factor(zone[window], 0.1 * subject.skeleton.scale, SIDE_SHADE))
    blend(canvas, window, colour, zone[window])


def midriff_patch(subject: Subject, person: Coverage) -> SkinPatch:
    """The bare body from the ribs to where the garment below begins, nearly flat.

    Args:
        subject: the person, with the mask for tops.
        person: (h, w) the person's own area.
    """
    skeleton = subject.skeleton
    rows = np.linspace(0.3 * skeleton.torso_length, subject.waist_down + 0.03 * skeleton.scale, STATIONS)
    left, right = (_body_half_widths(subject, side, rows) for side in (0, 1))
    outline = np.vstack([skeleton.to_canvas(-left, rows), skeleton.to_canvas(right, rows)[::-1]])
    zone = canvas_alpha([outline], subject.size) * person
    window = window_of(zone > 0)
    y, x = np.mgrid[window]
    place = skeleton.to_torso(np.stack([x, y], 2))
    turn = ROUNDNESS * np.clip(2 * place[..., 0] / (np.interp(place[..., 1], rows, left + right)), -1, 1) ** 3
    across, down = ((turn * part).astype(np.float32) for part in skeleton.across)
    return SkinPatch(window, zone[window], across, down)


def _body_half_widths(subject: Subject, side: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths of the bare body: an average one's, less where the photo shows it narrower."""
    average = average_half_widths(subject.skeleton, side, rows)
    half: NDArray[np.float64] = np.minimum(0.98 * subject.silhouette.torso_half_widths(subject.skeleton, side, rows), average)
    return half


def _zone(subject: Subject, kept: Mask) -> list[Points64]:
    """Outlines that together hold the garment from the waist downwards."""
    skeleton = subject.skeleton
    crotch = skeleton.torso_length + CROTCH_BELOW_HIPS * skeleton.scale
    rows = np.linspace(subject.waist_down, crotch, 8)
    sides = [_hip_half_widths(subject, side, rows, kept) for side in (0, 1)]
    hips = np.vstack([skeleton.to_canvas(-sides[0], rows), skeleton.to_canvas(sides[1], rows)[::-1]])
    if np.count_nonzero(kept & ~subject.mask_of(Parse.PANTS)) > 0.5 * np.count_nonzero(kept):
        return [hips, _skirt(subject, kept, crotch, (sides[0][-1], sides[1][-1]))]
    return [hips, *(_leg(subject, side, kept) for side in (0, 1))]


def _hip_half_widths(subject: Subject, side: int, rows: NDArray[np.float64], kept: Mask) -> NDArray[np.float64]:
    """(n,) half widths from the waist downwards: the bare body's at the waist, the garment's own where it comes into view."""
    skeleton = subject.skeleton
    bare = 1.02 * _body_half_widths(subject, side, rows)
    top = subject.top_of(kept) + 0.06 * skeleton.scale
    usual = float(np.interp(top, rows, 1.04 * average_half_widths(skeleton, side, rows)))
    start, direction = skeleton.to_canvas(0.0, top), sign_of(side) * skeleton.across
    seen = subject.silhouette.distance_to_edge(start, direction, 0.8 * usual, 1.4 * usual, usual, kept)
    down = np.clip((rows - rows[0]) / max(top - rows[0], 1e-6), 0, 1) if top > rows[0] + 1 else np.ones(len(rows))
    wider = average_half_widths(skeleton, side, rows) * seen / max(usual / 1.04, 1e-6)
    half: NDArray[np.float64] = bare + down * (np.maximum(wider, bare) - bare)
    return half


def _leg(subject: Subject, side: int, kept: Mask) -> Points64:
    """(n, 2) outline of a trouser leg, as wide as where it comes into view."""
    limb = subject.skeleton.legs[side]
    shares = np.linspace(0, 1, STATIONS)
    middle, tangent = limb_axis(limb, shares)
    normal, usual = np.column_stack([-tangent[:, 1], tangent[:, 0]]), limb_half_widths(limb, shares)
    shown = np.flatnonzero(sampled(kept, middle))[:6]
    edges = []
    for sign in (1.0, -1.0):
        ease = USUAL_EASE
        if len(shown) > 2:
            seen = visible_half_widths(subject.silhouette, middle[shown], sign * normal[shown], usual[shown], kept)
            ease = float(np.clip(np.median(seen / usual[shown]), 1.0, MOST_EASE))
        edges.append(middle + sign * normal * (ease * usual)[:, None])
    return np.vstack([edges[0], edges[1][::-1]])


def _skirt(subject: Subject, kept: Mask, crotch: float, hips: tuple[float, float]) -> Points64:
    """(4, 2) from the hips down to where the visible part of a skirt begins, as wide as it is there."""
    skeleton = subject.skeleton
    top = max(subject.top_of(kept) + 0.06 * skeleton.scale, crotch + 1)
    half = np.maximum(mask_half_width(kept, skeleton, top), np.array(hips))
    corners = skeleton.to_canvas(np.array([-hips[0], hips[1], half[1], -half[0]]), np.array([crotch, crotch, top, top]))
    return np.vstack([corners])
