"""`gt_cloth_warped_mask`: where the worn garment is, by the parse map; nobody says how the published one was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import UPPER_LABELS, Atr
from pipeline.core.records.whole_file import write_whole
from tryon.training.data.tree import Kind, Tree, TreeKind, find_tree

ATR_UPPER = (Atr.UPPER_CLOTHES, Atr.DRESS)


def worn_garment(parse: Labels, kind: TreeKind = TreeKind.VITON_HD) -> NDArray[np.bool_]:
    """(h, w) uint8 parse map → (h, w) bool, True = upper garment: CIHP's labels in VITON-HD, ATR's in DressCode."""
    labels = UPPER_LABELS if kind is TreeKind.VITON_HD else ATR_UPPER
    return np.isin(parse, [int(label) for label in labels])


@dataclass(frozen=True)
class Made:
    """What was done: files written, files that were there already, people without a parse map, and people without garment."""

    written: int
    kept: int
    without_parse: tuple[str, ...]
    empty: tuple[str, ...]


def make_worn_masks(tree: Tree, split: str = "train", advance: Callable[[str], None] = lambda name: None) -> Made:
    """Write the masks that are not there yet, each all at once.

    Args:
        tree: where.
        split: `train` or `test`.
        advance: called per person.
    """
    written = kept = 0
    without: list[str] = []
    empty: list[str] = []
    for pair in tree.pairs(split):
        advance(pair.person)
        if Kind.WORN in pair.files:
            kept += 1
            continue
        if Kind.PARSE not in pair.files:
            without.append(pair.person)
            continue
        area = worn_garment(_labels(pair.files[Kind.PARSE]), tree.kind)
        if not area.any():
            empty.append(pair.person)
        _write(tree.worn_file(pair.person, split), area)
        written += 1
    return Made(written, kept, tuple(without), tuple(empty))


def prepare(root: Path, split: str, say: Callable[[str], None]) -> bool:
    """Make the masks of a tree and tell what came of it; whether every person has one now."""
    made = make_worn_masks(find_tree(root), split)
    say(f"{root}: {made.written} masks of worn garments written, {made.kept} were there")
    if made.empty:
        say(f"{len(made.empty)} people wear no upper garment by their parse map: {', '.join(made.empty[:3])}")
    if made.without_parse:
        say(f"{len(made.without_parse)} people have no parse map: {', '.join(made.without_parse[:3])}")
        say("  → take the parse maps as published, or: python run.py --step parsing, then export viton-hd")
    return not made.without_parse


def _labels(path: Path) -> Labels:
    try:
        return images.read_labels(path)
    except InputError as problem:
        raise InputError(problem.message, "take the parse maps as published, or: python run.py --step parsing") from None


def _write(path: Path, area: NDArray[np.bool_]) -> None:
    grey = np.where(area, np.uint8(255), np.uint8(0))
    content = images.mask_png(area) if path.suffix == ".png" else images.jpeg(np.repeat(grey[..., None], 3, axis=2))
    write_whole(path, content)
