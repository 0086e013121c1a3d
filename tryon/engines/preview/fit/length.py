"""How large a top or dress is on a person, and how far down it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import UPPER_LABELS, Category, Parse
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.person.silhouette import depth_below_neck, mask_half_width, sampled
from tryon.engines.preview.person.skeleton import Skeleton
from tryon.engines.preview.person.subject import Subject

CHEST_TO_SHOULDERS = 1.25
"""A garment laid flat is this much wider from armpit to armpit than its wearer from shoulder joint to shoulder joint."""
GIVE, MOST_STRETCH = 1.12, 1.5
"""A garment is made up to this much longer to cover the worn one: cloth gives a little. More only where nothing is known about
what would show below it."""
CROPPED, LEAST_TOP = 0.78, 0.45
"""Shares of the torso: a top that ends above the first leaves the midriff bare; none ends above the second."""
NARROW_SKIRT = 0.5
"""Half a skirt's width in units of the skeleton's scale: one that the mask leaves no more room is narrowed, not shortened."""
HEM_HALF = 0.5
"""Half the width over which the mask's lower edge is read, in units of the skeleton's scale."""
HEM_RISE = 0.2
"""Most that a hem rises above a ragged edge, in units of the skeleton's scale; what reaches higher is a hand."""
MOST_DIP = 0.12
"""Most that the middle of a hem hangs below its corners, where a waistband does, in units of the skeleton's scale."""
ABOVE_EDGE_PX = 1.0
LONGEST_DRESS = 3.8
"""From the shoulders to above the ankles, in units of the skeleton's scale."""


def garment_scale(garment: TopLandmarks, skeleton: Skeleton) -> float:
    """Canvas pixels per cloth pixel, by the chest; a gathered bodice must not make a dress longer than its wearer."""
    by_chest = CHEST_TO_SHOULDERS * skeleton.scale / max(garment.chest_width, 1.0)
    return min(by_chest, LONGEST_DRESS * skeleton.scale / max(garment.body_length, 1.0))


def hem_height(subject: Subject, garment: TopLandmarks) -> float:
    """Pixels from the neck down to the hem: the garment's own length, but long enough to cover what it replaces.

    A top is no longer than the mask is deep in the middle: where trousers stay in front it is tucked in, and must not come out
    again beside them. A dress ends where the mask becomes too narrow for any skirt.
    """
    skeleton = subject.skeleton
    own = garment.body_length * garment_scale(garment, skeleton) - 0.14 * skeleton.scale
    if subject.category is Category.DRESS:
        worn = depth_below_neck(subject.mask_of(*UPPER_LABELS, Parse.SKIRT), skeleton, 3.5 * skeleton.torso_length)
        return _dress_length(garment, skeleton, subject.mask, max(own, min(worn + 0.04 * skeleton.scale, GIVE * own)))
    worn = depth_below_neck(subject.mask_of(Parse.UPPER_CLOTHES, Parse.COAT), skeleton, 1.35 * skeleton.torso_length)
    stretched = min(worn + 0.04 * skeleton.scale, (GIVE if subject.keeps_lower else MOST_STRETCH) * own)
    cropped = subject.keeps_lower and own < CROPPED * skeleton.torso_length
    wanted = max(own, LEAST_TOP * skeleton.torso_length) if cropped else max(own, 0.85 * skeleton.torso_length, stretched)
    free = depth_below_neck(subject.mask, skeleton, 2 * skeleton.torso_length)
    return float(min(wanted, free + 0.04 * skeleton.scale)) if free > 0.6 * skeleton.torso_length else float(wanted)


@dataclass(frozen=True, slots=True)
class Hem:
    """How far down a hem lies, pixels below the neck.

    Args:
        left, right: its corners.
        dip: how much lower its middle is than the line between them.
    """

    left: float
    right: float
    dip: float = 0.0


