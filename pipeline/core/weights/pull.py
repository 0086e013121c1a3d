"""Fetch model files into the weights folder, from the network; `copying` brings them from this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from pipeline.core.errors import WeightsDiskFullError, WeightsError
from pipeline.core.weights.access import DEFAULT_ROOT, missing_error, verify
from pipeline.core.weights.copying import copy_file, unpack
from pipeline.core.weights.download import SPARE_BYTES, Expected, download, refuse_offline, refuse_unless_online
from pipeline.core.weights.files import (
    Progress,
    VerifiedFiles,
    human_bytes,
    no_progress,
    read_verified,
)
from pipeline.core.weights.http import Network
from pipeline.core.weights.table import Weight, WeightFile
from pipeline.core.weights.verify import FileState, Finding, check_digest, path_of, pin_of
from pipeline.core.weights.wheel import alone, fetched_wheel

ProgressOf = Callable[[str], Progress]
"""Gives the progress of one file by its name."""


def _silent(name: str) -> Progress:
    return no_progress


@dataclass(frozen=True, slots=True)
class Want:
    """One file to fetch.

    Args:
        weight: its row.
        file: the file of that row.
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
        """Bytes still to download, as far as known; those of an unfinished download are not counted."""
        part = self.path.with_name(self.path.name + ".part")
        have = part.stat().st_size if part.exists() else 0
        return max(0, self.file.bytes_expected - have)


def plan_pull(names: Iterable[str], root: Path = DEFAULT_ROOT, *, repin: bool = False) -> list[Want]:
    """Files of these rows that are not verified on disk. Hashes files that are there unverified, downloads nothing.

    Args:
        names: rows of the table.
        root: the weights folder.
        repin: also fetch files again whose hash is only pinned.

    Raises:
        WeightsError: no such row.
    """
    return [
        Want(finding.weight, finding.file, root)
        for name in dict.fromkeys(names)
        for finding in verify(name, root)
        if finding.state is not FileState.VERIFIED or (repin and finding.pinned)
    ]


def addresses(want: Want, network: Network, *, mirrors: bool = False) -> tuple[str, ...]:
    """The addresses of a file, in the order in which they are tried.

    A mirror set by the user replaces all others. Those of the table are used on request only, and for files of a wheel, whose
    own way is `package_of`.
    """
    if network.mirror:
        return (f"{network.mirror}/{quote(want.weight.name)}/{quote(want.file.name)}",)
    own = () if want.file.source is None or want.file.package else (want.file.source,)
    sources = own + (want.file.mirrors if mirrors or want.file.package else ())
    return tuple(source.url(network.hub) for source in sources)


def package_of(want: Want, network: Network) -> str:
    """The package whose wheel is fetched for a file, or "" where it has an address or the user has a mirror."""
    return "" if network.mirror else want.file.package


def ways(want: Want, network: Network, *, mirrors: bool = False) -> tuple[str, ...]:
    """Where a file would be taken from, for the user: its package, then its addresses."""
    package = package_of(want, network)
    return (*((f"the wheel of {package}",) if package else ()), *addresses(want, network, mirrors=mirrors))


