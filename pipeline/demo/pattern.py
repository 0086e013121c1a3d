"""The pattern of pullover-like garments: outlines computed from a few measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import Points
from pipeline.demo.draped_cloth import Fold
from pipeline.demo.outlines import SHEET_SIZE, curve, mirrored, outline

MIDDLE = SHEET_SIZE[1] // 2


@dataclass(frozen=True)
class GarmentPattern:
    """The left half of a pullover-like garment; the right half is its mirror image. All values are (x, y) pixels on the sheet.

    Args:
        neck: where the shoulder seam meets the collar.
        shoulder: outer end of the shoulder seam.
        armpit: lower end of the armhole.
        hem: lower corner of the body.
        cuff_outer, cuff_inner: the sleeve's end.
        neck_drop: how far the front neckline hangs below `neck`.
        sleeve_bow: how far the sleeve's outer edge curves outward.
    """

    neck: tuple[float, float]
    shoulder: tuple[float, float]
    armpit: tuple[float, float]
    hem: tuple[float, float]
    cuff_outer: tuple[float, float]
    cuff_inner: tuple[float, float]
    neck_drop: float
    sleeve_bow: float = 14

    def neckline(self, inset_px: float = 0, drop: float | None = None) -> Points:
        """(n, 2) front neckline from left to right; `inset_px` moves it outward for the collar's outer edge."""
        x, y = self.neck
        depth = self.neck_drop if drop is None else drop
        x, depth = x - inset_px, depth + 1.25 * inset_px
        ends = [
            (x, y + 0.12 * inset_px),
            (x + 0.16 * (MIDDLE - x), y + 0.52 * depth),
            (MIDDLE - 0.42 * (MIDDLE - x), y + 0.93 * depth),
        ]
        half = [*ends, (MIDDLE, y + depth)]
        return curve([*half, *((2 * MIDDLE - a, b) for a, b in half[-2::-1])])

    def back_neck(self, collar_px: float, rise_px: float = 20) -> Points:
        """(n, 2) upper edge of the back's collar from left to right, between the outer ends of the front collar."""
        x, y = self.neck
        slope = (self.shoulder[1] - y) / (x - self.shoulder[0])
        half = [
            (x - collar_px, y + slope * collar_px + 2),
            (x - 0.55 * collar_px, y + 0.4 * slope * collar_px - 2),
            (x, y - 5),
            (0.5 * (x + MIDDLE), y + 0.1 * rise_px),
            (MIDDLE, y + 0.3 * rise_px),
        ]
        return curve([*half, *((2 * MIDDLE - a, b) for a, b in half[-2::-1])])

    def side(self) -> Points:
        """(n, 2) left edge of the body from the armpit down."""
        (ax, ay), (hx, hy) = self.armpit, self.hem
        return curve([(ax, ay), (0.5 * (ax + hx) + 9, 0.5 * (ay + hy)), (hx, hy)])

    def bottom(self, sag_px: float = 12) -> Points:
        """(n, 2) hem from left to right."""
        x, y = self.hem
        return curve([(x, y), (MIDDLE - 0.5 * (MIDDLE - x), y + sag_px), (MIDDLE, y + 1.2 * sag_px),
                      (MIDDLE + 0.5 * (MIDDLE - x), y + sag_px), (2 * MIDDLE - x, y)])  # fmt: skip

    def armhole(self) -> Points:
        """(n, 2) from the end of the shoulder down to the armpit, curved inward."""
        (sx, sy), (ax, ay) = self.shoulder, self.armpit
        return curve([(sx, sy), (sx + 16, sy + 0.36 * (ay - sy)), (sx + 0.35 * (ax - sx) + 16, sy + 0.72 * (ay - sy)), (ax, ay)])

    def body(self) -> Points:
        """(n, 2) closed outline of the front, with the neck opening cut out."""
        left = outline(self.armhole(), self.side())
        return outline(left, self.bottom(), mirrored(left), self.neckline()[::-1])

    def sleeve(self) -> Points:
        """(n, 2) closed outline of the left sleeve, with its shoulder edge under the body."""
        (sx, sy), (ax, ay) = self.shoulder, self.armpit
        (ox, oy), (ix, iy) = self.cuff_outer, self.cuff_inner
        bow = self.sleeve_bow
        nx, ny = self.neck
        slope = (sy - ny) / (nx - sx)
        cap = [(sx + 50, sy - 50 * slope + 6), (sx + 6, sy - 6 * slope + 1), (sx - 20, sy + 22)]
        arm = [(0.82 * sx + 0.18 * ox - 0.7 * bow, 0.8 * sy + 0.2 * oy), (0.5 * (sx + ox) - bow, 0.5 * (sy + oy) - 0.3 * bow)]
        outer = curve([*cap, *arm, (ox, oy)])
        inner = curve([(ix, iy), (0.5 * (ix + ax) - 0.2 * bow, 0.5 * (iy + ay) + 0.2 * bow), (ax, ay), (ax + 40, ay - 10)])
        return outline(outer, inner)

    def sleeve_angle(self) -> float:
        """Angle by which the sleeve's fabric is turned against the body's, degrees."""
        top = 0.5 * (np.array(self.shoulder) + self.armpit)
        end = 0.5 * (np.array(self.cuff_outer) + self.cuff_inner)
        return float(np.rad2deg(np.arctan2(top[0] - end[0], end[1] - top[1])))

    def folds(self) -> list[Fold]:
        """Folds of the cloth: from the armpits inward, and slightly above the hem."""
        (ax, ay), (hx, hy) = self.armpit, self.hem
        left = [
            Fold((ax - 4, ay + 6), (ax + 150, ay + 90), 15, 1.5),
            Fold((ax + 2, ay - 14), (ax + 120, ay - 70), 13, -1.1),
            Fold((ax + 4, ay + 40), (ax + 110, ay + 250), 20, 1.0),
            Fold((hx + 70, hy), (hx + 120, hy - 260), 22, 0.7),
            Fold((hx + 190, hy), (hx + 170, hy - 200), 26, -0.6),
        ]
        return left + [
            Fold((2 * MIDDLE - f.start[0], f.start[1] + 9), (2 * MIDDLE - f.end[0] - 12, f.end[1]), f.width_px, f.height)
            for f in left
        ]
