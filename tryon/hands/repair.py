"""Hands of one dressed picture, drawn once more where that makes them better; everything else stays as it is, bit for bit.

```
dressed picture ─▶ square around the hand, 512 x 512 ─▶ k candidates, colours matched ─▶ best by score ─▶ feathered back
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from pipeline.core.hands.facts import Fate, HandFact
from pipeline.core.hands.shape import skin_area
from pipeline.core.masks import Mask, dilate, feather
from pipeline.core.rect import Rect
from tryon.hands.config import RepairConfig
from tryon.hands.crops import back, cut, square_around
from tryon.hands.inpainting import Canvas
from tryon.hands.score import Judge, Likeness, stillness
from tryon.hands.visible import Hand

Paint = Callable[[Canvas, Sequence[int]], list[RGB | None]]
"""A crop and a seed per candidate → a picture each; None where a number format overflowed."""

LEAST_CHANGED = 0.05
"""Of a hand's area: less is the photo's own hand."""
LEAST_SKIN = 0.25
"""Of a hand's area in the dressed picture: less is under the new garment, and no hand is drawn over that."""
SKIN_NEAR = 25.0
"""Distance in L*a*b*'s a and b at which a colour is still the photo's skin; light may differ."""
ROUND = 0.3
"""A given mask is one hand's up to so many hand sizes beyond it; both hands are in one file."""
RING = 0.2
MOST_SHIFT = 20.0
"""Grey levels: a larger shift of the surroundings is another picture, not a colour cast."""


@dataclass
class Repaired:
    """What became of the hands of a picture.

    Args:
        picture: (h, w, 3) uint8 RGB.
        hands: side → fate and score, of the hands that were drawn once more.
        lines: side → in words, also of those that were left alone.
        seeds: side → seed of the candidate that was taken.
    """

    picture: RGB
    hands: dict[str, HandFact] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """How candidates are drawn and judged.

    Args:
        seeds: of the candidates.
        paint: draws them.
        judge: says how much a hand is still the photo's.
        config: settings.
    """

    seeds: Sequence[int]
    paint: Paint
    judge: Judge
    config: RepairConfig


def repair_hands(
    dressed: RGB, photo: RGB, allowed: Mask, hands: Sequence[Hand], drawing: Drawing, given: Mask | None = None
) -> Repaired:
    """Repair every hand that is worth it.

    Args:
        dressed: (h, w, 3) uint8 RGB: what an engine drew.
        photo: (h, w, 3) uint8 RGB: the person before, on the same canvas.
        allowed: (h, w) bool, True = may be repainted.
        hands: of the photo, canvas pixels.
        drawing: how candidates are drawn and judged.
        given: (h, w) bool, the user's mask of both hands; None = the hulls of their key-points.
    """
    done = Repaired(dressed.copy())
    for hand in hands:
        why = why_left(hand, dressed, photo, allowed)
        if why:
            done.lines[hand.side] = why
            continue
        done.lines[hand.side] = _repair(done, hand, area_of(hand, allowed, given), drawing)
    return done


def area_of(hand: Hand, allowed: Mask, given: Mask | None) -> Mask:
    """Where a hand is repainted, (h, w) bool: its hull grown to the skin, or what a given mask says round that."""
    area = skin_area((allowed.shape[0], allowed.shape[1]), hand.seen)
    return allowed & (area if given is None else given & dilate(area, ROUND * hand.size_px))


def why_left(hand: Hand, dressed: RGB, photo: RGB, allowed: Mask) -> str:
    """Why a hand is not looked at: no hand, cut off, untouched, or under the garment; empty when it is."""
    size = (photo.shape[0], photo.shape[1])
    if why := hand.why_not(size, least_px=1):
        return why
    area = skin_area(size, hand.seen)
    changed = (np.abs(dressed.astype(np.int16) - photo).max(axis=2) > 3) & allowed & area
    if changed.sum() < LEAST_CHANGED * area.sum():
        return "untouched"
    return "under the garment" if skin_share(dressed, photo, hand) < LEAST_SKIN else ""


