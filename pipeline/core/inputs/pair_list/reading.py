"""One way to read a list: a delimiter and a template, and what every line then says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pipeline.core.inputs.pair_list.columns import TEMPLATES, Split, Template, by_headings, is_remark, split
from pipeline.core.inputs.pair_list.lines import BLANKS, DELIMITERS, Line, is_comment, lines_of, words_of
from pipeline.core.inputs.pair_list.names import How, Names, stem

P = TypeVar("P")
G = TypeVar("G")
Words = tuple[Line, list[str]]

MOST_HEADING_WORDS = 12
SAMPLE = 400
"""Lines by which a long list's delimiter and columns are found; then all are read."""


@dataclass(frozen=True, slots=True)
class Row(Generic[P, G]):
    """A line and its division into names.

    Args:
        line: where it is.
        names: person, garment and what else it says.
        garments: every garment that it names, as written; more than one is an outfit.
        delimiter: under which it was divided.
    """

    line: Line
    names: Split[P, G]
    garments: tuple[str, ...]
    delimiter: str


@dataclass(frozen=True)
class Reading(Generic[P, G]):
    """All lines of a list, read in one way.

    Args:
        delimiter, template: the way.
        rows: the lines that are no heading and no comment.
        heading: a first line of words that are neither names nor known headings, which is taken for headings; "" = none.
    """

    delimiter: str
    template: Template
    rows: tuple[Row[P, G], ...]
    heading: str = ""

    @property
    def score(self) -> tuple[int, int, int, int]:
        """Larger = more of the list is understood: pairs, halves of pairs, lines with two names, words left over."""
        names = [row.names for row in self.rows]
        halves = sum(bool(each.people.items) + bool(each.clothes.items) for each in names)
        return (
            sum(each.whole for each in names),
            halves,
            sum(bool(each.person and each.garment) for each in names),
            -sum(len(each.rest) for each in names),
        )

    @property
    def complete(self) -> bool:
        """Whether every line names one pair and nothing else."""
        return all(row.names.whole and not row.names.rest for row in self.rows)


def best_reading(text: str, people: Names[P], clothes: Names[G]) -> Reading[P, G]:
    """The reading of a text under which the most lines name a pair.

    Args:
        text: the list.
        people, clothes: the names that exist.
    """
    lines, declared = lines_of(text)
    candidates = [each for each in dict.fromkeys((declared, *DELIMITERS)) if each and (each == BLANKS or each in text)]
    sample = sample_of(lines)
    best: Reading[P, G] | None = None
    for delimiter in candidates:
        reading = _under(delimiter, sample, people, clothes)
        if best is None or reading.score > best.score:
            best = reading
        if best.rows and best.complete:
            break
    assert best is not None
    if len(sample) < len(lines):
        headed = bool(best.template.headings or best.heading)
        rest = _rows(lines, best.delimiter, people, clothes)[headed:]
        best = replace(_read(rest, best.delimiter, best.template, people, clothes), heading=best.heading)
    return _with_strays(best, candidates, people, clothes)


