"""Where the body of a top or dress lies on a person: the garment's landmarks, edge by edge, in canvas pixels.

Width follows the person's silhouette, length follows the garment's own proportions, measured in chest widths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from tryon.engines.preview.fit.length import Hem, fit_hem, garment_scale
from tryon.engines.preview.garment.top_landmarks import TopLandmarks, TorsoEdges
from tryon.engines.preview.person.silhouette import Silhouette, mask_half_width
from tryon.engines.preview.person.skeleton import Skeleton, sign_of
from tryon.engines.preview.person.subject import Subject

STRAP_ROOM = 0.16
"""Share of the shoulder kept free beside a strap: it would slip off."""
LEAST_STRAP = 0.03
"""Width of the thinnest strap in units of the skeleton's scale: less could not be drawn."""


@dataclass(frozen=True)
class TorsoFit:
    """Matching points of the garment's body.

    Args:
        cloth: (n, 2) x, y in the cloth picture.
        canvas: (n, 2) the same points on the canvas.
        polygon: (m, 2) outline on the canvas.
        neck: (k, 2) front neckline on the canvas, left to right.
        shoulders, armpits, hem: (2, 2) landmarks on the canvas, left first.
        armholes: left and right, (k, 2) from the shoulder to the armpit on the canvas.
        scale: canvas pixels per cloth pixel along the body.
    """

    cloth: Points64
    canvas: Points64
    polygon: Points64
    neck: Points64
    shoulders: Points64
    armpits: Points64
    hem: Points64
    armholes: tuple[Points64, Points64]
    scale: float

    def moved(self, offset: Points64) -> TorsoFit:
        """The same fit, moved by (2,) pixels."""
        return replace(
            self,
            canvas=self.canvas + offset,
            polygon=self.polygon + offset,
            neck=self.neck + offset,
            shoulders=self.shoulders + offset,
            armpits=self.armpits + offset,
            hem=self.hem + offset,
            armholes=(self.armholes[0] + offset, self.armholes[1] + offset),
        )


@dataclass(frozen=True)
class TorsoSide:
    """Landmarks of one side on the canvas, (2,) x, y each.

    Args:
        number: 0 = viewer's left, 1 = right.
        collar: corner of the neck opening.
        collar_base: where the shoulder seam starts; equals `collar` unless the collar stands up.
        shoulder: tip of the shoulder.
        armpit: lower end of the armhole.
    """

    number: int
    collar: Points64
    collar_base: Points64
    shoulder: Points64
    armpit: Points64


def fit_torso(subject: Subject, garment: TopLandmarks) -> TorsoFit:
    """Place the body of a top or dress on a person.

    Args:
        subject: the person; the mask limits the garment's length, and a dress keeps its own width below the hips.
        garment: landmarks on the flat garment.
    """
    scale, hem = garment_scale(garment, subject.skeleton), fit_hem(subject, garment)
    sides = (_torso_side(subject, garment, 0, scale), _torso_side(subject, garment, 1, scale))
    edges = _torso_edges(subject, garment, sides, scale, hem)
    source, polygon = garment.edges.outline(), edges.outline()
    return TorsoFit(
        cloth=np.vstack([source, garment.edges.middle()]),
        canvas=np.vstack([polygon, edges.middle()]),
        polygon=polygon,
        neck=edges.neck,
        shoulders=np.stack([side.shoulder for side in sides]),
        armpits=np.stack([side.armpit for side in sides]),
        hem=np.stack([seam[-1] for seam in edges.side_seams]),
        armholes=edges.armholes,
        scale=scale,
    )


def _torso_edges(
    subject: Subject, garment: TopLandmarks, sides: tuple[TorsoSide, TorsoSide], scale: float, hem: Hem
) -> TorsoEdges:
    """The garment's edges on the canvas."""
    left, right = sides
    seams = _side_seam(subject, garment, left, hem.left, scale), _side_seam(subject, garment, right, hem.right, scale)
    armholes = garment.edges.armholes
    return TorsoEdges(
        neck=_neck(subject.skeleton, garment, sides, scale, 0.45 * min(hem.left, hem.right)),
        shoulder_seams=(_shoulder_seam(subject, garment, left), _shoulder_seam(subject, garment, right)),
        armholes=(
            _stretch(armholes[0], left.shoulder, left.armpit),
            _stretch(armholes[1], right.shoulder, right.armpit),
        ),
        side_seams=seams,
        hem=_hem(garment.edges.hem, subject.skeleton, seams[0][-1], seams[1][-1], scale, hem.dip),
    )


