"""Bring model files into the weights folder: from the network, or from a place on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pipeline.core.errors import WeightsError
from pipeline.core.weights.access import DEFAULT_ROOT, missing_error, verify
from pipeline.core.weights.download import SPARE_BYTES, Expected, download, refuse_unless_online
from pipeline.core.weights.files import CHUNK_BYTES, Digest, Progress, Record, human_bytes, no_progress, read_record, stub_on_disk
from pipeline.core.weights.http import Network
from pipeline.core.weights.part import CHOOSE_FOLDER
from pipeline.core.weights.table import Weight, WeightFile, row
from pipeline.core.weights.verify import Finding, State, judge, path_of, pin_of, refusal


@dataclass(frozen=True, slots=True)
class Want:
    """One file to fetch.

    Args:
        weight: its row.
        file: its line.
        root: the weights folder.
    """

    weight: Weight
    file: WeightFile
    root: Path

    @property
    def path(self) -> Path:
        """Where it goes."""
        return path_of(self.weight, self.file, self.root)

    @property
    def bytes_left(self) -> int:
        """Bytes still to come, as far as known; an unfinished download counts as had."""
        part = self.path.with_name(self.path.name + ".part")
        have = part.stat().st_size if part.exists() else 0
        return max(0, self.file.bytes_expected - have)


def plan_pull(names: Iterable[str], root: Path = DEFAULT_ROOT, *, repin: bool = False) -> list[Want]:
    """Files of these rows that are not verified on disk. Hashes what lies there unverified, downloads nothing.

    Args:
        names: rows of the table.
        root: the weights folder.
        repin: also fetch again what is here by a pin only.

    Raises:
        WeightsError: no such row.
    """
    return [
        Want(finding.weight, finding.file, root)
        for name in dict.fromkeys(names)
        for finding in verify(name, root)
        if finding.state is not State.VERIFIED or (repin and finding.pinned)
    ]


def addresses(want: Want, network: Network, *, mirrors: bool = False) -> tuple[str, ...]:
    """Where a file is asked for, in order. A mirror set by the user replaces all others; the table's come on request only."""
    if network.mirror:
        return (f"{network.mirror}/{quote(want.weight.name)}/{quote(want.file.name)}",)
    sources = ((want.file.source,) if want.file.source else ()) + (want.file.mirrors if mirrors else ())
    return tuple(source.url(network.hub) for source in sources)


