"""What is wrong with training pairs, found before the first step: every problem with its count, examples and a cure."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.records.whole_file import write_whole
from tryon.training.data.tree import LABELS, OF_GARMENT, OF_PLACING, OF_WARPING, Kind, TrainingPair

FEWEST_PIXELS, MOST_PIXELS = 0.02, 0.70
"""Share of the picture that an agnostic mask covers; beyond these it is empty, full, or of the wrong polarity."""

SHOWN = 3
"""Pairs named per problem; counts are complete."""

CURES: Mapping[str, str] = {
    "missing": "make them: python run.py --step all, then export viton-hd; or take the complete download",
    "no warped mask": "python run.py train prepare stableviton --data DIR",
    "no warped garment": "python run.py train prepare dci-vton --data DIR --warper warp_viton.pth",
    "no bent garment": "python run.py train prepare viton-hd --data DIR --warper gmm_final.pth",
    "labels": "take the parse maps as published (CIHP's labels), or: python run.py --step parsing, then export viton-hd",
    "nothing worn": "remove these lines: by their parse map these people do not wear what is trained",
    "cloth mask": "python run.py --step cloth, then export viton-hd",
    "unreadable": "download or make these files again",
    "sizes differ": "make the smaller ones again at the picture's size",
    "mask": "white is where the garment goes: check the mask's polarity, or: python run.py --step parsing",
    "duplicate": "remove all but one line from the pair list",
    "test person": "remove these lines from the training list: results on them would be learnt by heart",
    "test picture": "the same picture under another name: remove these lines from the training list",
}
MASKS = frozenset({Kind.MASK, Kind.CLOTH_MASK, Kind.WORN, Kind.WARPED_MASK, Kind.PLACED_MASK})
INCOMPLETE = frozenset({"missing", "no warped mask", "no warped garment", "no bent garment"})
"""Problems of pairs that lack a file."""


@dataclass(frozen=True)
class Seen:
    """What was found out about one file.

    Args:
        sha256: of its bytes.
        size: (height, width); None = it cannot be read.
        white: share of pixels of at least 128, of masks; of upper garments, of parse maps.
        why: why it cannot be read.
        highest: label, of parse maps.
        below: share of lower garments, of parse maps.
    """

    sha256: str
    size: tuple[int, int] | None
    white: float | None = None
    why: str = ""
    highest: int | None = None
    below: float | None = None


@dataclass
class Findings:
    """What a check found.

    Args:
        pairs: those without a problem.
        problems: problem → id of the pair → what is wrong with it.
        fingerprint: of the good pairs' names and bytes.
        count: pairs looked at.
        wanted: kinds of files that each must have.
    """

    pairs: list[TrainingPair]
    problems: dict[str, dict[str, str]] = field(default_factory=dict)
    fingerprint: str = ""
    count: int = 0
    wanted: tuple[Kind, ...] = ()

    def lines(self) -> list[str]:
        """A text for people: one problem a line with its count, examples and cure."""
        shown = []
        for problem, pairs in self.problems.items():
            some = "; ".join(f"{name}: {what}" if what else name for name, what in list(pairs.items())[:SHOWN])
            more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
            shown.append(
                f"{len(pairs)} × {problem}: {some}{more}\n  → {CURES[problem]}; or leave them out: {leave_out([problem])}"
            )
        return shown

    def facts(self) -> dict[str, Any]:
        """JSON for the run folder and the checkpoint."""
        return {
            "pairs": self.count,
            "used": len(self.pairs),
            "problems": {problem: sorted(pairs) for problem, pairs in self.problems.items()},
            "fingerprint": self.fingerprint,
        }


def leave_out(problems: Iterable[str]) -> str:
    """The flag that leaves pairs with such problems out."""
    return "--skip-incomplete" if set(problems) <= INCOMPLETE else "--skip-bad"


class Memory:
    """What is known of files from an earlier check; a file is looked at again when its size or time has changed.

    Args:
        file: where it is kept; None = nowhere.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        try:
            self._known: dict[str, Any] = json.loads(file.read_text("utf-8")) if file is not None and file.is_file() else {}
        except ValueError:
            self._known = {}

    def look(self, path: Path, kind: Kind) -> Seen:
        """What is known of a file, or what a look at it tells."""
        stat = path.stat()
        key = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
        known = self._known.get(key)
        if known is not None and (kind not in LABELS or known.get("below") is not None or known["why"]):
            return Seen(**{**known, "size": tuple(known["size"]) if known["size"] else None})
        seen = look(path, kind)
        self._known[key] = asdict(seen)
        return seen

    def keep(self) -> None:
        """Write it down."""
        if self._file is not None:
            write_whole(self._file, json.dumps(self._known))