def _torso_side(subject: Subject, garment: TopLandmarks, side: int, scale: float) -> TorsoSide:
    skeleton, silhouette = subject.skeleton, subject.silhouette
    base = _collar_base(skeleton, silhouette, garment, side, scale)
    stand, lean = garment.collar_base[side, 1] - garment.collar[side, 1], garment.collar_base[side, 0] - garment.collar[side, 0]
    outward = sign_of(side) * min(abs(float(lean)) * scale, 0.06 * skeleton.scale) * skeleton.across
    collar = base - outward - min(max(0.0, float(stand)) * scale, 0.25 * skeleton.scale) * skeleton.down
    depth = float(garment.armpits[side, 1] - garment.shoulders[side, 1]) * scale
    drop = float(np.clip(depth - 0.2 * skeleton.scale, 0.3 * skeleton.scale, 0.42 * skeleton.scale))
    armpit = skeleton.shoulders[side] + skeleton.down * drop
    tip = _strap_end(subject, garment, side, scale) if garment.has_straps else _shoulder_tip(skeleton, silhouette, side)
    return TorsoSide(side, collar, base, tip, armpit)


def _shoulder_tip(skeleton: Skeleton, silhouette: Silhouette, side: int) -> Points64:
    """(2,) the joint, lifted to the outline of the shoulder."""
    direction = 0.62 * sign_of(side) * skeleton.across - 0.78 * skeleton.down
    start = skeleton.shoulders[side]
    lift = silhouette.distance_to_edge(start, direction, 0.05 * skeleton.scale, 0.2 * skeleton.scale, 0.11 * skeleton.scale)
    tip: Points64 = start + direction * (lift + 1.5)
    return tip


def _collar_base(skeleton: Skeleton, silhouette: Silhouette, garment: TopLandmarks, side: int, scale: float) -> Points64:
    """(2,) where the shoulder seam starts: as far from the neck as on the garment, on the outline of the shoulder."""
    return _shoulder_top(skeleton, silhouette, side, _collar_share(skeleton, garment, side, scale))


def _collar_share(skeleton: Skeleton, garment: TopLandmarks, side: int, scale: float) -> float:
    """How far from the neck to the shoulder joint the shoulder seam starts."""
    half = abs(float(garment.collar_base[side, 0] - garment.collar_base[:, 0].mean())) * scale
    return float(np.clip(2 * half / skeleton.scale, 0.42, 0.9 - (STRAP_ROOM if garment.has_straps else 0)))


def _strap_end(subject: Subject, garment: TopLandmarks, side: int, scale: float) -> Points64:
    """(2,) the outer edge of a strap on the shoulder's outline, as far from its inner edge as on the garment."""
    skeleton = subject.skeleton
    width = max(float(np.hypot(*(garment.shoulders[side] - garment.collar_base[side]))) * scale, LEAST_STRAP * skeleton.scale)
    share = _collar_share(skeleton, garment, side, scale) + 2 * width / skeleton.scale
    if share > 1:
        return _shoulder_tip(skeleton, subject.silhouette, side)
    return _shoulder_top(skeleton, subject.silhouette, side, share)


def _shoulder_top(skeleton: Skeleton, silhouette: Silhouette, side: int, share: float) -> Points64:
    """(2,) on the shoulder's outline: `share` of the way from the neck to the shoulder joint, lifted to the silhouette."""
    start = skeleton.neck + share * (skeleton.shoulders[side] - skeleton.neck)
    usual = float(np.interp(share, [0.4, 1.0], [0.30, 0.14])) * skeleton.scale
    if skeleton.in_profile:  # above the shoulder is the neck, not the shoulder's outline
        return np.asarray(start - skeleton.down * 0.6 * usual)
    lift = silhouette.distance_to_edge(start, -skeleton.down, 0.75 * usual, 1.35 * usual, usual)
    lifted: Points64 = start - skeleton.down * (lift + 0.012 * skeleton.scale)
    return lifted


def _neck(
    skeleton: Skeleton, garment: TopLandmarks, sides: tuple[TorsoSide, TorsoSide], scale: float, deepest: float
) -> Points64:
    """(n, 2) the neckline between the collar corners, as deep as on the garment, at most `deepest` pixels."""
    path, base = garment.edges.neck, garment.collar
    left, right = sides[0].collar, sides[1].collar
    along = (path[:, 0] - base[0, 0]) / max(float(base[1, 0] - base[0, 0]), 1e-6)
    depth = path[:, 1] - (base[0, 1] + along * (base[1, 1] - base[0, 1]))
    if skeleton.in_profile:
        deepest = min(deepest, 0.5 * float(np.hypot(*(right - left))))
    scale = min(scale, deepest / max(float(depth.max()), 1.0))
    placed: Points64 = left + along[:, None] * (right - left) + (depth * scale)[:, None] * skeleton.down
    return placed


