"""Training data for a hand LoRA out of a VITON-HD tree: crops of hands with masks, captions and a split; kohya's folders beside.

```
DIR/train_pairs.txt, test_pairs.txt          what `train hand-lora --data DIR` reads
DIR/{train,test}/image/00001_00_left.png     crop, 512 x 512
DIR/{train,test}/agnostic-mask/…_mask.png    white = hand
DIR/{train,test}/caption/….txt
DIR/kohya/img/N_hands/….png and .txt         N = how often a picture counts in an epoch
DIR/kohya/masks/N_hands/….png                for kohya's --masked_loss (conditioning_data_dir)
DIR/left_out.csv                             photo, hand, why
```

Facts: docs/facts/lora_files.md#the-hand-adapters-data.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError, UsageError
from pipeline.core.hands.shape import skin_area
from pipeline.core.masks import Mask
from pipeline.core.records.whole_file import write_whole
from tryon.hands.crops import FACTOR, SIDE, cut, square_around
from tryon.hands.hand_masks import arm_mask
from tryon.hands.visible import LEAST_PX, Hand, hands_of, seed_visible

Say = Callable[[str], None]
SEED_LIST = "hand_visible_samples.txt"
SEED_CAPTION = "hands"
"""Without caption files kohya's tools take the rest of the folder's name."""
SPLITS = ("train", "test")
KEYPOINTS = "_keypoints.json"
PICTURES = (".jpg", ".jpeg", ".png")
OURS, SEED = "ours", "seed"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line says.

    Args:
        data: root of a VITON-HD tree, or the folder with `image/` and `openpose_json/` itself.
        to: folder to write; new or empty.
        split: which part of the tree.
        rule: `ours` (crops of sure, whole hands) or `seed` (whole photos by the published rule).
        factor: side of a crop over the hand's.
        least_px: least size of a hand.
        repeats: N of kohya's `N_hands`.
        test_share: share of the people that is held out.
    """

    data: Path
    to: Path
    split: str = "train"
    rule: str = OURS
    factor: float = FACTOR
    least_px: float = LEAST_PX
    repeats: int = 10
    test_share: float = 0.1


@dataclass(frozen=True)
class Sample:
    """One picture to learn from.

    Args:
        name: of its files.
        person: the photo's stem; all its hands are on one side of the split.
        picture: (h, w, 3) uint8 RGB.
        mask: (h, w) bool, True = hand; None where the rule has none.
        caption: what it shows.
    """

    name: str
    person: str
    picture: RGB
    mask: Mask | None
    caption: str


@dataclass(frozen=True)
class LeftOut:
    """A hand or a photo that nothing is learnt from, and why."""

    person: str
    hand: str
    why: str


def make_dataset(wanted: Wanted, say: Say) -> int:
    """Write it; how many pictures.

    Raises:
        UsageError: no such tree, a folder that is not empty, or no hand at all.
        InputError: a file that is not what its folder says.
    """
    base = _base(wanted.data, wanted.split)
    if wanted.to.exists() and any(wanted.to.iterdir()):
        raise UsageError(f"{wanted.to}: not empty", "give a new folder, so that no picture of another rule stays in it")
    lists: dict[str, list[str]] = {"train": [], "test": []}
    left_out: list[LeftOut] = []
    people: list[str] = []
    for person, text in _people(base):
        for each in _samples(base, person, text, wanted):
            if isinstance(each, LeftOut):
                left_out.append(each)
                continue
            part = "test" if _held_out(each.person, wanted.test_share) else "train"
            _write(each, wanted, part)
            lists[part].append(each.name)
            people += [person] if person not in people[-1:] else []
    count = sum(map(len, lists.values()))
    if not count:
        reasons = ", ".join(sorted({each.why for each in left_out})) or "no key-point files"
        raise UsageError(f"{base}: no hand to learn from ({reasons})", "take another split, or a smaller --least-px")
    _write_lists(wanted, lists, left_out, people)
    say(f"{wanted.to}: {count} pictures of {len(people)} people, {len(lists['test'])} held out; {len(left_out)} hands left out:")
    for why in sorted({each.why for each in left_out}):
        say(f"  {sum(each.why == why for each in left_out)} × {why}")
    return count


def make_masks(data: Path, split: str, to: Path, rule: str, say: Say) -> int:
    """A mask of the hands for every photo of a tree, as `<photo>_mask.png`; how many.

    Args:
        data: as in `Wanted`.
        split: which part of the tree.
        to: folder to write.
        rule: `ours` (hulls of key-points) or `seed` (both bare arms of the parse map).
        say: takes lines.

    Raises:
        UsageError: no such tree.
        InputError: a file that is not what its folder says.
    """
    base = _base(data, split)
    to.mkdir(parents=True, exist_ok=True)
    empty = count = 0
    for person, text in _people(base):
        mask = _arm_mask(base, person) if rule == SEED else _hands_mask(base, person, text)
        write_whole(to / f"{person}_mask.png", images.mask_png(mask))
        count, empty = count + 1, empty + (not mask.any())
    say(f"{to}: {count} masks, {empty} of them empty")
    return count


