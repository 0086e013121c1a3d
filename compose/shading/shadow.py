"""The shadow of a standing person: dark where the soles touch, and a cast shadow that starts at each foot."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer, Plane
from pipeline.core.rect import Rect

WORK_HEIGHT = 320.0
"""A shadow is soft; it is drawn with the person at most this tall, then enlarged."""
NEAR_BLUR = 0.006
FAR_BLUR = 0.028
FADE = 0.7
"""Blur at the feet and at the head's shadow, and share of darkness lost on the way (shares of the person's height)."""
HARD_DARKNESS, HARD_BLUR = (0.6, 1.0, 1.25), (1.8, 1.0, 0.7)
"""Factors on darkness and blur of the cast shadow: overcast, ordinary light, sun."""
LEAST_DROP = 0.25
"""A horizon lies at least this far above the feet, share of the person's height."""
SHOE_REACH, SHOE_DARKNESS = 0.03, 0.45
"""How far up a shoe the ground's closeness darkens it (share of the person's height), and how much right at the sole."""
SOLE_ZONE = 0.05
"""How far above the sole a shoe darkens the ground beside it, share of the person's height."""
PRESS = 0.0045
"""How far below the shoe its own outline shows as shade, share of the person's height."""
POOL_WIDTH = 1.25
POOL_FLATNESS = 0.38
POOL_DARKNESS = 0.62
"""The pool of shade around a foot: half width in widths of the sole, height in half widths, darkness beside the contact's."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where one foot stands, background pixels: centre and half width of the sole, and its lowest row."""

    x: float
    row: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Stance:
    """How a person stands in the background.

    Args:
        contacts: at least one, from left to right.
        height: of the body, background pixels.
        crotch: the row where the legs part.
    """

    contacts: tuple[Contact, ...]
    height: float
    crotch: float

    @property
    def row(self) -> float:
        """The ground row of the trunk: the middle between the feet."""
        return float(np.mean([contact.row for contact in self.contacts]))


@dataclass(frozen=True, slots=True)
class ShadowLook:
    """How a shadow looks.

    Args:
        direction: where the head's shadow falls from the feet, in units of the person's height: (right, away from the viewer).
        contact: darkness under the soles, 0..1.
        cast: darkness of the cast shadow at the feet, 0..1.
        ground_row: background row above which there is no ground to carry a shadow.
        hardness: of the light: 0 = overcast, 0.5 = ordinary, 1 = the sun.
        horizon_row: background row in which the ground vanishes; a shadow towards the viewer widens away from it.
    """

    direction: tuple[float, float]
    contact: float
    cast: float
    ground_row: float = 0.0
    hardness: float = 0.5
    horizon_row: float | None = None

    @property
    def darkness(self) -> float:
        """Of the cast shadow: the sun's is darker, an overcast sky's paler."""
        return min(self.cast * float(np.interp(self.hardness, (0, 0.5, 1), HARD_DARKNESS)), 1.0)

    @property
    def blur(self) -> float:
        """Factor on the blur."""
        return float(np.interp(self.hardness, (0, 0.5, 1), HARD_BLUR))


