"""The rows of the ledger and how they become SQL and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import Ref

SCHEMA_VERSION = 1
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER);
INSERT OR IGNORE INTO meta VALUES ('schema', {SCHEMA_VERSION});
CREATE TABLE IF NOT EXISTS files (
  ref TEXT PRIMARY KEY, fingerprint TEXT, made TEXT, seen TEXT, size INTEGER, mtime_ns INTEGER, inode INTEGER, sequence INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (
  slot TEXT PRIMARY KEY, sequence INTEGER, step TEXT, item TEXT, status TEXT, fingerprint TEXT, basis TEXT, writes TEXT,
  notices TEXT, facts TEXT, kept TEXT, message TEXT, remedy TEXT, sticky INTEGER, seconds REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS failed ON outcomes (status) WHERE status = 'failed';
CREATE INDEX IF NOT EXISTS kept ON outcomes (step) WHERE kept <> '[]';
CREATE TABLE IF NOT EXISTS intents (slot TEXT PRIMARY KEY, sequence INTEGER, content TEXT);
CREATE TABLE IF NOT EXISTS runs (sequence INTEGER PRIMARY KEY, started TEXT, command TEXT, settings TEXT);
"""

UNTRUSTED = -1
"""The size in a row whose stamp must not be believed: the file has to be hashed again."""


class FileRow(NamedTuple):
    """One file: what we made it from, and what was last seen on disk. A tuple, because a run may load half a million.

    Args:
        ref: which file.
        fingerprint: of the item when we made it; empty for a file that is not ours.
        made: sha256 of what we put there; empty for a file that is not ours.
        seen: sha256 of what was last seen there; empty = the same as `made`.
        size, mtime_ns, inode: its stamp when it was seen; size `UNTRUSTED` = hash again.
    """

    ref: Ref
    fingerprint: str
    made: str
    seen: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def content(self) -> str:
        """sha256 of what was last seen on disk."""
        return self.seen or self.made


class Status(StrEnum):
    """What became of an item."""

    DONE = "done"
    FAILED = "failed"
    KEPT = "kept"
    """Everything it would write is a hand edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item in one step.

    Args:
        slot: the first file it writes; identifies the item within all steps.
        step: the step's name.
        item: the item's id.
        status: done, failed, kept.
        fingerprint: what it was made from, or failed with.
        basis: the parts of the fingerprint, as JSON; empty for a kept item.
        writes: every file it is to write.
        notices: quality flags, `EDITED_BY_HAND` left out (see `all_notices`).
        facts: small figures for the report.
        kept: those of `writes` that are hand edits.
        message: why it failed.
        remedy: what cures it.
        sticky: the failure lies in the input, so trying again without a change is useless.
        seconds: time it took.
    """

    slot: Ref
    step: str
    item: str
    status: Status
    fingerprint: str = ""
    basis: str = ""
    writes: tuple[Ref, ...] = ()
    notices: tuple[Notice, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[Ref, ...] = ()
    message: str = ""
    remedy: str = ""
    sticky: bool = False
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the last attempt failed."""
        return self.status is Status.FAILED

    @property
    def all_notices(self) -> tuple[Notice, ...]:
        """The step's own flags, and the one for hand edits."""
        hand = (Notice(Flag.EDITED_BY_HAND, ", ".join(self.kept)),) if self.kept else ()
        return (*self.notices, *hand)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be put in place for one item.

    Args:
        files: file → sha256.
        outcome: once all of it is there.
        overtaken: another writer has recorded a later outcome of the same item.
    """

    files: Mapping[Ref, str]
    outcome: Outcome
    overtaken: bool = False


def row_of(outcome: Outcome, sequence: int) -> tuple[str | int | float, ...]:
    """The SQL values of an outcome, in the order of the table's columns."""
    return (
        outcome.slot,
        sequence,
        outcome.step,
        outcome.item,
        outcome.status.value,
        outcome.fingerprint,
        outcome.basis,
        _text(list(outcome.writes)),
        _text([[notice.flag.value, notice.detail] for notice in outcome.notices]),
        _text(dict(outcome.facts)),
        _text(list(outcome.kept)),
        outcome.message,
        outcome.remedy,
        int(outcome.sticky),
        outcome.seconds,
    )


def outcome_of(row: tuple) -> Outcome:
    """The inverse of `row_of`. Flags that no longer exist are left out."""
    slot, _, step, item, status, fingerprint, basis, writes, notices, facts, kept, message, remedy, sticky, seconds = row
    return Outcome(
        slot=slot,
        step=step,
        item=item,
        status=Status(status),
        fingerprint=fingerprint,
        basis=basis,
        writes=tuple(json.loads(writes)),
        notices=tuple(Notice(Flag(flag), detail) for flag, detail in json.loads(notices) if flag in list(Flag)),
        facts=json.loads(facts),
        kept=tuple(json.loads(kept)),
        message=message,
        remedy=remedy,
        sticky=bool(sticky),
        seconds=seconds,
    )


def intent_json(intent: Intent) -> str:
    """Text of an intent for the ledger."""
    return _text({"files": dict(intent.files), "outcome": row_of(intent.outcome, 0)})


def intent_from_json(text: str, overtaken: bool = False) -> Intent:
    """The inverse of `intent_json`."""
    content = json.loads(text)
    return Intent(content["files"], outcome_of(tuple(content["outcome"])), overtaken)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
