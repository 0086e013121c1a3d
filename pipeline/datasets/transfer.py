"""Putting files in place without ever overwriting one: linked, copied, or made of others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.core.layout import Layout, Ref
from pipeline.core.records.store import TEMP_PREFIX, TEMP_SUFFIX, output_error


@dataclass(frozen=True)
class Transfer:
    """One file to be.

    Args:
        target: where.
        source: the file it is, or is made of.
        make: its bytes, when it is not the source as it stands.
    """

    target: Path
    source: Path
    make: Callable[[], bytes] | None = None


@dataclass
class TransferCounts:
    """What became of the transfers.

    Args:
        linked, made, there: how many were linked or copied, were converted, were there already just so.
        kept: targets that are there with other contents and were left alone.
        damaged: sources that could not be converted, with the reason.
    """

    linked: int = 0
    made: int = 0
    there: int = 0
    kept: list[Path] = field(default_factory=list)
    damaged: list[InputError] = field(default_factory=list)


class Mover:
    """Carries transfers out.

    Args:
        copy: never link; needed where the published files may be edited in place.
        dry_run: only count.
    """

    def __init__(self, copy: bool = False, dry_run: bool = False) -> None:
        self.tally = TransferCounts()
        self._copy = copy
        self.dry_run = dry_run
        self._folders: set[Path] = set()

    def move(self, transfer: Transfer) -> None:
        """Put one file in place unless something is there; a source that cannot be converted is noted.

        Raises:
            OutputError: the disk refuses.
        """
        try:
            if transfer.target.exists():
                self._compare(transfer)
                return
            if not self.dry_run:
                self._put(transfer)
        except InputError as damage:
            self.tally.damaged.append(damage)
            return
        except OSError as problem:
            raise output_error(problem, transfer.target) from None
        if transfer.make is None:
            self.tally.linked += 1
        else:
            self.tally.made += 1

    def _compare(self, transfer: Transfer) -> None:
        if same_content(transfer):
            self.tally.there += 1
        else:
            self.tally.kept.append(transfer.target)

    def _put(self, transfer: Transfer) -> None:
        folder = transfer.target.parent
        if folder not in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        if transfer.make is None and not self._copy and _linked(transfer):
            return
        temp = folder / f"{TEMP_PREFIX}{os.getpid()}-import{TEMP_SUFFIX}"
        try:
            if transfer.make is None:
                shutil.copyfile(transfer.source, temp)
            else:
                temp.write_bytes(transfer.make())
            temp.replace(transfer.target)
        finally:
            temp.unlink(missing_ok=True)


def _linked(transfer: Transfer) -> bool:
    """A hard link where the file system can; links to links are followed, so that the target is a file of its own."""
    try:
        os.link(transfer.source.resolve(), transfer.target)
    except OSError:
        return False
    return True


def same_content(transfer: Transfer) -> bool:
    """Whether the target holds what it would be given."""
    if transfer.make is not None:
        return transfer.target.read_bytes() == transfer.make()
    if transfer.target.samefile(transfer.source):
        return True
    return transfer.target.stat().st_size == transfer.source.stat().st_size and (
        transfer.target.read_bytes() == transfer.source.read_bytes()
    )


def to(layout: Layout, ref: Ref, source: Path, make: Callable[[], bytes] | None = None) -> Transfer:
    """A transfer to one of the project's own places."""
    return Transfer(layout.path(ref), source, make)
