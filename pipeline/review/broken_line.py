"""Which line of a settings file a complaint is about."""

from __future__ import annotations

import re

AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
"""How Python's reader of TOML ends its messages."""
WORD = re.compile(r"[\w.-]+")


def broken_line(text: str, complaint: str) -> int | None:
    """The number of the line, from 1; None where none or several fit.

    Args:
        text: the file's content.
        complaint: what was said about it; it names a place, a section, a key or `section.key`.
    """
    if found := AT_LINE.search(complaint):
        return int(found[1])
    named = {word.strip(".") for word in WORD.findall(complaint)}
    for column in (1, 2):  # section.key says more than the key alone
        fitting = [row[0] for row in _names(text) if row[column] in named]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _names(text: str) -> list[tuple[int, str, str]]:
    """Number, full name and own name of every line that opens a section or gives a key."""
    section, rows = "", []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            section = bare.split("]")[0].strip("[ \t")
            rows.append((number, section, section))
        elif "=" in bare and not bare.startswith("#"):
            key = bare.split("=")[0].strip(" \t\"'")
            rows.append((number, f"{section}.{key}" if section else key, key))
    return rows
