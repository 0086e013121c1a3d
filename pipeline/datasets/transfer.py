"""Writing the files of an import or export, without overwriting any: linked, copied, or converted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.core.layout import Layout, Ref
from pipeline.core.records.store import output_error
from pipeline.core.records.whole_file import whole_file


@dataclass(frozen=True)
class Transfer:
    """One file to write.

    Args:
        target: where.
        source: the file to link or copy, or to convert.
        make: returns the converted bytes; None = link or copy the source.
        check: `make` looks at the source first, and returns None where it can be linked or copied; also in a dry run.
    """

    target: Path
    source: Path
    make: Callable[[], bytes | None] | None = None
    check: bool = False


@dataclass
class TransferCounts:
    """The results of the transfers.

    Args:
        linked: how many files were linked or copied.
        converted: how many were converted.
        unchanged: how many targets have these contents already.
        kept: targets with other contents, which were not touched.
        damaged: the errors of sources that could not be converted.
    """

    linked: int = 0
    converted: int = 0
    unchanged: int = 0
    kept: list[Path] = field(default_factory=list)
    damaged: list[InputError] = field(default_factory=list)


@dataclass(frozen=True)
class ExportPlan:
    """What an export will write.

    Args:
        transfers: the files.
        lists: pair list → its lines.
        missing: item id → the first artefact it lacks; such items and their pairs are left out.
    """

    transfers: tuple[Transfer, ...]
    lists: dict[Path, str]
    missing: dict[str, Path]


class Mover:
    """Carries out transfers and counts their results.

    Args:
        copy: never link; needed where the published files may be edited in place.
        dry_run: only count.
    """

    def __init__(self, copy: bool = False, dry_run: bool = False) -> None:
        self.counts = TransferCounts()
        self._copy = copy
        self.dry_run = dry_run
        self._folders: set[Path] = set()

    def move(self, transfer: Transfer) -> None:
        """Write one file unless its target exists; a source that cannot be converted is counted as damaged.

        Raises:
            OutputError: the disk is full or cannot be written.
        """
        try:
            if transfer.check:
                transfer = _checked(transfer)
            if transfer.target.exists():
                self._compare(transfer)
                return
            if not self.dry_run:
                self._put(transfer)
        except InputError as damage:
            if str(damage) not in map(str, self.counts.damaged):  # two files that are taken together fail for one reason
                self.counts.damaged.append(damage)
            return
        except OSError as problem:
            raise output_error(problem, transfer.target) from None
        if transfer.make is None:
            self.counts.linked += 1
        else:
            self.counts.converted += 1

    def _compare(self, transfer: Transfer) -> None:
        if same_content(transfer):
            self.counts.unchanged += 1
        else:
            self.counts.kept.append(transfer.target)

    def _put(self, transfer: Transfer) -> None:
        folder = transfer.target.parent
        if folder not in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        if transfer.make is None and not self._copy and _linked(transfer):
            return
        with whole_file(transfer.target) as temp:
            if transfer.make is None:
                shutil.copyfile(transfer.source, temp)
            else:
                temp.write_bytes(transfer.make() or b"")


def _checked(transfer: Transfer) -> Transfer:
    """The transfer with what looking at its source gave: bytes that are made, or the source itself."""
    assert transfer.make is not None
    data = transfer.make()
    return replace(transfer, make=None if data is None else lambda: data, check=False)


def _linked(transfer: Transfer) -> bool:
    """Make a hard link where the file system can; symbolic links are followed, so that the target is a real file."""
    try:
        os.link(transfer.source.resolve(), transfer.target)
    except OSError:
        return False
    return True


def same_content(transfer: Transfer) -> bool:
    """Whether the target has the contents that the transfer would write."""
    if transfer.make is not None:
        return transfer.target.read_bytes() == transfer.make()
    if transfer.target.samefile(transfer.source):
        return True
    return transfer.target.stat().st_size == transfer.source.stat().st_size and (
        transfer.target.read_bytes() == transfer.source.read_bytes()
    )


def transfer_to(
    layout: Layout, ref: Ref, source: Path, make: Callable[[], bytes | None] | None = None, check: bool = False
) -> Transfer:
    """A transfer to the file of a ref."""
    return Transfer(layout.path(ref), source, make, check)
