"""Four upper garments as flat lays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.demo import fabrics
from pipeline.demo.prints import sunrise
from pipeline.demo.sheet import (
    Colour,
    Float,
    Fold,
    Points,
    Sheet,
    curve,
    darken,
    drape,
    filled,
    finish,
    laid,
    light,
    mirrored,
    outline,
    paint,
    seam,
    stitches,
)

MIDDLE = 600


@dataclass(frozen=True)
class Cut:
    """The pattern of a pullover-like garment; left half, the right one is its mirror image.

    Args:
        neck: (x, y) where the shoulder seam meets the collar.
        shoulder: outer end of the shoulder seam.
        armpit: lower end of the armhole.
        hem: lower corner of the body.
        cuff_outer, cuff_inner: the sleeve's end.
        neck_drop: how far the front neckline hangs below `neck`.
        sleeve_bow: how far the sleeve's outer edge bows outward.
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
        """Front neckline from left to right; `inset_px` moves it outward for the collar's outer edge."""
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

    def side(self) -> Points:
        """Body's left edge from the armpit down."""
        (ax, ay), (hx, hy) = self.armpit, self.hem
        return curve([(ax, ay), (0.5 * (ax + hx) + 9, 0.5 * (ay + hy)), (hx, hy)])

    def bottom(self, sag_px: float = 12) -> Points:
        """Hem from left to right."""
        x, y = self.hem
        return curve([(x, y), (MIDDLE - 0.5 * (MIDDLE - x), y + sag_px), (MIDDLE, y + 1.2 * sag_px),
                      (MIDDLE + 0.5 * (MIDDLE - x), y + sag_px), (2 * MIDDLE - x, y)])  # fmt: skip

    def armhole(self) -> Points:
        """From the shoulder's end down to the armpit, bowed inward."""
        (sx, sy), (ax, ay) = self.shoulder, self.armpit
        return curve([(sx, sy), (sx + 16, sy + 0.36 * (ay - sy)), (sx + 0.35 * (ax - sx) + 16, sy + 0.72 * (ay - sy)), (ax, ay)])

    def body(self) -> Points:
        """Closed outline of the front, neckline cut out."""
        left = outline(self.armhole(), self.side())
        return outline(left, self.bottom(), mirrored(left), self.neckline()[::-1])

    def sleeve(self) -> Points:
        """Closed outline of the left sleeve, its shoulder edge tucked under the body."""
        (sx, sy), (ax, ay) = self.shoulder, self.armpit
        (ox, oy), (ix, iy) = self.cuff_outer, self.cuff_inner
        bow = self.sleeve_bow
        outer = curve([(sx + 30, sy - 4), (sx, sy), (0.55 * sx + 0.45 * ox - bow, 0.55 * sy + 0.45 * oy - 0.4 * bow), (ox, oy)])
        inner = curve([(ix, iy), (0.5 * (ix + ax) - 0.2 * bow, 0.5 * (iy + ay) + 0.2 * bow), (ax, ay), (ax + 40, ay - 10)])
        return outline(outer, inner)

    def sleeve_angle(self) -> float:
        """Angle by which the sleeve's fabric is turned against the body's, degrees."""
        top = 0.5 * (np.array(self.shoulder) + self.armpit)
        end = 0.5 * (np.array(self.cuff_outer) + self.cuff_inner)
        return float(np.rad2deg(np.arctan2(top[0] - end[0], end[1] - top[1])))

    def folds(self) -> list[Fold]:
        """Where cloth gathers: from the armpits inward, and lightly above the hem."""
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


TEE = Cut((487, 262), (318, 322), (338, 612), (330, 1352), (112, 640), (252, 726), 112)
LONG = Cut((462, 250), (322, 312), (346, 600), (338, 1330), (118, 1212), (226, 1236), 84, 30)
SHIRT = Cut((505, 262), (306, 326), (330, 620), (324, 1330), (104, 1190), (226, 1216), 96, 26)


def inside_back(sheet: Sheet, cut: Cut, fabric: Float, label: Colour, *, rise_px: float = 20) -> None:
    """The inner side of the back seen through the neck opening, with a woven label."""
    x, y = cut.neck
    back = curve(
        [
            (x, y),
            (0.5 * (x + MIDDLE), y + 0.16 * rise_px),
            (MIDDLE, y + 0.3 * rise_px),
            (1.5 * MIDDLE - 0.5 * x, y + 0.16 * rise_px),
            (2 * MIDDLE - x, y),
        ]
    )
    shape = outline(back, cut.neckline(8)[::-1])
    flat = np.ones(sheet.cover.shape, np.float32)
    paint(sheet, shape, fabric, 0.72 * flat, round_px=30, cast=0)
    band = outline(back, (back + np.array([0, 24], np.float32))[::-1])
    paint(sheet, band, fabric, 0.86 * flat, round_px=10, cast=0.25)
    tag = outline([(MIDDLE - 32, y + 26), (MIDDLE + 32, y + 26), (MIDDLE + 31, y + 60), (MIDDLE - 31, y + 60)])
    paint(sheet, tag, np.full(fabric.shape, label, np.float32), flat, round_px=3, cast=0.35)
    for row in (38, 47):
        seam(sheet, outline([(MIDDLE - 18, y + row), (MIDDLE + 18, y + row)]), gap=0.35, width_px=2)


