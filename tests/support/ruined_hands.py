"""Eleven rendered hands with variants, and what try-on models make of hands, done by code: good and bad.

Everything is drawn in a square round the hand and put back into the picture, so that only the hand differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images, masks
from pipeline.core.hands.shape import FINGERS, PALM, bones_area, half_finger, hull_area

DATA = Path(__file__).parents[1] / "data" / "hands"
SIDE = 320
SEEN_LEVELS, LEAST_SEEN = 20, 5.0
"""A ruined hand must differ by this many grey levels on at least this many squares of half a finger, or nobody sees it."""


@dataclass(frozen=True)
class Hand:
    """A picture of a hand: (h, w, 3) RGB uint8, wrist and elbow (2,), the hand's key-points (21, 2), all in its pixels."""

    name: str
    picture: np.ndarray
    wrist: np.ndarray
    elbow: np.ndarray
    points: np.ndarray

    def moved(self, name: str, matrix: np.ndarray) -> Hand:
        """The hand through a (2, 3) affine map of the picture."""
        height, width = self.picture.shape[:2]
        size = (width, height)
        picture = cv2.warpAffine(self.picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        ends = [(each @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32) for each in (self.wrist, self.elbow, self.points)]
        return Hand(f"{self.name} {name}", picture, *ends)


def rendered_hands() -> list[Hand]:
    """The eleven."""
    record = json.loads((DATA / "hands.json").read_text())
    return [
        Hand(
            name,
            images.read_rgb(DATA / f"{name}.jpg"),
            *(np.asarray(each[key], np.float32) for key in ("wrist", "elbow", "points")),
        )
        for name, each in record.items()
    ]


def variants(hand: Hand) -> Iterator[Hand]:
    """The hand itself, mirrored, turned, and smaller: four pictures, one hand."""
    height, width = hand.picture.shape[:2]
    middle = (width / 2, height / 2)
    yield hand
    yield hand.moved("mirrored", np.array([[-1, 0, width - 1], [0, 1, 0]], np.float64))
    yield hand.moved("turned", cv2.getRotationMatrix2D(middle, 25, 1))
    yield hand.moved("small", cv2.getRotationMatrix2D(middle, -15, 0.75))


class _Square:
    """A hand at a fixed size, and the way back."""

    def __init__(self, hand: Hand) -> None:
        low, high = hand.points.min(0), hand.points.max(0)
        side = 2.0 * float((high - low).max())
        scale, corner = SIDE / side, (low + high) / 2 - side / 2
        self._matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
        self._hand = hand
        self.picture = cv2.warpAffine(
            hand.picture, self._matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)
        self.points = (hand.points * scale - scale * corner).astype(np.float32)
        self.unit = half_finger(self.points)
        self.palm = hull_area((SIDE, SIDE), self.points[list(PALM)])

    def strokes(self, ids: tuple[int, ...], wide: float, beyond: float = 0.0) -> np.ndarray:
        """(SIDE, SIDE) bool: a line through key-points, half as wide as `wide` half fingers, drawn on beyond the last."""
        ends = [self.points[i] for i in ids]
        last = ends[-1] - ends[-2]
        ends.append(ends[-1] + beyond * self.unit * last / max(float(np.hypot(*last)), 1e-6))
        canvas = np.zeros((SIDE, SIDE), np.uint8)
        cv2.polylines(
            canvas, [np.round(np.array(ends) * 8).astype(np.int32)], False, 1, max(1, round(2 * wide * self.unit)), 8, 3
        )
        return canvas.astype(bool)

    def disc(self, point: int, wide: float) -> np.ndarray:
        """(SIDE, SIDE) bool: around one key-point."""
        centre = tuple(self.points[point].astype(int).tolist())
        return cv2.circle(np.zeros((SIDE, SIDE), np.uint8), centre, int(wide * self.unit), 1, -1).astype(bool)

    def hand(self) -> np.ndarray:
        """(SIDE, SIDE) bool: the hand's pixels, cut out by colour from its bones outwards (GrabCut)."""
        sure = bones_area((SIDE, SIDE), self.points, 0.45 * self.unit)
        near = masks.dilate(sure, 1.4 * self.unit)
        labels = np.full((SIDE, SIDE), cv2.GC_BGD, np.uint8)
        labels[near], labels[sure] = cv2.GC_PR_FGD, cv2.GC_FGD
        labels[self.disc(0, 3) & ~near] = cv2.GC_PR_BGD
        cv2.setRNGSeed(3)
        colours = np.ascontiguousarray(np.clip(self.picture, 0, 255)[..., ::-1].astype(np.uint8))
        cv2.grabCut(colours, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
        return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))

    def put_back(self, drawn: np.ndarray, area: np.ndarray) -> np.ndarray:
        """The whole picture with the drawn square's `area` in it."""
        back, scale = cv2.invertAffineTransform(self._matrix), float(self._matrix[0, 0])
        size = self._hand.picture.shape[1::-1]
        soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), 0.5 * max(scale, 1))
        if scale > 1:
            drawn = cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), 0.35 * scale)
        large = cv2.warpAffine(drawn.astype(np.float32), back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = cv2.warpAffine(soft, back, size, flags=cv2.INTER_LINEAR)[..., None]
        return np.clip(self._hand.picture * (1 - weight) + large * weight + 0.5, 0, 255).astype(np.uint8)

    def seen(self, drawn: np.ndarray, area: np.ndarray) -> float:
        """How much of the hand visibly differs, in squares of half a finger."""
        return float((np.abs(drawn - self.picture).max(2)[area] > SEEN_LEVELS).sum() / self.unit**2)


Drawn = tuple[np.ndarray, np.ndarray]
"""(SIDE, SIDE, 3) float32 and the (SIDE, SIDE) bool area of it that is new."""


def fused(square: _Square, random: np.random.Generator) -> Drawn:
    """Four fingers as one mitten: the spaces between them filled with skin, the creases gone."""
    hand = square.hand()
    ids = [i for name, finger in FINGERS.items() if name != "thumb" for i in finger]
    area = masks.dilate(hull_area((SIDE, SIDE), square.points[ids]), 0.6 * square.unit)
    area &= masks.close(np.pad(hand, 60), 2.2 * square.unit)[60:-60, 60:-60]
    inner = masks.erode(hand, 2).astype(np.float32)
    blurred = cv2.GaussianBlur(square.picture * inner[..., None], (0, 0), 0.9 * square.unit)
    skin = blurred / np.maximum(cv2.GaussianBlur(inner, (0, 0), 0.9 * square.unit), 1e-4)[..., None]
    depth = cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_L2, 5)
    shade = cv2.GaussianBlur(np.where(depth < 0.35 * square.unit, 0.93, 1.0), (0, 0), 0.3 * square.unit)
    return np.where(area[..., None], skin * shade[..., None], square.picture), area