def sample_of(lines: Sequence[Line]) -> Sequence[Line]:
    """Lines that decide how a long list is read: its first ones, and others spread over the whole."""
    if len(lines) <= SAMPLE:
        return lines
    half = SAMPLE // 2
    return [*lines[:half], *lines[half :: -(-(len(lines) - half) // half)]]


def _rows(lines: Sequence[Line], delimiter: str, people: Names[P], clothes: Names[G]) -> list[Words]:
    return [(line, words_of(line.text, delimiter)) for line in lines if not _commented(line, delimiter, people, clothes)]


def _under(delimiter: str, lines: Sequence[Line], people: Names[P], clothes: Names[G]) -> Reading[P, G]:
    rows = _rows(lines, delimiter, people, clothes)
    heading = by_headings(rows[0][1][:MOST_HEADING_WORDS]) if rows else None
    if heading is not None:
        titled = _read(rows[1:], delimiter, heading, people, clothes)
        plain = None if titled.complete else _by_contents(rows[1:], delimiter, people, clothes)
        return titled if plain is None or titled.score[0] >= plain.score[0] else replace(plain, heading=lines[0].text.strip())
    return _without_unknown_heading(_by_contents(rows, delimiter, people, clothes))


def _commented(line: Line, delimiter: str, people: Names[P], clothes: Names[G]) -> bool:
    """Whether a line is a comment; `#1.jpg` is a name where there is a picture of exactly this name."""
    if not is_comment(line.text):
        return False
    first = words_of(line.text, delimiter)[0]
    return not any(found.items and found.how is How.EXACT for found in (people.find(first), clothes.find(first)))


def _by_contents(rows: Sequence[Words], delimiter: str, people: Names[P], clothes: Names[G]) -> Reading[P, G]:
    """The simplest template under which the most lines name a pair."""
    best = _read(rows, delimiter, TEMPLATES[0], people, clothes)
    for template in TEMPLATES[1:]:
        if best.complete:
            break
        reading = _read(rows, delimiter, template, people, clothes)
        if reading.score[0] > best.score[0]:
            best = reading
    return best


def _read(rows: Iterable[Words], delimiter: str, template: Template, people: Names[P], clothes: Names[G]) -> Reading[P, G]:
    found = (_row(line, words, delimiter, template, people, clothes) for line, words in rows)
    return Reading(delimiter, template, _with_outfits(tuple(found), template, clothes))


def _row(line: Line, words: list[str], delimiter: str, template: Template, people: Names[P], clothes: Names[G]) -> Row[P, G]:
    names = split(words, delimiter, template, people, clothes)
    if not template.extra:
        return Row(line, names, (names.garment,) if names.garment else (), delimiter)
    cells = [words[column] if column < len(words) else "" for column in (template.columns[1], *template.extra)]
    filled = tuple(cell for cell in cells if cell)
    if len(filled) == 1 and not names.garment:
        names = replace(names, garment=filled[0], clothes=clothes.find(filled[0]), rest=())
    return Row(line, names, filled, delimiter)


def _with_outfits(rows: tuple[Row[P, G], ...], template: Template, clothes: Names[G]) -> tuple[Row[P, G], ...]:
    """Without headings a further column is a garment where every line's value names one, and is not the person again."""
    whole = [row for row in rows if row.names.whole]
    if template.headings or not whole or not all(row.names.rest for row in whole):
        return rows
    values = [row.names.rest[0] for row in whole]
    if any(is_remark(value) or not clothes.find(value).items for value in values):
        return rows
    if all(value == row.names.person for value, row in zip(values, whole, strict=True)):
        return rows
    return tuple(replace(row, garments=(row.names.garment, *row.names.rest[:1])) for row in rows)


def _without_unknown_heading(reading: Reading[P, G]) -> Reading[P, G]:
    """Leave out a first line without any name where the lines below name files: `Kunde;Kleid`."""
    first, *others = reading.rows or (None,)
    if first is None or not others or first.names.people.items or first.names.clothes.items:
        return reading
    words = words_of(first.line.text, reading.delimiter)
    named = [row for row in others if row.names.whole and _is_file(row.names.person) and _is_file(row.names.garment)]
    if len(named) < max(1, len(others) / 2) or any(_is_file(word) for word in words) or len(words) < 2:
        return reading
    return replace(reading, rows=tuple(others), heading=first.line.text.strip())


def _is_file(word: str) -> bool:
    return stem(word) != word


def _with_strays(reading: Reading[P, G], delimiters: Sequence[str], people: Names[P], clothes: Names[G]) -> Reading[P, G]:
    """Lines that only another delimiter divides into names are read with that one."""
    if all(row.names.whole for row in reading.rows):
        return reading
    plain = Template(person_first=reading.template.person_first)
    return replace(reading, rows=tuple(_strayed(row, delimiters, plain, people, clothes) for row in reading.rows))


def _strayed(row: Row[P, G], delimiters: Sequence[str], plain: Template, people: Names[P], clothes: Names[G]) -> Row[P, G]:
    if row.names.whole or row.names.doubtful:
        return row
    for delimiter in delimiters:
        if delimiter != row.delimiter:
            other = _row(row.line, words_of(row.line.text, delimiter), delimiter, plain, people, clothes)
            if other.names.whole and not other.names.rest:
                return other
    return row
