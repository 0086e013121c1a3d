"""Garment cut-out without a model: what differs from a plain ground, cut along the sharpest edge.

The ground is a smooth colour ramp (`ground_colour`). A soft shadow also differs from the ramp, but it fades out, while a garment
ends at a sharp edge; a watershed between sure ground and sure garment finds that edge, even white on white. The alpha of
a pixel at the edge is where its colour lies between the garment's and the ground's (`soft_edge`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Lab
from pipeline.core.card import Card, Resources
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Rect
from preprocess.cloth.ground_colour import Ground, fit_border, fit_region, size_of
from preprocess.cloth.soft_edge import edge_alpha

WORK_SIDE = 1024
"""Longer side at which the outline is found; all pixel constants below hold at this size."""
GRAB_CUT_SIDE = 320
"""Longer side at which pictures without a plain ground are cut."""
BORDER_PX = 10
MIN_GROUND_SHARE = 0.35
"""With less of the border on one ramp, there is no plain ground."""
BAND_PX = 9
"""How far inside the first outline the true edge may lie: the width of a contact shadow."""
MARGIN_PX = 24
SAME_RAMP = 0.3
"""Ramps closer than this everywhere find the same ground."""
LEAK_PX = 10
"""The ground does not flow into a white garment through gaps narrower than twice this; what lies behind is judged separately."""
HALO = 4.5
"""A pixel beside the garment that differs less than this from the ramp is ground (compression blocks, a pasted box) ..."""
HALO_SHARE = 0.08
"""... if its difference is less than this share of the garment's difference nearby."""
HALO_REACH_PX = 16
RINGING_PX = 1.5
"""Blur that cancels the ringing of a JPEG around the ground's colour."""
FLAT_RANGE = 0.5
"""Largest range of lightness in a ground without texture."""
SHADOW_DEPTH = 45.0
"""Largest loss of lightness in a shadow on the ground."""
SHADOW_TINT = 3.0
"""Largest difference in chroma between a shadow and the ground."""
CLEFT_PX = 30
"""Width up to which a gap between two parts of a garment counts as a cleft."""
CLEFT = 2.2
"""A cleft in a white garment is uncertain where its distance to the ground is less than this."""
STRAP_PX = 34
LOOP_PX = 60
LOOP = 6.0
LOOP_EDGE = 40.0
MAX_CLEFTS = 8
DEEP_PX = 25
BLEED_PX = 7
"""How far a garment's colour bleeds into the ground beside it; closer to the edge only clear colours are sure ..."""
SEED_SHARE = 0.6
"""... that is, colours at least this share as far from the ground as the farthest colour nearby."""
LOOKALIKE_SHARE = 0.10
"""If more than this share of the garment's inside looks like shaded ground, every such pixel is doubtful."""
SPECK_SHARE = 0.03
"""Parts smaller than this share of the largest part are dropped as dust."""
POCKET_PX = 120
"""Smallest opening (neck, between arm and body) that is cut out."""
POCKET = 3.0
POCKET_EDGE = 6.0
"""How much the garment around an opening must differ from the ground."""
CLEAR = 5.0
"""Where the garment differs more than this from the ground, the outline is accurate to the pixel."""
SOFT_STEP = 18.0
"""Distances are compressed as 1 - exp(-d / this) before the watershed, so that white on white also counts."""


