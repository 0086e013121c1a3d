"""The demo's square pictures: which part of a picture they show, and how they lie on our canvas.

Facts: docs/facts/gs_viton_folder.md#square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB
from pipeline.core.frame import STUDIO_GREY, Frame
from pipeline.core.layout import CANVAS

SIDE = 512
"""Height and width of the demo's pictures of people."""
GROUND_REACH = 12
"""How far the ground of a JPEG may lie from its grey."""
SPECK = 0.002
"""A smaller share of the picture is noise, not somebody's arm."""
ALIKE = 8.0
"""Mean difference in levels up to which two pictures show the same; the record of the demo gives 6, other windows 30 and more."""
BLENDED = 64
"""Padding counts as wider by the side over this: a resize blends its edge."""
LOOK = 128
"""Side at which pictures are compared."""
LEAST_SEEN = 0.01
"""A smaller share of the square that is no ground shows nothing that can be compared."""
Size = tuple[int, int]
Level = int | tuple[int, int, int]


@dataclass(frozen=True)
class Window:
    """The part of a picture that fills a square; in the picture's pixels, also beyond its edges.

    Where height and width differ, the picture was squashed into the square.
    """

    top: float
    left: float
    height: float
    width: float

    def matrix(self, size: Size) -> NDArray[np.float64]:
        """(2, 3) affine from the picture to a square of (height, width), pixel centres at integers."""
        y, x = size[0] / self.height, size[1] / self.width
        return np.array([[x, 0, (x - 1) / 2 - x * self.left], [0, y, (y - 1) / 2 - y * self.top]], np.float64)


@dataclass(frozen=True)
class Cut:
    """How a square was made of another picture.

    Args:
        window: the part that it shows.
        how: in words, for the user.
        plain: it was made as it should be, so nothing need be said.
    """

    window: Window
    how: str
    plain: bool = False


def whole(size: Size) -> Window:
    """All of a picture of (height, width)."""
    return Window(0.0, 0.0, float(size[0]), float(size[1]))


def cut_of(picture: RGB, square: RGB) -> Cut | None:
    """How a square was made of a picture, or None where it was not made in any of the known ways.

    Args:
        picture: (h, w, 3) uint8: the person with the ground removed, or the photo.
        square: (side, side, 3) uint8.
    """
    small = cv2.resize(square, (LOOK, LOOK), interpolation=cv2.INTER_AREA)
    seen = ~on_ground(small)
    if seen.mean() < LEAST_SEEN:
        return None
    scored = [(_difference(picture, cut.window, small, seen), cut) for cut in _cuts(picture)]
    best = min(scored, key=lambda each: each[0])
    return best[1] if best[0] <= ALIKE else None


def _cuts(picture: RGB) -> Iterator[Cut]:
    """The ways in which a square can have been made."""
    height, width = picture.shape[:2]
    if (window := demo_window(picture)) is not None:
        yield Cut(window, "cut out around the person", plain=True)
        if height < SIDE and (squashed := _squashed_window(picture)) is not None:
            yield Cut(squashed, "squashed by the demo, because the picture is lower than 512; the proportions are put right")
    side = max(height, width)
    if height != width:
        yield Cut(whole((height, width)), "squashed into the square as a whole; the proportions are put right")
        padded = Window((height - side) / 2, (width - side) / 2, side, side)
        yield Cut(padded, "padded to a square; the padding is left out")
        yield Cut(Window(0.0, 0.0, side, side), "padded to a square below or on the right; the padding is left out")


def demo_window(picture: RGB) -> Window | None:
    """The square that the demo cuts out: as high as the person, with them in the middle; None where there is only ground.

    The person is what differs from the ground in any level once the picture is 512 high, as in the demo, whose squares of
    pictures of that height and more are reproduced to the pixel.
    """
    height, width = picture.shape[:2]
    return _window_around(picture, max(1, int(width * SIDE / height)))


def _squashed_window(picture: RGB) -> Window | None:
    """The demo's square of a picture that is lower than 512: the width is divided where it should be multiplied."""
    height, width = picture.shape[:2]
    return _window_around(picture, max(1, int(width * height / SIDE)))


def _window_around(picture: RGB, columns: int) -> Window | None:
    height, width = picture.shape[:2]
    shown = np.asarray(Image.fromarray(picture).resize((columns, SIDE), Image.Resampling.BICUBIC))
    rows, places = np.nonzero((shown != STUDIO_GREY).any(2))
    if len(rows) == 0 or rows.max() == rows.min():
        return None
    top, side = int(rows.min()), int(rows.max() - rows.min())
    left = int((int(places.min()) + int(places.max())) / 2 - side / 2)
    y, x = height / SIDE, width / columns
    return Window(top * y, left * x, side * y, side * x)


