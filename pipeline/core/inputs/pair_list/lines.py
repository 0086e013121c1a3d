"""The text of a list → its lines, and a line → its words, for one delimiter (docs/facts/pair_lists.md#delimiters)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

BLANKS = " "
DELIMITERS = ("\t", ";", "|", ",", BLANKS)
"""Candidates; of two under which equally many lines are understood, the first is taken."""
SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>.?)"?', re.IGNORECASE)
"""The line with which Excel is told the delimiter."""
QUOTED_LINE = re.compile(r'"([^"]*)"')
WORD = re.compile(r"\"[^\"]*\"|(?<!\S)'[^']*'(?!\S)|\S+")
LINE_END = re.compile("\r\n|[\r\n\u0085\u2028\u2029]")
"""The ends of lines of any system; the last three come with text that is copied from web pages and old machines."""
RULE = re.compile(r"[\s|+:=-]*-{2}[\s|+:=-]*")
"""The line below the headings of a table in a text."""
END_MARK = "\x1a"
"""What DOS programs write behind the last line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its number in the file, from 1."""

    number: int
    text: str


def lines_of(text: str) -> tuple[list[Line], str]:
    """The lines that are not empty, and the delimiter that a `sep=` line names, or ""."""
    numbered = (Line(number, line) for number, line in enumerate(LINE_END.split(text), 1))
    lines = [line for line in numbered if line.text.strip(f" \t\f{END_MARK}") and not RULE.fullmatch(line.text)]
    match = SEPARATOR_LINE.fullmatch(lines[0].text.rstrip("\f")) if lines else None
    return (lines[1:], match["delimiter"] or "\t") if match else (lines, "")


def words_of(text: str, delimiter: str) -> list[str]:
    """The words or cells of a line, without quotation marks and without empty cells at its end."""
    text = text.strip(f" \f{END_MARK}")
    if whole := QUOTED_LINE.fullmatch(text):  # a spreadsheet's single cell that holds the whole line
        text = whole[1]
    if delimiter == BLANKS:
        return [_unquoted(word) for word in WORD.findall(text)]
    try:
        cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        cells = text.split(delimiter)
    words = [cell.strip() for cell in cells]
    while words and not words[-1]:
        words.pop()
    return words


def joined(words: list[str], delimiter: str) -> str:
    """The words as one name that contains the delimiter."""
    return delimiter.join(words)


def is_comment(text: str) -> bool:
    """Whether a line is a remark."""
    return text.lstrip(" \t\ufeff").startswith("#")


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
