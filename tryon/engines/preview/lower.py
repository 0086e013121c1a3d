"""Dress a person in trousers, shorts or a skirt: two bent strips, each leg round and in its own light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Points64
from pipeline.core.labels import Parse
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit.lower import LowerFit, fit_lower
from tryon.engines.preview.garment.lower_landmarks import HIP_RUNGS, LEG_RUNGS, LowerLandmarks
from tryon.engines.preview.paint.fill import fill_unknown
from tryon.engines.preview.paint.layers import Brightness, Coverage, FloatRGB, blend, multiply, soften
from tryon.engines.preview.paint.polygons import canvas_alpha, polygon_alpha
from tryon.engines.preview.paint.shading import cast_factor, round_factor
from tryon.engines.preview.paint.undressed_subject import UndressedSubject, undressed_subject
from tryon.engines.preview.paint.warp import ClothPatch, Edges, ladder_patch, warp_patch
from tryon.engines.preview.person.limbs import limb_polygon
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.subject import ARM_LABELS, Subject
from tryon.engines.preview.person.windows import WHOLE, pixels_of, window_of

OVERLAP_PX = 1.5
LEG_SHADE = 0.72
"""Brightness at the sides of a trouser leg: two legs beside each other shade one another."""
WAIST_REACH = 0.3
"""As a share of the skeleton's scale: how far the new garment grows to cover the worn one above its waist."""


@dataclass(frozen=True)
class LowerGarment:
    """A flat lower garment.

    Args:
        cloth: (h, w, 3) RGB uint8 whose colours reach beyond the garment's edge.
        landmarks: its landmarks.
    """

    cloth: RGB
    landmarks: LowerLandmarks


