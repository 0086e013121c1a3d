"""Where the preview's picture of a top, a dress or a skirt has another shape than the garment: said, with the figures."""

from __future__ import annotations

import numpy as np

from pipeline.core.flags import Flag, Notice
from pipeline.core.labels import Category
from tryon.engines.preview.fit.length import garment_scale, hem_height
from tryon.engines.preview.fit.lower import WAIST_EASE, fit_lower
from tryon.engines.preview.fit.torso import fit_torso
from tryon.engines.preview.garment.lower_landmarks import LowerLandmarks
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.garment.traits import TopTraits
from tryon.engines.preview.person.subject import Subject

LEAST_SYMMETRY = 0.88
"""Photographed tops have 0.91 or more; a one-shoulder top 0.82."""
WIDE_SLEEVE = 0.65
"""Sleeves are drawn close to the arm. Usual ones are up to 0.54 of the chest wide, a kimono's 0.8."""
FLARED_TOP, FLARED_DRESS = 1.35, 2.5
"""A top is drawn close to the hips, a skirt as wide as the mask. Usual tops have up to 1.27, dresses with a full skirt 2.03."""
LONG_TOP = 2.4
"""A top ends where the trousers begin that stay in front. Usual ones are up to 2.1 chests long."""
HOOD = 0.18
"""Collars are drawn up to the chin; a high neck has 0.11, a hood 0.28."""
LEAST_LENGTH, LEAST_SKIRT, LEAST_HEM = 0.8, 0.7, 0.5
"""A dress drawn at less of its own length, a skirt or a dress's hem at less of its own width is another shape. Laid flat, a dress
is wider than worn."""


def top_shape_notices(subject: Subject, marks: TopLandmarks, traits: TopTraits) -> tuple[Notice, ...]:
    """What of a top or dress the preview does not show on this person."""
    dress = subject.category is Category.DRESS
    missing = []
    if traits.symmetry < LEAST_SYMMETRY:
        missing.append(f"its two sides differ (symmetry {traits.symmetry:.2f}) and are drawn alike")
    if traits.sleeve_width > WIDE_SLEEVE:
        missing.append(f"sleeves {traits.sleeve_width:.1f} of the chest wide are drawn narrow")
    if traits.flare > (FLARED_DRESS if dress else FLARED_TOP):
        missing.append(f"a hem {traits.flare:.1f} times as wide as the chest is drawn narrower")
    if traits.above_neck > HOOD:
        missing.append("a hood is drawn as a collar")
    own = marks.body_length * garment_scale(marks, subject.skeleton)
    drawn = (hem_height(subject, marks) + 0.14 * subject.skeleton.scale) / max(own, 1.0)
    if drawn < LEAST_LENGTH and (dress or traits.length > LONG_TOP):
        missing.append(f"drawn at {drawn:.0%} of its length")
    if dress and (width := _hem_share(subject, marks)) < LEAST_HEM:
        missing.append(f"its skirt is drawn at {width:.0%} of its width")
    return _notices(missing)


def _hem_share(subject: Subject, marks: TopLandmarks) -> float:
    """Width of a hem on the canvas over the garment's own."""
    torso = fit_torso(subject, marks)
    own = float(np.hypot(*(marks.hem[1] - marks.hem[0]))) * torso.scale
    return float(np.hypot(*(torso.hem[1] - torso.hem[0]))) / max(own, 1.0)


def lower_shape_notices(subject: Subject, marks: LowerLandmarks) -> tuple[Notice, ...]:
    """What of a skirt the preview does not show on this person."""
    if marks.crotch is not None:
        return ()
    fit = fit_lower(subject, marks)
    widths = [float(np.hypot(*(right[0][-1] - left[0][-1]))) for left, right in (fit.canvas, marks.halves)]
    drawn = widths[0] / max(widths[1] * fit.scale / WAIST_EASE, 1.0)
    return _notices([f"its hem is drawn at {drawn:.0%} of its width"] if drawn < LEAST_SKIRT else [])


def _notices(missing: list[str]) -> tuple[Notice, ...]:
    return (Notice(Flag.SHAPE_NOT_SHOWN, "; ".join(missing)),) if missing else ()
