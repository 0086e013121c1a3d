"""What an entry came to, kept beside its pictures; an entry is done when its file is there, and not before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.core.weights.files import read_json, write_json
from pipeline.sweep.grid import Entry

FILE = "entry.json"


@dataclass(frozen=True)
class Outcome:
    """Of one entry.

    Args:
        figures: measure → number, for the table.
        pictures: name of what is shown → file, relative to the entry's folder; the same names stand in one row of the sheet.
        seconds: of work.
        wrong: why it has no result, or not all of it, with the remedy; "" = whole.
        facts: what decided it; another decides anew.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def kept(folder: Path, facts: Mapping[str, Any]) -> Outcome | None:
    """The outcome of an entry that was done whole before, from the same facts; None otherwise."""
    read = read_json(folder / FILE)
    if not read or read.get("wrong") or read.get("facts") != json.loads(json.dumps(facts)):
        return None
    outcome = Outcome(**read)
    return outcome if all((folder / each).is_file() for each in outcome.pictures.values()) else None


def keep(folder: Path, entry: Entry, outcome: Outcome) -> None:
    """Write the last file of an entry."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, asdict(outcome))
