"""Trousers and a dress, drawn as if laid flat and photographed. Each is (1200, 900, 3) uint8 RGB."""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import RGB, Float, Points
from pipeline.demo import fabrics
from pipeline.demo.draped_cloth import Cloth, Fold, drape
from pipeline.demo.drawing_sheet import DrawingSheet, paint, photographed, seam, stitches
from pipeline.demo.noise import as_float32
from pipeline.demo.outlines import curve, mirrored, outline
from pipeline.demo.parts import button, collar_band, flat_cloth, inside_back, seam_pair, sleeves
from pipeline.demo.pattern import MIDDLE, GarmentPattern

WAIST_Y, CROTCH_Y, HEM_Y = 214, 690, 1486
BODICE = GarmentPattern((474, 196), (366, 236), (380, 432), (424, 622), (262, 400), (352, 470), 92, 6)


def trousers(rng: np.random.Generator) -> RGB:
    """Chinos with waistband, belt loops, fly, slanted pockets and stitched hems."""
    sheet = DrawingSheet()
    colour, thread = (0.62, 0.53, 0.40), (0.80, 0.72, 0.58)
    fabric = fabrics.twill(rng, colour)
    height = drape(rng, _leg_folds())
    back = outline(
        curve([(430, WAIST_Y + 4), (MIDDLE, WAIST_Y + 16), (770, WAIST_Y + 4)]),
        curve([(770, WAIST_Y + 60), (MIDDLE, WAIST_Y + 66), (430, WAIST_Y + 60)]),
    )
    paint(sheet, back, flat_cloth(fabric, 0.62), round_px=10, shadow=0)
    paint(sheet, mirrored(_leg()), Cloth(fabric, height), round_px=26, shadow=0)
    paint(sheet, _leg(), Cloth(fabric, height), round_px=26, shadow=0.25)
    _pockets_and_fly(sheet, thread)
    band = curve([(428, WAIST_Y + 12), (MIDDLE, WAIST_Y + 34), (772, WAIST_Y + 12)])
    low = band + np.array([0, 58], np.float32)
    paint(sheet, outline(band, low[::-1]), flat_cloth(fabric, 1.02), round_px=10, shadow=0.25)
    seam(sheet, low)
    for offset in (8, 50):
        stitches(sheet, band[1:-1] + np.array([0, offset], np.float32), thread)
    for x in (462, 540, 660, 738):
        loop = outline([(x - 10, WAIST_Y + 14), (x + 10, WAIST_Y + 15), (x + 10, WAIST_Y + 96), (x - 10, WAIST_Y + 95)])
        paint(sheet, loop, flat_cloth(fabric, 1.05), round_px=5, shadow=0.4)
    button(sheet, MIDDLE + 2, WAIST_Y + 63, 14, (0.36, 0.29, 0.22))
    return photographed(sheet, rng)


def _leg() -> Points:
    """(n, 2) outline of the left leg; it overlaps the middle a little, under the fly."""
    outer = curve([(430, WAIST_Y + 20), (404, 380), (384, 560), (366, 1000), (352, HEM_Y - 8)])
    inner = curve([(552, HEM_Y), (572, 1100), (592, 800), (MIDDLE + 2, CROTCH_Y)])
    return outline(outer, curve([(352, HEM_Y - 8), (450, HEM_Y + 6), (552, HEM_Y)]), inner, [(MIDDLE + 8, WAIST_Y + 30)])


def _leg_folds() -> list[Fold]:
    left = [
        Fold((456, HEM_Y), (474, 560), 12, 1.3),
        Fold((596, CROTCH_Y - 10), (450, CROTCH_Y - 70), 16, 1.4),
        Fold((594, CROTCH_Y + 30), (470, CROTCH_Y + 30), 15, -1.0),
        Fold((590, CROTCH_Y + 60), (500, CROTCH_Y + 150), 16, 0.9),
        Fold((370, 1010), (520, 1040), 22, 0.7),
        Fold((556, 1090), (420, 1060), 20, -0.6),
    ]
    return left + [
        Fold((2 * MIDDLE - f.start[0], f.start[1] + 12), (2 * MIDDLE - f.end[0], f.end[1]), f.width_px, f.height) for f in left
    ]


