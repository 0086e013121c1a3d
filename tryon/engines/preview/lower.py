"""Dress a person in trousers, shorts or a skirt: two bent strips, each leg round and in its own light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Parse
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit.lower import LowerFit, fit_lower
from tryon.engines.preview.garment.lower_landmarks import HIP_RUNGS, LEG_RUNGS, LowerLandmarks
from tryon.engines.preview.paint.layers import Colour, Coverage, darken, lay, soft
from tryon.engines.preview.paint.scene import Scene, scene_of
from tryon.engines.preview.paint.shading import cast_factor, round_factor
from tryon.engines.preview.paint.undressed import spread
from tryon.engines.preview.paint.warp import Patch, ladder_patch, polygon_alpha, pull, soft_polygon
from tryon.engines.preview.person.limbs import limb_polygon
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.subject import ARM_LABELS, Subject
from tryon.engines.preview.person.windows import WHOLE, window_of

OVERLAP_PX = 1.5
LEG_SHADE = 0.72
"""Brightness at the sides of a trouser leg: two legs beside each other shade one another."""


REST = 0.3
"""Of the body's scale: how far the new garment grows to cover the worn one above its waist."""


@dataclass(frozen=True)
class LowerGarment:
    """A flat lower garment: colours that reach beyond its edge, and its landmarks."""

    cloth: NDArray[np.uint8]
    landmarks: LowerLandmarks


def dress_lower(subject: Subject, garment: LowerGarment, config: PreviewConfig) -> NDArray[np.uint8]:
    """The person in trousers, shorts or a skirt.

    Args:
        subject: the person, with the mask for lower garments.
        garment: the flat garment.
        config: settings.

    Returns:
        (h, w, 3) RGB uint8; equal to the photo outside the mask.
    """
    scene = scene_of(subject, config.fold_strength)
    fit = fit_lower(subject, garment.landmarks).moved(scene.offset)
    legs = zip(scene.subject.skeleton.legs, fit.hems, strict=True)
    canvas = scene.canvas([limb_polygon(leg, hem - 0.05, max(1.25, hem), 1.9) for leg, hem in legs])
    patches = _halves(garment.landmarks, fit, scene)
    whole = np.zeros(scene.subject.size, np.float32)
    for _, patch in patches:
        whole[patch.window] = np.maximum(whole[patch.window], patch.alpha)
    rings = [_endless(edges) for edges in fit.canvas]
    joint = round_factor(
        polygon_alpha(rings, (0, 0, *scene.subject.size)), 0.12 * scene.subject.skeleton.scale, config.side_shade
    )
    for side, patch in patches:
        light = (
            _light(patch, joint[patch.window], rings[side], fit, scene)
            if garment.landmarks.crotch is not None
            else joint[patch.window]
        )
        if garment.landmarks.crotch is not None:
            darken(canvas, patch.window, _between_legs(patch, fit, scene, config))
        colour: Colour = pull(garment.cloth, patch, fit.scale).astype(np.float32)
        darken(colour, WHOLE, light * scene.folds[patch.window])
        lay(canvas, patch.window, colour, patch.alpha)
    _close_waist(canvas, whole, fit, scene)
    lay(canvas, WHOLE, scene.subject.image, soft(scene.subject.mask_of(*ARM_LABELS), 0.8))
    return scene.finish(canvas)


def _close_waist(canvas: Colour, whole: Coverage, fit: LowerFit, scene: Scene) -> None:
    """Rests of the worn garment between the new one and the belt or shirt above it take the new one's colours, in place."""
    subject, skeleton = scene.subject, scene.subject.skeleton
    uncovered = subject.mask & ~subject.mask_of(Parse.BACKGROUND, *ARM_LABELS) & (whole < 0.5)
    uncovered &= cv2.distanceTransform((whole < 0.5).astype(np.uint8), cv2.DIST_L2, 3) < REST * skeleton.scale
    uncovered &= soft_polygon(_hip_zone(fit, skeleton), subject.size) > 0.5
    if uncovered.any():
        window = window_of(uncovered, 0.3 * skeleton.scale)
        rest = soft(uncovered[window], 1.0)
        lay(canvas, window, spread(canvas[window], (whole > 0.95)[window]), np.minimum(rest * 2, 1) * (1 - whole[window]))