def removed(square: _Square, random: np.random.Generator) -> Drawn:
    """The finger that stands apart most is gone, and what is behind it goes on."""
    hand = square.hand()
    behind = _behind(square, hand, random)
    drawn = [_without(square, name, hand, behind) for name in FINGERS]
    return max(drawn, key=lambda each: square.seen(*each))


def _without(square: _Square, name: str, hand: np.ndarray, behind: np.ndarray) -> Drawn:
    _, joint, *_ = FINGERS[name]
    own = square.strokes(FINGERS[name][1:], 1.25, 1.2) & ~square.disc(joint, 1.35)
    others = square.palm.copy()
    for other, ids in FINGERS.items():
        others |= square.strokes(ids, 0.75, 0.6) & (other != name)
    area = own & masks.dilate(hand, 2) & ~masks.dilate(others, 1)
    return np.where(area[..., None], behind, square.picture), masks.dilate(area, 1)


def _behind(square: _Square, hand: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The square without the hand: its surroundings drawn inwards, with a little grain."""
    grown = masks.dilate(hand, 3).astype(np.uint8)
    filled = cv2.inpaint(np.clip(square.picture, 0, 255).astype(np.uint8), grown, 5, cv2.INPAINT_TELEA)
    return cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 1) + random.normal(0, 2, (SIDE, SIDE, 1))


def doubled(square: _Square, random: np.random.Generator) -> Drawn:
    """A sixth finger: a copy of one, turned about its knuckle, away from the others."""
    hand = square.hand()
    angle, size = float(random.uniform(24, 34)), float(random.uniform(0.85, 1))
    drawn = [_twin(square, name, hand, turn * angle, size) for name in FINGERS if name != "thumb" for turn in (-1, 1)]
    return max(drawn, key=lambda each: square.seen(*each))


def _twin(square: _Square, name: str, hand: np.ndarray, angle: float, size: float) -> Drawn:
    ids = FINGERS[name]
    own = square.strokes(ids, 1.15, 1.2) & hand
    matrix = cv2.getRotationMatrix2D(tuple(float(v) for v in square.points[ids[0]]), angle, size)
    turned = cv2.warpAffine(square.picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    area = cv2.warpAffine(own.astype(np.uint8) * 255, matrix, (SIDE, SIDE)) > 127
    area &= ~(hand & ~square.strokes(ids[:2], 0.8))
    return np.where(area[..., None], turned, square.picture), area


def melted(square: _Square, random: np.random.Generator) -> Drawn:
    """Fingers that run into each other, as when a model has too few steps."""
    soft = cv2.GaussianBlur(
        masks.dilate(hull_area((SIDE, SIDE), square.points), square.unit).astype(np.float32), (0, 0), square.unit
    )
    drawn = cv2.GaussianBlur(_bent(square, soft, 1.3, 0.75, random), (0, 0), 1.5)
    return drawn, soft > 0.02


def soft(square: _Square, random: np.random.Generator) -> Drawn:
    """A good hand: encoded and decoded, so softer, with another grain."""
    grain = cv2.GaussianBlur(random.normal(0, 6, square.picture.shape), (0, 0), 1.5)
    return cv2.GaussianBlur(square.picture, (0, 0), 0.16 * square.unit + 0.8) + grain, _around(square)


def lit(square: _Square, random: np.random.Generator) -> Drawn:
    """A good hand in slightly other light and colour."""
    drawn = cv2.GaussianBlur(square.picture, (0, 0), 0.8) * random.uniform(0.85, 1.12) + random.uniform(-4, 4, 3)
    return drawn, _around(square)


def shifted(square: _Square, random: np.random.Generator) -> Drawn:
    """A good hand, turned, scaled and moved a little."""
    middle = tuple(float(v) for v in square.points.mean(0))
    matrix = cv2.getRotationMatrix2D(middle, float(random.uniform(-6, 6)), float(random.uniform(0.95, 1.05)))
    matrix[:, 2] += random.uniform(-0.5, 0.5, 2) * square.unit
    drawn = cv2.warpAffine(square.picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(drawn, (0, 0), 1), _around(square)


def bent(square: _Square, random: np.random.Generator) -> Drawn:
    """A good hand whose fingers are bent a little otherwise."""
    weight = cv2.GaussianBlur(_around(square).astype(np.float32), (0, 0), square.unit)
    return cv2.GaussianBlur(_bent(square, weight, 5, 0.45, random), (0, 0), 1), weight > 0.02


def _bent(square: _Square, weight: np.ndarray, smooth: float, far: float, random: np.random.Generator) -> np.ndarray:
    """The square through a smooth random displacement; lengths in half fingers."""
    ways = [cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)), (0, 0), smooth * square.unit) for _ in range(2)]
    ways = [way / way.std() * far * square.unit * weight for way in ways]
    rows, columns = np.indices((SIDE, SIDE))
    place = [(columns + ways[0]).astype(np.float32), (rows + ways[1]).astype(np.float32)]
    return cv2.remap(square.picture, *place, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _around(square: _Square) -> np.ndarray:
    return masks.dilate(hull_area((SIDE, SIDE), square.points), 1.5 * square.unit)


Way = Callable[[_Square, np.random.Generator], Drawn]
BAD: tuple[Way, ...] = (fused, removed)
GOOD: tuple[Way, ...] = (soft, lit, shifted, bent)


def drawn_anew(hand: Hand, way: Way, seed: int = 1) -> np.ndarray | None:
    """The hand's picture with the hand drawn so; None where a defect would hardly be seen: no finger stands apart there."""
    square = _Square(hand)
    drawn, area = way(square, np.random.default_rng(seed))
    if way not in GOOD and square.seen(drawn, area) < LEAST_SEEN:
        return None
    return square.put_back(drawn, area)


def cut_off(hand: Hand) -> Hand:
    """The picture ends across the fingers."""
    row = int(hand.points[:, 1].max() - 0.3 * np.ptp(hand.points[:, 1]))
    return replace(hand, picture=np.ascontiguousarray(hand.picture[:row]))
