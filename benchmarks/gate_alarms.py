"""How many ruined results the quality gate catches, and how many good ones it calls bad, each with its 95 % interval.

    python -m benchmarks.gate_alarms FOLDER            # a project folder whose pairs are dressed (steps up to tryon)
    python -m benchmarks.gate_alarms FOLDER --list     # also every miss and false alarm

Every pair is taken as good, so look at them first. Each is ruined in seven ways that have happened: a rectangle of the garment's
colours, the mask the wrong way round, another garment's result, a shift, a blur, one half missing (as the old photo, as grey);
and in fourteen of shape (`shape_faults.py`). Ruined ones are judged on the canvas alone: what edge, face and surroundings would
add is left out. Each line also says how many the gate found without its measures of shape.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shape_faults import FAULTS
from compose.dressed_matte.matte import dressed_alpha, dressed_cutout
from compose.gate.gate import measure_canvas, measure_outline, measure_pair
from compose.gate.scores import Scores
from compose.gate.shape import Shape
from compose.restore_inputs import RestoreInputs
from compose.restore_step import RestoreConfig, RestoreStep, dress_photo, with_own_hands
from pipeline.core.arrays import RGB
from pipeline.core.inputs.ids import slug
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import TRYON, Layout
from pipeline.core.masks import Mask, box_of
from pipeline.core.score import PASS_SCORE
from pipeline.core.step import Context

Ruin = Callable[[RestoreInputs, RestoreInputs, np.random.Generator], RestoreInputs]
"""A pair, another pair of the same person's category, random numbers → the pair with a ruined result."""


class Alarm(NamedTuple):
    """Whether the gate flags a pair, and whether it did before it saw shape."""

    now: bool
    without_shape: bool


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    reach = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return (middle - reach) / (1 + z * z / count), (middle + reach) / (1 + z * z / count)