def _shoulder_seam(subject: Subject, garment: TopLandmarks, side: TorsoSide) -> Points64:
    """(n, 2) collar corner → base of a standing collar → along the outline of the shoulder → shoulder tip."""
    skeleton, path = subject.skeleton, garment.edges.shoulder_seams[side.number]
    turn = int(np.argmin(np.hypot(*(path - garment.collar_base[side.number]).T)))
    turn = 0 if turn == len(path) - 1 else turn
    rest = _stretch(path[turn:], side.collar_base, side.shoulder)
    joint = skeleton.shoulders[side.number]
    for number in range(1, len(rest) - 1):
        share = float(np.hypot(*(rest[number] - skeleton.neck)) / max(np.hypot(*(joint - skeleton.neck)), 1e-6))
        top = _shoulder_top(skeleton, subject.silhouette, side.number, min(share, 1.0))
        rest[number] += skeleton.down * float((top - rest[number]) @ skeleton.down)
    return rest if turn == 0 else np.vstack([_stretch(path[: turn + 1], side.collar, side.collar_base), rest[1:]])


def _stretch(path: Points64, start: Points64, end: Points64) -> Points64:
    """(n, 2) the path, moved by the similarity that sends its ends to `start` and `end`."""
    source, target = complex(*(path[-1] - path[0])), complex(*(end - start))
    if abs(source) < 1e-6:
        return start + np.linspace(0, 1, len(path))[:, None] * (end - start)
    turned = (path[:, 0] - path[0, 0] + 1j * (path[:, 1] - path[0, 1])) * (target / source)
    placed: Points64 = start + np.column_stack([turned.real, turned.imag])
    return placed


def _side_seam(subject: Subject, garment: TopLandmarks, side: TorsoSide, hem_down: float, scale: float) -> Points64:
    """(n, 2) from the armpit to the hem: at least the silhouette, at most a little looser than it."""
    skeleton, category = subject.skeleton, subject.category
    path, seams = garment.edges.side_seams[side.number], garment.edges.side_seams
    start = skeleton.to_torso(side.armpit)
    along = (path[:, 1] - path[0, 1]) / max(float(path[-1, 1] - path[0, 1]), 1e-6)
    down = start[1] + along * (hem_down - start[1])
    cut = np.abs(path[:, 0] - (seams[0][:, 0] + seams[1][:, 0]) / 2) * scale
    worn = subject.silhouette.torso_half_widths(skeleton, side.number, down)
    tucked = category is Category.UPPER and hem_down < garment.body_length * scale - 0.2 * skeleton.scale
    loose = np.full(len(down), 1.15)
    if category is not Category.UPPER:
        loose = np.interp(down / skeleton.torso_length, [0.9, 2.2], [1.12, 2.4])
    loose = np.where(tucked & (along > 0.55), np.minimum(loose, 1.04), loose)
    tightest = 1.02 * worn + 2
    if category is Category.DRESS:  # a narrow skirt does not grow to the width of the one it replaces
        narrow = np.maximum(0.58 * skeleton.scale, _legs_half(skeleton, side.number, down))
        tightest = np.where(down > 0.95 * skeleton.torso_length, np.minimum(tightest, narrow), tightest)
    half = np.clip(cut, tightest, loose * worn + 2)
    if category is Category.DRESS:
        half = np.minimum(half, _skirt_limit(skeleton, subject.mask, down, half))
    blend = np.clip(along / 0.25, 0, 1)
    across = (1 - blend) * abs(start[0]) + blend * half
    return skeleton.to_canvas(sign_of(side.number) * across, down)


def _legs_half(skeleton: Skeleton, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) pixels from the torso's axis to the outer side of the leg below it; a skirt is at least as wide."""
    leg = skeleton.legs[side]
    across, rows = skeleton.to_torso(leg.joints).T
    rows = np.maximum.accumulate(rows + np.arange(3) * 1e-6)
    outward = across * sign_of(side) + 1.1 * leg.half_widths
    half: NDArray[np.float64] = np.interp(down, rows, outward)
    return np.minimum(half, 1.2 * skeleton.scale)


def _skirt_limit(skeleton: Skeleton, mask: Mask, down: NDArray[np.float64], half: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths a skirt may have: straight from the hips to what the mask leaves at its hem, or it would be cut there."""
    hips = skeleton.torso_length
    start = float(np.interp(hips, down, half))
    end = max(mask_half_width(mask, skeleton, float(down[-1]) - 6), 0.3 * skeleton.scale)
    limit: NDArray[np.float64] = np.interp(down, [hips, max(float(down[-1]), hips + 1)], [start, end])
    return np.where(down > hips, np.maximum(limit, 0.3 * skeleton.scale), np.inf)


def _hem(path: Points64, skeleton: Skeleton, left: Points64, right: Points64, scale: float, dip: float) -> Points64:
    """(n, 2) the hem between its corners, with the curve it has on the garment, or the deeper one of the waist it ends at."""
    chord = path[-1] - path[0]
    along = (path[:, 0] - path[0, 0]) / max(float(chord[0]), 1e-6)
    sag = (path[:, 1] - (path[0, 1] + along * chord[1])) * scale
    sag = np.maximum(sag, 4 * along * (1 - along) * dip) if dip else sag
    placed: Points64 = left + along[:, None] * (right - left) + np.maximum(sag, -0.02 * skeleton.scale)[:, None] * skeleton.down
    return placed
