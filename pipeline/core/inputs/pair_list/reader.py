"""Reads a pair list of any usual form, and says what was assumed and which lines name no pair."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.core.inputs.pair_list.encoding import Decoded, NoTextError, decodings
from pipeline.core.inputs.pair_list.form import Form, form_of
from pipeline.core.inputs.pair_list.names import SAID, Found, How, Named, Names, cleaned, fold, spoken, stem
from pipeline.core.inputs.pair_list.reading import Reading, Row, best_reading
from pipeline.core.inputs.scan import Problem

P = TypeVar("P")
G = TypeVar("G")

PROPOSED = 4
"""Unknown names for which similar ones are looked for."""
MOST_PROPOSALS = 2000
"""Among more names the search takes too long."""
SHOWN = 3
SINGLY = "one garment a line: write a line for each"
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class OutfitLine(Generic[P, G]):
    """A line that names several garments for one person.

    Args:
        where: file and line.
        listed: the garments as written.
        person: who.
        garments: at least two, in the order of the line.
    """

    where: str
    listed: str
    person: P
    garments: tuple[G, ...]


@dataclass(frozen=True)
class PairList(Generic[P, G]):
    """What a pair list says.

    Args:
        pairs: (person, garment), each once, in the list's order; of lines that name one garment.
        problems: the lines that name no pair, or the file that cannot be read.
        notes: what was assumed.
        form: how further lines of the file must be written; None where it cannot be read.
        rows: (line number, person, garment, what else the line says) of every line that names a pair.
        outfits: the lines that name several garments.
    """

    pairs: tuple[tuple[P, G], ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    form: Form | None = None
    rows: tuple[tuple[int, P, G, tuple[str, ...]], ...] = ()
    outfits: tuple[OutfitLine[P, G], ...] = ()

    def of_single_garments(self) -> PairList[P, G]:
        """The same list where outfits mean nothing, as in a data set: their lines are problems."""
        refused = (Problem(each.where, f"several garments: {each.listed}", SINGLY) for each in self.outfits)
        return replace(self, problems=(*self.problems, *refused), outfits=())


def read_pair_list(file: Path, people: Names[P], clothes: Names[G], cure: str) -> PairList[P, G]:
    """Read a list from a file.

    Args:
        file: the list.
        people, clothes: the names that exist.
        cure: what to do about a name that does not exist.
    """
    try:
        return parse_pair_list(file.read_bytes(), str(file), people, clothes, cure)
    except OSError as problem:
        return PairList(problems=(Problem(str(file), f"cannot be read ({problem.strerror})", f"check: ls -l {file}"),))


def parse_pair_list(data: bytes, name: str, people: Names[P], clothes: Names[G], cure: str) -> PairList[P, G]:
    """Read a list from its bytes; see `read_pair_list`."""
    try:
        decoded, reading = _best(data, people, clothes)
    except NoTextError as refusal:
        return PairList(problems=(Problem(name, str(refusal), "save it as plain text or CSV, in UTF-8"),))
    contested = {**_contested(reading, "person"), **_contested(reading, "garment")}
    pairs: dict[tuple[int, int], tuple[P, G]] = {}
    outfits: list[OutfitLine[P, G]] = []
    rows: list[tuple[int, P, G, tuple[str, ...]]] = []
    problems: list[Problem] = []
    proposals = _Proposals(people, clothes)
    for row in reading.rows:
        problem = _problem(row, name, contested, cure, proposals) or _unclear_outfit(row, name, clothes, cure, proposals)
        if problem is not None:
            problems.append(problem)
            continue
        person, garment = row.names.people.items[0], row.names.clothes.items[0]
        if len(row.garments) > 1:
            worn = tuple(clothes.find(each).items[0].item for each in row.garments)
            outfits.append(OutfitLine(_where(row, name), " and ".join(map(repr, row.garments)), person.item, worn))
            continue
        pairs[id(person), id(garment)] = (person.item, garment.item)
        rows.append((row.line.number, person.item, garment.item, row.names.rest))
    notes = tuple(f"{name}: {note}" for note in _notes(decoded, reading, name))
    form = form_of(decoded, reading.delimiter, reading.template)
    return PairList(tuple(pairs.values()), tuple(problems), notes, form, tuple(rows), tuple(outfits))


def _best(data: bytes, people: Names[P], clothes: Names[G]) -> tuple[Decoded, Reading[P, G]]:
    """The decoding and reading under which the most lines name a pair.

    Raises:
        NoTextError: not a text, or two code pages give different pairs.
    """
    readings = [(decoded, best_reading(decoded.text, people, clothes)) for decoded in decodings(data)]
    best = max(readings, key=lambda each: each[1].score[:2])
    equal = [each for each in readings if each[1].score[:2] == best[1].score[:2]]
    others = [decoded.encoding for decoded, reading in equal if _pairs(reading) != _pairs(best[1])]
    if others:
        raise NoTextError(f"in {best[0].encoding} and in {others[0]} its bytes name different files")
    return best


def _pairs(reading: Reading[Any, Any]) -> list[tuple[str, str]]:
    names = [row.names for row in reading.rows if row.names.whole]
    return [(each.people.items[0].path, each.clothes.items[0].path) for each in names]


def _contested(reading: Reading[P, G], kind: str) -> dict[tuple[str, str], str]:
    """(kind, written name) → another written name that would be the same file, though folder or suffix tell them apart."""
    written: dict[str, dict[str, How]] = defaultdict(dict)
    for row in reading.rows:
        found: Found[Any] = row.names.people if kind == "person" else row.names.clothes
        name = row.names.person if kind == "person" else row.names.garment
        if len(found.items) == 1:
            written[found.items[0].path][name] = found.how
    contested = {}
    for names in written.values():
        for name, how in names.items():
            if how & (How.SUFFIX | How.FOLDER):
                rivals = (other for other in names if other != name and _apart(name, other))
                if (rival := next(rivals, None)) is not None:
                    contested[kind, name] = rival
    return contested


def _apart(one: str, other: str) -> bool:
    """Whether two written names differ in a folder or suffix that both have."""
    first, second = (fold(cleaned(name)).split("/") for name in (one, other))
    suffixes = {part[-1][len(stem(part[-1])) :] for part in (first, second)} - {""}
    folders = sorted((first[:-1], second[:-1]), key=len)
    return len(suffixes) > 1 or (bool(folders[0]) and folders[1][-len(folders[0]) :] != folders[0])


def _where(row: Row[Any, Any], name: str) -> str:
    return f"{name}, line {row.line.number}"


class _Proposals:
    """Similar names for the first unknown ones."""

    def __init__(self, people: Names[Any], clothes: Names[Any]) -> None:
        self._names = {"person": people.shown(), "garment": clothes.shown()}
        self._left = PROPOSED

    def of(self, kind: str, name: str) -> str:
        """`did you mean …?`, or ""."""
        if self._left <= 0 or len(self._names[kind]) > MOST_PROPOSALS:
            return ""
        self._left -= 1
        digits = DIGITS.findall(name)  # another number is another picture, not a slip
        near = [each for each in self._names[kind] if DIGITS.findall(each) == digits]
        close = difflib.get_close_matches(cleaned(name), near, n=1, cutoff=0.75)
        return f"did you mean {close[0]}? otherwise " if close else ""


def _problem(
    row: Row[Any, Any], name: str, contested: dict[tuple[str, str], str], cure: str, proposals: _Proposals
) -> Problem | None:
    """Why a line names no pair, or None."""
    where, names = _where(row, name), row.names
    if names.doubtful:
        ways = " or ".join(names.doubtful[:2])
        return Problem(where, f"can be divided in several ways: {ways}", "put each name in quotation marks, or use ids")
    halves = (("person", names.person, names.people), ("garment", names.garment, names.clothes))
    for kind, written, found in halves:
        if not written:
            return Problem(where, f"no {kind} on this line", "write: person garment")
        if len(found.items) > 1:
            listed = ", ".join(sorted(each.ident or each.path for each in found.items))
            return Problem(where, f"{kind} {written!r} is ambiguous", f"use one of these ids: {listed}")
        if (kind, written) in contested:
            rival, path = contested[kind, written], found.items[0].path
            return Problem(where, f"{kind} {written!r} and {rival!r} would both be {path}", cure)
    unknown = [(kind, written) for kind, written, found in halves if not found.items]
    if not unknown:
        return None
    close = "".join(proposals.of(kind, written) for kind, written in unknown)
    return Problem(where, " and ".join(f"unknown {kind} {written!r}" for kind, written in unknown), close + cure)


def _unclear_outfit(row: Row[Any, Any], name: str, clothes: Names[Any], cure: str, proposals: _Proposals) -> Problem | None:
    """Why the further garments of a line are not clear, or None."""
    for written in row.garments[1:]:
        found = clothes.find(written).items
        if len(found) > 1:
            listed = ", ".join(sorted(each.ident or each.path for each in found))
            return Problem(_where(row, name), f"garment {written!r} is ambiguous", f"use one of these ids: {listed}")
        if not found:
            return Problem(_where(row, name), f"unknown garment {written!r}", proposals.of("garment", written) + cure)
    return None


def _notes(decoded: Decoded, reading: Reading[Any, Any], name: str) -> Iterator[str]:
    """What was assumed beyond the plain form."""
    if not decoded.certain:
        yield f"neither UTF-8 nor UTF-16; read as {decoded.encoding}, in which the most names exist; save it as UTF-8 to be sure"
    if reading.heading:
        yield f"its first line, {reading.heading!r}, is taken for headings"
    yield from _order_notes(reading)
    strays = [row.line.number for row in reading.rows if row.delimiter != reading.delimiter]
    if strays:
        yield f"{_lines(strays)} {'are' if len(strays) > 1 else 'is'} separated differently from the others"
    yield from _rest_notes(reading)
    yield from _fit_notes(reading)


def _order_notes(reading: Reading[Any, Any]) -> Iterator[str]:
    person, garment = (column + 1 for column in reading.template.columns)
    if not reading.template.headings and (person, garment) != (1, 2):
        yield f"by the names that exist, column {person} is the person and column {garment} the garment"


def _rest_notes(reading: Reading[Any, Any]) -> Iterator[str]:
    """Columns that are not read; those of a heading were named by the user."""
    rests = [row.names.rest for row in reading.rows if row.names.whole and len(row.garments) < 2]
    values = list(dict.fromkeys(rest[0] for rest in rests if rest and not rest[0].startswith("#")))
    if values and not reading.template.headings:
        shown = ", ".join(map(repr, values[:SHOWN])) + (", …" if len(values) > SHOWN else "")
        yield f"what follows the two names ({shown}) is not read"


def _fit_notes(reading: Reading[Any, Any]) -> Iterator[str]:
    """How many names were found although they are written differently, with one example each."""
    every = chain.from_iterable(
        ((row, row.names.person, row.names.people), (row, row.names.garment, row.names.clothes))
        for row in reading.rows
        if row.names.whole
    )
    fits: dict[How, dict[str, tuple[Row[Any, Any], Named[Any]]]] = defaultdict(dict)
    for row, written, found in every:
        for how in spoken(found.how):
            fits[how].setdefault(written, (row, found.items[0]))
    for how in SAID:
        for written, (row, named) in islice(fits[how].items(), 1):
            count = len(fits[how])
            names = f"{count} names were" if count > 1 else "a name was"
            yield f"{names} found {SAID[how]}, e.g. line {row.line.number}: {written!r} is {named.path}"


def _lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN])) + (f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else "")
    return f"line{'s' * (len(numbers) > 1)} {shown}"
