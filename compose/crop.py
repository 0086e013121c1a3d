"""Cut a picture to a shape and a size around its people: heads are never cut, feet are kept where the shape can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from compose.delivery import Size
from compose.painter import Figure
from compose.placement import Placement
from compose.scenery.horizon import Ground
from pipeline.core.rect import Rect

HEADROOM, FOOT_MARGIN, SIDE_MARGIN = 0.06, 0.04, 0.03
"""What stays free above heads, below feet and beside people, shares of the cut picture."""
CERTAIN = 0.3
"""Confidence from which a ground line is believed."""
TOLERANCE_PX = 1.5


@dataclass(frozen=True, slots=True)
class View:
    """A window of a picture and the size it is shown at.

    Args:
        top, left, height, width: the window, picture pixels.
        size: (height, width) that it is scaled down to.
    """

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the view per pixel of the picture."""
        return self.size[0] / self.height

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 → the view of it; the picture itself where nothing changes."""
        cut = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        if cut.shape[:2] == self.size:
            return cut if cut.shape == picture.shape else np.ascontiguousarray(cut)
        shown: NDArray[np.uint8] = cv2.resize(cut, self.size[::-1], interpolation=cv2.INTER_AREA)
        return shown

    def placed(self, spot: Placement) -> Placement:
        """A place of the picture as a place of the view."""
        x = (spot.x - self.left + 0.5) * self.scale - 0.5
        return replace(spot, x=x, y=(spot.y - self.top) * self.scale, height=spot.height * self.scale)

    def ground(self, ground: Ground, tall: int) -> Ground:
        """The ground line of a picture `tall` rows high, in the view."""

        def shown(row: float) -> float:
            return (row * tall - self.top) / self.height

        return replace(ground, line=shown(ground.line), horizon=None if ground.horizon is None else shown(ground.horizon))

    def window(self, size: tuple[int, int]) -> str:
        """Left, top, right and bottom as shares of a picture of (height, width); whoever compares the two pictures needs it."""
        tall, wide = size
        edges = (self.left / wide, self.top / tall, (self.left + self.width) / wide, (self.top + self.height) / tall)
        return " ".join(f"{edge:.5f}" for edge in edges)

    def cuts_people(self, box: Rect[float], size: tuple[int, int]) -> bool:
        """Whether the window cuts people at a side where the picture of (height, width) does not."""
        top, left, bottom, right = self.top, self.left, self.top + self.height, self.left + self.width
        slack = TOLERANCE_PX
        beside = 0 < box.left < left - slack or right + slack < box.right < size[1]
        return beside or 0 < box.top < top - slack or bottom + slack < box.bottom < size[0]


def window_shape(size: tuple[int, int], ratio: float | None) -> tuple[int, int]:
    """(height, width) of the largest window of a ratio (width by height) in a picture of (height, width)."""
    height, width = size
    if ratio is None:
        return size
    if width >= height * ratio:
        return height, max(1, round(height * ratio))
    return max(1, min(height, round(width / ratio))), width


def view_around(box: Rect[float], size: tuple[int, int], wanted: Size) -> View:
    """The largest window of the wanted shape that shows the people best, and its size.

    Across, people come to the middle. Up and down, the margins above and below them keep their proportion. A person whom an edge
    of the picture cuts is cut by the same edge of the view. Of people taller than the window the head is shown.

    Args:
        box: the people.
        size: (height, width) of the picture.
        wanted: shape and long side.
    """
    height, width = window_shape(size, wanted.ratio)
    view = View(_top(box, size[0], height), _left(box, size[1], width), height, width, (height, width))
    longest = max(height, width)
    if not 0 < wanted.long_side_px < longest:
        return view
    exact = wanted.ratio or width / height
    short = max(1, round(wanted.long_side_px * min(exact, 1 / exact)))
    return replace(view, size=(short, wanted.long_side_px) if width >= height else (wanted.long_side_px, short))


def _top(box: Rect[float], tall: int, height: int) -> int:
    top, bottom = max(box.top, 0.0), min(box.bottom, float(tall))
    in_picture, in_window = tall - (bottom - top), height - (bottom - top)  # rows above and below the people
    above = top * in_window / max(in_picture, 1.0) if in_window >= 0 else HEADROOM * height
    wanted = top - above
    return int(np.clip(round(wanted), 0, tall - height))


def _left(box: Rect[float], wide: int, width: int) -> int:
    if box.left <= 0 < wide - box.right:
        return 0
    if box.right >= wide and box.left > 0:
        return wide - width
    return int(np.clip(round((box.left + box.right - width) / 2), 0, wide - width))


def figure_box(placement: Placement, body: CutoutBody) -> Rect[float]:
    """Where one person is in the background."""
    corners = placement.matrix(body) @ np.array([[body.left - 0.5, body.right - 0.5], [0, 0], [1, 1]], np.float64)
    left, right = sorted(float(x) + 0.5 for x in corners[0])
    top = placement.y - placement.height
    return Rect(top, left, placement.y - top, right - left)


def people_box(figures: Sequence[Figure]) -> Rect[float]:
    """The rectangle that holds all people."""
    boxes = [figure_box(figure.placement, figure.body) for figure in figures]
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    return Rect(top, left, max(box.bottom for box in boxes) - top, max(box.right for box in boxes) - left)


@dataclass(frozen=True)
class CroppedScene:
    """A scene in one shape and size.

    Args:
        background: (h, w, 3) RGB uint8 of the wanted shape and size.
        figures: all people, placed in it.
        ground: its ground line.
        cuts: people are cut who are not in the whole scene.
        short: there are fewer pixels than were asked for.
        window: which part of the whole scene it shows, as `View.window` says; "" for all of it.
    """

    background: NDArray[np.uint8]
    figures: list[Figure]
    ground: Ground
    cuts: bool = False
    short: bool = False
    window: str = ""


def crop_scene(background: NDArray[np.uint8], figures: Sequence[Figure], ground: Ground, wanted: Size) -> CroppedScene:
    """Bring a scene into a shape and size before it is composed: people are resampled only once, and layers fit exactly.

    Args:
        background: (h, w, 3) RGB uint8.
        figures: all people, placed in the whole background.
        ground: its ground line.
        wanted: shape and long side.
    """
    size = (background.shape[0], background.shape[1])
    stepped = step_back(figures, ground, size, wanted.ratio)
    box = people_box(stepped)
    view = view_around(box, size, wanted)
    if view.size == size:
        return CroppedScene(background, list(figures), ground, short=wanted.long_side_px > max(size))
    placed = [replace(figure, placement=view.placed(figure.placement)) for figure in stepped]
    short = wanted.long_side_px > max(view.size)
    return CroppedScene(
        view.of(background), placed, view.ground(ground, size[0]), view.cuts_people(box, size), short, view.window(size)
    )


def step_back(figures: Sequence[Figure], ground: Ground, size: tuple[int, int], ratio: float | None) -> list[Figure]:
    """Let people who stand go farther away along the ground until a window of the ratio holds them from head to foot.

    Distance from the ground line and height shrink alike, as for a person who walks away. People whom the photo cuts stay where
    they are: they would float.

    Args:
        figures: all people.
        ground: the ground line.
        size: (height, width) of the background.
        ratio: of the window, width by height.
    """
    if ratio is None or any(_is_anchored(figure, size[0]) for figure in figures):
        return list(figures)
    height, width = window_shape(size, ratio)
    box, share = people_box(figures), 1.0
    if height < size[0]:
        share = min(share, height * (1 - HEADROOM - FOOT_MARGIN) / box.height)
    if width < size[1]:
        share = min(share, width * (1 - 2 * SIDE_MARGIN) / box.width)
    if share == 1:
        return list(figures)
    line, highest = ground.line * size[0], min(figure.placement.y for figure in figures)
    towards = line if ground.confidence > CERTAIN and line < highest else box.bottom
    middle = (box.left + box.right) / 2
    return [replace(figure, placement=_farther(figure.placement, share, middle, towards)) for figure in figures]


def _is_anchored(figure: Figure, tall: int) -> bool:
    """Whether an edge of the photo cuts the body, or the picture's lower edge does."""
    cuts = figure.body.cuts
    return cuts.top or cuts.bottom or cuts.left is not None or cuts.right is not None or figure.placement.y > tall


def _farther(spot: Placement, share: float, middle: float, line: float) -> Placement:
    x, y = middle + (spot.x - middle) * share, line + (spot.y - line) * share
    return replace(spot, x=x, y=y, height=spot.height * share)
