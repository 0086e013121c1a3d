"""Garment cut-out without a model: what differs from a plain ground, cut along the sharpest edge.

Three ideas. The ground is a smooth colour ramp (`ground_model`). A soft shadow also differs from the ramp, but fades out, while a
garment ends at a sharp edge; a watershed between sure ground and sure garment finds that edge, even white on white. The
last pixel is shared by colour: alpha is where its colour lies between the garment's and the ground's just beside it (`edge_alpha`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.card import Card
from pipeline.core.masks import Mask
from preprocess.edge_alpha import edge_alpha
from preprocess.ground_model import Ground, Lab, distance, fit_border, fit_region, to_lab

WORK_SIDE = 1024
"""Longer side at which the outline is found; all pixel constants below are meant at this size."""
BORDER_PX = 10
MIN_GROUND_SHARE = 0.35
"""Less of the border on one ramp means there is no plain ground."""
BAND_PX = 9
"""How far inside the first outline the true edge may lie: the width of a contact shadow."""
LEAK_PX = 10
"""The ground does not flow through gaps narrower than twice this into a white garment; what lies behind is judged on its own."""
HALO = 4.5
"""A ground beside the garment that differs this little from the ramp is still ground (compression blocks, a pasted box) ..."""
HALO_SHARE = 0.08
"""... if the garment nearby differs so much more that this is only a small share of its difference."""
HALO_REACH_PX = 16
CALM = 0.5
"""Range of lightness of a ground without any texture."""
SHADOW_DEPTH = 30.0
"""Lightness by which a shadow may darken the ground."""
SHADOW_TINT = 4.0
"""Chroma by which a shadow may differ from the ground."""
CLEFT_PX = 30
"""Width up to which a gap between two parts of a garment counts as a cleft."""
CLEFT_TINT = 2.5
MAX_CLEFTS = 8
SPECK_SHARE = 0.03
"""Parts smaller than this share of the largest part are dust."""
POCKET_PX = 120
"""Smallest opening (neck, between arm and body) that is cut out."""
POCKET_EDGE = 8.0
"""How much the garment round an opening must differ from the ground."""
SOFT_STEP = 18.0
"""Distances are compressed as 1 - exp(-d / this) before the watershed: white on white counts beside black on white."""


class PlainBackground:
    """The embedded garment backend."""

    card = Card(name="plain", version=1, packages=("cv2",), seconds=0.1, approximate=True)

    def load(self, device: str) -> None:
        """Nothing to bring up."""

    def cut(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha, 255 = garment; all zero when nothing stands out."""
        return cut_garment(photo)