class PlainBackground:
    """The embedded garment backend."""

    needs = Resources(memory_gb=0.9)
    card = Card(name="plain", version=1, packages=("cv2",), seconds=0.4, approximate=True, resources=needs)

    def load(self, device: str) -> None:
        """There is no model to load."""

    def cut(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha, 255 = garment; all zero when nothing differs from the ground."""
        return cut_garment(photo)


def cut_garment(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha of the garment; computed at `WORK_SIDE` or less."""
    height, width = photo.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = photo if scale == 1 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    alpha = _cut(small)
    return alpha if scale == 1 else cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def _cut(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lab = to_lab(photo)
    ground = fit_border(lab, BORDER_PX)
    if ground.share < MIN_GROUND_SHARE:
        return _bytes(edge_alpha(photo, grab_cut(photo)))
    rough, colour = first_outline(lab, ground)
    alpha = np.zeros(rough.shape, np.uint8)
    window = _window(rough)
    gap = lab[window] - colour[window]
    outline = smooth_outline(sharpest_edge(gap, rough[window]), size_of(gap))
    alpha[window] = _bytes(edge_alpha(photo[window], outline))
    return alpha


def _bytes(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.round(255 * alpha).astype(np.uint8)
    return rounded


def _window(mask: Mask) -> tuple[slice, slice]:
    """The garment's box with some ground around it; the rest of the picture is not processed."""
    return (masks.box_of(mask) or Rect(0, 0, 1, 1)).window(mask.shape, MARGIN_PX)


def first_outline(lab: Lab, ground: Ground) -> tuple[Mask, Lab]:
    """(h, w) bool: what is not ground, with fringe and shadows; and (h, w, 3) float32 Lab: the ground's colours."""
    outside = flood_ground(lab, ground)
    if outside.mean() > 0.3:
        curved = fit_region(lab, outside)
        if np.abs(curved.colour - ground.colour)[::8, ::8].max() > SAME_RAMP:
            outside = flood_ground(lab, curved)
        ground = curved
    return main_parts(~outside), ground.colour


def flood_ground(lab: Lab, ground: Ground) -> Mask:
    """Ground pixels that connect to the picture's border, and flat pockets of the ground behind narrow gaps."""
    raw = lab - ground.colour
    gap = size_of(cv2.GaussianBlur(raw, (0, 0), RINGING_PX))
    flat = (gap < 0.35 + 2.5 * ground.noise) & (size_of(raw) < 1.5 + 4 * ground.noise)
    side = 2 * HALO_REACH_PX + 1
    halo = (gap < HALO) & (gap < HALO_SHARE * cv2.dilate(gap, np.ones((side, side), np.uint8)))
    halo |= (gap < HALO) & is_flat(lab)
    padding = 2 * LEAK_PX
    wide = masks.open_(np.pad(flat | halo, padding, mode="edge"), LEAK_PX)
    numbers, _ = masks.components(wide)
    frame = np.zeros(int(numbers.max()) + 1, bool)
    frame[np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])] = True
    frame[0] = False
    reached = frame[numbers][padding:-padding, padding:-padding]
    return reached | pockets(flat & ~reached, (gap < POCKET + 3 * ground.noise) & ~reached, gap)


def is_flat(lab: Lab) -> Mask:
    """(h, w) bool: places without texture, where lightness within 7×7 pixels is almost constant."""
    kernel = np.ones((7, 7), np.uint8)
    flat: Mask = cv2.dilate(lab[..., 0], kernel) - cv2.erode(lab[..., 0], kernel) < FLAT_RANGE
    return flat


def pockets(flat: Mask, similar: Mask, gap: NDArray[np.float32]) -> Mask:
    """Enclosed places (necks, gaps between legs, between arm and body) that show the ground itself, behind a clear edge.

    A white print or shoulder is not an opening: little of it has exactly that colour, or it has no edge to the garment.

    Args:
        flat: (h, w) bool, exactly the ground's colour and not reached from outside.
        similar: (h, w) bool, about the ground's colour and not reached from outside.
        gap: (h, w) float32 distance to the ground.
    """
    numbers, areas = masks.components(masks.open_(similar, 1.6))
    count = len(areas)
    ring = cv2.dilate(numbers.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32) * (numbers == 0)
    clear = cv2.dilate(gap, np.ones((7, 7), np.uint8)) > POCKET_EDGE
    edge_share = np.bincount(ring[clear], minlength=count) / np.maximum(np.bincount(ring.ravel(), minlength=count), 1)
    flat_share = np.bincount(numbers[flat], minlength=count) / np.maximum(areas, 1)
    accepted = (areas >= POCKET_PX) & (edge_share > 0.75) & (flat_share > 0.3)
    accepted[0] = False
    found: Mask = accepted[numbers]
    return found


def main_parts(mask: Mask) -> Mask:
    """The largest part, and all others that are not dust beside it."""
    _, areas = masks.components(mask)
    return masks.keep_larger(mask, SPECK_SHARE * areas[1:].max()) if len(areas) > 1 else mask


def sharpest_edge(gap: Lab, rough: Mask) -> Mask:
    """Move the outline inward to the sharpest edge between sure ground and sure garment: fringe and soft shadow are removed.

    Args:
        gap: (h, w, 3) float32 Lab difference to the ground.
        rough: (h, w) bool first outline.
    """
    garment, inner_ground = sure_places(gap, rough)
    markers = np.zeros(rough.shape, np.int32)
    markers[~masks.dilate(rough, 2) | inner_ground] = 1
    markers[garment] = 2
    relief = np.sign(gap) * (1 - np.exp(-np.abs(gap) / SOFT_STEP))
    picture = np.round(127.5 + 127.5 * relief).astype(np.uint8)
    cut = cv2.watershed(np.ascontiguousarray(picture), markers.copy())
    return main_parts((cut == 2) | (markers == 2))


def sure_places(gap: Lab, rough: Mask) -> tuple[Mask, Mask]:
    """What is surely garment, and what is surely ground inside the first outline.

    A white or grey garment looks like shaded ground: then only its inside is sure, and only narrow clefts are uncertain.

    Args:
        gap: (h, w, 3) float32 Lab difference to the ground.
        rough: (h, w) bool first outline, fringe and shadows included.
    """
    smooth = cv2.GaussianBlur(gap, (0, 0), RINGING_PX)
    apart = size_of(smooth)
    shaded = (np.hypot(smooth[..., 1], smooth[..., 2]) < SHADOW_TINT) & (smooth[..., 0] < 1) & (smooth[..., 0] > -SHADOW_DEPTH)
    inside = depth_of(rough) > DEEP_PX
    if np.count_nonzero(inside & shaded) > LOOKALIKE_SHARE * np.count_nonzero(inside):
        core = depth_of(rough & ~clefts(rough, apart < CLEFT)) > BAND_PX
        return core | (masks.erode(rough, 1) & ~shaded & (apart > 12)), np.zeros(rough.shape, bool)
    loops = strap_loops(gap, rough)
    beyond_doubt = rough & ~open_to(~rough, rough & shaded)
    clear = apart > SEED_SHARE * cv2.dilate(apart, np.ones((11, 11), np.uint8))
    depth = depth_of(beyond_doubt)
    garment = (depth > BLEED_PX) | ((depth > 2) & clear)
    garment &= ~masks.dilate(loops, 6)
    return garment, loops


def depth_of(mask: Mask) -> NDArray[np.float32]:
    """(h, w) float32: distance to the nearest pixel outside the mask; outside the picture counts as inside."""
    depth: NDArray[np.float32] = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return depth


def strap_loops(gap: Lab, rough: Mask) -> Mask:
    """(h, w) bool: ground inside the loop of a strap: enclosed, near the outside, of the ground's colour, not of the strap's."""
    apart = size_of(gap)
    candidates = rough & (apart < LOOP) & (cv2.dilate(apart, np.ones((33, 33), np.uint8)) > LOOP_EDGE)
    numbers, areas = masks.components(candidates & ~open_to(~rough, candidates))
    shallow = np.bincount(numbers[depth_of(rough) <= STRAP_PX], minlength=len(areas))
    middle = np.bincount(numbers[apart < LOOP / 4], minlength=len(areas))
    chosen = (areas >= LOOP_PX) & (shallow > 0.5 * areas) & (middle > 0.05 * areas)
    chosen[0] = False
    loops: Mask = chosen[numbers]
    return loops


def open_to(outside: Mask, places: Mask) -> Mask:
    """(h, w) bool: the connected parts of `places` that touch `outside`."""
    numbers, areas = masks.components(places)
    chosen = np.zeros(len(areas), bool)
    chosen[numbers[masks.dilate(outside, 2)]] = True
    chosen[0] = False
    touching: Mask = chosen[numbers]
    return touching


def clefts(rough: Mask, shaded: Mask) -> Mask:
    """Narrow shaded places that touch the ground, such as between the legs or below an armpit: uncertain, so not sure garment.

    They are vertical; the white stripes of a garment are mostly horizontal and more numerous.
    """
    upright = shaded & ~cv2.morphologyEx(shaded.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, CLEFT_PX), np.uint8)).astype(bool)
    found = masks.keep_larger(open_to(~rough, rough & upright), CLEFT_PX)
    _, areas = masks.components(found)
    return found if len(areas) - 1 <= MAX_CLEFTS else np.zeros(rough.shape, bool)


