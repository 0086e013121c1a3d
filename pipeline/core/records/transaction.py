"""Ledger, stat cache, file store and lock of an outputs folder, and the order in which a result is recorded.

Per item: the ledger records the intent with the hashes of the bytes, the files are put in place, the ledger records that it is
done. A file whose hash is neither recorded nor intended is therefore a hand edit, and stays.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pipeline.core.errors import OutputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import LEDGER, Layout, Ref
from pipeline.core.records.contents import Contents, folder_paths
from pipeline.core.records.fingerprint import sha256_of_bytes
from pipeline.core.records.given import GivenMasks
from pipeline.core.records.ledger import DRIVER, Ledger
from pipeline.core.records.ledger_rows import FileRow, Intent, Outcome
from pipeline.core.records.lock import RunLock
from pipeline.core.records.store import Staged, Store


@dataclass(frozen=True, slots=True)
class Finished:
    """An item whose files are ready to be put in place.

    Args:
        outcome: what the ledger is to say once they are.
        files: every file of `outcome.writes` with its bytes.
        overwrite: replace hand edits too.
    """

    outcome: Outcome
    files: Mapping[Ref, bytes]
    overwrite: bool = False


@dataclass(slots=True)
class _Work:
    """A finished item on its way: what is to be written, what stays."""

    finished: Finished
    hashes: dict[Ref, str]
    unchanged: list[Ref]
    kept: list[Ref]
    staged: list[Staged] = field(default_factory=list)

    def outcome(self) -> Outcome:
        return replace(self.finished.outcome, kept=tuple(self.kept))


class Records:
    """What is known of an outputs folder. Open it with `open_records`.

    Args:
        layout: the folders.
        ledger: what was made.
        contents: what is there.
        store: puts files in place.
    """

    def __init__(self, layout: Layout, ledger: Ledger, contents: Contents, store: Store) -> None:
        self.layout = layout
        self.ledger = ledger
        self.contents = contents
        self.store = store
        self.given = GivenMasks()

    def is_hand_edit(self, ref: Ref) -> bool:
        """Whether a file is there that we did not put there."""
        content = self.contents.of(ref)
        return content is not None and not self._is_ours(ref, content)

    def _is_ours(self, ref: Ref, content: str) -> bool:
        row = self.ledger.files.get(ref)
        return row is not None and row.made == content

    def commit(self, group: Sequence[Finished], others: Sequence[Outcome] = ()) -> list[Outcome]:
        """Put finished items in place and write down failures; safe against a kill at any moment.

        Args:
            group: a few items, whose intents and outcomes share a transaction each.
            others: outcomes without files.

        Returns:
            The outcomes of `group` as recorded, with the files that were kept because somebody edited them.

        Raises:
            OutputError: the disk refused. What came before the refused item is in place and recorded.
        """
        work = [self._sort_out(finished) for finished in group]
        for each in work:
            each.finished = replace(each.finished, outcome=self.given.applied(each.outcome()))
            self.given.note_recorded(each.kept)
        if work:
            self.ledger.intend(Intent({**each.hashes, **self._unchanged(each)}, each.outcome()) for each in work)
        refused = None
        for position, each in enumerate(work):
            try:
                self._stage(each)
            except OutputError as problem:
                refused, work = problem, work[:position]
                break
        outcomes = self._settle(work, others)
        if refused is not None:
            raise refused
        return outcomes

    def save_stamps(self) -> None:
        """Keep what was hashed since the last commit, so that the next run need not."""
        if fresh := self.contents.take_fresh():
            self.ledger.settle(fresh, ())

    def _sort_out(self, finished: Finished) -> _Work:
        work = _Work(finished, {}, [], [])
        for ref, data in finished.files.items():
            wanted, there = sha256_of_bytes(data), self.contents.look_again(ref)
            if there is not None and not finished.overwrite and not self._is_ours(ref, there):
                work.kept.append(ref)
            elif there == wanted:
                work.unchanged.append(ref)
            else:
                work.hashes[ref] = wanted
        return work

    def _unchanged(self, work: _Work) -> dict[Ref, str]:
        return {ref: self.ledger.files[ref].content for ref in work.unchanged}

    def _stage(self, work: _Work) -> None:
        try:
            for ref in work.hashes:
                work.staged.append(self.store.stage(ref, work.finished.files[ref]))
        except BaseException:
            self.store.discard(work.staged)
            raise

    def _settle(self, work: Sequence[_Work], others: Sequence[Outcome]) -> list[Outcome]:
        """Give the files their names, then record them."""
        staged = [each for item in work for each in item.staged]
        try:
            for each in staged:
                self.store.replace(each)
        except OutputError:
            self.store.discard(staged)
            raise
        self.store.settle_names(staged)
        rows = [row for item in work for row in self._rows(item)]
        outcomes, gone = self._clear_earlier([item.outcome() for item in work])
        self.ledger.settle([*self.contents.take_fresh(), *rows], [*outcomes, *others], gone=gone)
        for row in rows:
            self.contents.put(row)
        return outcomes

    def _clear_earlier(self, outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Ref]]:
        """Take away what earlier settings made of these items and these do not: a picture in another format, a size, a layer.

        Returns:
            The outcomes, with a notice for each hand edit that stays; the files and slots that are removed.
        """
        recorded: list[Outcome] = []
        gone: list[Ref] = []
        for outcome in outcomes:
            earlier = self.ledger.namesakes(outcome.slot, outcome.step, outcome.item)
            stale = dict.fromkeys(ref for each in earlier for ref in each.writes if ref not in outcome.writes)
            hand_edits = [ref for ref in stale if self.is_hand_edit(ref)]
            self.remove(ref for ref in stale if ref not in hand_edits)
            for ref in stale:
                self.ledger.files.pop(ref, None)
            gone += [*(ref for ref in stale if ref not in hand_edits), *(each.slot for each in earlier if each.slot in stale)]
            text = "made with other settings and retouched, so it stays: "
            notices = (*outcome.notices, *(Notice(Flag.EDITED_BY_HAND, text + ref) for ref in hand_edits))
            recorded.append(replace(outcome, notices=notices))
        return recorded, gone

    def _rows(self, work: _Work) -> Iterator[FileRow]:
        fingerprint = work.finished.outcome.fingerprint
        for each in work.staged:
            stamp = each.stamp
            yield FileRow(each.ref, fingerprint, work.hashes[each.ref], "", stamp.size, stamp.mtime_ns, stamp.inode)
        for ref in work.unchanged:
            row = self.ledger.files[ref]
            yield row._replace(fingerprint=fingerprint, made=row.content, seen="")

    def recover(self, write: bool) -> int:
        """Finish what a killed run began: files that carry an intended hash are ours, its temporary files go.

        Args:
            write: record it and sweep up; False = see it that way for now.

        Returns:
            How many items the killed run had in hand.
        """
        intents = self.ledger.intents()
        rows: dict[Ref, FileRow] = {}
        outcomes: list[Outcome] = []
        for intent in intents:
            if intent.overtaken and all(self._is_ours(ref, wanted) for ref, wanted in intent.files.items()):
                continue  # another writer made the same bytes later, and knows from what
            found = [self._adopt(ref, wanted, intent.outcome.fingerprint) for ref, wanted in intent.files.items()]
            rows.update({row.ref: row for row in found if row is not None})
            if all(row is not None for row in found):
                outcomes.append(intent.outcome)
        if write and intents:
            self.store.sweep(folder_paths(self.layout, [ref for intent in intents for ref in intent.outcome.writes]))
            outcomes, gone = self._clear_earlier(outcomes)
            self.ledger.settle(rows.values(), outcomes, gone=gone)
            self.ledger.strike_intents()
        return len(intents)

    def _adopt(self, ref: Ref, wanted: str, fingerprint: str) -> FileRow | None:
        """The row of an intended file that is in place, or None."""
        if self.contents.of(ref) != wanted:
            return None
        row = self.ledger.files[ref]._replace(fingerprint=fingerprint, made=wanted, seen="")
        self.contents.put(row)
        return row

    def orphans(self, known: Mapping[str, Container[str]]) -> dict[Ref, str]:
        """Artefacts we made for items that no longer exist.

        Args:
            known: for each step the ids of all items there are; steps not named are left alone.

        Returns:
            File → the item it belonged to. Hand edits are not among them.
        """
        gone: dict[Ref, str] = {}
        for outcome in self.ledger.outcomes():
            if outcome.step in known and outcome.item not in known[outcome.step]:
                ours = (ref for ref in outcome.writes if self.contents.of(ref) and not self.is_hand_edit(ref))
                gone.update(dict.fromkeys(ours, outcome.item))
        return gone

    def remove(self, refs: Iterable[Ref]) -> int:
        """Delete artefacts; those that are not ours stay.

        Returns:
            How many were deleted.
        """
        ours = [ref for ref in refs if self.contents.look_again(ref) is not None and not self.is_hand_edit(ref)]
        for ref in ours:
            self.layout.path(ref).unlink(missing_ok=True)
            self.contents.forget(ref)
        return len(ours)


@contextmanager
def open_records(
    layout: Layout, *, writable: bool = True, verify: bool = False, store: Store | None = None, writer: str = DRIVER
) -> Iterator[Records]:
    """Open the ledger, the stat cache and the file store of an outputs folder, under the run's lock when they are to be written.

    Args:
        layout: the folders.
        writable: False looks only: takes no lock, creates nothing; for `--dry-run` and the report.
        verify: hash every file instead of believing the stat cache.
        store: how files are put in place; default: durably.
        writer: names this process's ledger file.

    Raises:
        LockedError: another run is at work.
        OutputError: the folder cannot be used.
    """
    folder = layout.outputs / LEDGER
    lock = RunLock(folder)
    if writable:
        lock.acquire()
    try:
        store = store or Store(layout)
        ledger = Ledger(folder, writer, writable=writable, durable=store.durable)
        try:
            records = Records(layout, ledger, Contents(layout, ledger.files, verify), store)
            if lock.cleared is not None:
                ledger.notes.append(f"the last run did not sign off ({lock.cleared}); its lock is cleared")
            if unfinished := records.recover(writable):
                ledger.notes.append(f"the last run was cut off with {unfinished} item(s) in hand; they are picked up")
            yield records
        finally:
            ledger.close()
    finally:
        lock.release()