def _hip_zone(fit: LowerFit, skeleton: Skeleton) -> Points64:
    """Between the hips and as far above the waist; wide where a raised thigh folds the cloth."""
    (left, _), (right, _) = fit.canvas
    up = skeleton.down * REST * skeleton.scale
    if skeleton.has_raised_thigh:
        corner, away, top = fit.crotch, skeleton.across * 0.75 * skeleton.scale, fit.waist.mean(0) - up
        return np.stack([corner - away, corner + away, top + away, top - away])
    return np.vstack([left[0] - up, left[:HIP_RUNGS], right[:HIP_RUNGS][::-1], right[0] - up])


def _halves(garment: LowerLandmarks, fit: LowerFit, scene: Scene) -> list[tuple[int, Patch]]:
    """Side and patch of both halves on the canvas, the leg in front last."""
    joined = HIP_RUNGS if garment.crotch is not None else HIP_RUNGS + LEG_RUNGS
    placed = []
    for side in (1 - fit.nearer, fit.nearer):
        cloth, edges = _overlapping(garment.halves[side], fit.scale, joined), _overlapping(fit.canvas[side], 1.0, joined)
        patch = ladder_patch(cloth, edges, scene.subject.size)
        placed += [] if patch is None else [(side, patch)]
    return placed


def _endless(edges: tuple[Points64, Points64]) -> Points64:
    """The outline of one half, drawn on below the hem: cloth turns away from the light at its sides, not at its end."""
    on = [edge[-1] + 0.6 * (edge[-1] - edge[HIP_RUNGS]) for edge in edges]
    return np.vstack([edges[0], on[0], on[1], edges[1][::-1]])


def _light(patch: Patch, joint: Coverage, ring: Points64, fit: LowerFit, scene: Scene) -> Coverage:
    """Above the crotch the garment is one round thing, below it each leg is one of its own."""
    own = round_factor(polygon_alpha([ring], patch.box), 0.15 * scene.subject.skeleton.scale, LEG_SHADE)
    return joint + _below_crotch(patch, fit, scene) * (own - joint)


def _below_crotch(patch: Patch, fit: LowerFit, scene: Scene) -> Coverage:
    """(h, w) 0 above the crotch, rising to 1 below it."""
    skeleton = scene.subject.skeleton
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in patch.window)
    below = (columns - fit.crotch[0]) * skeleton.down[0] + (rows[:, None] - fit.crotch[1]) * skeleton.down[1]
    parted: Coverage = np.clip(below / (0.18 * skeleton.scale) + 0.2, 0, 1).astype(np.float32)
    return parted


def _between_legs(patch: Patch, fit: LowerFit, scene: Scene, config: PreviewConfig) -> Coverage:
    """The leg in front throws its shadow on the one behind it; on nothing else, so below the crotch only."""
    cast = cast_factor(patch.alpha, 0.05 * scene.subject.skeleton.scale, config.contact_shadow)
    shadow: Coverage = ((1 - cast) * _below_crotch(patch, fit, scene) * scene.solid[patch.window]).astype(np.float32)
    return 1 - shadow


def _overlapping(edges: tuple[Points64, Points64], scale: float, joined: int) -> tuple[Points64, Points64]:
    """The first `joined` rungs reach across the middle by a pixel or two, so that no line shines through between the halves."""
    outer, inner = edges
    across = inner - outer
    across = across / np.maximum(np.hypot(*across.T), 1e-6)[:, None] * OVERLAP_PX / max(scale, 1e-6)
    return outer, np.where(np.arange(len(inner))[:, None] < joined, inner + across, inner)
