"""The quality gate: what is read of one pair, and all its measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BeforeAfter
from compose.dressed_matte.difference import distance
from compose.gate.faces import ReadFace, face_similarity
from compose.gate.garment_colour import Palette, colour_difference, palette
from compose.gate.halo import edge_halo
from compose.gate.hands import JudgedHand, worst_hand
from compose.gate.measures import mask_coverage, outside_change
from compose.gate.presence import (
    GROUND_LIKE,
    edge_filled,
    emptier_side,
    fill_share,
    garment_like,
    grey_left,
    old_garment_left,
    painted_beside,
    straight_edge,
)
from compose.gate.scores import Scores
from compose.gate.shape import Shape, measure_shape
from compose.gate.silhouette import NOWHERE, Body, Pictures
from pipeline.core.arrays import RGB, Points
from pipeline.core.frame import Frame
from pipeline.core.hands.views import HandPlace
from pipeline.core.masks import Mask, painted_spread
from pipeline.core.pixels.sharpness import blur_of

SMALL_HEIGHT_PX = 256
"""Colours and coverage are read at this height: areas, not edges."""
PAINTED_LEVELS, CLEARLY_LEVELS = 4.0, 16.0
"""From how many grey levels on a pixel was repainted, and repainted as something else."""
EIGHTH = 8


@dataclass(frozen=True, kw_only=True)
class GateInputs:
    """What the gate reads of one pair, beside the photo before and after.

    Args:
        frame: photo ↔ canvas.
        mask: canvas-sized bool, True = may be repainted.
        canvas: canvas-sized RGB uint8, the person before.
        result: canvas-sized RGB uint8, the engine's picture.
        cloth: (m, n, 3) RGB uint8 garment at any size, or None.
        cloth_mask: (m, n) bool, True = garment, or None.
        face_oval: (n, 2) outline of the face in photo pixels, or None.
        person: canvas-sized bool, the matte before, or None.
        worn: canvas-sized bool, the garment that is replaced, or None.
        bare: canvas-sized bool, arms, hands and gloves, or None.
        hands: where the hands of the photo are, by side, photo pixels.
        labels: canvas-sized uint8 of `Parse`, or None.
        body: where shoulders, neck, hips, arms and hands are on the canvas.
        learned: whether the mask was learned from the result, so that its edge says nothing.
    """

    frame: Frame
    mask: Mask
    canvas: RGB
    result: RGB
    cloth: RGB | None = None
    cloth_mask: Mask | None = None
    face_oval: Points | None = None
    person: Mask | None = None
    worn: Mask | None = None
    bare: Mask | None = None
    hands: Mapping[str, HandPlace] = field(default_factory=dict)
    labels: NDArray[np.uint8] | None = None
    body: Body = NOWHERE
    learned: bool = False

    def garment(self) -> Palette | None:
        """The garment's colours; None where its picture or mask is missing, or the two have different sizes."""
        if self.cloth is None or self.cloth_mask is None or self.cloth.shape[:2] != self.cloth_mask.shape:
            return None
        return palette(self.cloth, self.cloth_mask)

    def own_grey(self) -> float:
        """Share of the garment that has the agnostic picture's grey itself; 0 where its picture or mask is missing."""
        if self.cloth is None or self.cloth_mask is None or self.cloth.shape[:2] != self.cloth_mask.shape:
            return 0.0
        return fill_share(self.cloth, self.cloth_mask)


def measure_pair(
    inputs: GateInputs,
    photos: BeforeAfter,
    cutout: NDArray[np.uint8],
    read_face: ReadFace,
    hands: Mapping[str, JudgedHand] | None = None,
) -> Scores:
    """Measure one pair.

    Args:
        inputs: canvas, result and garment.
        photos: the photo before and after.
        cutout: (h, w, 4) uint8 RGBA, photo resolution: the dressed person.
        read_face: finds a face's landmarks; asked only when the face changed.
        hands: what became of each hand, from `judge_hands`.
    """
    likeness, worst = worst_hand(hands or {})
    return replace(
        measure_canvas(inputs),
        outside_change=outside_change(photos.photo, photos.dressed, _mask_in_photo(inputs)),
        face_similarity=face_similarity(photos.photo, photos.dressed, inputs.face_oval, read_face),
        halo=edge_halo(cutout, photos.dressed, _near(photos), photos.unit),
        hands=likeness,
        worst_hand=worst,
        shape=measure_outline(inputs, inputs.frame.to_canvas(np.ascontiguousarray(cutout[..., 3]), 0)),
    )


