"""Sleeves and trouser legs: strips of cloth that follow two bones round a bend."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.fit.torso import TorsoFit, rung_halves
from tryon.engines.preview.garment.outline import resample
from tryon.engines.preview.garment.top_landmarks import Sleeve
from tryon.engines.preview.person.body import Body, Limb
from tryon.engines.preview.person.silhouette import Silhouette

RUNGS = 16
FULL_ARM = 1.5
"""Shoulder to wrist in units of the body's scale."""
OVERLAP_PX = 5.0
ROOT_SHARE = 0.3
"""Share of the limb over which a strip turns from the armhole's slant to square rungs."""


@dataclass(frozen=True)
class StripFit:
    """A strip and where it lands; equal indices form a rung.

    Args:
        cloth: both edges in the cloth picture, (RUNGS, 2) each.
        canvas: both edges on the canvas.
        share: how much of the limb it covers, 1 = to its end.
    """

    cloth: tuple[Points64, Points64]
    canvas: tuple[Points64, Points64]
    share: float

    @property
    def end(self) -> Points64:
        """(2, 2) the two corners of the lower end on the canvas."""
        return np.stack([self.canvas[0][-1], self.canvas[1][-1]])

    def moved(self, offset: Points64) -> StripFit:
        """The same landing, (2,) pixels further."""
        return replace(self, canvas=(self.canvas[0] + offset, self.canvas[1] + offset))


def limb_axis(limb: Limb, shares: NDArray[np.float64]) -> tuple[Points64, Points64]:
    """Points64 and unit tangents of the limb's rounded middle line.

    Args:
        limb: its three joints.
        shares: (n,) position along the limb, 0 = root, 1 = last joint; beyond 1 it goes on straight.
    """
    bones = np.hypot(*np.diff(limb.joints, axis=0).T)
    knot = float(bones[0] / max(bones.sum(), 1e-6))
    fine = np.linspace(0, 1.25, 126)
    first, last = limb.joints[1] - limb.joints[0], limb.joints[2] - limb.joints[1]
    points = np.where(
        (fine <= knot)[:, None],
        limb.joints[0] + (fine / max(knot, 1e-6))[:, None] * first,
        limb.joints[1] + ((fine - knot) / max(1 - knot, 1e-6))[:, None] * last,
    )
    kernel = np.hanning(25)[1:-1] / np.hanning(25)[1:-1].sum()
    smooth = np.stack(
        [np.convolve(np.pad(points[:, i], 11, mode="reflect", reflect_type="odd"), kernel, "valid") for i in (0, 1)], 1
    )
    tangents = np.gradient(smooth, axis=0)
    tangents /= np.maximum(np.hypot(*tangents.T), 1e-6)[:, None]
    middle = np.column_stack([np.interp(shares, fine, smooth[:, i]) for i in (0, 1)])
    turned = np.column_stack([np.interp(shares, fine, tangents[:, i]) for i in (0, 1)])
    return middle, turned / np.maximum(np.hypot(*turned.T), 1e-6)[:, None]