def rectangle(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """The garment's picture as a rectangle over most of the area to repaint."""
    box = box_of(inputs.mask)
    assert box is not None and inputs.cloth is not None and inputs.cloth_mask is not None
    garment = box_of(inputs.cloth_mask)
    assert garment is not None
    inner = inputs.cloth[garment.window(inputs.cloth.shape[:2])]
    cut = [round(0.25 * side) for side in inner.shape[:2]]
    size = (round(box.width * random.uniform(0.6, 0.95)), round(box.height * random.uniform(0.6, 0.95)))
    patch = cv2.resize(inner[cut[0] : -cut[0], cut[1] : -cut[1]], size, interpolation=cv2.INTER_CUBIC)
    top = box.top + round(random.uniform(0, box.height - size[1]))
    left = box.left + round(random.uniform(0, box.width - size[0]))
    result = inputs.canvas.copy()
    result[top : top + size[1], left : left + size[0]] = patch
    return replace(inputs, result=_inside(inputs, result))


def wrong_polarity(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """Everything but the garment's place was painted over."""
    mask = ~inputs.mask
    texture = cv2.GaussianBlur(random.integers(0, 256, inputs.canvas.shape, np.uint8), (0, 0), 3)
    return replace(inputs, mask=mask, result=np.where(mask[..., None], texture, inputs.canvas).astype(np.uint8))


def swapped(inputs: RestoreInputs, other: RestoreInputs, _: np.random.Generator) -> RestoreInputs:
    """The same person in another garment."""
    return replace(inputs, result=other.result)


def shifted(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """The painted garment moved sideways and down by a quarter of the mask or more."""
    box = box_of(inputs.mask)
    assert box is not None
    x = random.choice([-1, 1]) * random.uniform(0.25, 0.45) * box.width
    y = random.uniform(0, 0.3) * box.height
    move = np.array([[1, 0, x], [0, 1, y]])
    painted = _painted(inputs).astype(np.uint8)
    there = cv2.warpAffine(painted, move, painted.shape[::-1], flags=cv2.INTER_NEAREST) > 0
    moved = cv2.warpAffine(inputs.result, move, painted.shape[::-1])
    return replace(inputs, result=_inside(inputs, np.where(there[..., None], moved, inputs.canvas)))


def blurred(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """The result without details."""
    return replace(inputs, result=_inside(inputs, cv2.GaussianBlur(inputs.result, (0, 0), random.uniform(6, 12))))


def half_as_before(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """One half of the garment was not painted."""
    return replace(inputs, result=np.where(_half(inputs, random)[..., None], inputs.canvas, inputs.result).astype(np.uint8))


def half_grey(inputs: RestoreInputs, _: RestoreInputs, random: np.random.Generator) -> RestoreInputs:
    """One half of the area to repaint stayed the grey of the agnostic picture."""
    half = _half(inputs, random) & inputs.mask
    return replace(inputs, result=np.where(half[..., None], 128, inputs.result).astype(np.uint8))


RUINS: dict[str, Ruin] = {
    "rectangle": rectangle,
    "wrong polarity": wrong_polarity,
    "swapped garment": swapped,
    "shifted": shifted,
    "blurred": blurred,
    "half as before": half_as_before,
    "half grey": half_grey,
}


def _painted(inputs: RestoreInputs) -> Mask:
    return inputs.mask & (cv2.absdiff(inputs.canvas, inputs.result).max(2) > 4)


def _inside(inputs: RestoreInputs, result: RGB) -> RGB:
    inside: RGB = np.where(inputs.mask[..., None], result, inputs.canvas).astype(np.uint8)
    return inside


def _half(inputs: RestoreInputs, random: np.random.Generator) -> Mask:
    """(h, w) bool: one side of the painted area's middle, at random left, right, above or below."""
    rows, columns = np.nonzero(_painted(inputs))
    across = bool(random.integers(2))
    places = np.indices(inputs.mask.shape)[1 if across else 0]
    middle = np.median(columns if across else rows)
    half: Mask = places < middle if random.integers(2) else places >= middle
    return half


def pairs_of(folder: Path, engine: str) -> Iterator[Pair]:
    """The dressed pairs of a project folder, by the names of their files."""
    layout = Layout(folder / "inputs", folder / "outputs")
    photos = {slug(path.name): path for path in sorted((folder / "inputs/person").iterdir())}
    for category in Category:
        for cloth in sorted((folder / "inputs/cloth" / category.value).glob("*")):
            garment = Garment(slug(cloth.name), str(cloth.relative_to(folder)).replace("inputs/", "inputs:", 1), category)
            for name, photo in photos.items():
                pair = Pair(Person(name, f"inputs:person/{photo.name}", (category,)), garment, engine)
                if layout.path(TRYON.of(pair.id, engine)).is_file():
                    yield pair


def judged(step: RestoreStep, inputs: RestoreInputs) -> tuple[Scores, NDArray[np.uint8]]:
    """The measures of one pair, as the restore step takes them, and the dressed person's matte on the canvas."""
    photos = dress_photo(inputs, step.config, 0)
    alpha = with_own_hands(dressed_alpha(photos), photos, inputs)
    scores = measure_pair(inputs, photos, dressed_cutout(photos, inputs.cutout, alpha), step.read_face)
    return scores, inputs.frame.to_canvas(alpha, 0)


def other_garment(pairs: Sequence[Pair], this: Pair, random: np.random.Generator) -> Pair | None:
    """Another garment on the same person, of the same category where there is one."""
    same = [each for each in pairs if each.person.id == this.person.id and each.garment.id != this.garment.id]
    alike = [each for each in same if each.garment.category == this.garment.category] or same
    return alike[int(random.integers(len(alike)))] if alike else None


def main() -> None:
    """Print one line per kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="preview")
    parser.add_argument("--list", action="store_true", help="every miss and false alarm")
    parser.add_argument("--skip", nargs="*", default=[], metavar="PAIR", help="pairs that are not good, by id")
    args = parser.parse_args()
    step = RestoreStep(RestoreConfig(), Context(Layout(args.folder / "inputs", args.folder / "outputs")))
    pairs = [pair for pair in pairs_of(args.folder, args.engine) if pair.id not in args.skip]
    found: dict[str, list[Alarm]] = {"false alarms": []} | {kind: [] for kind in (*RUINS, *FAULTS)}
    for pair in pairs:
        inputs = step.read(pair)
        scores, alpha = judged(step, inputs)
        found["false alarms"].append(_alarm(scores, step, f"false alarm {pair.id}" if args.list else ""))
        for kind, fault in FAULTS.items():
            faulty = fault(inputs, alpha, np.random.default_rng(zlib.crc32(f"{kind} {pair.id}".encode())))
            if faulty is not None:
                found[kind].append(_alarm(replace(measure_canvas(faulty[0]), shape=measure_outline(*faulty)), step, ""))
                if args.list and not found[kind][-1].now:
                    print(f"missed {kind}: {pair.id}")
        for kind, ruin in RUINS.items():
            random = np.random.default_rng(zlib.crc32(f"{kind} {pair.id}".encode()))
            other = other_garment(pairs, pair, random) if ruin is swapped else pair
            if other is None:
                continue
            ruined = ruin(inputs, inputs if other is pair else step.read(other), random)
            found[kind].append(_alarm(measure_canvas(ruined), step, ""))
            if args.list and not found[kind][-1].now:
                print(f"missed {kind}: {pair.id}")
    for kind, alarms in found.items():
        report(kind, alarms)
    report("all ruined", [alarm for kind in RUINS for alarm in found[kind]])
    report("all faults of shape", [alarm for kind in FAULTS for alarm in found[kind]])


def _alarm(scores: Scores, step: RestoreStep, name: str) -> Alarm:
    """Whether the gate would flag it; printed with its flags when it has a name."""
    now, without = (each.overall(step.config) < PASS_SCORE for each in (scores, replace(scores, shape=Shape())))
    if now and name:
        print(name, *(f"{notice.flag.value}: {notice.detail}" for notice in scores.notices(step.config)), sep="; ")
    return Alarm(now, without)


def report(what: str, alarms: Sequence[Alarm]) -> None:
    """One line: how many of how many, share and interval, and how many without the measures of shape."""
    hits, count = sum(alarm.now for alarm in alarms), len(alarms)
    low, high = wilson(hits, count)
    before = sum(alarm.without_shape for alarm in alarms)
    print(f"{what:24s} {hits:4d} of {count:4d} = {hits / max(1, count):6.1%}  ({low:.1%} to {high:.1%}); without shape {before}")


if __name__ == "__main__":
    main()