def _base(data: Path, split: str) -> Path:
    base = data / split if (data / split / "openpose_json").is_dir() else data
    for folder in ("image", "openpose_json"):
        if not (base / folder).is_dir():
            other = next((each for each in SPLITS if each != split and (data / each / folder).is_dir()), "")
            tree = "give the root of a VITON-HD tree, or write one: python run.py export viton-hd DIR"
            raise UsageError(
                f"{data}: no {folder}/ in it or in {split}/", f"its pictures lie in {other}/: --split {other}" if other else tree
            )
    return base


def _people(base: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((base / "openpose_json").glob(f"*{KEYPOINTS}")):
        yield path.name.removesuffix(KEYPOINTS), path.read_text("utf-8")


def _samples(base: Path, person: str, text: str, wanted: Wanted) -> Iterator[Sample | LeftOut]:
    if wanted.rule == SEED:
        if seed_visible(text, person):
            yield Sample(person, person, _photo(base, person), None, SEED_CAPTION)
        else:
            yield LeftOut(person, "both", "no hand by the published rule")
        return
    hands = hands_of(text, person)
    if not hands:
        yield LeftOut(person, "both", "no hand")
        return
    photo = _photo(base, person)
    size = (photo.shape[0], photo.shape[1])
    good = [hand for hand in hands if not hand.why_not(size, wanted.least_px)]
    yield from (LeftOut(person, hand.side, why) for hand in hands if (why := hand.why_not(size, wanted.least_px)))
    for hand in good:
        yield crop_of(hand, [each for each in good if each is not hand], photo, person, wanted.factor)


def crop_of(hand: Hand, others: list[Hand], photo: RGB, person: str, factor: float) -> Sample:
    """The square around a hand as a picture to learn from; another hand inside it is part of mask and caption.

    Args:
        hand: sure, whole and large enough.
        others: further hands of the photo that are.
        photo: (h, w, 3) uint8 RGB.
        person: its stem.
        factor: side of the square over the hand's.
    """
    size = (photo.shape[0], photo.shape[1])
    square = square_around(hand.seen, size, factor)
    mask = skin_area(size, hand.seen)
    both = [other for other in others if _inside(other, square.window(size), size)]
    for other in both:
        mask |= skin_area(size, other.seen)
    crop = cut(mask.astype(np.uint8) * 255, square, SIDE) > 0
    caption = "a photo of both hands of a person" if both else f"a photo of the {hand.side} hand of a person"
    return Sample(f"{person}_{hand.side}", person, cut(photo, square, SIDE), crop, caption)


def _inside(hand: Hand, window: tuple[slice, slice], size: tuple[int, int]) -> bool:
    """Whether most of a hand lies in a window."""
    area = skin_area(size, hand.seen)
    return bool(np.count_nonzero(area[window]) > 0.5 * np.count_nonzero(area))


def _hands_mask(base: Path, person: str, text: str) -> Mask:
    height, width = images.picture_size(_photo_path(base, person))
    mask = np.zeros((height, width), bool)
    for hand in hands_of(text, person):
        mask |= skin_area((height, width), hand.seen)
    return mask


def _arm_mask(base: Path, person: str) -> Mask:
    path = base / "image-parse-v3" / f"{person}.png"
    if not path.is_file():
        raise InputError(f"{path}: no such parse map", "--rule ours needs none; or make them: python run.py --step parsing")
    return arm_mask(images.read_labels(path))


def _photo_path(base: Path, person: str) -> Path:
    for ending in PICTURES:
        if (path := base / "image" / f"{person}{ending}").is_file():
            return path
    raise InputError(
        f"{base / 'image' / person}.jpg: no such photo, but key-points of it", "remove the key-point file, or add the photo"
    )


def _photo(base: Path, person: str) -> RGB:
    return images.read_rgb(_photo_path(base, person))


def _held_out(person: str, share: float) -> bool:
    """By the name alone, so that a larger data set moves nobody to the other side."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") < share * 2**32


def _write(sample: Sample, wanted: Wanted, part: str) -> None:
    write_whole(wanted.to / part / "image" / f"{sample.name}.png", images.png(sample.picture))
    write_whole(wanted.to / part / "caption" / f"{sample.name}.txt", f"{sample.caption}\n")
    if sample.mask is not None:
        write_whole(wanted.to / part / "agnostic-mask" / f"{sample.name}_mask.png", images.mask_png(sample.mask))
    if part == "train":
        folder = f"{wanted.repeats}_hands"
        write_whole(wanted.to / "kohya" / "img" / folder / f"{sample.name}.png", images.png(sample.picture))
        write_whole(wanted.to / "kohya" / "img" / folder / f"{sample.name}.txt", f"{sample.caption}\n")
        if sample.mask is not None:
            write_whole(wanted.to / "kohya" / "masks" / folder / f"{sample.name}.png", images.mask_png(sample.mask))


def _write_lists(wanted: Wanted, lists: dict[str, list[str]], left_out: list[LeftOut], people: list[str]) -> None:
    for part, names in lists.items():
        write_whole(wanted.to / f"{part}_pairs.txt", "".join(f"{name}.png {name}.png\n" for name in names))
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("photo", "hand", "why"))
    rows.writerows((each.person, each.hand, each.why) for each in left_out)
    write_whole(wanted.to / "left_out.csv", table.getvalue())
    if wanted.rule == SEED:
        write_whole(wanted.to / SEED_LIST, "".join(f"{person}\n" for person in people))