def limb_halves(limb: Limb, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths of the bare limb in pixels."""
    bones = np.hypot(*np.diff(limb.joints, axis=0).T)
    knot = float(bones[0] / max(bones.sum(), 1e-6))
    halves: NDArray[np.float64] = np.interp(shares, [0, knot, 1], limb.half_widths)
    return halves


def limb_shape(limb: Limb, start: float, end: float, ease: float) -> list[Points64]:
    """Polygons of a stretch of a bare limb, round at both ends; see `limb_polygon`."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    shares = np.array([start, end])
    ends = zip(limb_axis(limb, shares)[0], limb_halves(limb, shares) * ease, strict=True)
    return [limb_polygon(limb, start, end, ease), *(middle + radius * circle for middle, radius in ends)]


def limb_polygon(limb: Limb, start: float, end: float, ease: float) -> Points64:
    """(n, 2) outline of the bare limb between two shares of its length, `ease` times as wide as the body's table says."""
    shares = np.linspace(start, end, 24)
    middle, tangent = limb_axis(limb, shares)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * (limb_halves(limb, shares) * ease)[:, None]
    return np.vstack([middle + normal, (middle - normal)[::-1]])


def fit_sleeve(sleeve: Sleeve, side: int, body: Body, silhouette: Silhouette, torso: TorsoFit) -> StripFit:
    """Land a sleeve on an arm: as long as its own proportions say, bent at the elbow.

    Args:
        sleeve: on the flat garment.
        side: 0 = viewer's left.
        body: the skeleton.
        silhouette: the sleeve reaches at least to the arm's outline.
        torso: where the garment's body has landed; the sleeve starts at its armhole.
    """
    limb = body.arms[side]
    share = float(np.clip(sleeve.length * torso.scale / (FULL_ARM * body.scale), 0.12, 1.0))
    share = 1.06 if share > 0.84 else share  # a long sleeve ends on the hand, and hides the cuff of the one it replaces
    shares = np.linspace(0, share, RUNGS)
    middle, tangent = limb_axis(limb, shares)
    outward = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * (1.0 if side == 0 else -1.0)
    cloth = _inset(resample(sleeve.outer, RUNGS), resample(sleeve.inner, RUNGS))
    cloth_half = _square_halves(*cloth) * torso.scale
    bare = limb_halves(limb, shares)
    half = rung_halves(bare, cloth_half, 1.35)
    root = np.clip(1 - shares / ROOT_SHARE, 0, 1) ** 2
    seen = seen_halves(silhouette, middle, outward, bare) + 0.025 * body.scale
    outer_half = np.maximum(half, seen)
    inner = seen_halves(silhouette, middle, -outward, bare, silhouette.bare_arms) + 0.015 * body.scale
    inner_half = np.maximum(np.minimum(half, 1.15 * bare), np.where(shares > 0.3, inner, 0))
    edges = [
        middle + sign * outward * width[:, None] + root[:, None] * (start - (middle[0] + sign * outward[0] * width[0]))
        for sign, width, start in ((1.0, outer_half, torso.shoulders[side]), (-1.0, inner_half, torso.armpits[side]))
    ]
    short = np.maximum(seen - ((edges[0] - middle) * outward).sum(1), 0) * np.minimum(np.arange(len(seen)) / 2, 1)
    edges[0] = edges[0] + outward * short[:, None]
    inward = (torso.shoulders[1 - side] + torso.armpits[1 - side] - torso.shoulders[side] - torso.armpits[side]) / 2
    inward = inward / max(float(np.hypot(*inward)), 1e-6) * OVERLAP_PX
    cloth_inward = np.array([np.sign(inward[0]) * OVERLAP_PX / max(torso.scale, 1e-6), 0.0])
    return StripFit(_with_root(cloth, cloth_inward), _with_root((edges[0], edges[1]), inward), share)


def seen_halves(
    silhouette: Silhouette, middle: Points64, outward: Points64, bare: NDArray[np.float64], mask: Mask | None = None
) -> NDArray[np.float64]:
    """Distance from the limb's middle line to the person's outline (or the edge of `mask`) in direction `outward`, smoothed."""
    seen = np.array([
        silhouette.reach(point, direction, 0.8 * half, 1.9 * half, 1.05 * half, mask)
        for point, direction, half in zip(middle, outward, bare, strict=True)
    ])  # fmt: skip
    smooth: NDArray[np.float64] = np.convolve(np.pad(seen, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return smooth


def _inset(outer: Points64, inner: Points64) -> tuple[Points64, Points64]:
    """Both edges moved a little into the cloth: a sleeve's lower edge lies in the shadow of the gap beside it."""
    return outer + 0.04 * (inner - outer), inner + 0.1 * (outer - inner)


def _square_halves(outer: Points64, inner: Points64) -> NDArray[np.float64]:
    """Half widths of a strip measured square to its middle line; rungs near the root are slanted and would read too long."""
    tangent = np.gradient((outer + inner) / 2, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
    rung = (outer - inner) / 2
    halves: NDArray[np.float64] = np.abs(rung[:, 0] * tangent[:, 1] - rung[:, 1] * tangent[:, 0])
    return halves


def _with_root(edges: tuple[Points64, Points64], step: Points64) -> tuple[Points64, Points64]:
    """One more rung a little way into the body, so that nothing below shines through the seam."""
    return np.vstack([edges[0][:1] + step, edges[0]]), np.vstack([edges[1][:1] + step, edges[1]])
