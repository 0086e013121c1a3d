"""The measures of one pair against their thresholds, and the one figure that pairs are compared by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from compose.gate.shape import Shape
from pipeline.core.config import StepConfig
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import BLANK_SPREAD
from pipeline.core.score import PASS_SCORE, SCORE, SCORE_WHY

Sign = tuple[float | None, str]
"""A measure's grade, or None where there was nothing to measure by, and its value beside the threshold in words."""


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
    most_torn: int = Field(1, ge=0, le=100)
    """Teeth and notches of the new outline that neither old outline nor garment had: shreds at a sleeve, a ragged hem."""
    most_bulge: float = Field(0.16, gt=0, le=2)
    """How far the new outline reaches beyond the old one at the shoulders, in the shoulders' width."""
    most_lumps: float = Field(0.0024, gt=0, le=2)
    """Area of knobs and dents along the shoulders, in squares of the shoulders' width."""
    most_lost: float = Field(0.015, gt=0, le=2)
    """Area of hands, shoes and things that are gone from the person, in squares of the shoulders' width; a hand has 0.1."""
    most_hands_lost: float = Field(0.0018, gt=0, le=2)
    """Area of hands that is painted over or see-through, likewise: a finger's end has 0.002."""
    most_ground: float = Field(0.006, gt=0, le=2)
    """Area of old background inside the person, in squares of the shoulders' width: 0.01 is four by four centimetres."""
    most_gaps: float = Field(0.0025, gt=0, le=2)
    """Area of old background in narrow gaps, as between arm and body, likewise."""
    most_pieces: float = Field(0.01, gt=0, le=2)
    """Area of the replaced garment beside the new one, likewise."""
    most_collar: float = Field(0.014, gt=0, le=2)
    """Area beside the neck that has the outline of the old hood or collar, likewise."""
    most_sleeve: float = Field(0.277, gt=0, le=2)
    """Width of a new bare upper arm, in the shoulders' width: more is the width of the old sleeve."""
    least_hand_likeness: float = Field(0.5, ge=0, lt=1)
    """Likeness of each hand to the photo's, by its key-points and pixels: 1 = the photo's own; 0 = do not look at hands."""


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
            _late_until(shape.torn, config.most_torn + 0.5, 2 * config.most_torn + 1),
            f"{shape.torn} teeth or notches, allowed {config.most_torn}",
        )
        yield (Flag.SHOULDERS_BULGE, *self._shoulders(config))
        yield (Flag.PART_LOST, *self._lost(config))
        yield (Flag.BACKGROUND_LEFT, *self._background(config))

    def _shoulders(self, config: GateConfig) -> Sign:
        """Cloth that sticks out beside them, and lumps along them."""
        bulge = self.shape.bulge
        return _worse(
            (
                _late_until(bulge, config.most_bulge, 2 * config.most_bulge),
                f"by {_percent(bulge)} of the shoulders' width, allowed {config.most_bulge:.0%}",
            ),
            _area(self.shape.lumps, config.most_lumps, "lumps along them: "),
        )

    def _lost(self, config: GateConfig) -> Sign:
        """Whole parts that are gone from the person, and less of a hand."""
        return _worse(
            _area(self.shape.lost, config.most_lost),
            _area(self.shape.hands_lost, config.most_hands_lost, "a hand painted over or see-through: "),
        )

    def _background(self, config: GateConfig) -> Sign:
        """Pieces of it, and narrow gaps full of it."""
        return _worse(
            _area(self.shape.ground, config.most_ground),
            _area(self.shape.gaps, config.most_gaps, "in gaps as between arm and body: "),
        )

    def _old_garment(self, config: GateConfig) -> Sign:
        """Much of the replaced garment unpainted, pieces of it beside the new one, and its shape in other colours."""
        sleeve = self.shape.sleeve
        return _worse(
            (
                _at_most(self.old_garment, config.most_old_garment),
                f"{_percent(self.old_garment)} of the replaced garment, allowed {config.most_old_garment:.0%}",
            ),
            _area(self.shape.pieces, config.most_pieces, "pieces beside the new one: "),
            _area(self.shape.collar, config.most_collar, "its hood's or collar's shape beside the neck: "),
            (
                _late_until(sleeve, config.most_sleeve, 2 * config.most_sleeve),
                f"a bare arm as wide as its sleeve: {_tenths(sleeve)} of the shoulders' width, allowed {config.most_sleeve:.1%}",
            ),
        )

    def _rectangular(self, config: GateConfig) -> Sign:
        """A long upright side, and paint that only the mask's edge ends."""
        return _worse(
            (
                _late(self.straight, config.most_straight),
                f"an upright edge along {self.straight:.0%} of the mask, allowed {config.most_straight:.0%}",
            ),
            (
                _late(self.edge, config.most_edge),
                f"paint along {_percent(self.edge)} of the mask's edge, allowed {config.most_edge:.0%}",
            ),
        )

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
            "hands_lost": _rounded(self.shape.hands_lost, 4),
            "ground": _rounded(self.shape.ground, 4),
            "gaps": _rounded(self.shape.gaps, 4),
            "pieces": _rounded(self.shape.pieces, 4),
            "collar": _rounded(self.shape.collar, 4),
            "sleeve": _rounded(self.shape.sleeve, 3),
        }
        return {SCORE: f"{self.overall(config):.4f}", SCORE_WHY: self.why(config)} | {
            name: text for name, text in values.items() if text
        }


def _worse(*signs: Sign) -> Sign:
    """The sign with the lowest grade; of equals the first, and one without a grade only where none has one."""
    return min(signs, key=lambda sign: 2.0 if sign[0] is None else sign[0])


def _at_most(value: float | None, threshold: float) -> float | None:
    """1 at 0, 0.5 at the threshold, 0 from twice the threshold."""
    return None if value is None else float(np.clip(1 - PASS_SCORE * value / threshold, 0, 1))


def _area(area: float | None, most: float, where: str = "") -> Sign:
    """The sign of an area in squares of the shoulders' width; `where` leads its words."""
    return _at_most(area, most), f"{where}{_of_shoulders(area)}, allowed {most:.2%}"


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


def _tenths(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _rounded(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
