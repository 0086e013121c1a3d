"""Readable, unique ids from file names of any kind.

An id names artefacts on every file system and appears in `test_pairs.txt`, so it has no spaces, no reserved characters, no double
underscore (which separates person, garment and background) and fits three times into one file name. Two inputs never share an id,
not even on a file system that ignores case or Unicode form: an id that would collide gets six hex digits of its path's hash.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

MAX_ID_BYTES = 60
"""Three ids, two separators and a suffix stay below the usual limit of 255 bytes for a file name."""

JOINT = "+"
"""Between the ids of garments that are worn together, and between a person and what they wear already."""
RESERVED = frozenset("\\/:*?\"<>|[]{}$&;%#'`^!")

SIMPLE = re.compile(r"([A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*)\.[A-Za-z0-9]+")
"""Most names without their extension are valid ids; this test takes a twentieth of the time of the general case."""


def slug(relative: str) -> str:
    """`beach/Day 1.jpg` → `beach-Day_1`: NFC, extension dropped, sub-folders joined by a dash; may be empty."""
    if simple := SIMPLE.fullmatch(relative):
        return simple[1]
    path = PurePosixPath(unicodedata.normalize("NFC", relative))
    plain = "-".join([*path.parts[:-1], path.stem])
    kept = "".join(char if char.isprintable() and not char.isspace() and char not in RESERVED else "_" for char in plain)
    return re.sub(r"_+", "_", kept).strip("_-. ")


def unique_ids(relatives: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """One id per relative path, in order. The same set of paths always gives the same ids.

    Args:
        relatives: paths relative to the folder of their kind, `/` between parts, extension included.
        taken: ids that are in use.
    """
    return _unique([slug(each) for each in relatives], relatives, taken)


def joined_ids(groups: Sequence[Sequence[str]], taken: Iterable[str] = ()) -> list[str]:
    """One id per group of ids, in order: `jeans` and `top` → `jeans+top`, shortened where that is too long.

    Args:
        groups: ids, each group once.
        taken: ids that are in use.
    """
    return _unique([JOINT.join(group) for group in groups], ["/".join(group) for group in groups], taken)


def _unique(slugs: Sequence[str], relatives: Sequence[str], taken: Iterable[str]) -> list[str]:
    """The slugs; those that are empty, too long or not alone are marked by what they stand for."""
    taken = list(taken)
    counts = Counter([_key(each) for each in slugs])
    counts.update(_key(each) for each in taken)
    alone = [bool(each) and counts[_key(each)] == 1 and len(each.encode()) <= MAX_ID_BYTES for each in slugs]
    used = {_key(each) for each, free in zip(slugs, alone, strict=True) if free} | {_key(each) for each in taken}
    return [each if free else _marked(each, name, used) for each, name, free in zip(slugs, relatives, alone, strict=True)]


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _marked(base: str, relative: str, used: set[str]) -> str:
    digest = hashlib.sha256(relative.encode("utf-8", "surrogateescape")).hexdigest()
    for digits in range(6, len(digest)):
        room = MAX_ID_BYTES - digits - 1
        short = base.encode()[:room].decode("utf-8", "ignore").rstrip("_-. ")
        candidate = f"{short}-{digest[:digits]}" if short else digest[:digits]
        if _key(candidate) not in used:
            used.add(_key(candidate))
            return candidate
    raise AssertionError("two different paths with one sha256")
