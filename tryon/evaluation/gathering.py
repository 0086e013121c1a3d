"""Which result belongs to which photo: by an explicit list, or by equal names. What fits nothing is an error that lists it.

A folder with files too many shifts FID by tens of points, so nothing is passed over in silence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.images import SUFFIXES

SHOWN = 8
"""So many names of a list of mistakes are shown."""


@dataclass(frozen=True, slots=True)
class EvaluatedPair:
    """One result and what it is held against.

    Args:
        person, garment: names as in the list; the garment is empty where no list says it.
        result: the result's file.
        truth: the person's photo: in the paired setting the very picture that should come out.
        mask: where repainting was allowed (255 = repaint), if known.
        cloth: the garment's picture, if known.
    """

    person: str
    garment: str
    result: Path
    truth: Path
    mask: Path | None = None
    cloth: Path | None = None

    @property
    def id(self) -> str:
        """As results are named here."""
        return f"{self.person}__{self.garment}" if self.garment else self.person


@dataclass(frozen=True, slots=True)
class Gathered:
    """All pairs, and how many of the list have no result."""

    pairs: tuple[EvaluatedPair, ...]
    missing: int

    @property
    def list_text(self) -> str:
        """The list as it is hashed: a line per pair, UTF-8, LF."""
        return "".join(f"{pair.person} {pair.garment}".rstrip() + "\n" for pair in self.pairs)


def text_hash(text: str) -> str:
    """sha256 of a text in UTF-8 with LF line ends, lower-case hex."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8")).hexdigest()


def read_pair_list(path: Path) -> list[tuple[str, str]]:
    """`person garment` per line, names with or without suffix.

    Raises:
        UsageError: it cannot be read, has a line of another form, or names a pair twice.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path}: no list of pairs ({problem})", "a line per pair: person garment") from None
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) > 3:
            raise UsageError(f"{path}:{number}: {line.strip()!r} is no pair", "a line per pair: person garment")
        pairs.append((_stem(words[0]), _stem(words[1]) if len(words) > 1 else ""))
    twice = sorted({f"{a} {b}" for a, b in pairs if pairs.count((a, b)) > 1}) if len(set(pairs)) < len(pairs) else []
    if twice or not pairs:
        raise UsageError(f"{path}: {_listed('named twice', twice) if twice else 'no pair in it'}", "one line per pair")
    return pairs


def _stem(word: str) -> str:
    path = Path(word)
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def gather(
    results: Path,
    truth: Path,
    listed: Sequence[tuple[str, str]] | None = None,
    *,
    masks: Path | Mapping[str, Path] | None = None,
    cloth: Path | None = None,
    allow_missing: int = 0,
    others_stay: bool = False,
) -> Gathered:
    """Match results and photos.

    Args:
        results: folder of results: `person__garment`, `person_garment`, or `person`, each with a suffix of pictures.
        truth: folder of the people's photos.
        listed: the pairs; None = every result by its own name.
        masks: folder of repaint masks by person; or garment → such a folder, where the mask depends on the garment's category.
        cloth: folder of garments.
        allow_missing: so many listed pairs may have no result.
        others_stay: results on no list are no mistake: the folder is that of a run with more pairs.

    Raises:
        UsageError: a folder is absent or empty, files fit nothing, or too many are missing; all of them are listed.
    """
    found, photos = _pictures(results), _pictures(truth)
    cloth_of = _pictures(cloth) if cloth else {}
    mask_of = _MaskFolders(masks)
    wanted = listed if listed is not None else _from_names(found, photos)
    used: set[str] = set()
    pairs, missing, unknown = [], [], []
    for person, garment in wanted:
        name = next((each for each in _names(person, garment) if each in found), None)
        if person not in photos:
            unknown.append(person)
        elif name is None:
            missing.append(f"{person} {garment}".rstrip())
        else:
            used.add(name)
            pairs.append(
                EvaluatedPair(person, garment, found[name], photos[person], mask_of.of(person, garment), cloth_of.get(garment))
            )
    extra = [] if others_stay else sorted(set(found) - used)
    mistakes = [
        _listed(f"without a photo in {truth}", unknown) if unknown else "",
        _listed(f"without a result in {results}", missing) if len(missing) > allow_missing else "",
        _listed(f"in {results} and on no list", extra) if extra else "",
    ]
    if any(mistakes) or not pairs:
        text = "; ".join(filter(None, mistakes)) or "no result fits a photo"
        raise UsageError(f"evaluate: {text}", "move other files away; --pairs FILE says what belongs together; --allow-missing N")
    return Gathered(tuple(pairs), len(missing))


def _names(person: str, garment: str) -> tuple[str, ...]:
    """How a result may be called."""
    return (f"{person}__{garment}", f"{person}_{garment}", person) if garment else (person,)


class _MaskFolders:
    """One folder of masks for all pairs, or one per garment; each is listed once."""

    def __init__(self, masks: Path | Mapping[str, Path] | None) -> None:
        self._masks = masks
        self._listed: dict[Path, dict[str, Path]] = {}

    def of(self, person: str, garment: str) -> Path | None:
        """The mask of a pair, or None."""
        folder = self._masks.get(garment) if isinstance(self._masks, Mapping) else self._masks
        if folder is None:
            return None
        if folder not in self._listed:
            self._listed[folder] = _pictures(folder)
        found = self._listed[folder]
        return found.get(person) or found.get(f"{person}_mask")


def _from_names(found: Mapping[str, Path], photos: Mapping[str, Path]) -> list[tuple[str, str]]:
    """Results whose name, or its part before `__`, is that of a photo; others stay and are listed as extra."""
    parted = ((name, "") if name in photos else (name.partition("__")[0], name.partition("__")[2]) for name in sorted(found))
    return [(person, garment) for person, garment in parted if person in photos]


def _pictures(folder: Path) -> dict[str, Path]:
    """Stem → file.

    Raises:
        UsageError: no such folder, no picture in it, or two of one stem.
    """
    if not folder.is_dir():
        raise UsageError(f"evaluate: there is no folder {folder}", "check the path")
    files: dict[str, Path] = {}
    twice = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            twice += [path.name] if path.stem in files else []
            files[path.stem] = path
    if twice or not files:
        raise UsageError(
            f"evaluate: {folder}: {_listed('there twice', twice) if twice else 'no pictures in it'}", "check the path"
        )
    return files


def _listed(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}"
