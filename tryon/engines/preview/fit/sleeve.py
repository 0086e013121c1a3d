"""Where a sleeve lies on an arm: a strip of cloth that follows two bones and bends at the elbow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from tryon.engines.preview.fit.torso import TorsoFit
from tryon.engines.preview.garment.outline import resample
from tryon.engines.preview.garment.top_landmarks import Sleeve
from tryon.engines.preview.person.limbs import limb_axis, limb_half_widths, visible_half_widths
from tryon.engines.preview.person.skeleton import sign_of
from tryon.engines.preview.person.subject import Subject

RUNGS = 16
FULL_ARM = 1.5
"""Shoulder to wrist in units of the skeleton's scale."""
OVERLAP_PX = 5.0
"""Pixels by which a sleeve reaches into the garment's body."""
ROOT_SHARE = 0.3
"""Share of the arm over which the rungs turn from the slant of the armhole to a right angle with the arm."""

SHORT_SHARE = 0.6
"""Share of the arm up to which a sleeve hangs straight instead of following the forearm."""
MOST_TAPER = 0.985
"""Most that such a sleeve narrows from one rung to the next."""


@dataclass(frozen=True)
class SleeveFit:
    """A sleeve and where it lies; equal indices form a rung.

    Args:
        cloth: both edges in the cloth picture, (RUNGS, 2) each.
        canvas: both edges on the canvas.
        share: how much of the arm it covers, 1 = to the wrist.
    """

    cloth: tuple[Points64, Points64]
    canvas: tuple[Points64, Points64]
    share: float

    @property
    def end(self) -> Points64:
        """(2, 2) the two corners of the lower end on the canvas."""
        return np.stack([self.canvas[0][-1], self.canvas[1][-1]])

    def moved(self, offset: Points64) -> SleeveFit:
        """The same fit, moved by (2,) pixels."""
        return replace(self, canvas=(self.canvas[0] + offset, self.canvas[1] + offset))


def fit_sleeve(subject: Subject, sleeve: Sleeve, side: int, torso: TorsoFit) -> SleeveFit:
    """Place a sleeve on an arm: as long as its own proportions say, bent at the elbow.

    Args:
        subject: the person; the sleeve reaches at least to the outline of the arm.
        sleeve: on the flat garment.
        side: 0 = viewer's left, 1 = right.
        torso: where the garment's body is; the sleeve starts at its armhole.
    """
    skeleton, silhouette = subject.skeleton, subject.silhouette
    limb = skeleton.arms[side]
    share = float(np.clip(sleeve.length * torso.scale / (FULL_ARM * skeleton.scale), 0.12, 1.0))
    share = 1.06 if share > 0.84 else share  # a long sleeve ends on the hand, and hides the cuff of the one it replaces
    shares = np.linspace(0, share, RUNGS)
    middle, tangent = limb_axis(limb, shares)
    outward = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * -sign_of(side)
    cloth = _inset(resample(sleeve.outer, RUNGS), resample(sleeve.inner, RUNGS))
    cloth_half = _half_widths(*cloth) * torso.scale
    limb_half = limb_half_widths(limb, shares)
    half = _eased_half_widths(limb_half, cloth_half, 1.35)
    root = np.clip(1 - shares / ROOT_SHARE, 0, 1) ** 2
    visible = visible_half_widths(silhouette, middle, outward, limb_half) + 0.025 * skeleton.scale
    outer_half = np.maximum(half, visible)
    if share < SHORT_SHARE:
        outer_half = _without_puff(outer_half)
    inner = visible_half_widths(silhouette, middle, -outward, limb_half, silhouette.bare_arms) + 0.015 * skeleton.scale
    inner_half = np.maximum(np.minimum(half, 1.15 * limb_half), np.where(shares > 0.3, inner, 0))
    edges = [
        middle + sign * outward * width[:, None] + root[:, None] * (start - (middle[0] + sign * outward[0] * width[0]))
        for sign, width, start in ((1.0, outer_half, torso.shoulders[side]), (-1.0, inner_half, torso.armpits[side]))
    ]
    short = np.maximum(visible - ((edges[0] - middle) * outward).sum(1), 0) * np.minimum(np.arange(len(visible)) / 2, 1)
    edges[0] = edges[0] + outward * short[:, None]
    inward = (torso.shoulders[1 - side] + torso.armpits[1 - side] - torso.shoulders[side] - torso.armpits[side]) / 2
    inward = inward / max(float(np.hypot(*inward)), 1e-6) * OVERLAP_PX
    cloth_inward = np.array([np.sign(inward[0]) * OVERLAP_PX / max(torso.scale, 1e-6), 0.0])
    return SleeveFit(_with_root(cloth, cloth_inward), _with_root((edges[0], edges[1]), inward), share)


def _eased_half_widths(limb_half: NDArray[np.float64], cloth_half: NDArray[np.float64], ease: float) -> NDArray[np.float64]:
    """(n,) the cloth's own half widths, but at least a little wider than the limb and at most `ease` times as wide."""
    halves: NDArray[np.float64] = np.clip(cloth_half, 1.08 * limb_half + 2, ease * limb_half)
    return halves


def _without_puff(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths that taper slowly towards the cuff: a sleeve made wide by the worn one's cuff stays wide to its own."""
    tapered = half.copy()
    for number in range(1, len(tapered)):
        tapered[number] = max(tapered[number], MOST_TAPER * tapered[number - 1])
    return tapered


def _inset(outer: Points64, inner: Points64) -> tuple[Points64, Points64]:
    """Both edges moved a little into the cloth: in the photo, a sleeve's lower edge is in the shadow of the gap beside it."""
    return outer + 0.04 * (inner - outer), inner + 0.1 * (outer - inner)


def _half_widths(outer: Points64, inner: Points64) -> NDArray[np.float64]:
    """(n,) half widths at a right angle to the middle line; rungs near the root are slanted, and longer than that."""
    tangent = np.gradient((outer + inner) / 2, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
    rung = (outer - inner) / 2
    halves: NDArray[np.float64] = np.abs(rung[:, 0] * tangent[:, 1] - rung[:, 1] * tangent[:, 0])
    return halves


def _with_root(edges: tuple[Points64, Points64], step: Points64) -> tuple[Points64, Points64]:
    """One more rung, inside the garment's body, so that nothing below shows through the seam."""
    return np.vstack([edges[0][:1] + step, edges[0]]), np.vstack([edges[1][:1] + step, edges[1]])
