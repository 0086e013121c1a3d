"""Where a top or dress lands on a body: the garment's landmarks, edge by edge, in canvas pixels.

Width follows the person's silhouette, length follows the garment's own proportions, measured in chest widths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Category, Parse
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.person.body import Body
from tryon.engines.preview.person.silhouette import Silhouette, lowest, mask_half

CHEST_TO_SHOULDERS = 1.25
"""A garment laid flat is this much wider from armpit to armpit than its wearer from shoulder joint to shoulder joint."""


LONGEST_DRESS = 3.8
"""From the shoulders to above the ankles, in the body's scale."""


@dataclass(frozen=True)
class TorsoFit:
    """Matching points of the garment's body.

    Args:
        cloth: (n, 2) x, y in the cloth picture.
        canvas: (n, 2) where they land.
        polygon: (m, 2) landing outline.
        neck: (k, 2) landing front neckline, left to right.
        shoulders, armpits, hem: (2, 2) landing landmarks.
        scale: canvas pixels per cloth pixel along the body.
    """

    cloth: Points64
    canvas: Points64
    polygon: Points64
    neck: Points64
    shoulders: Points64
    armpits: Points64
    hem: Points64
    scale: float

    def moved(self, offset: Points64) -> TorsoFit:
        """The same landing, (2,) pixels further."""
        return replace(
            self,
            canvas=self.canvas + offset,
            polygon=self.polygon + offset,
            neck=self.neck + offset,
            shoulders=self.shoulders + offset,
            armpits=self.armpits + offset,
            hem=self.hem + offset,
        )


def garment_scale(garment: TopLandmarks, body: Body) -> float:
    """Canvas pixels per cloth pixel, by the chest; a gathered bodice must not make a dress longer than its wearer."""
    by_chest = CHEST_TO_SHOULDERS * body.scale / max(garment.chest_width, 1.0)
    return min(by_chest, LONGEST_DRESS * body.scale / max(garment.body_length, 1.0))


def fit_torso(garment: TopLandmarks, body: Body, silhouette: Silhouette, category: Category, mask: Mask) -> TorsoFit:
    """Land the body of a top or dress.

    Args:
        garment: landmarks on the flat garment.
        body: the skeleton.
        silhouette: what the parse map says about the body's outline.
        category: UPPER or DRESS; a dress goes on below the hips at its own width.
        mask: (h, w) bool: the area to repaint; it limits the length.
    """
    scale = garment_scale(garment, body)
    shoulders = shoulder_tips(body, silhouette)
    armpits = _armpits(garment, body, scale)
    collar_base, collar = _collars(garment, body, silhouette, scale)
    hem_down = hem_height(garment, body, silhouette, category, mask)
    flanks = [_flank(garment, body, silhouette, category, mask, (side, armpits[side], hem_down, scale)) for side in (0, 1)]
    edges = garment.edges
    neck = _neck(garment, body, collar, scale, 0.45 * hem_down)
    slopes = [_slope(garment, body, silhouette, (side, collar[side], collar_base[side], shoulders[side])) for side in (0, 1)]
    armholes = [_stretch(edges.armholes[side], shoulders[side], armpits[side]) for side in (0, 1)]
    hem = _hem(edges.hem, body, flanks[0][-1], flanks[1][-1], scale)
    polygon = np.vstack([
        neck, slopes[1][1:], armholes[1][1:], flanks[1][1:], hem[-2:0:-1],
        flanks[0][::-1], armholes[0][-2::-1], slopes[0][-2:0:-1],
    ])  # fmt: skip
    source = np.vstack([
        edges.neck, edges.slopes[1][1:], edges.armholes[1][1:], edges.flanks[1][1:], edges.hem[-2:0:-1],
        edges.flanks[0][::-1], edges.armholes[0][-2::-1], edges.slopes[0][-2:0:-1],
    ])  # fmt: skip
    middle_source = (edges.flanks[0] + edges.flanks[1])[::2] / 2
    middle = (flanks[0] + flanks[1])[::2] / 2
    return TorsoFit(
        cloth=np.vstack([source, middle_source]),
        canvas=np.vstack([polygon, middle]),
        polygon=polygon,
        neck=neck,
        shoulders=shoulders,
        armpits=armpits,
        hem=np.stack([flanks[0][-1], flanks[1][-1]]),
        scale=scale,
    )


def shoulder_tips(body: Body, silhouette: Silhouette) -> Points64:
    """(2, 2) the joints lifted to the outline of the shoulder."""
    tips = []
    for side, outward in ((0, -1.0), (1, 1.0)):
        direction = 0.62 * outward * body.across - 0.78 * body.down
        start = body.shoulders[side]
        lift = silhouette.reach(start, direction, 0.05 * body.scale, 0.2 * body.scale, 0.11 * body.scale)
        tips.append(start + direction * (lift + 1.5))
    return np.stack(tips)


