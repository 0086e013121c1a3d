"""The paper's augmentations as pure functions, and the recipe that decides them by seed, epoch and sample.

Facts: docs/facts/stableviton_training.md#augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.core.arrays import RGB, Grey
from pipeline.core.config import StepConfig
from pipeline.core.labels import DENSEPOSE_COLOURS, BodyPart
from tryon.training.data.items import GREY, Item
from tryon.training.randomness import numpy_stream

Pixels = NDArray[np.uint8]


class AugmentConfig(StepConfig):
    """What is changed at random, each with its own probability."""

    flip: float = Field(0.5, ge=0, le=1)
    """Left-right, person and garment together."""
    move: float = Field(0.5, ge=0, le=1)
    """Shift and scale, person and garment each for itself."""
    shift: float = Field(0.2, ge=0, lt=1)
    """Largest shift, as a share of the side."""
    scale: float = Field(0.2, ge=0, lt=1)
    """Largest enlargement or reduction."""
    hsv: float = Field(0.5, ge=0, le=1)
    """Hue, saturation and value, the same for photo, agnostic and garment."""
    hsv_levels: float = Field(5.0, ge=0, le=90)
    """Largest change of each, in OpenCV's levels."""
    contrast: float = Field(0.5, ge=0, le=1)
    """Brightness and contrast, the same for photo, agnostic and garment."""
    contrast_limit: float = Field(0.3, ge=0, lt=1)
    """Largest change of contrast."""
    darkest: float = Field(-0.1, ge=-1, le=0)
    """Lowest brightness added, as a share of 255."""
    brightest: float = Field(0.02, ge=0, le=1)
    """Highest brightness added."""
    published_faults: bool = False
    """Repeat two faults: the worn garment's mask stays when the person moves, body-part colours keep their side in a flip."""

    @property
    def coloured(self) -> bool:
        """Whether colours may change; the agnostic picture is then composed again."""
        return bool(self.hsv or self.contrast)

    @property
    def any(self) -> bool:
        """Whether anything may change."""
        return bool(self.flip or self.move or self.coloured)


class Unchanged(AugmentConfig):
    """Nothing is changed at random, where a training was published without any."""

    flip: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    move: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    hsv: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    contrast: float = Field(0.0, ge=0, le=0)
    """Always 0."""


