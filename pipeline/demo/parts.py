"""Parts that several garments share: inner back and label, sleeves, collar bands, hems, buttons."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Float, Points
from pipeline.demo.drawing_sheet import (
    COARSE,
    Cloth,
    Colour,
    Sheet,
    darken,
    mirrored,
    outline,
    paint,
    seam,
    single,
    stitches,
    window_of,
)
from pipeline.demo.pattern import MIDDLE, Cut


def inside_back(sheet: Sheet, cut: Cut, fabric: Float, collar: Float, collar_px: float, label: Colour) -> None:
    """The inner side of the back seen through the neck opening, its collar, and a woven label."""
    back = cut.back_neck(collar_px)
    paint(sheet, outline(back, cut.neckline(8)[::-1]), still(fabric, 0.74), round_px=30, cast=0)
    paint(sheet, outline(back, (back + np.array([0, 22], np.float32))[::-1]), still(collar, 0.92), round_px=10, cast=0.25)
    y = cut.neck[1]
    tag = outline([(MIDDLE - 32, y + 26), (MIDDLE + 32, y + 26), (MIDDLE + 31, y + 60), (MIDDLE - 31, y + 60)])
    paint(sheet, tag, still(np.full(fabric.shape, label, np.float32)), round_px=3, cast=0.35)
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
        paint(sheet, shape, Cloth(fabric, height, turn, pivot), round_px=26, cast=0)
        ends = [np.array(p, np.float32) for p in (cut.cuff_outer, cut.cuff_inner)]
        along = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))], np.float32) * cuff_px
        strip = single([ends[0], ends[1], ends[1] + along, ends[0] + along])
        edge = single([ends[0] + along, ends[1] + along])
        strip, edge = (mirrored(strip), mirrored(edge)) if flip else (strip, edge)
        if cuff is not None:
            paint(sheet, strip, Cloth(cuff, height, turn, pivot), round_px=14, cast=0.22)
        seam(sheet, edge, gap=0.22)
        if thread is not None:
            stitches(sheet, edge, thread)


def still(fabric: Float, dim: float = 1.0) -> Cloth:
    """A fabric without waves, for narrow parts."""
    return Cloth(fabric, np.zeros((fabric.shape[0] // COARSE, fabric.shape[1] // COARSE), np.float32), dim=dim)


def collar_band(sheet: Sheet, cut: Cut, fabric: Float, width_px: float) -> None:
    """A ribbed band round the front neckline."""
    shape = outline(cut.neckline(), cut.neckline(width_px)[::-1])
    paint(sheet, shape, still(fabric), round_px=9, cast=0.3)
    seam(sheet, cut.neckline(width_px), gap=0.25)


def follow_neck(fabric: Float, cut: Cut) -> Float:
    """Bend an upright rib so that its ridges stand square to the neckline."""
    rows, columns = np.mgrid[0 : fabric.shape[0], 0 : fabric.shape[1]].astype(np.float32)
    angle = np.arctan2(columns - MIDDLE, rows - cut.neck[1] + 60)
    return single(cv2.remap(fabric, single(MIDDLE + 190 * angle), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def both(sheet: Sheet, line: Points, gap: float = 0.28) -> None:
    """A seam on the left and on the right."""
    seam(sheet, line, gap=gap)
    seam(sheet, mirrored(line), gap=gap)


def hem(sheet: Sheet, cut: Cut, height_px: float, thread: Colour) -> None:
    """A folded hem: two rows of stitches above the edge."""
    line = cut.bottom() - np.array([0, height_px], np.float32)
    line[:, 0] = np.clip(line[:, 0], cut.hem[0] + 6, 2 * MIDDLE - cut.hem[0] - 6)
    darken(sheet, outline(line, cut.bottom()[::-1]), 0.04, 3)
    for offset in (0, 9):
        stitches(sheet, line + np.array([0, offset], np.float32), thread)


def button(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """A sewn-on button: shadow, turned rim, four holes with thread, a catch of light."""
    window = window_of(np.array([[x, y]], np.float32), 3 * radius)
    rows, columns = np.mgrid[window].astype(np.float32)
    away = np.hypot(columns - x, rows - y)
    shadow = np.clip(1.5 - np.hypot(columns - x - 3, rows - y - 4) / radius, 0, 1)
    sheet.rgb[window] *= (1 - 0.35 * np.clip(shadow, 0, 1))[..., None]
    rim = 0.82 + 0.22 * np.clip((radius * 0.72 - away) / 2 + 0.5, 0, 1) + 0.10 * ((y - rows) + (x - columns)) / radius
    disc = np.clip(radius - away, 0, 1)[..., None]
    sheet.rgb[window] += disc * (np.array(colour, np.float32) * rim[..., None] - sheet.rgb[window])
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        hole = np.clip(0.13 * radius + 0.6 - np.hypot(columns - x - 0.25 * dx * radius, rows - y - 0.25 * dy * radius), 0, 1)
        sheet.rgb[window] *= (1 - 0.6 * hole)[..., None]
