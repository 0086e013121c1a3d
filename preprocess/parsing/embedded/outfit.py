"""One piece or two, trousers or skirt: decided for the whole outfit after the pixels are labelled."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Lab, Labels
from pipeline.core.labels import LEG_LABELS, Joint, Parse
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.parsing.embedded.hem_shadow import hem_shadow
from preprocess.parsing.embedded.label_places import Regions, sleeves_beside
from preprocess.person.body_shapes import LEGS

ONE_COLOUR = 9.0
"""Lab distance between bodice and skirt below which they are one garment, when neither is patterned."""
SEAM_STEP = 7.0
"""Step in colour across the waist (Lab) from which there is a belt or a second garment."""
THIGHS, HIPS, COVERED = 1.3, 1.0, 0.6
"""Along the body: where legs are legs, and where trousers begin that colours do not show; the share of the legs they cover."""
SPANNED = 0.85
"""A skirt fills at least this share of the line between the legs, from the crotch to its hem."""


def settle_outfit(labels: Labels, rgb: RGB, regions: Regions) -> Labels:
    """Rename the lower garment to skirt, or both garments to dress, where the outfit has one.

    Args:
        labels: (h, w) uint8 of `Parse` with `UPPER_CLOTHES` and `PANTS`.
        rgb: (h, w, 3) uint8.
        regions: the body's shapes at the same size.
    """
    settled = with_trousers_by_proportion(labels, regions)
    upper, lower, lab = settled == Parse.UPPER_CLOTHES, settled == Parse.PANTS, to_lab(rgb)
    if not lower.any():
        return settled
    skirt, alike = is_skirt(settled, regions), is_one_piece(upper, lower, lab, regions)
    hem = hem_shadow(lab, upper | lower, regions) if alike else None
    if skirt and alike and hem is None:
        settled[upper | lower] = Parse.DRESS
        return settled
    if hem is not None:
        settled[lower] = Parse.UPPER_CLOTHES
        lower = (upper | lower) & (regions.along > hem) & ~sleeves_beside(regions)
    settled[lower] = Parse.SKIRT if skirt else Parse.PANTS
    return settled


def with_trousers_by_proportion(labels: Labels, regions: Regions) -> Labels:
    """The labels, in which an upper garment that also covers both legs, each for itself, is trousers from the hips down.

    So it is read where trousers, skin and top have one colour. A dress or a long coat spans the space between the legs.
    """
    settled = labels.copy()
    upper = labels == Parse.UPPER_CLOTHES
    legs = regions.any_leg & ~regions.torso & (labels != Parse.BACKGROUND) & (regions.along > THIGHS)
    seen = int(np.count_nonzero(legs))
    if seen < 200 or np.count_nonzero(upper & legs) < COVERED * seen:
        return settled
    line = between_legs(regions, labels.shape)
    if len(line) < 8 or (labels[line[:, 1], line[:, 0]] == Parse.UPPER_CLOTHES).mean() >= SPANNED:
        return settled
    settled[upper & (regions.along > HIPS) & ~sleeves_beside(regions)] = Parse.PANTS
    return settled


def is_skirt(labels: Labels, regions: Regions) -> bool:
    """Whether the lower garment is one piece around both legs, with bare legs below its hem."""
    lower = labels == Parse.PANTS
    if not masks.labelled(labels, LEG_LABELS).any():
        return False
    line = between_legs(regions, lower.shape)
    if len(line) < 8:
        return False
    filled = lower[line[:, 1], line[:, 0]]
    if not filled.any():
        return False
    hem = int(np.flatnonzero(filled)[-1]) + 1
    reach = hem / len(line)
    return bool(reach > 0.12 and filled[:hem].mean() >= SPANNED and _bare_below(labels, regions))


def between_legs(regions: Regions, size: tuple[int, ...]) -> NDArray[np.intp]:
    """(n, 2) x, y of the pixels on the line from the crotch to the middle between the ankles, on the canvas."""
    body = regions.body
    crotch = body.at(Joint.MID_HIP) + 0.22 * body.torso_length * body.down
    knees, ankles = ((body.at(LEGS["right"][i]) + body.at(LEGS["left"][i])) / 2 for i in (1, 2))
    share = np.linspace(0, 1, 120, dtype=np.float32)[:, None]
    line = np.concatenate([crotch + share * (knees - crotch), knees + share * (ankles - knees)])
    pixels = np.round(line).astype(np.intp)
    inside = (pixels >= 0).all(1) & (pixels[:, 0] < size[1]) & (pixels[:, 1] < size[0])
    on_canvas: NDArray[np.intp] = pixels[inside]
    return on_canvas


def _bare_below(labels: Labels, regions: Regions) -> bool:
    """Whether bare skin covers more of the legs than specks do: 8 % of the squared scale."""
    legs = masks.labelled(labels, LEG_LABELS) & regions.any_leg
    return bool(np.count_nonzero(legs) > 0.08 * regions.body.scale**2)


def is_one_piece(upper: Mask, lower: Mask, lab: Lab, regions: Regions) -> bool:
    """Whether bodice and skirt are one garment: the same colours, and no step between them."""
    bodice, skirt = upper & (regions.along > 0.25), lower & (regions.along < 2.0)
    if min(np.count_nonzero(bodice), np.count_nonzero(skirt)) < 200:
        return False
    smooth = cv2.GaussianBlur(lab, (0, 0), max(1.0, 0.02 * regions.body.scale))
    apart = _spread_distance(smooth[bodice], smooth[skirt])
    return apart < ONE_COLOUR and waist_step(upper, lower, smooth, regions) < SEAM_STEP


def _spread_distance(a: Lab, b: Lab) -> float:
    """Lab distance of the medians, with half the weight for lightness, which folds and light change."""
    gap = np.median(a, 0) - np.median(b, 0)
    return float(np.sqrt((0.5 * gap[0]) ** 2 + gap[1] ** 2 + gap[2] ** 2))


def waist_step(upper: Mask, lower: Mask, lab: Lab, regions: Regions) -> float:
    """Largest step of the mean colour along the middle of the body between chest and thighs, in Lab."""
    rows = np.arange(0.55, 1.35, 0.04)
    middle = (upper | lower) & regions.torso
    means = [lab[middle & (np.abs(regions.along - row) < 0.02)] for row in rows]
    profile = np.array([np.median(each, 0) for each in means if len(each) > 10])
    if len(profile) < 3:
        return 0.0
    steps = np.diff(profile, axis=0) * np.array([0.6, 1.0, 1.0])
    return float(np.sqrt((steps**2).sum(1)).max())
