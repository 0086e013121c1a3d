"""Four upper garments, drawn as if laid flat and photographed. Each is (1200, 900, 3) uint8 RGB."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.demo import fabrics
from pipeline.demo.draped_cloth import Cloth, drape
from pipeline.demo.drawing_sheet import DrawingSheet, paint, photographed, stitches
from pipeline.demo.outlines import curve, mirrored, outline
from pipeline.demo.parts import along_neckline, button, collar_band, flat_cloth, hem, inside_back, seam_pair, sleeves
from pipeline.demo.pattern import MIDDLE, GarmentPattern
from pipeline.demo.prints import sunrise

THREAD = (0.94, 0.94, 0.91)
BUTTON = (0.93, 0.91, 0.86)
TEE = GarmentPattern((482, 292), (292, 352), (300, 640), (290, 1292), (58, 606), (206, 704), 118)
LONG = GarmentPattern((462, 262), (306, 318), (322, 610), (312, 1270), (64, 1176), (182, 1204), 82, 30)
CREW = GarmentPattern((484, 262), (300, 330), (312, 620), (306, 1250), (60, 1190), (188, 1218), 92, 34)
SHIRT = GarmentPattern((505, 262), (290, 334), (310, 630), (302, 1300), (50, 1200), (184, 1228), 96, 26)


def breton_top(rng: np.random.Generator) -> RGB:
    """Long-sleeved striped cotton top with a boat neck."""
    sheet, pattern = DrawingSheet(), LONG
    fabric = fabrics.breton(rng, (0.93, 0.91, 0.86), (0.11, 0.16, 0.30))
    plain = fabrics.jersey(rng, (0.11, 0.16, 0.30))
    height = drape(rng, pattern.folds())
    inside_back(sheet, pattern, fabric, plain, 20, (0.95, 0.94, 0.9))
    sleeves(sheet, pattern, fabric, height, cuff_px=26, thread=(0.97, 0.96, 0.93))
    paint(sheet, pattern.body(), Cloth(fabric, height), round_px=22, shadow=0.3)
    seam_pair(sheet, pattern.armhole())
    collar_band(sheet, pattern, plain, 20)
    hem(sheet, pattern, 30, (0.97, 0.96, 0.93))
    return photographed(sheet, rng)


def printed_tee(rng: np.random.Generator) -> RGB:
    """Short-sleeved T-shirt with a screen print on the chest."""
    sheet, pattern = DrawingSheet(), TEE
    colour = (0.12, 0.37, 0.40)
    fabric = fabrics.jersey(rng, colour)
    printed = sunrise(fabric, centre=(MIDDLE, 700), radius_px=190)
    height = drape(rng, pattern.folds())
    collar = along_neckline(fabrics.rib(rng, colour, every_px=9, depth=0.1), pattern)
    inside_back(sheet, pattern, fabric, fabric, 30, (0.93, 0.9, 0.82))
    sleeves(sheet, pattern, fabric, height, cuff_px=34, thread=(0.2, 0.5, 0.53))
    paint(sheet, pattern.body(), Cloth(printed, height), round_px=22, shadow=0.3)
    seam_pair(sheet, pattern.armhole())
    collar_band(sheet, pattern, collar, 30)
    hem(sheet, pattern, 36, (0.2, 0.5, 0.53))
    return photographed(sheet, rng)


def knitted_crew(rng: np.random.Generator) -> RGB:
    """Chunky crew-neck pullover with ribbed collar, cuffs and waistband."""
    sheet, pattern = DrawingSheet(), CREW
    colour = (0.78, 0.44, 0.27)
    fabric, ribbed = fabrics.knit(rng, colour), fabrics.rib(rng, colour)
    height = drape(rng, pattern.folds(), wrinkles=0.7)
    inside_back(sheet, pattern, fabric, ribbed, 46, (0.25, 0.2, 0.18))
    sleeves(sheet, pattern, fabric, height, cuff_px=92, cuff=ribbed)
    paint(sheet, pattern.body(), Cloth(fabric, height), round_px=30, shadow=0.34)
    seam_pair(sheet, pattern.armhole(), gap=0.34)
    band = outline(
        pattern.bottom(),
        (pattern.bottom() - np.array([0, 96], np.float32))[::-1] * np.array([0.985, 1], np.float32)
        + np.array([9, 0], np.float32),
    )
    paint(sheet, band, Cloth(ribbed, height), round_px=20, shadow=0.2)
    collar_band(sheet, pattern, along_neckline(ribbed, pattern), 46)
    return photographed(sheet, rng)


def checked_shirt(rng: np.random.Generator) -> RGB:
    """Woven check shirt with collar, placket, buttons, chest pocket and cuffs."""
    sheet, pattern = DrawingSheet(), SHIRT
    fabric = fabrics.check(rng, (0.90, 0.89, 0.85), (0.20, 0.33, 0.52), (0.72, 0.27, 0.24))
    height = drape(rng, pattern.folds())
    inside_back(sheet, pattern, fabric, fabric, 26, (0.2, 0.25, 0.36))
    sleeves(sheet, pattern, fabric, height, cuff_px=84, cuff=np.roll(fabric, 40, axis=0), thread=THREAD)
    paint(sheet, pattern.body(), Cloth(fabric, height), round_px=22, shadow=0.3)
    seam_pair(sheet, pattern.armhole())
    hem(sheet, pattern, 20, THREAD)
    _placket(sheet, pattern, fabric, height)
    _pocket(sheet, np.roll(fabric, (9, 6), axis=(0, 1)), height)
    _collar(sheet, pattern, fabric)
    for x in (pattern.cuff_outer[0] + 42, 2 * MIDDLE - pattern.cuff_outer[0] - 42):
        button(sheet, x, pattern.cuff_outer[1] - 34, 12, BUTTON)
    return photographed(sheet, rng)


def _placket(sheet: DrawingSheet, pattern: GarmentPattern, fabric: Float, height: Float) -> None:
    top, bottom = pattern.neck[1] + pattern.neck_drop - 8, pattern.hem[1] + 12
    strip = outline([(MIDDLE - 30, top), (MIDDLE + 30, top), (MIDDLE + 30, bottom), (MIDDLE - 30, bottom)])
    paint(sheet, strip, Cloth(fabric, height), round_px=5, shadow=0.22)
    for x in (MIDDLE - 22, MIDDLE + 22):
        stitches(sheet, curve([(x, top), (x, 0.5 * (top + bottom)), (x, bottom - 4)]), THREAD)
    for y in np.arange(top + 100, bottom - 90, 158):
        button(sheet, MIDDLE, float(y), 13, BUTTON)


def _pocket(sheet: DrawingSheet, fabric: Float, height: Float) -> None:
    left, right, top, bottom = 668, 838, 560, 746
    middle = 0.5 * (left + right)
    shape = outline([(left, top), (right, top), (right, bottom - 26), (middle, bottom), (left, bottom - 26)])
    paint(sheet, shape, Cloth(fabric, height), round_px=6, shadow=0.3)
    inner = outline([(left + 8, top), (left + 8, bottom - 31), (middle, bottom - 9), (right - 8, bottom - 31), (right - 8, top)])
    stitches(sheet, inner, THREAD)
    stitches(sheet, outline([(left + 4, top + 30), (right - 4, top + 30)]), THREAD)


def _collar(sheet: DrawingSheet, pattern: GarmentPattern, fabric: Float) -> None:
    """Draw a closed turn-down collar: the fold at the back and two leaves in front, each with its fabric turned."""
    x, y = pattern.neck
    low = y + pattern.neck_drop
    fold = curve(
        [(x - 22, y + 16), (x + 4, y - 30), (MIDDLE, y - 40), (2 * MIDDLE - x - 4, y - 30), (2 * MIDDLE - x + 22, y + 16)]
    )
    inner = curve([(2 * MIDDLE - x - 4, y + 16), (MIDDLE, y + 2), (x + 4, y + 16)])
    paint(sheet, outline(fold, inner), flat_cloth(np.roll(fabric, 50, axis=0), 0.97), round_px=12, shadow=0.3)
    leaf = outline(
        curve([(x - 22, y + 16), (x + 6, y - 6), (x + 30, y + 44), (MIDDLE - 4, low - 2)]),
        [(MIDDLE - 66, low + 92)],
        curve([(MIDDLE - 66, low + 92), (x - 40, y + 122), (x - 56, y + 60), (x - 22, y + 16)]),
    )
    edge = outline(
        [(MIDDLE - 10, low + 8), (MIDDLE - 68, low + 80)], curve([(MIDDLE - 68, low + 80), (x - 34, y + 112), (x - 47, y + 62)])
    )
    for flip, turn in ((False, 58.0), (True, -58.0)):
        shape, line = (mirrored(leaf), mirrored(edge)) if flip else (leaf, edge)
        paint(sheet, shape, replace(flat_cloth(fabric), turn_deg=turn, pivot=(MIDDLE, y)), round_px=8, shadow=0.4)
        stitches(sheet, line, THREAD)
    button(sheet, MIDDLE, low + 14, 12, BUTTON)