def sleeves(
    sheet: Sheet,
    cut: Cut,
    fabric: Float,
    height: Float,
    *,
    cuff_px: float,
    cuff: Float | None = None,
    thread: Colour | None = None,
) -> None:
    """Both sleeves with cuffs, each with its fabric turned along the arm."""
    angle = cut.sleeve_angle()
    for flip in (False, True):
        shape = mirrored(cut.sleeve()) if flip else cut.sleeve()
        turn = -angle if flip else angle
        pivot = (2 * MIDDLE - cut.shoulder[0], cut.shoulder[1]) if flip else cut.shoulder
        bright = light(height, 0.10)
        paint(sheet, shape, laid(fabric, height, turn, pivot), bright, round_px=26, cast=0)
        ends = [np.array(p, np.float32) for p in (cut.cuff_outer, cut.cuff_inner)]
        along = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))], np.float32) * cuff_px
        strip = outline([ends[0], ends[1], ends[1] + along, ends[0] + along])
        edge = outline([ends[0] + along, ends[1] + along])
        strip, edge = (mirrored(strip), mirrored(edge)) if flip else (strip, edge)
        if cuff is not None:
            paint(sheet, strip, laid(cuff, height, turn, pivot), bright, round_px=14, cast=0.22)
        seam(sheet, edge, gap=0.22)
        if thread is not None:
            stitches(sheet, edge, thread)


def collar_band(sheet: Sheet, cut: Cut, fabric: Float, width_px: float) -> None:
    """A ribbed band round the front neckline."""
    shape = outline(cut.neckline(), cut.neckline(width_px)[::-1])
    paint(sheet, shape, fabric, np.full(sheet.cover.shape, 0.99, np.float32), round_px=9, cast=0.3)
    seam(sheet, cut.neckline(width_px), gap=0.25)


def follow_neck(fabric: Float, cut: Cut) -> Float:
    """Bend an upright rib so that its ridges stand square to the neckline."""
    rows, columns = np.mgrid[0 : fabric.shape[0], 0 : fabric.shape[1]].astype(np.float32)
    angle = np.arctan2(columns - MIDDLE, rows - cut.neck[1] + 60)
    return cv2.remap(fabric, MIDDLE + 190 * angle, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def breton_top(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Long-sleeved striped cotton top with a boat neck."""
    sheet, cut = Sheet(), LONG
    fabric = fabrics.breton(rng, (0.93, 0.91, 0.86), (0.11, 0.16, 0.30))
    plain = fabrics.jersey(rng, (0.11, 0.16, 0.30))
    height = drape(rng, cut.folds())
    inside_back(sheet, cut, fabric, (0.95, 0.94, 0.9))
    sleeves(sheet, cut, fabric, height, cuff_px=26, thread=(0.97, 0.96, 0.93))
    paint(sheet, cut.body(), laid(fabric, height), light(height), round_px=22, cast=0.3)
    both(sheet, cut.armhole())
    collar_band(sheet, cut, plain, 20)
    hem(sheet, cut, 30, (0.97, 0.96, 0.93))
    return finish(sheet, rng)


def printed_tee(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Short-sleeved T-shirt with a screen print on the chest."""
    sheet, cut = Sheet(), TEE
    colour = (0.12, 0.37, 0.40)
    fabric = fabrics.jersey(rng, colour)
    printed = sunrise(fabric, centre=(MIDDLE, 700), radius_px=190)
    height = drape(rng, cut.folds())
    inside_back(sheet, cut, fabric, (0.93, 0.9, 0.82))
    sleeves(sheet, cut, fabric, height, cuff_px=34, thread=(0.2, 0.5, 0.53))
    paint(sheet, cut.body(), laid(printed, height), light(height), round_px=22, cast=0.3)
    both(sheet, cut.armhole())
    collar_band(sheet, cut, follow_neck(fabrics.rib(rng, colour, every_px=9, depth=0.1), cut), 30)
    hem(sheet, cut, 36, (0.2, 0.5, 0.53))
    return finish(sheet, rng)


def knitted_crew(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Chunky crew-neck pullover with ribbed collar, cuffs and waistband."""
    sheet, cut = Sheet(), LONG
    colour = (0.78, 0.44, 0.27)
    fabric, ribbed = fabrics.knit(rng, colour), fabrics.rib(rng, colour)
    height = drape(rng, cut.folds(), restless=0.7)
    inside_back(sheet, cut, fabric, (0.25, 0.2, 0.18))
    sleeves(sheet, cut, fabric, height, cuff_px=92, cuff=ribbed)
    paint(sheet, cut.body(), laid(fabric, height), light(height, 0.11), round_px=30, cast=0.34)
    both(sheet, cut.armhole(), gap=0.34)
    band = outline(
        cut.bottom(),
        (cut.bottom() - np.array([0, 96], np.float32))[::-1] * np.array([0.985, 1], np.float32) + np.array([9, 0], np.float32),
    )
    paint(sheet, band, laid(ribbed, height), light(height), round_px=20, cast=0.2)
    collar_band(sheet, cut, follow_neck(ribbed, cut), 46)
    return finish(sheet, rng)


def both(sheet: Sheet, line: Points, gap: float = 0.28) -> None:
    """A seam on the left and on the right."""
    seam(sheet, line, gap=gap)
    seam(sheet, mirrored(line), gap=gap)


def hem(sheet: Sheet, cut: Cut, height_px: float, thread: Colour) -> None:
    """A folded hem: two rows of stitches above the edge."""
    line = cut.bottom() - np.array([0, height_px], np.float32)
    line[:, 0] = np.clip(line[:, 0], cut.hem[0] + 6, 2 * MIDDLE - cut.hem[0] - 6)
    darken(sheet, cv2.GaussianBlur(filled(outline(line, cut.bottom()[::-1])), (0, 0), 3), 0.04)
    for offset in (0, 9):
        stitches(sheet, line + np.array([0, offset], np.float32), thread)
