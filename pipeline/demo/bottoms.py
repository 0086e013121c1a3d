"""Trousers and a dress as flat lays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float, Points
from pipeline.demo import fabrics
from pipeline.demo.drawing_sheet import Cloth, Fold, Sheet, curve, drape, finish, mirrored, outline, paint, seam, single, stitches
from pipeline.demo.parts import both, button, collar_band, inside_back, sleeves, still
from pipeline.demo.pattern import MIDDLE, Cut

WAIST_Y, CROTCH_Y, HEM_Y = 214, 690, 1486
BODICE = Cut((474, 196), (366, 236), (380, 432), (424, 622), (262, 400), (352, 470), 92, 6)


def trousers(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Chinos with waistband, belt loops, fly, slanted pockets and stitched hems."""
    sheet = Sheet()
    colour, thread = (0.62, 0.53, 0.40), (0.80, 0.72, 0.58)
    fabric = fabrics.twill(rng, colour)
    height = drape(rng, _leg_folds())
    back = outline(
        curve([(430, WAIST_Y + 4), (MIDDLE, WAIST_Y + 16), (770, WAIST_Y + 4)]),
        curve([(770, WAIST_Y + 60), (MIDDLE, WAIST_Y + 66), (430, WAIST_Y + 60)]),
    )
    paint(sheet, back, still(fabric, 0.62), round_px=10, cast=0)
    paint(sheet, mirrored(_leg()), Cloth(fabric, height), round_px=26, cast=0)
    paint(sheet, _leg(), Cloth(fabric, height), round_px=26, cast=0.25)
    _pockets_and_fly(sheet, thread)
    band = curve([(428, WAIST_Y + 12), (MIDDLE, WAIST_Y + 34), (772, WAIST_Y + 12)])
    low = band + np.array([0, 58], np.float32)
    paint(sheet, outline(band, low[::-1]), still(fabric, 1.02), round_px=10, cast=0.25)
    seam(sheet, low)
    for offset in (8, 50):
        stitches(sheet, band[1:-1] + np.array([0, offset], np.float32), thread)
    for x in (462, 540, 660, 738):
        loop = outline([(x - 10, WAIST_Y + 14), (x + 10, WAIST_Y + 15), (x + 10, WAIST_Y + 96), (x - 10, WAIST_Y + 95)])
        paint(sheet, loop, still(fabric, 1.05), round_px=5, cast=0.4)
    button(sheet, MIDDLE + 2, WAIST_Y + 63, 14, (0.36, 0.29, 0.22))
    return finish(sheet, rng)


def _leg() -> Points:
    """Left leg, a little over the middle where the fly laps."""
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


def _pockets_and_fly(sheet: Sheet, thread: tuple[float, float, float]) -> None:
    seam(sheet, curve([(MIDDLE + 6, WAIST_Y + 60), (MIDDLE + 7, 500), (MIDDLE + 2, CROTCH_Y)]))
    stitches(sheet, curve([(MIDDLE + 46, WAIST_Y + 90), (MIDDLE + 46, 430), (MIDDLE + 34, 510), (MIDDLE + 8, 556)]), thread)
    pocket = curve([(496, WAIST_Y + 78), (462, 370), (408, 470)])
    both(sheet, pocket, gap=0.4)
    for line in (pocket, mirrored(pocket)):
        side = 8.0 if line is pocket else -8.0
        stitches(sheet, line + np.array([side, 6], np.float32), thread)
    hem = curve([(360, HEM_Y - 46), (452, HEM_Y - 33), (546, HEM_Y - 39)])
    for line in (hem, mirrored(hem)):
        stitches(sheet, line, thread)


def dress(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Flowered summer dress: short sleeves, waist seam, gathered skirt."""
    sheet, cut = Sheet(), BODICE
    ground = (0.16, 0.22, 0.36)
    fabric = fabrics.floral(rng, ground, ((0.91, 0.52, 0.47), (0.95, 0.87, 0.80), (0.88, 0.70, 0.42)), (0.40, 0.55, 0.47))
    plain = fabrics.jersey(rng, ground)
    inside_back(sheet, cut, fabric, plain, 14, (0.92, 0.9, 0.86))
    height = drape(rng, cut.folds(), restless=0.6)
    sleeves(sheet, cut, fabric, height, cuff_px=16, thread=(0.3, 0.36, 0.5))
    paint(sheet, _skirt(), Cloth(fabric, drape(rng, _gathers(rng), restless=0.5)), round_px=26, cast=0)
    paint(sheet, cut.body(), Cloth(fabric, height), round_px=20, cast=0.3)
    both(sheet, cut.armhole())
    collar_band(sheet, cut, plain, 14)
    _belt(sheet, cut, plain)
    rim = _skirt_hem() - np.array([0, 20], np.float32)
    stitches(sheet, rim[2:-2], (0.3, 0.36, 0.5))
    return finish(sheet, rng)


def _skirt() -> Points:
    left = curve([(424, 612), (384, 720), (318, 1050), (248, 1440)])
    return outline(left, _skirt_hem(), mirrored(left))


def _skirt_hem() -> Points:
    across = np.linspace(248, 952, 41)
    drop = 1440 + 48 * (1 - ((across - MIDDLE) / 352) ** 2) + 7 * np.sin((across - 248) / 704 * 2 * np.pi * 6.5)
    return single(np.stack([across, drop], axis=1))


def _gathers(rng: np.random.Generator) -> list[Fold]:
    """Folds falling from the waist seam and standing up from the hem."""
    folds = []
    for share in np.linspace(-0.92, 0.92, 15):
        nudge = float(rng.uniform(-0.03, 0.03))
        top = (MIDDLE + 172 * (share + nudge), 628.0)
        bottom = (MIDDLE + 346 * (share + 1.5 * nudge), 1500.0)
        middle = (0.45 * top[0] + 0.55 * bottom[0], 1080 + 260 * float(rng.uniform(-1, 1)))
        folds += [Fold(top, middle, 9, 1.7), Fold(bottom, (middle[0], middle[1] - 330), 22, 1.5)]
        folds.append(Fold((top[0] + 10, top[1]), (middle[0] + 22, middle[1] - 120), 8, -1.3))
    return folds


def _belt(sheet: Sheet, cut: Cut, plain: Float) -> None:
    x, y = cut.hem
    top = curve([(x - 3, y - 30), (MIDDLE, y - 18), (2 * MIDDLE - x + 3, y - 30)])
    paint(sheet, outline(top, (top + np.array([0, 40], np.float32))[::-1]), still(plain, 1.1), round_px=12, cast=0.35)