def _armpits(garment: TopLandmarks, body: Body, scale: float) -> Points64:
    depths = (garment.armpits - garment.shoulders)[:, 1] * scale
    return np.stack([
        body.shoulders[side] + body.down * float(np.clip(depths[side] - 0.2 * body.scale, 0.3 * body.scale, 0.42 * body.scale))
        for side in (0, 1)
    ])  # fmt: skip


def shoulder_top(body: Body, silhouette: Silhouette, side: int, share: float) -> Points64:
    """A point on the shoulder's outline: `share` of the way from the neck to the shoulder joint, lifted to the silhouette."""
    start = body.neck + share * (body.shoulders[side] - body.neck)
    usual = float(np.interp(share, [0.4, 1.0], [0.30, 0.14])) * body.scale
    if body.turned:  # above the shoulder lies the neck, not the shoulder's outline
        return np.asarray(start - body.down * 0.6 * usual)
    lift = silhouette.reach(start, -body.down, 0.75 * usual, 1.35 * usual, usual)
    lifted: Points64 = start - body.down * (lift + 0.012 * body.scale)
    return lifted


def _collars(garment: TopLandmarks, body: Body, silhouette: Silhouette, scale: float) -> tuple[Points64, Points64]:
    """Where the shoulder slopes start, and the corners of the neck opening above them."""
    halves = np.abs(garment.collar_base[:, 0] - garment.collar_base[:, 0].mean()) * scale
    bases, corners = [], []
    for side, sign in ((0, -1.0), (1, 1.0)):
        share = float(np.clip(2 * halves[side] / body.scale, 0.42, 0.9))
        base = shoulder_top(body, silhouette, side, share)
        stand = max(0.0, float(garment.collar_base[side, 1] - garment.collar[side, 1])) * scale
        lean = abs(float(garment.collar_base[side, 0] - garment.collar[side, 0])) * scale
        bases.append(base)
        corners.append(base - sign * min(lean, 0.06 * body.scale) * body.across - min(stand, 0.25 * body.scale) * body.down)
    return np.stack(bases), np.stack(corners)


def _neck(garment: TopLandmarks, body: Body, collar: Points64, scale: float, deepest: float) -> Points64:
    """The neckline between the landing corners, as deep as on the garment, at most `deepest` pixels."""
    path, base = garment.edges.neck, garment.collar
    along = (path[:, 0] - base[0, 0]) / max(float(base[1, 0] - base[0, 0]), 1e-6)
    depth = path[:, 1] - (base[0, 1] + along * (base[1, 1] - base[0, 1]))
    if body.turned:
        deepest = min(deepest, 0.5 * float(np.hypot(*(collar[1] - collar[0]))))
    scale = min(scale, deepest / max(float(depth.max()), 1.0))
    placed: Points64 = collar[0] + along[:, None] * (collar[1] - collar[0]) + (depth * scale)[:, None] * body.down
    return placed


def _slope(garment: TopLandmarks, body: Body, silhouette: Silhouette, ends: tuple[int, Points64, Points64, Points64]) -> Points64:
    """Collar corner → base of a standing collar → along the outline of the shoulder → shoulder tip."""
    side, collar, base, tip = ends
    path = garment.edges.slopes[side]
    turn = int(np.argmin(np.hypot(*(path - garment.collar_base[side]).T)))
    turn = 0 if turn == len(path) - 1 else turn
    rest = _stretch(path[turn:], base, tip)
    for number in range(1, len(rest) - 1):
        share = float(np.hypot(*(rest[number] - body.neck)) / max(np.hypot(*(body.shoulders[side] - body.neck)), 1e-6))
        top = shoulder_top(body, silhouette, side, min(share, 1.0))
        rest[number] += body.down * float((top - rest[number]) @ body.down)
    return rest if turn == 0 else np.vstack([_stretch(path[: turn + 1], collar, base), rest[1:]])


def _stretch(path: Points64, start: Points64, end: Points64) -> Points64:
    """Move a path by the similarity that sends its ends to `start` and `end`."""
    source, target = complex(*(path[-1] - path[0])), complex(*(end - start))
    if abs(source) < 1e-6:
        return start + np.linspace(0, 1, len(path))[:, None] * (end - start)
    turned = (path[:, 0] - path[0, 0] + 1j * (path[:, 1] - path[0, 1])) * (target / source)
    placed: Points64 = start + np.column_stack([turned.real, turned.imag])
    return placed


def hem_height(garment: TopLandmarks, body: Body, silhouette: Silhouette, category: Category, mask: Mask) -> float:
    """Pixels from the neck down to the hem: the garment's own length, but long enough to cover what it replaces.

    A top is no longer than the mask is deep in the middle: where trousers stay in front it is tucked in, and must not come out
    again beside them. A dress ends where the mask becomes too narrow for its skirt.
    """
    own = garment.body_length * garment_scale(garment, body) - 0.14 * body.scale
    if category is Category.DRESS:
        worn = silhouette.lowest((Parse.UPPER_CLOTHES, Parse.DRESS, Parse.COAT, Parse.SKIRT), body, 3.5 * body.torso_length)
        return _dress_length(garment, body, mask, max(own, min(worn + 0.04 * body.scale, 1.5 * own)))
    worn = silhouette.lowest((Parse.UPPER_CLOTHES, Parse.COAT), body, 1.35 * body.torso_length)
    wanted = max(own, 0.85 * body.torso_length, min(worn + 0.04 * body.scale, 1.5 * own))
    room = lowest(mask, body, 2 * body.torso_length)
    return float(min(wanted, room + 0.04 * body.scale)) if room > 0.6 * body.torso_length else float(wanted)