def fit_hem(subject: Subject, garment: TopLandmarks) -> Hem:
    """Where the hem lies.

    A tucked top ends at the mask's lower edge, which follows trousers or skirt pixel by pixel, and a long dress at the mask's
    edge around two legs. The hem is a smooth curve just above that edge, or the edge would fray it.
    """
    wanted = hem_height(subject, garment)
    if subject.category is Category.DRESS:
        return _dress_hem(subject, garment, wanted)
    edge = _lower_edge(subject, wanted, wanted) if subject.keeps_lower else None
    if edge is None:
        return Hem(wanted, wanted)
    across, depth = edge
    reach = HEM_HALF * subject.skeleton.scale
    bend, slope, _ = np.polyfit(across / reach, depth, 2)
    dip = float(np.clip(-bend, 0, MOST_DIP * subject.skeleton.scale))
    curve = slope * across / reach + dip * (1 - (across / reach) ** 2)
    level = float(np.percentile(depth - curve, 15)) - ABOVE_EDGE_PX
    left, right = (float(np.clip(level + side * slope, wanted - HEM_RISE * subject.skeleton.scale, wanted)) for side in (-1, 1))
    return Hem(left, right, min(dip, max(0.0, wanted - (left + right) / 2)))


def _dress_hem(subject: Subject, garment: TopLandmarks, wanted: float) -> Hem:
    """Level, and with the garment's own sag still above the mask's edge, so that no notch is cut out of it between the legs."""
    hem = garment.edges.hem
    sag = max(0.0, float((hem[:, 1] - hem[[0, -1], 1].mean()).max())) * garment_scale(garment, subject.skeleton)
    edge = _lower_edge(subject, wanted, wanted + sag)
    if edge is None:
        return Hem(wanted, wanted)
    level = min(wanted, float(np.percentile(edge[1], 5)) - sag - ABOVE_EDGE_PX)
    return Hem(level, level)


def _lower_edge(subject: Subject, wanted: float, lowest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(n,) pixels across and (n,) pixels below the neck: where the mask ends around a hem between `wanted` and, where it sags,
    `lowest`; None where it does not cut the hem."""
    skeleton = subject.skeleton
    across = np.linspace(-HEM_HALF, HEM_HALF, 61) * skeleton.scale
    down = np.arange(wanted - HEM_RISE * skeleton.scale, lowest + 0.05 * skeleton.scale)
    points = skeleton.to_canvas(np.repeat(across, len(down)), np.tile(down, len(across)))
    free = sampled(subject.mask, points, outside=True).reshape(len(across), len(down))
    depth = np.where(free.all(1), down[-1], down[np.argmin(free, axis=1)])
    usable = free[:, 0]
    if np.count_nonzero(usable & (depth < lowest)) < 0.1 * len(across) or np.count_nonzero(usable) < len(across) / 2:
        return None
    return across[usable], np.minimum(depth, lowest)[usable]


def _dress_length(garment: TopLandmarks, skeleton: Skeleton, mask: Mask, own: float) -> float:
    """Pixels from the neck down to the lowest row in which the mask is wide enough for a skirt, be it a narrower one."""
    ankles = skeleton.to_torso(np.stack([leg.joints[2] for leg in skeleton.legs]))[:, 1].max()
    longest = float(np.clip(own, 1.25 * skeleton.torso_length, max(ankles, 1.3 * skeleton.torso_length)))
    rows = np.arange(1.15 * skeleton.torso_length, longest, 4.0)
    seams = garment.edges.side_seams
    along = (rows - rows[0]) / max(longest - rows[0], 1.0)
    half = np.interp(0.55 + 0.45 * along, np.linspace(0, 1, len(seams[0])), (seams[1] - seams[0])[:, 0] / 2)
    half = np.maximum(half * garment_scale(garment, skeleton), 0.3 * skeleton.scale)
    free = np.array([mask_half_width(mask, skeleton, row) for row in rows])
    free = np.where([_middle_is_free(mask, skeleton, row) for row in rows], free, 0)  # a hem is not torn between the legs
    wide = np.flatnonzero(
        free >= 0.68 * np.minimum(half, NARROW_SKIRT * skeleton.scale)
    )  # rows in between may be narrowed by hands
    return float(rows[wide[-1]]) if len(wide) else 1.25 * skeleton.torso_length


def _middle_is_free(mask: Mask, skeleton: Skeleton, row: float) -> bool:
    """Whether most of the torso's axis and a little beside it may be painted in one row below the neck."""
    steps = np.linspace(-0.1, 0.1, 9) * skeleton.scale
    free = sampled(mask, skeleton.to_canvas(steps, np.full(len(steps), row)))
    return bool(np.count_nonzero(free) > 0.5 * len(steps))