def refuse_full_disk(wants: Iterable[Want], root: Path) -> None:
    """Stop before the first byte when all of it cannot fit.

    Raises:
        WeightsError: too little room.
    """
    left = sum(want.bytes_left for want in wants)
    place = next(folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if left and left + SPARE_BYTES > free:
        raise WeightsError(
            f"weights: {human_bytes(left)} to download, {human_bytes(free)} free in {root}",
            "free some space, or choose another folder: --weights DIR",
        )


def refuse_early(wants: Sequence[Want], network: Network, *, mirrors: bool = False) -> None:
    """Say before the first byte what cannot succeed: files fetched by hand, offline mode, a full disk.

    Raises:
        WeightsError: listing every file that must be fetched by hand, or naming what stands in the way.
    """
    by_hand = [want for want in wants if not addresses(want, network, mirrors=mirrors)]
    if by_hand:
        raise missing_error([Finding(want.weight, want.file, want.path, State.MISSING) for want in by_hand], by_hand[0].root)
    for want in wants:
        with _named(want):
            refuse_unless_online(addresses(want, network, mirrors=mirrors)[0], network)
    refuse_full_disk(wants, wants[0].root)


@contextmanager
def _named(want: Want) -> Iterator[None]:
    """Put the row's name into remedies of the download, which knows only addresses."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(error.message, error.remedy.replace("NAME", want.weight.name)) from error


def pull(
    want: Want, network: Network, *, mirrors: bool = False, repin: bool = False, progress: Progress = no_progress
) -> Finding:
    """Download and verify one file; asks the next address when one fails.

    Args:
        want: from `plan_pull`.
        network: from `download.network_from`.
        mirrors: also ask the table's other sources (same hash).
        repin: forget the pin of an unpublished hash and take what comes.
        progress: told the bytes done and the total.

    Returns:
        The verified file; its `news` says when a hash was pinned.

    Raises:
        WeightsError: of the last address asked, or the page to visit when there is no plain address.
    """
    record = read_record(want.root / want.weight.name)
    if repin:
        record.put(want.file.name, None)
    expected = _expected(want.file, record)
    urls = addresses(want, network, mirrors=mirrors)
    if not urls:
        raise missing_error([Finding(want.weight, want.file, want.path, State.MISSING)], want.root)
    for url in urls[:-1]:
        try:
            return judge(want.weight, want.file, record, download(url, want.path, expected, network, progress))
        except WeightsError:
            continue  # the last address speaks for all
    with _named(want):
        return judge(want.weight, want.file, record, download(urls[-1], want.path, expected, network, progress))


def _expected(file: WeightFile, record: Record) -> Expected:
    """What the download must be: the table's hash, else this machine's pin."""
    stamp = record.stamps.get(file.name)
    pin = (stamp.sha256,) if stamp and stamp.pinned and not file.sha256 else ()
    return Expected(size=file.size, about=file.about, sha256=file.sha256 or pin, md5=file.md5, pinned=bool(pin))


def adopt(name: str, given: Path, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> list[Finding]:
    """Copy a row's files from a place on this machine, verified on the way.

    Args:
        name: row of the table.
        given: a file, or a folder that holds the row's files (by their path or their bare name).
        root: the weights folder.
        progress: told the bytes done and the total.

    Raises:
        WeightsError: nothing there fits the row, or a file is not the right one.
    """
    weight = row(name)
    pairs = _matches(weight, given)
    if not pairs:
        expected = ", ".join(file.name for file in weight.files)
        raise WeightsError(
            f"weights: {given} holds no file of {name}; expected: {expected}", f"python run.py weights list {name}"
        )
    return [_take(weight, file, source, root, progress) for file, source in pairs]


def _matches(weight: Weight, given: Path) -> list[tuple[WeightFile, Path]]:
    """Which given file is which file of the row."""
    if given.is_dir():
        places = [(file, place) for file in weight.files for place in (given / file.name, given / Path(file.name).name)]
        return list({file: (file, place) for file, place in reversed(places) if place.is_file()}.values())
    if not given.is_file():
        return []
    if len(weight.files) == 1:
        return [(weight.files[0], given)]
    return [(file, given) for file in weight.files if Path(file.name).name == given.name][:1]


def _take(weight: Weight, file: WeightFile, source: Path, root: Path, progress: Progress) -> Finding:
    target, record = path_of(weight, file, root), read_record(root / weight.name)
    if reason := stub_on_disk(source, file.bytes_expected):
        raise WeightsError(f"weights: {source} is {reason}", f"fetch it again: {weight.home}")
    incoming = target.with_name(target.name + ".incoming")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = _copy(source, incoming, progress)
        if reason := refusal(weight, file, digest, pin_of(record, file)):
            raise WeightsError(f"weights: {source} is not {weight.name}/{file.name}: {reason}", f"fetch it again: {weight.home}")
        incoming.replace(target)
    except OSError as error:
        raise WeightsError(f"weights: {source} cannot be copied to {target}: {error.strerror}", CHOOSE_FOLDER) from error
    finally:
        incoming.unlink(missing_ok=True)
    return judge(weight, file, record, digest)


def _copy(source: Path, target: Path, progress: Progress) -> Digest:
    digest, total = Digest(), source.stat().st_size
    with source.open("rb") as reader, target.open("wb") as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
            digest.update(data)
            progress(digest.count, total)
        writer.flush()
        os.fsync(writer.fileno())
    return digest