@dataclass(frozen=True)
class Move:
    """A scaling about the centre, then a shift; shares of the sides, positive = down and right."""

    scale: float = 1.0
    down: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What happens to one sample; None = nothing."""

    flip: bool = False
    person: Move | None = None
    garment: Move | None = None
    hsv: tuple[float, float, float] | None = None
    contrast: tuple[float, float] | None = None  # factor, share of 255 that is added


def decide(config: AugmentConfig, seed: int, epoch: int, sample: str) -> Changes:
    """The changes of a sample in an epoch: a function of its arguments alone."""
    draw = numpy_stream("augment", seed, epoch, sample)
    chance = draw.random(5)  # always as many numbers, so that one setting does not change another's draws
    numbers = draw.uniform(-1, 1, 11)

    def move(at: int) -> Move:
        return Move(1 + config.scale * numbers[at], config.shift * numbers[at + 1], config.shift * numbers[at + 2])

    levels = tuple(float(config.hsv_levels * number) for number in numbers[6:9])
    brightness = config.darkest + (config.brightest - config.darkest) * (numbers[10] + 1) / 2
    return Changes(
        flip=bool(chance[0] < config.flip),
        person=move(0) if chance[1] < config.move else None,
        garment=move(3) if chance[2] < config.move else None,
        hsv=(levels[0], levels[1], levels[2]) if chance[3] < config.hsv else None,
        contrast=(1 + config.contrast_limit * float(numbers[9]), float(brightness)) if chance[4] < config.contrast else None,
    )


def apply(item: Item, changes: Changes, config: AugmentConfig) -> Item:
    """Change a sample; the order is the published one: flip, person, garment, colours, agnostic composed again."""
    item = _flipped(item, swap_sides=not config.published_faults) if changes.flip else item
    if changes.person is not None:
        item = _person_moved(item, changes.person, with_worn=not config.published_faults)
    if changes.garment is not None:
        item = replace(item, cloth=moved(item.cloth, changes.garment), cloth_mask=moved(item.cloth_mask, changes.garment))
    if changes.hsv is not None or changes.contrast is not None:
        item = _each(item, ("image", "agnostic", "cloth"), partial(_recoloured, changes))
    return replace(item, agnostic=recomposed(item.agnostic, item.keep)) if config.coloured else item


def _recoloured(changes: Changes, picture: RGB) -> RGB:
    picture = picture if changes.hsv is None else shift_hsv(picture, *changes.hsv)
    return picture if changes.contrast is None else change_contrast(picture, *changes.contrast)


def _each(item: Item, names: Iterable[str], change: Callable[[Pixels], Pixels]) -> Item:
    """An item with some of its pictures changed."""
    changed: dict[str, Any] = {name: change(getattr(item, name)) for name in names}
    return replace(item, **changed)


def moved(array: Pixels, move: Move) -> Pixels:
    """Scale about the centre and shift, bilinear; what comes in from outside is 0."""
    height, width = array.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), 0, move.scale)
    matrix[:, 2] += (move.right * width, move.down * height)
    return np.asarray(cv2.warpAffine(array, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def shift_hsv(picture: RGB, hue: float, saturation: float, value: float) -> RGB:
    """Add to hue (0..179, around), saturation and value (0..255, cut off) of (h, w, 3) uint8 RGB."""
    levels = np.arange(256, dtype=np.float64)
    tables = [np.mod(levels + hue, 180), np.clip(levels + saturation, 0, 255), np.clip(levels + value, 0, 255)]
    parts = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV))
    changed = [cv2.LUT(part, table.astype(np.uint8)) for part, table in zip(parts, tables, strict=True)]
    return np.asarray(cv2.cvtColor(cv2.merge(changed), cv2.COLOR_HSV2RGB), np.uint8)


def change_contrast(picture: RGB, factor: float, added: float) -> RGB:
    """factor · level + added · 255, cut off, for (h, w, 3) uint8."""
    table = np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(added * 255)
    return np.asarray(cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)), np.uint8)


def recomposed(agnostic: NDArray[np.uint8] | NDArray[np.float32], keep: Grey) -> NDArray[np.float32]:
    """The agnostic picture where it is kept, grey 128 where it is not, blended between: (h, w, 3) fp32, 0..255."""
    share = (keep.astype(np.float32) / np.float32(255))[..., None]
    return np.asarray(agnostic.astype(np.float32) * share + np.float32(GREY) * (1 - share), np.float32)


def _flipped(item: Item, *, swap_sides: bool) -> Item:
    names = ("image", "agnostic", "densepose", "cloth", "mask", "cloth_mask", "worn")
    item = _each(item, names, lambda picture: np.ascontiguousarray(picture[:, ::-1]))
    return replace(item, densepose=sides_swapped(item.densepose)) if swap_sides else item


def _person_moved(item: Item, move: Move, *, with_worn: bool) -> Item:
    names = ("image", "agnostic", "densepose", "mask", *(("worn",) if with_worn else ()))
    return _each(item, names, lambda picture: moved(picture, move))


def sides_swapped(densepose: RGB) -> RGB:
    """Give left body parts the colours of right ones and back: a mirrored left arm is a right arm.

    Args:
        densepose: (h, w, 3) uint8 RGB; a pixel moves as the nearest colour of the table does, so noise and borders stay.
    """
    table = np.asarray(DENSEPOSE_COLOURS, np.int32)
    body = np.nonzero(densepose.any(axis=2))
    pixels = densepose[body].astype(np.int32)
    distance = ((pixels[:, None] - table[None]) ** 2).sum(axis=2)
    step = table[OTHER_SIDE] - table
    out = densepose.copy()
    out[body] = np.clip(pixels + step[distance.argmin(axis=1)], 0, 255).astype(np.uint8)
    return out


def _other_side(part: BodyPart) -> BodyPart:
    swapped = part.name.replace("LEFT", "?").replace("RIGHT", "LEFT").replace("?", "RIGHT")
    return BodyPart[swapped]


OTHER_SIDE = np.asarray([_other_side(part) for part in sorted(BodyPart)])
"""By `BodyPart`: the same part of the other side."""
