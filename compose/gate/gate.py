"""The quality gate: the measures of one pair against their thresholds, and one figure to compare pairs by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from compose.before_after import BeforeAfter
from compose.difference import distance
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
from compose.gate.shape import Shape, measure_shape
from compose.gate.silhouette import NOWHERE, Body, Pictures
from pipeline.core.arrays import RGB, Points
from pipeline.core.config import StepConfig
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import Frame
from pipeline.core.hands.views import HandPlace
from pipeline.core.masks import BLANK_SPREAD, Mask, painted_spread
from pipeline.core.score import PASS_SCORE, SCORE, SCORE_WHY
from pipeline.core.sharpness import blur_of

SMALL_HEIGHT_PX = 256
"""Colours and coverage are read at this height: areas, not edges."""
PAINTED_LEVELS, CLEARLY_LEVELS = 4.0, 16.0
"""From how many grey levels on a pixel was repainted, and repainted as something else."""
EIGHTH = 8


class GateConfig(StepConfig):
    """What a finished picture must reach; a value beyond a threshold is flagged. No threshold changes a pixel."""

    most_outside_change: float = Field(1.0, gt=0, le=255)
    """Change outside the repainted area, grey levels: mean of the worst 8×8 pixels."""
    least_face_similarity: float = Field(0.7, gt=0, lt=1)
    """Likeness of the face by its landmarks: 1 = the photo's own."""
    most_colour_difference: float = Field(10.0, gt=0, le=100)
    """Difference of the garment's colours from the garment's photo, ΔE of CIEDE2000 with lightness counted half."""
    least_coverage: float = Field(0.08, gt=0, le=0.5)
    """Share of the agnostic mask that was repainted."""
    least_spread: float = Field(BLANK_SPREAD, gt=0, le=60)
    """Standard deviation of the repainted area, grey levels; a blank picture has 0, the plainest real garment 4."""
    most_halo: float = Field(0.3, gt=0, le=0.5)
    """Share of the old background's colour in the new outline."""
    most_old_garment: float = Field(0.31, gt=0, le=1)
    """Share of the replaced garment that still shows."""
    most_beside: float = Field(0.04, gt=0, le=1)
    """Share of the paint that lies beside the person."""
    least_side: float = Field(0.15, gt=0, le=0.5)
    """The emptier side of the body against the fuller one, by the garment's colours."""
    most_grey: float = Field(0.2, gt=0, le=1)
    """Share of the mask that has the agnostic picture's own grey."""
    most_straight: float = Field(0.56, gt=0, le=1)
    """The longest upright edge of the paint, as a share of the mask's height."""
    most_edge: float = Field(0.28, gt=0, le=1)
    """Share of the mask's edge beside the person that is painted: garments end before it."""
    most_blur: float = Field(0.55, gt=0, le=1)
    """How little the result loses when it is blurred: 0 = crisp, 1 = blurred already."""
    most_torn: int = Field(2, ge=1, le=100)
    """Teeth and notches of the new outline that the old one had not: shreds at a sleeve, a ragged hem."""
    most_bulge: float = Field(0.16, gt=0, le=2)
    """How far the new outline reaches beyond the old one at the shoulders, in the shoulders' width."""
    most_lumps: float = Field(0.0017, gt=0, le=2)
    """Area of knobs and dents along the shoulders, in squares of the shoulders' width."""
    most_lost: float = Field(0.015, gt=0, le=2)
    """Area of hands, shoes and things that are gone from the person, in squares of the shoulders' width; a hand has 0.1."""
    most_ground: float = Field(0.006, gt=0, le=2)
    """Area of old background inside the person, in squares of the shoulders' width: 0.01 is four by four centimetres."""
    most_pieces: float = Field(0.01, gt=0, le=2)
    """Area of the replaced garment beside the new one, likewise."""
    least_hand_likeness: float = Field(0.5, ge=0, lt=1)
    """Likeness of each hand to the photo's, by its key-points and pixels: 1 = the photo's own; 0 = do not look at hands."""


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
        body: where shoulders, neck and hips are on the canvas.
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


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The measures of one pair; units and ranges as in `GateConfig`. None = there was nothing to measure by."""

    outside_change: float
    face_similarity: float | None
    colour_difference: float | None
    coverage: float
    spread: float | None
    halo: float
    old_garment: float | None = None
    beside: float | None = None
    side: float | None = None
    straight: float = 0.0
    edge: float | None = None
    grey: float = 0.0
    blur: float | None = None
    hands: float | None = None
    worst_hand: str = ""
    shape: Shape = field(default_factory=Shape)

    def grades(self, config: GateConfig) -> dict[Flag, tuple[float, str]]:
        """Per measure its grade in [0, 1], 0.5 = exactly at the threshold, and its value beside that threshold in words."""
        return {flag: (grade, text) for flag, grade, text in self._graded(config) if grade is not None}

    def _graded(self, config: GateConfig) -> Iterator[tuple[Flag, float | None, str]]:
        """(flag, grade or None, value beside its threshold in words) of every measure."""
        yield from self._graded_photo(config)
        yield from self._graded_garment(config)
        yield from self._graded_shape(config)
        yield (
            Flag.HANDS_DIFFER,
            _towards(self.hands, config.least_hand_likeness, 1.0) if config.least_hand_likeness else None,
            f"{self.worst_hand}, wanted {config.least_hand_likeness:g}",
        )

    def _graded_photo(self, config: GateConfig) -> Iterator[tuple[Flag, float | None, str]]:
        """What changed in the photo, and how the paint is."""
        yield (
            Flag.OUTSIDE_CHANGED,
            _at_most(self.outside_change, config.most_outside_change),
            f"by {self.outside_change:.1f} grey levels, allowed {config.most_outside_change:g}",
        )
        yield (
            Flag.FACE_CHANGED,
            _towards(self.face_similarity, config.least_face_similarity, 1.0),
            f"likeness {_rounded(self.face_similarity, 2)}, wanted {config.least_face_similarity:g}",
        )
        yield (
            Flag.COLOUR_OFF,
            _at_most(self.colour_difference, config.most_colour_difference),
            f"ΔE {_rounded(self.colour_difference, 1)}, allowed {config.most_colour_difference:g}",
        )
        yield (
            Flag.BARELY_PAINTED,
            _towards(self.coverage, config.least_coverage, 2 * config.least_coverage),
            f"{self.coverage:.1%} of the mask, wanted {config.least_coverage:.1%}",
        )
        yield (
            Flag.RESULT_BLANK,
            _towards(self.spread, config.least_spread, 2 * config.least_spread),
            f"the painted area varies by {_rounded(self.spread, 1)} grey levels, wanted {config.least_spread:g}",
        )
        yield (
            Flag.EDGE_HALO,
            _at_most(self.halo, config.most_halo),
            f"{self.halo:.0%} of the edge's colour, allowed {config.most_halo:.0%}",
        )

    def _graded_garment(self, config: GateConfig) -> Iterator[tuple[Flag, float | None, str]]:
        """Whether the garment is there, whole and sharp, and the old one gone."""
        yield (Flag.OLD_GARMENT_LEFT, *self._old_garment(config))
        yield (
            Flag.PAINTED_BESIDE,
            _at_most(self.beside, config.most_beside),
            f"{_percent(self.beside)} of the paint, allowed {config.most_beside:.0%}",
        )
        yield (
            Flag.GARMENT_INCOMPLETE,
            _towards(self.side, config.least_side, 2 * config.least_side),
            f"one side of the body has {_percent(self.side)} of the other's, wanted {config.least_side:.0%}",
        )
        yield (
            Flag.GREY_LEFT,
            _at_most(self.grey, config.most_grey),
            f"{self.grey:.0%} of the mask, allowed {config.most_grey:.0%}",
        )
        yield (Flag.PAINT_RECTANGULAR, *self._rectangular(config))
        yield (
            Flag.RESULT_BLURRED,
            _late(self.blur, config.most_blur),
            f"blur {_rounded(self.blur, 2)}, allowed {config.most_blur:g}",
        )

    def _graded_shape(self, config: GateConfig) -> Iterator[tuple[Flag, float | None, str]]:
        """Whether the outline is whole, and nothing else is inside it."""
        shape = self.shape
        yield (
            Flag.OUTLINE_TORN,
            _late_until(shape.torn, config.most_torn, 2 * config.most_torn),
            f"{shape.torn} teeth or notches, allowed {config.most_torn}",
        )
        yield (Flag.SHOULDERS_BULGE, *self._shoulders(config))
        yield (
            Flag.PART_LOST,
            _at_most(shape.lost, config.most_lost),
            f"{_of_shoulders(shape.lost)}, allowed {config.most_lost:.2%}",
        )
        yield (
            Flag.BACKGROUND_LEFT,
            _at_most(shape.ground, config.most_ground),
            f"{_of_shoulders(shape.ground)}, allowed {config.most_ground:.2%}",
        )

    def _shoulders(self, config: GateConfig) -> tuple[float | None, str]:
        """The worse of two signs: cloth that sticks out beside them, and lumps along them."""
        bulge, lumps = self.shape.bulge, self.shape.lumps
        out, uneven = _late_until(bulge, config.most_bulge, 2 * config.most_bulge), _at_most(lumps, config.most_lumps)
        if uneven is not None and (out is None or uneven < out):
            return uneven, f"lumps along them: {_of_shoulders(lumps)}, allowed {config.most_lumps:.2%}"
        return out, f"by {_percent(bulge)} of the shoulders' width, allowed {config.most_bulge:.0%}"

    def _old_garment(self, config: GateConfig) -> tuple[float | None, str]:
        """The worse of two signs: much of the replaced garment unpainted, and pieces of it beside the new one."""
        share, pieces = _at_most(self.old_garment, config.most_old_garment), _at_most(self.shape.pieces, config.most_pieces)
        if pieces is not None and (share is None or pieces < share):
            return pieces, f"pieces beside the new one: {_of_shoulders(self.shape.pieces)}, allowed {config.most_pieces:.2%}"
        return share, f"{_percent(self.old_garment)} of the replaced garment, allowed {config.most_old_garment:.0%}"

    def _rectangular(self, config: GateConfig) -> tuple[float | None, str]:
        """The worse of two signs: a long upright side, and paint that only the mask's edge ends."""
        straight, edge = _late(self.straight, config.most_straight), _late(self.edge, config.most_edge)
        if edge is not None and (straight is None or edge < straight):
            return edge, f"paint along {_percent(self.edge)} of the mask's edge, allowed {config.most_edge:.0%}"
        return straight, f"an upright edge along {self.straight:.0%} of the mask, allowed {config.most_straight:.0%}"

    def overall(self, config: GateConfig) -> float:
        """The worst grade, in [0, 1]: below `PASS_SCORE` exactly when a threshold is broken."""
        return min(grade for grade, _ in self.grades(config).values())

    def why(self, config: GateConfig) -> str:
        """What decides the score, in one sentence."""
        grades = self.grades(config)
        worst = min(grades, key=lambda flag: grades[flag][0])
        grade, text = grades[worst]
        if grade == 1:
            return "no measure found a fault"
        return f"{worst.value.replace('-', ' ')}: {text}"

    def notices(self, config: GateConfig) -> tuple[Notice, ...]:
        """A flag for every broken threshold, with value and threshold."""
        return tuple(Notice(flag, text) for flag, (grade, text) in self.grades(config).items() if grade < PASS_SCORE)

    def facts(self, config: GateConfig) -> dict[str, str]:
        """The figures for the ledger."""
        values = {
            "outside_change": _rounded(self.outside_change, 2),
            "face_similarity": _rounded(self.face_similarity, 3),
            "colour_difference": _rounded(self.colour_difference, 2),
            "coverage": _rounded(self.coverage, 3),
            "spread": _rounded(self.spread, 1),
            "halo": _rounded(self.halo, 3),
            "old_garment": _rounded(self.old_garment, 3),
            "beside": _rounded(self.beside, 3),
            "side": _rounded(self.side, 3),
            "straight": _rounded(self.straight, 3),
            "edge": _rounded(self.edge, 3),
            "grey": _rounded(self.grey, 3),
            "blur": _rounded(self.blur, 3),
            "hands": _rounded(self.hands, 3),
            "torn": _rounded(self.shape.torn, 0),
            "bulge": _rounded(self.shape.bulge, 3),
            "lumps": _rounded(self.shape.lumps, 4),
            "lost": _rounded(self.shape.lost, 4),
            "ground": _rounded(self.shape.ground, 4),
            "pieces": _rounded(self.shape.pieces, 4),
        }
        return {SCORE: f"{self.overall(config):.4f}", SCORE_WHY: self.why(config)} | {
            name: text for name, text in values.items() if text
        }


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
    pictures = Pictures(
        canvas=inputs.canvas,
        result=inputs.result,
        mask=inputs.mask,
        person=np.zeros_like(inputs.mask) if inputs.person is None else inputs.person,
        alpha=alpha,
        labels=inputs.labels,
        worn=inputs.worn,
        body=inputs.body,
    )
    return measure_shape(pictures, inputs.garment())


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


def _at_most(value: float | None, threshold: float) -> float | None:
    """1 at 0, 0.5 at the threshold, 0 from twice the threshold."""
    return None if value is None else float(np.clip(1 - PASS_SCORE * value / threshold, 0, 1))


def _towards(value: float | None, threshold: float, best: float) -> float | None:
    """0 at 0, 0.5 at the threshold, 1 from `best`."""
    return None if value is None else float(np.interp(value, (0, threshold, best), (0, PASS_SCORE, 1)))


def _late(value: float | None, threshold: float) -> float | None:
    """1 up to four fifths of the threshold, as every picture has some, 0.5 at the threshold, 0 at 1."""
    return _late_until(value, threshold, 1)


def _late_until(value: float | None, threshold: float, worst: float) -> float | None:
    """1 up to four fifths of the threshold, 0.5 at it, 0 from `worst`."""
    return None if value is None else float(np.interp(value, (0.8 * threshold, threshold, worst), (1, PASS_SCORE, 0)))


def _of_shoulders(area: float | None) -> str:
    """An area in squares of the shoulders' width, in words."""
    return "" if area is None else f"{area:.2%} of the shoulders' width squared"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _rounded(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