def _pockets_and_fly(sheet: DrawingSheet, thread: tuple[float, float, float]) -> None:
    seam(sheet, curve([(MIDDLE + 6, WAIST_Y + 60), (MIDDLE + 7, 500), (MIDDLE + 2, CROTCH_Y)]))
    stitches(sheet, curve([(MIDDLE + 46, WAIST_Y + 90), (MIDDLE + 46, 430), (MIDDLE + 34, 510), (MIDDLE + 8, 556)]), thread)
    pocket = curve([(496, WAIST_Y + 78), (462, 370), (408, 470)])
    seam_pair(sheet, pocket, gap=0.4)
    for line in (pocket, mirrored(pocket)):
        side = 8.0 if line is pocket else -8.0
        stitches(sheet, line + np.array([side, 6], np.float32), thread)
    hem = curve([(360, HEM_Y - 46), (452, HEM_Y - 33), (546, HEM_Y - 39)])
    for line in (hem, mirrored(hem)):
        stitches(sheet, line, thread)


def dress(rng: np.random.Generator) -> RGB:
    """Flowered summer dress: short sleeves, waist seam, gathered skirt."""
    sheet, pattern = DrawingSheet(), BODICE
    ground = (0.16, 0.22, 0.36)
    fabric = fabrics.floral(rng, ground, ((0.91, 0.52, 0.47), (0.95, 0.87, 0.80), (0.88, 0.70, 0.42)), (0.40, 0.55, 0.47))
    plain = fabrics.jersey(rng, ground)
    inside_back(sheet, pattern, fabric, plain, 14, (0.92, 0.9, 0.86))
    height = drape(rng, pattern.folds(), wrinkles=0.6)
    sleeves(sheet, pattern, fabric, height, cuff_px=16, thread=(0.3, 0.36, 0.5))
    paint(sheet, _skirt(), Cloth(fabric, drape(rng, _gathers(rng), wrinkles=0.5)), round_px=26, shadow=0)
    paint(sheet, pattern.body(), Cloth(fabric, height), round_px=20, shadow=0.3)
    seam_pair(sheet, pattern.armhole())
    collar_band(sheet, pattern, plain, 14)
    _belt(sheet, pattern, plain)
    rim = _skirt_hem() - np.array([0, 20], np.float32)
    stitches(sheet, rim[2:-2], (0.3, 0.36, 0.5))
    return photographed(sheet, rng)


def _skirt() -> Points:
    left = curve([(424, 612), (384, 720), (318, 1050), (248, 1440)])
    return outline(left, _skirt_hem(), mirrored(left))


def _skirt_hem() -> Points:
    across = np.linspace(248, 952, 41)
    drop = 1440 + 48 * (1 - ((across - MIDDLE) / 352) ** 2) + 7 * np.sin((across - 248) / 704 * 2 * np.pi * 6.5)
    return as_float32(np.stack([across, drop], axis=1))


def _gathers(rng: np.random.Generator) -> list[Fold]:
    """Folds down from the waist seam and up from the hem."""
    folds = []
    for share in np.linspace(-0.92, 0.92, 15):
        nudge = float(rng.uniform(-0.03, 0.03))
        top = (MIDDLE + 172 * (share + nudge), 628.0)
        bottom = (MIDDLE + 346 * (share + 1.5 * nudge), 1500.0)
        middle = (0.45 * top[0] + 0.55 * bottom[0], 1080 + 260 * float(rng.uniform(-1, 1)))
        folds += [Fold(top, middle, 9, 1.7), Fold(bottom, (middle[0], middle[1] - 330), 22, 1.5)]
        folds.append(Fold((top[0] + 10, top[1]), (middle[0] + 22, middle[1] - 120), 8, -1.3))
    return folds


def _belt(sheet: DrawingSheet, pattern: GarmentPattern, plain: Float) -> None:
    x, y = pattern.hem
    top = curve([(x - 3, y - 30), (MIDDLE, y - 18), (2 * MIDDLE - x + 3, y - 30)])
    paint(sheet, outline(top, (top + np.array([0, 40], np.float32))[::-1]), flat_cloth(plain, 1.1), round_px=12, shadow=0.35)