def refuse_full_disk(wants: Iterable[Want], root: Path) -> None:
    """Refuse before the first byte a download that does not fit on the disk.

    Raises:
        WeightsDiskFullError: too little free space.
    """
    left = sum(want.bytes_left for want in wants)
    place = next(folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if left and left + SPARE_BYTES > free:
        raise WeightsDiskFullError(
            f"weights: {human_bytes(left)} to download, {human_bytes(free)} free in {root}",
            "free some space, or choose another folder: --weights DIR",
        )


def refuse_early(wants: Sequence[Want], network: Network, *, mirrors: bool = False) -> None:
    """Refuse before the first byte what cannot succeed: files without an address, offline mode, a full disk.

    Raises:
        WeightsError: listing every file that the user must fetch, or naming the obstacle.
    """
    by_hand = [want for want in wants if not (package_of(want, network) or addresses(want, network, mirrors=mirrors))]
    if by_hand:
        raise missing_error([Finding(want.weight, want.file, want.path, FileState.MISSING) for want in by_hand], by_hand[0].root)
    for want in wants:
        with _named(want):
            if package := package_of(want, network):
                refuse_offline(package, network)
            else:
                refuse_unless_online(addresses(want, network, mirrors=mirrors)[0], network)
    refuse_full_disk(wants, wants[0].root)


@contextmanager
def _named(want: Want) -> Iterator[None]:
    """Put the row's name into the remedies of the download, which knows addresses only."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(error.message, error.remedy.replace("NAME", want.weight.name)) from error


def pull_all(
    wants: Sequence[Want], network: Network, *, mirrors: bool = False, repin: bool = False, progress: ProgressOf = _silent
) -> Iterator[Finding]:
    """Fetch files, those of one wheel together, and verify each.

    Args:
        wants: from `plan_pull`.
        network: from `download.network_from`.
        mirrors: also try the table's other sources (same hash).
        repin: accept another edition of a file whose hash nobody published.
        progress: gives what is called with the bytes done of one file.

    Raises:
        WeightsError: as `pull_file`, and as `pull_packed`.
    """
    packed: dict[tuple[str, str], list[Want]] = {}
    for want in wants:
        if package := package_of(want, network):
            packed.setdefault((package, want.weight.name), []).append(want)
        else:
            yield pull_file(want, network, mirrors=mirrors, repin=repin, progress=progress(want.file.name))
    for (package, _), together in packed.items():
        yield from pull_packed(package, together, network)


def pull_packed(package: str, wants: Sequence[Want], network: Network) -> list[Finding]:
    """Fetch files of one row that lie in one wheel: from where it is installed, through pip, else one by one.

    Another process that does the same is waited for.

    Args:
        package: `name==version`.
        wants: files of one row.
        network: for the single files.

    Raises:
        WeightsError: offline, no way succeeded, or a file is not the right one.
    """
    refuse_offline(package, network)
    name, root = wants[0].weight.name, wants[0].root
    wanted = {want.file.name: want for want in wants}
    with alone(root / name):
        for finding in verify(name, root):
            if finding.state is FileState.INSTALLED:
                copy_file(finding.weight, finding.file, finding.path, root, no_progress)
        left = [wanted[found.file.name] for found in verify(name, root) if _lacks(found) and found.file.name in wanted]
        if left:
            _fetch_packed(package, left, network)
    return [finding for finding in verify(name, root) if finding.file.name in wanted]


def _lacks(finding: Finding) -> bool:
    return finding.state is not FileState.VERIFIED


def _fetch_packed(package: str, wants: Sequence[Want], network: Network) -> None:
    try:
        with fetched_wheel(package, wants[0].root / wants[0].weight.name) as wheel:
            for want in wants:
                unpack(want.weight, want.file, wheel, want.root, no_progress)
    except WeightsError as problem:
        _fetch_singly(wants, network, problem)


def _fetch_singly(wants: Sequence[Want], network: Network, problem: WeightsError) -> None:
    """The second choice: the same bytes, published as single files."""
    briefly = replace(network, attempts=min(network.attempts, 2))
    try:
        for want in wants:
            pull_file(want, briefly)
    except WeightsError as error:
        name = wants[0].weight.name
        raise WeightsError(
            f"{problem.message}\nand its files one by one: {error.message}",
            f"where there is a network: python run.py weights pull {name}; then here: "
            f"python run.py weights pull {name} --from FOLDER (the folder {name} of those weights, or the wheel)",
        ) from error


def pull_file(
    want: Want, network: Network, *, mirrors: bool = False, repin: bool = False, progress: Progress = no_progress
) -> Finding:
    """Download and verify one file; the next address is tried when one fails.

    Args:
        want: from `plan_pull`.
        network: from `download.network_from`.
        mirrors: also try the table's other sources (same hash).
        repin: forget the pin of an unpublished hash and accept the file that is there now.
        progress: called with the bytes done and the total.

    Returns:
        The verified file; its `notice` says when a hash was pinned.

    Raises:
        WeightsError: of the last address tried, or the page to visit when there is no plain address.
    """
    verified = read_verified(want.root / want.weight.name)
    if repin:
        verified.put(want.file.name, None)
    expected = _expected(want.file, verified)
    urls = addresses(want, network, mirrors=mirrors)
    if not urls:
        raise missing_error([Finding(want.weight, want.file, want.path, FileState.MISSING)], want.root)
    for url in urls[:-1]:
        try:
            return check_digest(want.weight, want.file, verified, download(url, want.path, expected, network, progress))
        except WeightsDiskFullError:
            raise
        except WeightsError:
            continue  # the error of the last address is the one that is raised
    with _named(want):
        return check_digest(want.weight, want.file, verified, download(urls[-1], want.path, expected, network, progress))


def _expected(file: WeightFile, verified: VerifiedFiles) -> Expected:
    """How the right file is recognised: by the table's hash, else by this machine's pin."""
    known = pin_of(verified, file)
    pin = (known,) if known and not file.sha256 else ()
    return Expected(size=file.size, about=file.about, sha256=file.sha256 or pin, md5=file.md5, pinned=bool(pin))
