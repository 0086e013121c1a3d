"""Parts that several garments share: inner back and label, sleeves, collar bands, hems, buttons."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Float, Points
from pipeline.demo.colours import Colour
from pipeline.demo.draped_cloth import COARSE, Cloth
from pipeline.demo.drawing_sheet import DrawingSheet, darken, paint, seam, stitches
from pipeline.demo.noise import as_float32
from pipeline.demo.outlines import mirrored, outline, window_around
from pipeline.demo.pattern import MIDDLE, GarmentPattern


def inside_back(
    sheet: DrawingSheet, pattern: GarmentPattern, fabric: Float, collar: Float, collar_px: float, label: Colour
) -> None:
    """Draw the inner side of the back in the neck opening, its collar, and a woven label."""
    back = pattern.back_neck(collar_px)
    paint(sheet, outline(back, pattern.neckline(8)[::-1]), flat_cloth(fabric, 0.74), round_px=30, shadow=0)
    paint(sheet, outline(back, (back + np.array([0, 22], np.float32))[::-1]), flat_cloth(collar, 0.92), round_px=10, shadow=0.25)
    y = pattern.neck[1]
    tag = outline([(MIDDLE - 32, y + 26), (MIDDLE + 32, y + 26), (MIDDLE + 31, y + 60), (MIDDLE - 31, y + 60)])
    paint(sheet, tag, flat_cloth(np.full(fabric.shape, label, np.float32)), round_px=3, shadow=0.35)
    for row in (38, 47):
        seam(sheet, outline([(MIDDLE - 18, y + row), (MIDDLE + 18, y + row)]), gap=0.35, width_px=2)


def sleeves(
    sheet: DrawingSheet,
    pattern: GarmentPattern,
    fabric: Float,
    height: Float,
    *,
    cuff_px: float,
    cuff: Float | None = None,
    thread: Colour | None = None,
) -> None:
    """Draw both sleeves with cuffs, each with its fabric turned along the arm."""
    angle = pattern.sleeve_angle()
    for flip in (False, True):
        shape = mirrored(pattern.sleeve()) if flip else pattern.sleeve()
        turn = -angle if flip else angle
        pivot = (2 * MIDDLE - pattern.shoulder[0], pattern.shoulder[1]) if flip else pattern.shoulder
        paint(sheet, shape, Cloth(fabric, height, turn, pivot), round_px=26, shadow=0)
        ends = [np.array(p, np.float32) for p in (pattern.cuff_outer, pattern.cuff_inner)]
        along = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))], np.float32) * cuff_px
        strip = as_float32([ends[0], ends[1], ends[1] + along, ends[0] + along])
        edge = as_float32([ends[0] + along, ends[1] + along])
        strip, edge = (mirrored(strip), mirrored(edge)) if flip else (strip, edge)
        if cuff is not None:
            paint(sheet, strip, Cloth(cuff, height, turn, pivot), round_px=14, shadow=0.22)
        seam(sheet, edge, gap=0.22)
        if thread is not None:
            stitches(sheet, edge, thread)


def flat_cloth(fabric: Float, brightness: float = 1.0) -> Cloth:
    """A fabric without waves, for narrow parts."""
    return Cloth(fabric, np.zeros((fabric.shape[0] // COARSE, fabric.shape[1] // COARSE), np.float32), brightness=brightness)


def collar_band(sheet: DrawingSheet, pattern: GarmentPattern, fabric: Float, width_px: float) -> None:
    """Draw a ribbed band along the front neckline."""
    shape = outline(pattern.neckline(), pattern.neckline(width_px)[::-1])
    paint(sheet, shape, flat_cloth(fabric), round_px=9, shadow=0.3)
    seam(sheet, pattern.neckline(width_px), gap=0.25)


def along_neckline(fabric: Float, pattern: GarmentPattern) -> Float:
    """(h, w, 3) float32: an upright rib, bent so that its ridges are at a right angle to the neckline."""
    rows, columns = np.mgrid[0 : fabric.shape[0], 0 : fabric.shape[1]].astype(np.float32)
    angle = np.arctan2(columns - MIDDLE, rows - pattern.neck[1] + 60)
    return as_float32(cv2.remap(fabric, as_float32(MIDDLE + 190 * angle), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def seam_pair(sheet: DrawingSheet, line: Points, gap: float = 0.28) -> None:
    """Draw a seam on the left, and its mirror image on the right."""
    seam(sheet, line, gap=gap)
    seam(sheet, mirrored(line), gap=gap)


def hem(sheet: DrawingSheet, pattern: GarmentPattern, height_px: float, thread: Colour) -> None:
    """Draw a folded hem: two rows of stitches above the edge."""
    line = pattern.bottom() - np.array([0, height_px], np.float32)
    line[:, 0] = np.clip(line[:, 0], pattern.hem[0] + 6, 2 * MIDDLE - pattern.hem[0] - 6)
    darken(sheet, outline(line, pattern.bottom()[::-1]), 0.04, 3)
    for offset in (0, 9):
        stitches(sheet, line + np.array([0, offset], np.float32), thread)


def button(sheet: DrawingSheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a button: its shadow, a raised rim and four holes."""
    window = window_around(np.array([[x, y]], np.float32), 3 * radius)
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