def cut_garment(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha of the garment; works at most at `WORK_SIDE`."""
    height, width = photo.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = photo if scale == 1 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    alpha = _cut(small)
    return alpha if scale == 1 else cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC)


def _cut(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lab = to_lab(photo)
    ground = fit_border(lab, BORDER_PX)
    outline = grab_cut(photo) if ground.share < MIN_GROUND_SHARE else outline_on_ground(lab, ground)
    if not outline.any():
        return np.zeros(outline.shape, np.uint8)
    return np.round(255 * edge_alpha(photo, outline)).astype(np.uint8)


def outline_on_ground(lab: Lab, ground: Ground) -> Mask:
    """(h, w, 3) Lab and its ground → (h, w) bool, True = garment, shadows and openings left out."""
    outside = flood_ground(lab, ground)
    if outside.mean() > 0.3:
        ground = fit_region(lab, outside)
        outside = flood_ground(lab, ground)
    return smooth_outline(sharpest_edge(lab, ground, main_parts(~outside)))


def flood_ground(lab: Lab, ground: Ground) -> Mask:
    """Ground pixels that connect to the picture's border, and flat pockets of the ground behind narrow gaps."""
    gap = smooth_distance(lab, ground)
    flat = (gap < 0.35 + 2.5 * ground.noise) & (distance(lab, ground.colour) < 1.5 + 4 * ground.noise)
    side = 2 * HALO_REACH_PX + 1
    halo = (gap < HALO) & (gap < HALO_SHARE * cv2.dilate(gap, np.ones((side, side), np.uint8)))
    halo |= (gap < HALO) & calm(lab)
    padding = 2 * LEAK_PX
    wide = masks.open_(np.pad(flat | halo, padding, mode="edge"), LEAK_PX)
    numbers, _ = masks.components(wide)
    frame = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    reached = np.isin(numbers, frame[frame > 0])[padding:-padding, padding:-padding]
    return reached | pockets(flat & ~reached, gap, ground.noise)


def smooth_distance(lab: Lab, ground: Ground) -> NDArray[np.float32]:
    """(h, w) distance to the ground after a small blur: the ringing of a JPEG swings round the ground and cancels."""
    smooth = cv2.GaussianBlur(lab - ground.colour, (0, 0), 1.5)
    return distance(smooth, np.zeros(3, np.float32))


def calm(lab: Lab) -> Mask:
    """Places without any weave: lightness within 7×7 pixels is all but constant."""
    kernel = np.ones((7, 7), np.uint8)
    quiet: Mask = cv2.dilate(lab[..., 0], kernel) - cv2.erode(lab[..., 0], kernel) < CALM
    return quiet


def pockets(candidates: Mask, gap: NDArray[np.float32], noise: float) -> Mask:
    """Parts of `candidates` (necks, gaps between legs, between arm and body) that show the ground itself behind a clear edge.

    A white shoulder is no pocket: it passes into the rest of the garment without an edge.
    """
    numbers, areas = masks.components(masks.open_(candidates, 1.6))
    rim = cv2.dilate(gap, np.ones((13, 13), np.uint8))
    means = np.bincount(numbers.ravel(), gap.ravel(), len(areas)) / np.maximum(areas, 1)
    edges = np.bincount(numbers.ravel(), rim.ravel(), len(areas)) / np.maximum(areas, 1)
    accepted = (means < 0.35 + 1.2 * noise) & (edges > POCKET_EDGE) & (areas >= POCKET_PX)
    accepted[0] = False
    found: Mask = accepted[numbers]
    return found


def main_parts(mask: Mask) -> Mask:
    """The largest part and whatever is not dust beside it."""
    _, areas = masks.components(mask)
    return masks.keep_larger(mask, SPECK_SHARE * areas[1:].max()) if len(areas) > 1 else mask


def sharpest_edge(lab: Lab, ground: Ground, rough: Mask) -> Mask:
    """Move the outline inward to the sharpest edge of a band `BAND_PX` wide: out go fringe and soft shadow."""
    gap = lab - ground.colour
    smooth = cv2.GaussianBlur(gap, (0, 0), 1.5)
    tint = np.hypot(smooth[..., 1], smooth[..., 2])
    shadowy = (tint < SHADOW_TINT) & (smooth[..., 0] < 1) & (smooth[..., 0] > -SHADOW_DEPTH)
    core = masks.erode(rough & ~clefts(rough, shadowy & (tint < CLEFT_TINT)), BAND_PX)
    core |= masks.erode(rough, 1) & ~shadowy & (distance(lab, ground.colour) > 12)
    markers = np.zeros(rough.shape, np.int32)
    markers[~masks.dilate(rough, 2)] = 1
    markers[core] = 2
    relief = np.sign(gap) * (1 - np.exp(-np.abs(gap) / SOFT_STEP))
    picture = np.round(127.5 + 127.5 * relief).astype(np.uint8)
    cut = cv2.watershed(np.ascontiguousarray(picture), markers)
    return main_parts((cut == 2) | core)


def clefts(rough: Mask, shaded: Mask) -> Mask:
    """Narrow shaded places open to the ground, such as between the legs or below an armpit: undecided, so no sure garment.

    They stand upright; the white stripes of a garment mostly lie across, and there are more of them.
    """
    upright = shaded & ~cv2.morphologyEx(shaded.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, CLEFT_PX), np.uint8)).astype(bool)
    numbers, areas = masks.components(rough & upright)
    touching = np.unique(numbers[masks.dilate(~rough, 2)])
    chosen = [number for number in touching if number and areas[number] >= CLEFT_PX]
    return np.isin(numbers, chosen) if len(chosen) <= MAX_CLEFTS else np.zeros(rough.shape, bool)


def smooth_outline(garment: Mask) -> Mask:
    """Take single-pixel teeth off the outline; straps two pixels wide survive."""
    blurred = cv2.GaussianBlur(garment.astype(np.float32), (0, 0), 1.6)
    return (blurred > 0.5) | (garment & ~masks.open_(garment, 2))


def grab_cut(photo: NDArray[np.uint8]) -> Mask:
    """No plain ground: colour models of the frame's border against its middle (Rother et al. 2004)."""
    height, width = photo.shape[:2]
    scale = min(1.0, 512 / max(height, width))
    small = cv2.resize(photo, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    labels = np.full((rows, columns), cv2.GC_PR_FGD, np.uint8)
    edge = max(2, round(0.03 * min(rows, columns)))
    labels[:edge] = labels[:, :edge] = labels[:, -edge:] = cv2.GC_BGD
    labels[-edge:, : columns // 4] = labels[-edge:, -columns // 4 :] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    garment = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    full = cv2.resize(cv2.GaussianBlur(garment, (0, 0), 1), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    return masks.fill_holes(masks.largest(masks.open_(full, 3)))