@dataclass(frozen=True)
class Shadow:
    """Darkness in a window of the background: (h, w) float32 in [0, 1], 1 = black."""

    top: int
    left: int
    opacity: Plane

    def paint(self, canvas: NDArray[np.uint8]) -> None:
        """Darken a (h, w, 3) RGB uint8 picture in place."""
        height, width = self.opacity.shape
        window = canvas[self.top : self.top + height, self.left : self.left + width]
        window[...] = (window * (1 - self.opacity[..., None]) + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class _Sheet:
    """The small working picture that a shadow is drawn on: which part of the background, at which scale."""

    top: int
    left: int
    scale: float
    shape: tuple[int, int]

    def row(self, background_row: float) -> float:
        return (background_row - self.top) * self.scale

    def column(self, background_column: float) -> float:
        return (background_column - self.left) * self.scale

    def project(self, part: Plane, person: Layer, matrix: NDArray[np.float64]) -> Plane:
        """A part of the person's alpha, moved by a (3, 3) matrix in background coordinates."""
        to_sheet = np.array([[self.scale, 0, -self.left * self.scale], [0, self.scale, -self.top * self.scale], [0, 0, 1]])
        from_layer = np.array([[1, 0, person.left], [0, 1, person.top], [0, 0, 1]], np.float64)
        whole = to_sheet @ matrix @ from_layer
        if not whole[2, :2].any():
            projected: Plane = cv2.warpAffine(part, whole[:2], self.shape[::-1], flags=cv2.INTER_LINEAR)
            return projected
        return np.asarray(cv2.warpPerspective(part, whole, self.shape[::-1], flags=cv2.INTER_LINEAR), np.float32)


def draw_shadow(person: Layer, stance: Stance, look: ShadowLook, size: tuple[int, int]) -> Shadow | None:
    """The shadow of one person on the ground.

    Args:
        person: the person's layer; only alpha and position are read.
        stance: feet and height.
        look: direction and darkness.
        size: (height, width) of the background.

    Returns:
        None when it falls outside the background or is switched off.
    """
    area = _area(person, stance, look, size)
    if area.height <= 0 or area.width <= 0 or max(look.contact, look.cast) <= 0:
        return None
    scale = min(1.0, WORK_HEIGHT / stance.height)
    sheet = _Sheet(area.top, area.left, scale, (max(1, round(area.height * scale)), max(1, round(area.width * scale))))
    cast, contact = look.darkness * _cast(person, stance, look, sheet), look.contact * _contact(person, stance, sheet)
    rows = (np.arange(sheet.shape[0], dtype=np.float32) + 0.5) / np.float32(scale) + area.top
    carried = np.clip((rows - look.ground_row) / (0.01 * size[0]), 0, 1)[:, None]
    opacity = ((1 - (1 - cast) * (1 - contact)) * carried).astype(np.float32)
    full = cv2.resize(opacity, (area.width, area.height), interpolation=cv2.INTER_LINEAR)
    return Shadow(area.top, area.left, np.clip(full, 0, 1))


def occlude_feet(person: Layer, stance: Stance, strength: float) -> Colour:
    """The person's own shoes, darker towards the ground that takes the light from them.

    Args:
        person: the layer.
        stance: feet and height.
        strength: darkness of the contact shadow, 0..1.

    Returns:
        (h, w, 3) float32 RGB 0..255; the layer's own where nothing changes.
    """
    reach = SHOE_REACH * stance.height
    first = int(np.floor(min(contact.row for contact in stance.contacts) - reach)) - person.top
    if strength <= 0 or first >= person.alpha.shape[0]:
        return person.colour
    y, x = np.ogrid[max(first, 0) : person.alpha.shape[0], : person.alpha.shape[1]]
    dark = np.zeros((person.alpha.shape[0] - max(first, 0), person.alpha.shape[1]), np.float32)
    for contact in stance.contacts:
        height = np.clip(1 - (contact.row - (y + person.top + 0.5)) / reach, 0, 1)
        beside = np.clip(2.5 - np.abs(x + person.left - contact.x) / max(contact.half_width, 1.0), 0, 1)
        dark = np.maximum(dark, (height**2 * beside).astype(np.float32))
    colour = person.colour.copy()
    colour[max(first, 0) :] *= (1 - SHOE_DARKNESS * strength * dark)[..., None]
    return colour


def _area(person: Layer, stance: Stance, look: ShadowLook, size: tuple[int, int]) -> Rect[int]:
    """What holds the shadow, cut to the background; without height or width where all of it lies outside."""
    lean, away = (part * stance.height for part in look.direction)
    rows = [contact.row for contact in stance.contacts]
    pad = 0.1 * stance.height + person.alpha.shape[1] / 2 * (_widening(stance, look) - 1)
    left = person.left + min(lean, 0) - pad
    right = person.left + person.alpha.shape[1] + max(lean, 0) + pad
    top, bottom = min(rows) - max(away, 0) - pad, max(rows) + max(-away, 0) + pad
    first, start = int(np.clip(top, 0, size[0])), int(np.clip(left, 0, size[1]))
    last, stop = int(np.ceil(np.clip(bottom, 0, size[0]))), int(np.ceil(np.clip(right, 0, size[1])))
    return Rect(first, start, last - first, stop - start)


def _cast(person: Layer, stance: Stance, look: ShadowLook, sheet: _Sheet) -> Plane:
    """The body laid down on the ground: one affine for the trunk, one for each leg, equal where they meet.

    A leg's affine keeps its own sole in place and joins the trunk's at the crotch; with one affine for all, the shadow of the
    rear foot of a striding person would start in front of it.
    """
    drawn = np.zeros(sheet.shape, np.float32)
    wide = _widening(stance, look)
    nearer = _nearer(stance, look, wide)
    flat = replace(look, direction=(look.direction[0] / wide, look.direction[1] / wide))
    for part, matrix in _parts(person, stance, flat):
        drawn = np.maximum(drawn, sheet.project(part, person, nearer @ matrix))
    tall = stance.height * sheet.scale
    near = cv2.GaussianBlur(drawn, (0, 0), max(look.blur * NEAR_BLUR * tall, 0.5))
    far = cv2.GaussianBlur(drawn, (0, 0), max(look.blur * FAR_BLUR * tall, 0.8))
    length = look.direction[1] * tall
    distance = (sheet.row(stance.row) - np.arange(sheet.shape[0])) / (length if abs(length) > 1 else 1.0)
    share = np.clip(distance, 0, 1).astype(np.float32)[:, None] ** 0.6
    cast: Plane = (near * (1 - share) + far * share) * (1 - FADE * share)
    return cast


def _widening(stance: Stance, look: ShadowLook) -> float:
    """How much wider a shadow towards the viewer is at its tip: as wide as its distance from the horizon; 1 for any other."""
    length = -look.direction[1] * stance.height
    if length <= 0 or look.horizon_row is None:
        return 1.0
    return 1 + length / _drop(stance, look.horizon_row)


def _drop(stance: Stance, horizon_row: float) -> float:
    """Rows from the horizon to the feet, kept plausible for a horizon that was guessed."""
    return max(stance.row - horizon_row, LEAST_DROP * stance.height)


def _nearer(stance: Stance, look: ShadowLook, wide: float) -> NDArray[np.float64]:
    """(3, 3) projective map of the ground that leaves the row of the feet in place and widens what lies nearer."""
    if wide == 1 or look.horizon_row is None:
        return np.eye(3)
    drop, row = _drop(stance, look.horizon_row), stance.row
    middle = float(np.mean([contact.x for contact in stance.contacts]))
    return np.array(
        [[1, -middle / drop, middle * row / drop], [0, 1 - row / drop, row * row / drop], [0, -1 / drop, 1 + row / drop]],
        np.float64,
    )


def mirrored_parts(person: Layer, stance: Stance) -> list[tuple[Plane, NDArray[np.float64]]]:
    """Trunk and legs as (alpha of the part, (3, 3) affine that turns it upside down at its own sole)."""
    return _parts(person, stance, ShadowLook((0.0, -1.0), 0.0, 0.0))


def _parts(person: Layer, stance: Stance, look: ShadowLook) -> list[tuple[Plane, NDArray[np.float64]]]:
    """Trunk and legs as (alpha of the part, (3, 3) affine in background coordinates)."""
    alpha = person.alpha
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None] + person.top
    columns = np.arange(alpha.shape[1], dtype=np.float32)[None] + person.left
    parts = [(alpha * (rows <= stance.crotch + 1), _trunk(stance, look))]
    borders = [-np.inf, *_borders(stance.contacts), np.inf]
    overlap = 0.01 * stance.height
    for contact, (low, high) in zip(stance.contacts, itertools.pairwise(borders), strict=True):
        mine = (rows > stance.crotch - 1) & (columns > low - overlap) & (columns < high + overlap) & (rows <= contact.row + 1)
        parts.append((alpha * mine, _leg(stance, contact, look)))
    return parts