def smooth_outline(garment: Mask, gap: NDArray[np.float32]) -> Mask:
    """Smooth a jagged outline, more where the garment differs less from the ground; thin straps stay.

    Args:
        garment: (h, w) bool.
        gap: (h, w) float32 distance to the ground.
    """
    soft = garment.astype(np.float32)
    fine = cv2.GaussianBlur(soft, (0, 0), 1.6) > 0.5
    clear = cv2.dilate(cv2.boxFilter(gap * garment, -1, (7, 7)), np.ones((9, 9), np.uint8)) > CLEAR
    coarse = cv2.GaussianBlur(soft, (0, 0), 5) > 0.5
    smooth: Mask = np.where(clear, fine | (garment & ~masks.open_(garment, 2)), coarse)
    return smooth


def grab_cut(photo: NDArray[np.uint8]) -> Mask:
    """(h, w) bool: without a plain ground, colour models of the frame's border and of its middle (Rother et al. 2004)."""
    height, width = photo.shape[:2]
    scale = min(1.0, GRAB_CUT_SIDE / max(height, width))
    small = cv2.resize(photo, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    labels = np.full((rows, columns), cv2.GC_PR_FGD, np.uint8)
    edge = max(2, round(0.03 * min(rows, columns)))
    labels[:edge] = labels[:, :edge] = labels[:, -edge:] = cv2.GC_BGD
    labels[-edge:, : columns // 4] = labels[-edge:, -columns // 4 :] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    garment = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    full: Mask = cv2.resize(cv2.GaussianBlur(garment, (0, 0), 1), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    return masks.fill_holes(masks.largest(masks.open_(full, 3)))