def dress_lower(subject: Subject, garment: LowerGarment, config: PreviewConfig) -> RGB:
    """The person in trousers, shorts or a skirt.

    Args:
        subject: the person, with the mask for lower garments.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    undressed = undressed_subject(subject, config.fold_strength)
    near, scale = undressed.subject, undressed.subject.skeleton.scale
    fit = fit_lower(subject, garment.landmarks).moved(undressed.offset)
    legs = zip(near.skeleton.legs, fit.hems, strict=True)
    canvas = undressed.new_canvas([limb_polygon(leg, hem - 0.05, max(1.25, hem), 1.9) for leg, hem in legs])
    patches = _half_patches(garment.landmarks, fit, near.size)
    covered = np.zeros(near.size, np.float32)
    for _, patch in patches:
        covered[patch.window] = np.maximum(covered[patch.window], patch.alpha)
    outlines = [_outline_beyond_hem(edges) for edges in fit.canvas]
    hip_light = round_factor(canvas_alpha(outlines, near.size), 0.12 * scale, config.side_shade)
    for side, patch in patches:
        light = hip_light[patch.window]
        if garment.landmarks.crotch is not None:
            light = _leg_light(patch, light, outlines[side], fit, near.skeleton)
            multiply(canvas, patch.window, _shadow_on_other_leg(patch, fit, undressed, config))
        colour: FloatRGB = warp_patch(garment.cloth, patch, fit.scale).astype(np.float32)
        multiply(colour, WHOLE, light * undressed.folds[patch.window])
        blend(canvas, patch.window, colour, patch.alpha)
    _cover_worn_waist(canvas, covered, fit, near)
    blend(canvas, WHOLE, near.image, soften(near.mask_of(*ARM_LABELS), 0.8))
    return undressed.finish(canvas)


def _half_patches(garment: LowerLandmarks, fit: LowerFit, size: tuple[int, int]) -> list[tuple[int, ClothPatch]]:
    """Side and patch of both halves on the canvas, the leg in front last."""
    joined = HIP_RUNGS if garment.crotch is not None else HIP_RUNGS + LEG_RUNGS
    placed = []
    for side in (1 - fit.nearer, fit.nearer):
        cloth, edges = _overlapping(garment.halves[side], fit.scale, joined), _overlapping(fit.canvas[side], 1.0, joined)
        patch = ladder_patch(cloth, edges, size)
        placed += [] if patch is None else [(side, patch)]
    return placed


def _overlapping(edges: Edges, scale: float, joined: int) -> Edges:
    """The first `joined` rungs reach across the middle by a pixel or two, so that no line shows between the halves."""
    outer, inner = edges
    across = inner - outer
    across = across / np.maximum(np.hypot(*across.T), 1e-6)[:, None] * OVERLAP_PX / max(scale, 1e-6)
    return outer, np.where(np.arange(len(inner))[:, None] < joined, inner + across, inner)


def _outline_beyond_hem(edges: Edges) -> Points64:
    """(n, 2) the outline of one half, continued below the hem: cloth turns away from the light at its sides, not at its end."""
    ends = [edge[-1] + 0.6 * (edge[-1] - edge[HIP_RUNGS]) for edge in edges]
    return np.vstack([edges[0], ends[0], ends[1], edges[1][::-1]])


def _leg_light(patch: ClothPatch, hip_light: Brightness, outline: Points64, fit: LowerFit, skeleton: Skeleton) -> Brightness:
    """(h, w) light on a patch: above the crotch both halves are one round body, below it each leg is one of its own."""
    own = round_factor(polygon_alpha([outline], patch.window), 0.15 * skeleton.scale, LEG_SHADE)
    return hip_light + _below_crotch(patch, fit, skeleton) * (own - hip_light)


def _below_crotch(patch: ClothPatch, fit: LowerFit, skeleton: Skeleton) -> Coverage:
    """(h, w) 0 above the crotch, rising to 1 below it."""
    rows, columns = pixels_of(patch.window)
    below = (columns - fit.crotch[0]) * skeleton.down[0] + (rows - fit.crotch[1]) * skeleton.down[1]
    rising: Coverage = np.clip(below / (0.18 * skeleton.scale) + 0.2, 0, 1).astype(np.float32)
    return rising


def _shadow_on_other_leg(patch: ClothPatch, fit: LowerFit, undressed: UndressedSubject, config: PreviewConfig) -> Brightness:
    """(h, w) the shadow of the leg in front on the leg behind it, and on nothing else: below the crotch only."""
    skeleton = undressed.subject.skeleton
    cast = cast_factor(patch.alpha, 0.05 * skeleton.scale, config.contact_shadow)
    shadow = (1 - cast) * _below_crotch(patch, fit, skeleton) * undressed.shadow_receiver[patch.window]
    light: Brightness = 1 - shadow.astype(np.float32)
    return light


def _cover_worn_waist(canvas: FloatRGB, covered: Coverage, fit: LowerFit, subject: Subject) -> None:
    """Give what is still visible of the worn garment above the new one's waist the new one's colours, in place."""
    skeleton = subject.skeleton
    visible = subject.mask & ~subject.mask_of(Parse.BACKGROUND, *ARM_LABELS) & (covered < 0.5)
    visible &= cv2.distanceTransform((covered < 0.5).astype(np.uint8), cv2.DIST_L2, 3) < WAIST_REACH * skeleton.scale
    visible &= canvas_alpha([_hip_zone(fit, skeleton)], subject.size) > 0.5
    if visible.any():
        window = window_of(visible, 0.3 * skeleton.scale)
        alpha = np.minimum(soften(visible[window], 1.0) * 2, 1) * (1 - covered[window])
        blend(canvas, window, fill_unknown(canvas[window], (covered > 0.95)[window]), alpha)


def _hip_zone(fit: LowerFit, skeleton: Skeleton) -> Points64:
    """(n, 2) outline of the area between the hips and as far above the waist; wide where a raised thigh folds the cloth."""
    (left, _), (right, _) = fit.canvas
    up = skeleton.down * WAIST_REACH * skeleton.scale
    if skeleton.has_raised_thigh:
        corner, away, top = fit.crotch, skeleton.across * 0.75 * skeleton.scale, fit.waist.mean(0) - up
        return np.stack([corner - away, corner + away, top + away, top - away])
    return np.vstack([left[0] - up, left[:HIP_RUNGS], right[:HIP_RUNGS][::-1], right[0] - up])