def _dress_length(garment: TopLandmarks, body: Body, mask: Mask, own: float) -> float:
    ankles = body.local(np.stack([leg.joints[2] for leg in body.legs]))[:, 1].max()
    longest = float(np.clip(own, 1.25 * body.torso_length, max(ankles, 1.3 * body.torso_length)))
    rows = np.arange(1.15 * body.torso_length, longest, 4.0)
    flank = garment.edges.flanks
    along = (rows - rows[0]) / max(longest - rows[0], 1.0)
    half = np.interp(0.55 + 0.45 * along, np.linspace(0, 1, len(flank[0])), (flank[1] - flank[0])[:, 0] / 2)
    half = np.maximum(half * garment_scale(garment, body), 0.3 * body.scale)
    room = np.array([mask_half(mask, body, row) for row in rows])
    wide = np.flatnonzero(room >= 0.68 * half)  # rows in between may be narrowed by hands
    return float(rows[wide[-1]]) if len(wide) else 1.25 * body.torso_length


def _flank(
    garment: TopLandmarks,
    body: Body,
    silhouette: Silhouette,
    category: Category,
    mask: Mask,
    place: tuple[int, Points64, float, float],
) -> Points64:
    """(n, 2) landing side from the armpit to the hem: at least the silhouette, at most a little looser than it."""
    side, armpit, hem_down, scale = place
    tucked = category is Category.UPPER and hem_down < garment.body_length * scale - 0.2 * body.scale
    path = garment.edges.flanks[side]
    sign = -1.0 if side == 0 else 1.0
    start = body.local(armpit)
    along = (path[:, 1] - path[0, 1]) / max(float(path[-1, 1] - path[0, 1]), 1e-6)
    down = start[1] + along * (hem_down - start[1])
    axis = (garment.edges.flanks[0][:, 0] + garment.edges.flanks[1][:, 0]) / 2
    cut = np.abs(path[:, 0] - axis) * scale
    worn = silhouette.flank(body, sign, down)
    loose = (
        np.full(len(down), 1.15) if category is Category.UPPER else np.interp(down / body.torso_length, [0.9, 2.2], [1.12, 2.4])
    )
    loose = np.where(tucked & (along > 0.55), np.minimum(loose, 1.04), loose)
    tightest = 1.02 * worn + 2
    if category is Category.DRESS:  # a narrow skirt does not grow to the width of the one it replaces
        narrow = np.maximum(0.58 * body.scale, _legs_half(body, side, down))
        tightest = np.where(down > 0.95 * body.torso_length, np.minimum(tightest, narrow), tightest)
    half = np.clip(cut, tightest, loose * worn + 2)
    if category is Category.DRESS:
        half = np.minimum(half, _skirt_room(body, mask, down, half))
    blend = np.clip(along / 0.25, 0, 1)
    across = (1 - blend) * abs(start[0]) + blend * half
    return body.at(sign * across, down)


def _legs_half(body: Body, side: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels from the torso's axis to the outer side of the leg below it; a skirt is at least as wide."""
    leg = body.legs[side]
    across, rows = body.local(leg.joints).T
    rows = np.maximum.accumulate(rows + np.arange(3) * 1e-6)
    outward = across * (-1 if side == 0 else 1) + 1.1 * leg.half_widths
    half: NDArray[np.float64] = np.interp(down, rows, outward)
    return np.minimum(half, 1.2 * body.scale)


def _skirt_room(body: Body, mask: Mask, down: NDArray[np.float64], half: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half widths a skirt may have: straight from the hips to what the mask leaves at its hem, or it would be cut there."""
    hips = body.torso_length
    start = float(np.interp(hips, down, half))
    end = max(mask_half(mask, body, float(down[-1]) - 6), 0.3 * body.scale)
    room: NDArray[np.float64] = np.interp(down, [hips, max(float(down[-1]), hips + 1)], [start, end])
    return np.where(down > hips, np.maximum(room, 0.3 * body.scale), np.inf)


def _hem(path: Points64, body: Body, left: Points64, right: Points64, scale: float) -> Points64:
    """The hem between the landing corners, with the curve it has on the garment."""
    chord = path[-1] - path[0]
    along = (path[:, 0] - path[0, 0]) / max(float(chord[0]), 1e-6)
    sag = (path[:, 1] - (path[0, 1] + along * chord[1])) * scale
    placed: Points64 = left + along[:, None] * (right - left) + np.maximum(sag, -0.02 * body.scale)[:, None] * body.down
    return placed