def look(path: Path, kind: Kind) -> Seen:
    """Hash and decode a file.

    Args:
        path: a picture.
        kind: of masks white pixels are counted, of parse maps labels.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        if kind in LABELS:
            labels = images.read_labels(path)
            above, below = (float(np.isin(labels, list(worn)).mean()) for worn in (UPPER_LABELS, LOWER_LABELS))
            return Seen(digest, (labels.shape[0], labels.shape[1]), above, highest=int(labels.max()), below=below)
        grey = images.read_grey(path)
    except (InputError, OSError) as problem:  # a file that ends too early opens, and fails when its pixels are read
        return Seen(digest, None, None, str(getattr(problem, "message", problem)))
    return Seen(digest, (grey.shape[0], grey.shape[1]), float(np.mean(grey >= 128)) if kind in MASKS else None)


def check(
    pairs: Sequence[TrainingPair],
    wanted: Iterable[Kind],
    test: Sequence[TrainingPair] = (),
    memory: Memory | None = None,
    threads: int = 8,
) -> Findings:
    """Look at every file of every pair.

    Args:
        pairs: of the training list.
        wanted: kinds that each must have.
        test: pairs of the test list; their people and pictures must not be trained on.
        memory: of an earlier check.
        threads: files looked at together.
    """
    memory, kinds = memory or Memory(), list(wanted)
    problems: dict[str, dict[str, str]] = defaultdict(dict)
    test_people = {Path(pair.person).stem for pair in test}
    with ThreadPoolExecutor(threads) as pool:
        seen = list(pool.map(lambda pair: _look_at(pair, kinds, memory), pairs))
        pictures = pool.map(
            lambda pair: memory.look(pair.files[Kind.IMAGE], Kind.IMAGE).sha256 if Kind.IMAGE in pair.files else "", test
        )
        test_pictures = set(pictures) - {""}
    first: dict[str, str] = {}
    for pair, files in zip(pairs, seen, strict=True):
        for problem, what in _problems(pair, files, kinds):
            problems[problem][pair.id] = what
        if Path(pair.person).stem in test_people:
            problems["test person"][pair.id] = ""
        elif Kind.IMAGE in files and files[Kind.IMAGE].sha256 in test_pictures:
            problems["test picture"][pair.id] = ""
        same = "|".join(files[kind].sha256 for kind in (Kind.IMAGE, Kind.CLOTH) if kind in files)
        if same and first.setdefault(same, pair.id) != pair.id:
            problems["duplicate"][pair.id] = f"the same pictures as {first[same]}"
    memory.keep()
    bad = {name for found in problems.values() for name in found}
    good = [(pair, files) for pair, files in zip(pairs, seen, strict=True) if pair.id not in bad]
    return Findings([pair for pair, _ in good], dict(problems), _fingerprint(good), len(pairs), tuple(kinds))


def _look_at(pair: TrainingPair, kinds: Sequence[Kind], memory: Memory) -> dict[Kind, Seen]:
    return {kind: memory.look(pair.files[kind], kind) for kind in kinds if kind in pair.files}


def _problems(pair: TrainingPair, files: Mapping[Kind, Seen], kinds: Sequence[Kind]) -> Iterable[tuple[str, str]]:
    lost = [kind for kind in kinds if kind not in pair.files and kind is not Kind.WORN and kind not in OF_WARPING | OF_PLACING]
    if lost:
        yield "missing", ", ".join(str(pair.missing.get(kind, kind)) for kind in lost)
    if Kind.WORN in kinds and Kind.WORN not in pair.files:
        yield "no warped mask", str(pair.missing.get(Kind.WORN, ""))
    if unwarped := [kind for kind in kinds if kind in OF_WARPING and kind not in pair.files]:
        yield "no warped garment", ", ".join(str(pair.missing.get(kind, kind)) for kind in unwarped)
    if unplaced := [kind for kind in kinds if kind in OF_PLACING and kind not in pair.files]:
        yield "no bent garment", ", ".join(str(pair.missing.get(kind, kind)) for kind in unplaced)
    broken = [f"{pair.files[kind]} ({seen.why})" for kind, seen in files.items() if seen.size is None]
    if broken:
        yield "unreadable", ", ".join(broken)
    for group in (OF_GARMENT, OF_WARPING, OF_PLACING, frozenset(Kind) - OF_GARMENT - OF_WARPING - OF_PLACING):
        sizes = {kind: seen.size for kind, seen in files.items() if kind in group and seen.size is not None}
        if len(set(sizes.values())) > 1:
            yield "sizes differ", ", ".join(f"{kind} {size[0]}×{size[1]}" for kind, size in sizes.items() if size)
    white = files[Kind.MASK].white if Kind.MASK in files else None
    if white is not None and not FEWEST_PIXELS <= white <= MOST_PIXELS:
        yield "mask", f"{white:.0%} of the picture is to be repainted"

    foreign = [f"{pair.files[kind]} (label {seen.highest})" for kind, seen in files.items() if (seen.highest or 0) > max(Parse)]
    if foreign:
        yield "labels", f"{', '.join(foreign)}, at most {int(max(Parse))} is known"
    elif Kind.PARSE in files and _worn(pair, files[Kind.PARSE]) == 0:
        yield "nothing worn", f"{pair.files[Kind.PARSE]} has no {pair.category.value} garment"
    if Kind.CLOTH_MASK in files and files[Kind.CLOTH_MASK].white == 0:
        yield "cloth mask", f"{pair.files[Kind.CLOTH_MASK]} is empty"


def _worn(pair: TrainingPair, parse: Seen) -> float | None:
    return parse.below if pair.category is Category.LOWER else parse.white


def _fingerprint(good: Sequence[tuple[TrainingPair, Mapping[Kind, Seen]]]) -> str:
    rows = sorted([pair.id, *(f"{kind}:{seen.sha256}" for kind, seen in sorted(files.items()))] for pair, files in good)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
