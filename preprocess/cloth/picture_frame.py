"""Frames, bars and drawn outlines round a garment's picture: found by their straight inner edge, and peeled off.

A frame is one colour from the picture's edge to a rectangle whose sides are a step to another colour. A garment is no rectangle;
one that nearly is (a tube skirt) is kept, because a frame is peeled only off a light, plain ground with something on it.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Lab
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Rect
from preprocess.cloth.ground_colour import distance, fit_border, size_of

LOOK_SIDE = 1024
"""Longer side at which frames are searched; all pixel constants hold at this size."""
EDGE_PX = 2
MIN_FRAME_SHARE = 0.97
"""Least share of the picture's edge in the frame's colour, on the sides that have a frame."""
STEP = 2.2
"""Least Lab distance between a frame and the picture in it: pure white round a photo's light grey."""
MIN_SIDE_SHARE = 0.96
"""Least share of each side of the rectangle, without its corners, that is a step."""
CORNER_SHARE = 0.06
"""Corners may be rounded by this share of a side."""
MIN_INNER = 0.3
"""A picture in a frame has at least this share of the sides of the whole."""
MOST_LAYERS = 4
"""A frame in a frame in a line: no picture has more."""
TRIM_PX = 3
"""What is peeled beyond a frame: its edge is blurred by scaling and compression."""
MIN_GROUND_SHARE = 0.6
LIGHT, GREY = 60.0, 16.0
"""Least lightness and greatest chroma of a photo's ground inside a frame."""
GARMENT_SHARE = (0.03, 0.92)
"""Shares of the peeled picture that differ from its ground."""


def inner_picture(photo: RGB) -> Rect[int] | None:
    """The part of a garment's picture inside its frame; None when it has none.

    Args:
        photo: (h, w, 3) RGB uint8.
    """
    scale = min(1.0, LOOK_SIDE / max(photo.shape[:2]))
    small = photo if scale == 1 else cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lab = to_lab(cv2.medianBlur(small, 3))
    whole = found = Rect(0, 0, lab.shape[0], lab.shape[1])
    for _ in range(MOST_LAYERS):
        inner = _inside_frame(lab[found.window(lab.shape)])
        if inner is None:
            break
        inner = _trimmed(inner, Rect(0, 0, found.height, found.width), 1)  # the outer corners of a line are never sharp
        found = Rect(found.top + inner.top, found.left + inner.left, inner.height, inner.width)
    if found == whole:
        return None
    found = _trimmed(found, whole, TRIM_PX)
    if not _shows_a_garment(lab[found.window(lab.shape)]):
        return None
    top, left = (round(value / scale) for value in (found.top, found.left))
    return Rect(top, left, round(found.height / scale), round(found.width / scale))


def _inside_frame(lab: Lab) -> Rect[int] | None:
    """The rectangle inside one frame of one colour, in a picture of (h, w, 3); None without a frame."""
    height, width = lab.shape[:2]
    edge = _edge(height, width)
    for colour in _edge_colours(lab, edge):
        differs = size_of(lab - colour) > STEP
        box = masks.box_of(masks.open_(differs, 1))
        if box is None or box.height < MIN_INNER * height or box.width < MIN_INNER * width:
            continue
        outside = np.ones((height, width), bool)
        outside[box.window(differs.shape)] = False
        border = edge & outside
        if not border.any() or differs[border].mean() > 1 - MIN_FRAME_SHARE:
            continue
        if min(_sides_that_step(lab, box)) >= MIN_SIDE_SHARE:
            return box
    return None


def _edge(height: int, width: int) -> Mask:
    edge = np.ones((height, width), bool)
    edge[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] = False
    return edge


def _edge_colours(lab: Lab, edge: Mask) -> list[Lab]:
    """(3,) Lab colours that a frame may have: the medians of the four sides, each once."""
    sides = [lab[:EDGE_PX], lab[-EDGE_PX:], lab[:, :EDGE_PX], lab[:, -EDGE_PX:]]
    colours: list[Lab] = []
    for side in sides:
        colour: Lab = np.median(side.reshape(-1, 3), axis=0).astype(np.float32)
        if all(size_of(colour - other).item() > STEP for other in colours):
            colours.append(colour)
    return colours


def _sides_that_step(lab: Lab, box: Rect[int]) -> list[float]:
    """Share of each side of the box, without corners, where the colour changes at once; 1 for sides at the picture's edge."""
    height, width = lab.shape[:2]
    turned = np.ascontiguousarray(lab.transpose(1, 0, 2))
    upright, lying = (box.top, box.bottom, box.left, box.right), (box.left, box.right, box.top, box.bottom)
    shares = []
    for picture, (first, last, start, stop), end in ((lab, upright, height), (turned, lying, width)):
        corner = round(CORNER_SHARE * (stop - start))
        along = picture[:, start + corner : stop - corner]
        shares.append(1.0 if first == 0 else _step_share(along[max(first - 2, 0)], along[first : first + 3]))
        shares.append(1.0 if last >= end else _step_share(along[min(last + 1, end - 1)], along[last - 3 : last]))
    return shares


def _step_share(outside: Lab, inside: Lab) -> float:
    """Share of a line (n, 3) of the frame that differs from the lines (k, n, 3) beside it."""
    return float((size_of(inside - outside[None]).max(0) > 0.7 * STEP).mean())


def _trimmed(inner: Rect[int], whole: Rect[int], trim_px: int) -> Rect[int]:
    """A little less on each side that has a frame."""
    top, left = (trim_px if value > 0 else 0 for value in (inner.top, inner.left))
    bottom, right = (trim_px if end < last else 0 for end, last in ((inner.bottom, whole.bottom), (inner.right, whole.right)))
    return Rect(inner.top + top, inner.left + left, inner.height - top - bottom, inner.width - left - right)


def _shows_a_garment(lab: Lab) -> bool:
    """Whether a picture is a light plain ground with something on it."""
    ground = fit_border(lab, 2 * EDGE_PX)
    lightness, red, yellow = np.median(ground.colour.reshape(-1, 3), axis=0)
    if ground.share < MIN_GROUND_SHARE or lightness < LIGHT or np.hypot(red, yellow) > GREY:
        return False
    share = float((distance(lab, ground.colour) > 3 * STEP).mean())
    return GARMENT_SHARE[0] < share < GARMENT_SHARE[1]