def _difference(picture: RGB, window: Window, small: RGB, seen: NDArray[np.bool_]) -> float:
    """Mean difference in levels between a window of a picture and a square, where the square shows no ground."""
    shown = taken(picture, window, (LOOK, LOOK)).astype(np.int16)
    return float(np.abs(shown - small)[seen].mean())


def taken(picture: RGB, window: Window, size: Size, fill: int = STUDIO_GREY) -> RGB:
    """The window of a picture as (height, width, 3) uint8, smooth when reduced; `fill` outside the picture."""
    y, x = size[0] / window.height, size[1] / window.width
    smooth = picture
    if min(x, y) < 0.9:
        sigma = [0.45 * max(1 / scale - 1, 0) + 0.2 for scale in (x, y)]
        smooth = cv2.GaussianBlur(picture, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1])
    flag = cv2.INTER_CUBIC if min(x, y) > 1 else cv2.INTER_LINEAR
    return warped(smooth, window.matrix(size), size, flag, fill)


def warped(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: Size, flag: int, fill: Level) -> NDArray[np.uint8]:
    """(h, w[, 3]) uint8 through a (2, 3) affine onto (height, width)."""
    level = fill if isinstance(fill, tuple) else (fill,) * (picture.shape[2] if picture.ndim == 3 else 1)
    done: NDArray[np.uint8] = cv2.warpAffine(
        picture, matrix, (size[1], size[0]), flags=flag, borderMode=cv2.BORDER_CONSTANT, borderValue=level
    )
    return done


def on_ground(picture: RGB) -> NDArray[np.bool_]:
    """(h, w) bool: pixels of the even ground, within the error of a JPEG, and padding."""
    grey: NDArray[np.bool_] = np.abs(picture.astype(np.int16) - STUDIO_GREY).max(2) <= GROUND_REACH
    return grey | padding(picture)


def padding(picture: RGB) -> NDArray[np.bool_]:
    """(h, w) bool: columns and rows along the edges that have one colour: the demo's black beyond a photo, or somebody's bars."""
    return _edge_columns(picture) | _edge_columns(picture.transpose(1, 0, 2)).T


def _edge_columns(picture: RGB) -> NDArray[np.bool_]:
    found = np.zeros(picture.shape[:2], bool)
    for side, turned in ((found, picture), (found[:, ::-1], picture[:, ::-1])):
        off = np.abs(turned.astype(np.int16) - turned[0, 0].astype(np.int16)).max(axis=(0, 2)) > GROUND_REACH
        count = int(np.argmax(np.append(off, True)))
        plain = abs(int(turned[0, 0].mean()) - STUDIO_GREY) <= GROUND_REACH
        side[:, : count + (0 if plain or count == 0 else picture.shape[1] // BLENDED)] = True
    return found


def frame_of(shown: NDArray[np.bool_], window: Window, photo: Size) -> Frame:
    """The canvas of a square: its middle at full height, or more of it where something reaches beyond 3:4.

    Args:
        shown: (side, side) bool: the person or the garment.
        window: the part of the photo that the square shows.
        photo: (height, width) of the photo.
    """
    shape = CANVAS[1] / CANVAS[0]
    used = np.flatnonzero(shown.sum(0) > SPECK * shown.shape[0])
    middle = shown.shape[1] / 2
    reach = 2 * max(middle - used[0], used[-1] + 1 - middle) if len(used) else 0.0
    height = max(window.height, reach / shown.shape[1] * window.width / shape)
    top = window.top - (height - window.height) / 2
    left = window.left + (window.width - height * shape) / 2
    return Frame(*photo, float(top), float(left), float(height))


def onto_canvas(square: Size, window: Window, frame: Frame) -> NDArray[np.float64]:
    """(2, 3) affine from a square of (height, width) to the canvas."""
    back = cv2.invertAffineTransform(window.matrix(square))
    return joined(frame.matrix, back)


def joined(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) affine: the first, then the second."""
    product: NDArray[np.float64] = (np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2]
    return product


def moved(points: NDArray[np.float32], matrix: NDArray[np.float64], size: Size) -> NDArray[np.float32]:
    """(n, 3) x, y, confidence through a (2, 3) affine; points not seen or outside (height, width) become zeros."""
    where = points[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    inside = (points[:, 2] > 0) & (where >= 0).all(1) & (where < size[::-1]).all(1)
    kept: NDArray[np.float32] = np.where(inside[:, None], np.column_stack([where, points[:, 2]]), 0).astype(np.float32)
    return kept