def measure_outline(inputs: GateInputs, alpha: NDArray[np.uint8]) -> Shape:
    """The measures of the dressed person's shape; without a matte before nobody is there.

    Args:
        inputs: canvas, result, garment and body.
        alpha: canvas-sized uint8, the dressed person's matte.
    """
    oval = inputs.face_oval
    face = np.zeros((0, 2), np.float32) if oval is None else inputs.frame.points_to_canvas(oval).astype(np.float32)
    pictures = Pictures(
        canvas=inputs.canvas,
        result=inputs.result,
        mask=inputs.mask,
        person=np.zeros_like(inputs.mask) if inputs.person is None else inputs.person,
        alpha=alpha,
        labels=inputs.labels,
        worn=inputs.worn,
        body=replace(inputs.body, face=face),
    )
    return measure_shape(pictures, inputs.garment(), inputs.cloth_mask)


def measure_canvas(inputs: GateInputs) -> Scores:
    """The measures that need no photo: the garment's colours, whether it is there, and whether it is sharp."""
    mask, painted, result = _small(inputs)
    garment = inputs.garment()
    worn = palette(result, painted if painted.any() else mask)
    return Scores(
        outside_change=0.0,
        face_similarity=None,
        colour_difference=colour_difference(garment, worn) if garment and worn else None,
        coverage=mask_coverage(painted, mask),
        spread=painted_spread(inputs.result, inputs.mask),
        halo=0.0,
        blur=blur_of(inputs.result, inputs.mask),
        straight=straight_edge(painted, mask),
        grey=grey_left(inputs.result, inputs.mask, inputs.own_grey()),
        **_presence(inputs, mask, painted, result, garment),  # type: ignore[arg-type]  # no name of it is that of a text
    )


def _presence(inputs: GateInputs, mask: Mask, painted: Mask, result: RGB, garment: Palette | None) -> dict[str, float | None]:
    """Where the garment is and is not, as far as its colours, the person and the replaced garment are known."""
    found: dict[str, float | None] = {}
    if inputs.person is not None:
        person = _shrunk(inputs.person, painted)
        before = cv2.resize(inputs.canvas, result.shape[1::-1], interpolation=cv2.INTER_AREA)
        ground = palette(before, ~person)
        clearly = painted & (distance(before, result) > CLEARLY_LEVELS)
        like_ground = garment_like(result, ground, GROUND_LIKE) if ground else ~painted
        found["beside"] = painted_beside(person, clearly, like_ground)
        found["edge"] = None if inputs.learned else edge_filled(mask, person, clearly, like_ground)
    if inputs.worn is not None:
        worn = _shrunk(inputs.worn, painted)
        found["old_garment"] = old_garment_left(worn, painted)
        if garment is not None:
            found["side"] = emptier_side(worn, garment_like(result, garment))
    return found


def _shrunk(mask: Mask, like: Mask) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), like.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)


def _near(photos: BeforeAfter) -> Mask:
    """The changed part and a rim; grown by a square, because a large photo's disc takes ten times as long."""
    side = 2 * round(3 * photos.unit) + 1
    return np.asarray(cv2.dilate(photos.changed.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def _small(inputs: GateInputs) -> tuple[Mask, Mask, RGB]:
    """Mask, repainted part and result at the height at which colours are read."""
    height, width = inputs.mask.shape
    size = (max(1, round(width * SMALL_HEIGHT_PX / height)), SMALL_HEIGHT_PX)
    before, after = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (inputs.canvas, inputs.result))
    mask = cv2.resize(inputs.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return mask, mask & (distance(before, after) > PAINTED_LEVELS), after


def _mask_in_photo(inputs: GateInputs) -> Mask:
    """The mask as the photo sees it, at an eighth of the photo's size; what the canvas does not show may not change."""
    frame, (height, width) = inputs.frame, inputs.mask.shape
    size = (max(1, width // EIGHTH), max(1, height // EIGHTH))
    small = cv2.resize(inputs.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    there = (max(1, frame.photo_width // EIGHTH), max(1, frame.photo_height // EIGHTH))
    matrix = frame.inverse * np.array([width / size[0], height / size[1], 1])
    matrix *= np.array([[there[0] / frame.photo_width], [there[1] / frame.photo_height]])
    moved = cv2.warpAffine(small, matrix, there, flags=cv2.INTER_LINEAR)
    return np.asarray(moved > 0)
