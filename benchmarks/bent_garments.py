"""Drawn pairs whose flow is known: a printed shirt, and a body that a thin-plate spline bends together with that shirt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Float, Labels
from pipeline.core.labels import DENSEPOSE_COLOURS, BodyPart, Parse
from pipeline.core.masks import Mask

SIZE = (256, 192)
TESTED = 10_000
"""Seeds from here on are of pairs that nobody trains on."""
FINE = 4
"""Bodies are drawn this many times larger, so that a bent label is off by an eighth of a pixel at most."""
SHIRT = ((74, 58), (86, 66), (106, 66), (118, 58), (136, 66), (168, 112), (146, 126), (132, 108), (134, 200), (58, 200),
         (60, 108), (46, 126), (24, 112), (56, 66))  # fmt: skip
"""Corners (x, y) of the flat shirt, in pixels."""
ARMS = (((70, 74), (38, 116), (26, 168)), ((122, 74), (154, 116), (166, 168)))
"""Shoulder, elbow, wrist (x, y): the person's right arm, the left one."""


@dataclass(frozen=True)
class Bend:
    """How a spline is drawn.

    Args:
        shift: pixels by which the whole person is moved, at most.
        stretch: share by which height and width are changed, at most.
        wave: pixels by which each of 4 × 3 places is moved by itself, standard deviation.
    """

    shift: float = 8.0
    stretch: float = 0.06
    wave: float = 4.0


@dataclass(frozen=True)
class BentPair:
    """A pair, all (256, 192).

    Args:
        cloth: uint8 RGB, the flat shirt on white.
        cloth_mask: bool.
        image: uint8 RGB, a person who wears it.
        parse: uint8 of `Parse`.
        parse_agnostic: the same without shirt and arms; hands stay.
        parts: uint8 of `BodyPart`.
        flow: (256, 192, 2) float32: the place (x, y) of the flat shirt, in pixels, that each place of the person shows.
    """

    cloth: RGB
    cloth_mask: Mask
    image: RGB
    parse: Labels
    parse_agnostic: Labels
    parts: Labels
    flow: Float

    @property
    def worn(self) -> Mask:
        """Where the flow is told by anything: the shirt as it is worn."""
        return self.parse == Parse.UPPER_CLOTHES


def spline(seed: int, bend: Bend) -> Float:
    """(256, 192, 2) float32, person to flat shirt: a thin-plate spline through 4 × 3 moved places (Bookstein 1989)."""
    random = np.random.default_rng(seed)
    height, width = SIZE
    grid = np.stack(np.meshgrid(np.linspace(20, width - 20, 3), np.linspace(24, height - 24, 4)), -1).reshape(-1, 2)
    middle = np.array([width, height]) / 2
    moved = middle + (grid - middle) * (1 + random.uniform(-bend.stretch, bend.stretch, 2))
    moved = moved + random.uniform(-bend.shift, bend.shift, 2) + random.normal(0, bend.wave, grid.shape)
    ones = np.ones((len(grid), 1))
    system = np.block([[_radial(grid, grid), ones, grid], [ones.T, np.zeros((1, 3))], [grid.T, np.zeros((2, 3))]])
    weights = np.linalg.solve(system, np.vstack([moved, np.zeros((3, 2))]))
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2).astype(float)
    found = np.hstack([_radial(places, grid), np.ones((len(places), 1)), places]) @ weights
    return found.reshape(height, width, 2).astype(np.float32)