def skin_share(dressed: RGB, photo: RGB, hand: Hand) -> float:
    """Share of the hand's area whose colour in the dressed picture is that of the photo's hand, whatever the light."""
    core = skin_area((photo.shape[0], photo.shape[1]), hand.seen, grow=0)
    if not core.any():
        return 0.0
    before, after = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB)[core][:, 1:].astype(np.float32) for each in (photo, dressed))
    return float((np.linalg.norm(after - np.median(before, axis=0), axis=1) < SKIN_NEAR).mean())


def _repair(done: Repaired, hand: Hand, area: Mask, drawing: Drawing) -> str:
    """Draw one hand; puts it into `done` when it is better. Returns what happened."""
    if not area.any():
        return "not in the mask"
    likeness, config = drawing.judge(hand), drawing.config
    if likeness is None:
        return "not seen in the photo"
    before = likeness(done.picture)
    if before >= config.below:
        return f"good already ({before:.2f})"
    scored = _candidates(done.picture, hand, area, likeness, drawing)
    best = max(scored, key=lambda each: each.score, default=None)
    if best is None or best.score < before + config.gain:
        done.hands[hand.side] = HandFact(Fate.NOT_REPAIRED, before)
        return f"not better ({0.0 if best is None else best.score:.2f} after {before:.2f})"
    done.picture, done.seeds[hand.side] = best.picture, best.seed
    done.hands[hand.side] = HandFact(Fate.REPAIRED, best.likeness)
    return f"repaired ({best.likeness:.2f} after {before:.2f})"


@dataclass(frozen=True)
class Candidate:
    """A hand that was drawn once more.

    Args:
        picture: (h, w, 3) uint8 RGB, the whole picture with it.
        seed: that it was drawn from.
        likeness: to the photo's hand, in [0, 1].
        still: how little changed outside the mask, in [0, 1].
    """

    picture: RGB
    seed: int
    likeness: float
    still: float

    @property
    def score(self) -> float:
        """What the best is chosen by: a better hand in another picture is none."""
        return self.likeness * self.still


def _candidates(picture: RGB, hand: Hand, area: Mask, likeness: Likeness, drawing: Drawing) -> list[Candidate]:
    """A hand of each seed; what overflowed is left out."""
    square = square_around(hand.seen, (picture.shape[0], picture.shape[1]), drawing.config.factor)
    crop, mask = cut(picture, square), cut(area.astype(np.uint8) * 255, square) > 0
    scored = []
    for seed, drawn in zip(drawing.seeds, drawing.paint(Canvas(crop, mask), drawing.seeds), strict=True):
        if drawn is not None:
            drawn = match_colours(crop, drawn, mask)
            laid = laid_in(picture, drawn, square, area, drawing.config.feather_px)
            scored.append(Candidate(laid, seed, likeness(laid), stillness(crop, drawn, mask)))
    return scored


def laid_in(picture: RGB, drawn: RGB, square: Rect[int], area: Mask, feather_px: float) -> RGB:
    """What will be seen, and is judged: (h, w, 3) uint8, the drawn crop in the old picture, within the area, with a soft seam."""
    window = square.window((picture.shape[0], picture.shape[1]))
    weight = feather(area, feather_px)[window][..., None]
    old, result = picture[window].astype(np.float32), picture.copy()
    new = old + weight * (back(drawn, square).astype(np.float32) - old)
    result[window] = np.where(weight > 0, np.rint(new).astype(np.uint8), picture[window])
    return result


def match_colours(before: RGB, after: RGB, mask: Mask) -> RGB:
    """Take out the shift of colours that shows around the mask, where both should be alike: the VAE's, and the model's own light.

    Args:
        before, after: (h, w, 3) uint8 RGB.
        mask: (h, w) bool, True = repainted.
    """
    ring = dilate(mask, RING * max(1.0, float(np.sqrt(mask.sum())))) & ~mask
    if not ring.any():
        return after
    shift = np.median(before[ring].astype(np.int16) - after[ring].astype(np.int16), axis=0)
    shift = np.clip(shift, -MOST_SHIFT, MOST_SHIFT)
    matched: RGB = np.clip(after + shift, 0, 255).astype(np.uint8)
    return matched