def _borders(contacts: tuple[Contact, ...]) -> list[float]:
    return [(a.x + a.half_width + b.x - b.half_width) / 2 for a, b in itertools.pairwise(contacts)]


def _trunk(stance: Stance, look: ShadowLook) -> NDArray[np.float64]:
    lean, away = look.direction
    ground = stance.row
    return np.array([[1, -lean, lean * ground], [0, away, ground * (1 - away)], [0, 0, 1]], np.float64)


def _leg(stance: Stance, contact: Contact, look: ShadowLook) -> NDArray[np.float64]:
    """Sole stays, crotch goes where the trunk's affine takes it; linear between."""
    trunk = _trunk(stance, look)
    length = max(contact.row - stance.crotch, 1.0)
    shift = (trunk[0, 1] * stance.crotch + trunk[0, 2]) / length  # sideways way of the crotch, per row above the sole
    slope = (contact.row - (trunk[1, 1] * stance.crotch + trunk[1, 2])) / length
    return np.array([[1, -shift, shift * contact.row], [0, slope, contact.row * (1 - slope)], [0, 0, 1]], np.float64)


def _contact(person: Layer, stance: Stance, sheet: _Sheet) -> Plane:
    """Darkness right at the soles: the shoe's own outline pressed a little down, and a flat pool of shade around it."""
    tall = stance.height * sheet.scale
    y, x = np.mgrid[: sheet.shape[0], : sheet.shape[1]].astype(np.float32)
    pressing = np.array([[1, 0, 0], [0, 1, PRESS * stance.height], [0, 0, 1]], np.float64)
    pressed = cv2.GaussianBlur(sheet.project(person.alpha, person, pressing), (0, 0), max(PRESS * tall, 0.5))
    dark = np.zeros(sheet.shape, np.float32)
    for contact in stance.contacts:
        row, wide = sheet.row(contact.row), contact.half_width * sheet.scale + 0.008 * tall
        sideways = np.abs(x - sheet.column(contact.x)) / wide
        zone = np.clip(1 - (row - y) / (SOLE_ZONE * tall), 0, 1) * np.clip(2.2 - sideways, 0, 1) * (y < row + 0.03 * tall)
        flat = POOL_FLATNESS * wide
        pool = np.exp(-((sideways / POOL_WIDTH) ** 2) - ((y - row + 0.3 * flat) / flat) ** 2)
        dark = np.maximum(dark, np.maximum(pressed * zone, POOL_DARKNESS * pool))
    return dark