def bent_pair(seed: int, bend: Bend) -> BentPair:
    """A pair from a seed: its print, its spline."""
    cloth, mask = flat_shirt(seed)
    flow = spline(seed, bend)
    parts, parse = _bent(body_parts(), flow), _bent(body_labels(), flow)
    worn = cv2.remap(mask.astype(np.float32), flow, None, cv2.INTER_LINEAR) >= 0.5
    parse = np.where(worn, np.uint8(Parse.UPPER_CLOTHES), parse)
    shown = cv2.remap(cloth, flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image = np.where(worn[..., None], shown, np.asarray(DENSEPOSE_COLOURS, np.uint8)[parts] // 2 + 100)
    hidden = np.isin(parse, (Parse.UPPER_CLOTHES, Parse.LEFT_ARM, Parse.RIGHT_ARM, Parse.NECK))
    kept = np.isin(parts, (BodyPart.LEFT_HAND, BodyPart.RIGHT_HAND))
    agnostic = np.where(hidden & ~kept, np.uint8(Parse.BACKGROUND), parse)
    return BentPair(cloth, mask, image, parse, agnostic, parts, flow)


def flat_shirt(seed: int) -> tuple[RGB, Mask]:
    """A shirt with a print of blots in three sizes, on white; and where it is."""
    random = np.random.default_rng((seed, 1))
    mask = _filled(SHIRT, 1) > 0
    print_ = np.zeros((*SIZE, 3))
    for size in (5, 12, 30):
        blots = cv2.GaussianBlur(random.normal(0, 1, (*SIZE, 3)), (0, 0), size)
        print_ += blots / blots.std()
    levels = np.clip(120 + 50 * print_, 0, 235).astype(np.uint8)
    return np.where(mask[..., None], levels, np.uint8(255)), mask


@cache
def body_parts() -> Labels:
    """(1024, 768) uint8 of `BodyPart`: a person who stands, before any spline."""
    canvas = np.zeros((SIZE[0] * FINE, SIZE[1] * FINE), np.uint8)
    _line(canvas, (82, 190), (80, 255), 30, BodyPart.RIGHT_THIGH_FRONT)
    _line(canvas, (110, 190), (112, 255), 30, BodyPart.LEFT_THIGH_FRONT)
    cv2.fillPoly(canvas, [_fine(((72, 62), (120, 62), (130, 84), (128, 198), (64, 198), (62, 84)))], BodyPart.TORSO_FRONT)
    sides = ((BodyPart.RIGHT_UPPER_ARM_OUTER, BodyPart.RIGHT_FOREARM_OUTER, BodyPart.RIGHT_HAND),
             (BodyPart.LEFT_UPPER_ARM_OUTER, BodyPart.LEFT_FOREARM_OUTER, BodyPart.LEFT_HAND))  # fmt: skip
    for (shoulder, elbow, wrist), (upper, lower, hand) in zip(ARMS, sides, strict=True):
        _line(canvas, elbow, wrist, 13, lower)
        _line(canvas, shoulder, elbow, 17, upper)
        _line(canvas, wrist, (wrist[0], wrist[1] + 14), 12, hand)
    cv2.ellipse(canvas, (96 * FINE, 34 * FINE), (16 * FINE, 21 * FINE), 0, 0, 360, BodyPart.HEAD_RIGHT, -1)
    cv2.ellipse(canvas, (96 * FINE, 34 * FINE), (16 * FINE, 21 * FINE), 0, -90, 90, BodyPart.HEAD_LEFT, -1)
    return canvas


@cache
def body_labels() -> Labels:
    """(1024, 768) uint8 of `Parse`: the same person, without a shirt."""
    parts = body_parts()
    labels = np.zeros(25, np.uint8)
    labels[[BodyPart.HEAD_LEFT, BodyPart.HEAD_RIGHT]] = Parse.FACE
    labels[[BodyPart.RIGHT_THIGH_FRONT, BodyPart.LEFT_THIGH_FRONT]] = Parse.PANTS
    labels[[BodyPart.RIGHT_UPPER_ARM_OUTER, BodyPart.RIGHT_FOREARM_OUTER, BodyPart.RIGHT_HAND]] = Parse.RIGHT_ARM
    labels[[BodyPart.LEFT_UPPER_ARM_OUTER, BodyPart.LEFT_FOREARM_OUTER, BodyPart.LEFT_HAND]] = Parse.LEFT_ARM
    labels[BodyPart.TORSO_FRONT] = Parse.NECK
    found: Labels = labels[parts]
    return found


def write_bent_tree(root: Path, bend: Bend, train: int, test: int) -> Path:
    """A VITON-HD tree of such pairs; those of the test list have other prints and other splines."""
    for split, seeds in (("train", range(train)), ("test", range(TESTED, TESTED + test))):
        for seed in seeds:
            _write(root / split, f"{seed:05}_00", bent_pair(seed, bend))
        (root / f"{split}_pairs.txt").write_text("".join(f"{n:05}_00.jpg {n:05}_00.jpg\n" for n in seeds), "utf-8")
    return root


def _write(base: Path, stem: str, pair: BentPair) -> None:
    files = {
        f"image/{stem}.jpg": images.png(pair.image),  # PNG inside, whatever the ending says: nothing is lost
        f"cloth/{stem}.jpg": images.png(pair.cloth),
        f"cloth-mask/{stem}.jpg": images.mask_png(pair.cloth_mask),
        f"image-densepose/{stem}.jpg": images.png(np.asarray(DENSEPOSE_COLOURS, np.uint8)[pair.parts]),
        f"image-parse-v3/{stem}.png": images.labels_png(pair.parse),
        f"image-parse-agnostic-v3.2/{stem}.png": images.labels_png(pair.parse_agnostic),
        f"agnostic-v3.2/{stem}.jpg": images.png(np.where(pair.worn[..., None], np.uint8(128), pair.image)),
        f"agnostic-mask/{stem}_mask.png": images.mask_png(pair.worn),
    }
    for name, content in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)


def _radial(places: Float, centres: Float) -> Float:
    squares = np.square(places[:, None] - centres[None]).sum(-1)
    values: Float = squares * np.log(np.maximum(squares, 1e-9))
    return values


def _bent(drawn: Labels, flow: Float) -> Labels:
    where = (flow + 0.5) * FINE - 0.5
    bent: Labels = cv2.remap(drawn, where.astype(np.float32), None, cv2.INTER_NEAREST)
    return bent


def _fine(corners: object) -> np.ndarray:
    return ((np.asarray(corners, float) + 0.5) * FINE - 0.5).round().astype(np.int32)


def _filled(corners: object, value: int) -> Labels:
    canvas = np.zeros((SIZE[0] * FINE, SIZE[1] * FINE), np.uint8)
    cv2.fillPoly(canvas, [_fine(corners)], value)
    return canvas[FINE // 2 :: FINE, FINE // 2 :: FINE]


def _line(canvas: Labels, start: object, end: object, width: int, value: int) -> None:
    cv2.line(canvas, tuple(map(int, _fine(start))), tuple(map(int, _fine(end))), int(value), width * FINE)
