"""`require()` gives a verified path or an error that prints the command which cures it; `available()` asks cheaply.

A file is hashed once and remembered (`weights_files.Record`); as long as size, mtime and inode stay, nobody reads it again.
Where nobody published a hash, the first file seen is pinned: later files must equal it. A converted form made from a known file
stands in for a file that is not there (`weights_converted`), under the same sha256.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.weights_converted import CONVERTED, Converted, damaged_files, find_converted
from pipeline.core.weights_files import (
    Digest,
    Progress,
    Record,
    Stamp,
    digest_of,
    human_bytes,
    no_progress,
    read_record,
    stamp_file,
    stub_on_disk,
)
from pipeline.core.weights_table import Weight, WeightFile, row

DEFAULT_ROOT = Path("weights")


class State(StrEnum):
    """What is known about one file on disk."""

    VERIFIED = "verified"
    UNVERIFIED = "not yet verified"
    CONVERTED = "converted"
    MISSING = "missing"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One file, looked at.

    Args:
        weight: its row.
        file: its line.
        path: where it is, or belongs; of a converted file the folder.
        state: what is known.
        reason: why it is unusable; empty otherwise.
        sha256: its contents when verified.
        pinned: the hash is this machine's pin, not a published value.
        news: something the user should be told once (a pin just made); empty otherwise.
    """

    weight: Weight
    file: WeightFile
    path: Path
    state: State
    reason: str = ""
    sha256: str = ""
    pinned: bool = False
    news: str = ""

    @property
    def usable(self) -> bool:
        """True unless it is missing or known to be wrong."""
        return self.state in {State.VERIFIED, State.UNVERIFIED, State.CONVERTED}

    def line(self) -> str:
        """`stableviton-vitonhd/VITONHD.ckpt: missing (10.2 GB)`."""
        size = self.file.bytes_expected
        detail = self.reason or (
            f"{self.state} ({human_bytes(size)})" if size and self.state is State.MISSING else str(self.state)
        )
        return f"{self.weight.name}/{self.file.name}: {detail}"


def path_of(weight: Weight, file: WeightFile, root: Path) -> Path:
    """Where a file belongs."""
    return root / weight.name / file.name


def look(name: str, root: Path = DEFAULT_ROOT) -> tuple[Finding, ...]:
    """The state of a row's files without hashing anything.

    Raises:
        WeightsError: no such row.
    """
    weight = row(name)
    record = read_record(root / name)
    return tuple(_glance(weight, file, record) for file in weight.files)


def converted_of(name: str, root: Path = DEFAULT_ROOT) -> Path | None:
    """The verified converted form of a row, made from the very file that is here (or was); None without one.

    Raises:
        WeightsError: as `require`.
    """
    made = find_converted(root / name / CONVERTED)
    if made is None or made.source_sha256 != sha_of(name, root):
        return None
    return None if damaged_files(made) else made.folder


def adopt_converted(name: str, root: Path = DEFAULT_ROOT) -> str:
    """Let a fresh converted form stand in for its file: pin the file's hash where nobody published it.

    Returns:
        What the user should know; empty when there is nothing to say.

    Raises:
        WeightsError: no such row.
    """
    weight, record, made = row(name), read_record(root / name), find_converted(root / name / CONVERTED)
    if made is None or _source_known(weight, record, made):
        return ""
    file = weight.files[0]
    if pin_of(record, file) or (file.sha256 and not _other_edition(weight, file, made.source_bytes)):
        return f"{made.folder}: made from another file than {file.name} of the table, so used only while that very file is here"
    record.put(file.name, Stamp(made.source_sha256, made.source_bytes, 0, 0, pinned=True))
    return f"{name}/{file.name}: no published hash; pinned on first use: {made.source_sha256}"


def available(name: str, root: Path = DEFAULT_ROOT) -> bool:
    """True when every file is there in a plausible size and none is known to be wrong. Cheap, for `auto` choices.

    A file placed by hand and never hashed counts as available; `require` hashes it before anybody opens it.
    """
    return all(finding.usable for finding in look(name, root))


def verify(
    name: str, root: Path = DEFAULT_ROOT, *, rehash: bool = False, progress: Progress = no_progress
) -> tuple[Finding, ...]:
    """Hash what was not hashed yet (everything with `rehash`), remember it, pin what has no published hash.

    Raises:
        WeightsError: no such row. Missing and wrong files are findings, not errors.
    """
    weight = row(name)
    record = read_record(root / name)
    return tuple(check(weight, file, record, rehash=rehash, progress=progress) for file in weight.files)


def require(name: str, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> Path:
    """The verified file of a row with one file, the verified folder of a row with several.

    Raises:
        WeightsError: listing every file that is missing or wrong, with the command that cures it.
    """
    return require_all((name,), root, progress)[name]


def require_all(names: Iterable[str], root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> dict[str, Path]:
    """`require` for several rows; the error lists everything that is wrong in all of them at once."""
    paths: dict[str, Path] = {}
    wrong: list[Finding] = []
    for name in names:
        findings = verify(name, root, progress=progress)
        wrong += [finding for finding in findings if not finding.usable]
        paths[name] = findings[0].path if len(findings) == 1 else root / name
    if wrong:
        raise missing_error(wrong, root)
    return paths


def paths(name: str, root: Path = DEFAULT_ROOT) -> dict[str, Path]:
    """Verified paths of a row by file name.

    Raises:
        WeightsError: as `require`.
    """
    require(name, root)
    return {file.name: path_of(row(name), file, root) for file in row(name).files}


def sha_of(name: str, root: Path = DEFAULT_ROOT) -> str:
    """What a fingerprint needs: the sha256 of the row's file, or of the list of its files' hashes. Reads no file twice.

    Raises:
        WeightsError: as `require`.
    """
    require(name, root)
    hashes = {finding.file.name: finding.sha256 for finding in verify(name, root)}
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    return hashlib.sha256("".join(f"{file}:{sha}\n" for file, sha in sorted(hashes.items())).encode()).hexdigest()


def forget_pins(name: str, root: Path = DEFAULT_ROOT) -> None:
    """Accept a new edition: the next verification pins what it finds.

    Raises:
        WeightsError: no such row.
    """
    record = read_record(root / row(name).name)
    for file in [file for file, stamp in record.stamps.items() if stamp.pinned]:
        record.put(file, None)


def check(weight: Weight, file: WeightFile, record: Record, *, rehash: bool = False, progress: Progress = no_progress) -> Finding:
    """Verify one file of a row and put the result into the row's record."""
    finding = _glance(weight, file, record)
    if not finding.usable or (finding.state is State.VERIFIED and not rehash):
        return finding
    if finding.state is State.CONVERTED:
        return _check_converted(finding, rehash)
    try:
        digest = digest_of(finding.path, progress)
    except OSError as error:
        return Finding(weight, file, finding.path, State.UNUSABLE, f"cannot be read: {error.strerror}")
    return judge(weight, file, record, digest)


def _check_converted(finding: Finding, rehash: bool) -> Finding:
    made = find_converted(finding.path)
    damaged = damaged_files(made, rehash=rehash) if made else ["its index"]
    if not damaged:
        return finding
    reason = f"missing, and its converted form is damaged ({', '.join(damaged)})"
    return Finding(finding.weight, finding.file, finding.path, State.UNUSABLE, reason)


def judge(weight: Weight, file: WeightFile, record: Record, digest: Digest) -> Finding:
    """Accept, pin or refuse a file on disk whose digest is known."""
    path = record.folder / file.name
    listed, pin = digest.sha256 in file.sha256, pin_of(record, file)
    if reason := refusal(weight, file, digest, pin):
        return Finding(weight, file, path, State.UNUSABLE, reason)
    record.put(file.name, stamp_file(path, digest.sha256, pinned=not listed))
    news = "" if listed or pin else f"{weight.name}/{file.name}: no published hash; pinned on first use: {digest.sha256}"
    return Finding(weight, file, path, State.VERIFIED, sha256=digest.sha256, pinned=not listed, news=news)


def pin_of(record: Record, file: WeightFile) -> str:
    """The sha256 this machine pinned for a file, or empty."""
    known = record.stamps.get(file.name)
    return known.sha256 if known and known.pinned else ""


def refusal(weight: Weight, file: WeightFile, digest: Digest, pin: str = "") -> str:
    """Why contents are not taken; empty when the table lists them, they equal the pin, or they may be pinned.

    Args:
        weight: the row.
        file: its line.
        digest: of the whole file.
        pin: sha256 pinned on first use, or empty.
    """
    if digest.sha256 in file.sha256:
        return ""
    if pin:
        both = f"{digest.sha256[:12]}… instead of {pin[:12]}…"
        return "" if digest.sha256 == pin else f"differs from the file pinned on first use ({both}; `verify --repin` accepts it)"
    if file.md5 and not file.sha256 and digest.md5 != file.md5:
        return f"corrupt, or another edition: md5 {digest.md5} instead of {file.md5}"
    if not file.sha256 or _other_edition(weight, file, digest.count):
        return ""
    wanted = " or ".join(f"{sha[:12]}…" for sha in file.sha256)
    if file.size == digest.count:
        return f"corrupt or altered: right size, but sha256 {digest.sha256[:12]}… instead of {wanted}"
    return f"hash differs: sha256 {digest.sha256[:12]}… instead of {wanted}: another edition, or an incomplete file"


def _other_edition(weight: Weight, file: WeightFile, size: int) -> bool:
    """True for a file of another size where the row says that other editions circulate under the same name."""
    return bool(weight.editions) and file.size != size and size >= weight.editions_at_least


def _glance(weight: Weight, file: WeightFile, record: Record) -> Finding:
    """Presence, size, stub, memory; no hashing."""
    path = record.folder / file.name
    try:
        size = path.stat().st_size
        stub = stub_on_disk(path, file.bytes_expected)
    except FileNotFoundError:
        made = find_converted(record.folder / CONVERTED)
        if made is None or not _source_known(weight, record, made):
            return Finding(weight, file, path, State.MISSING)
        return Finding(weight, file, made.folder, State.CONVERTED, sha256=made.source_sha256)
    except OSError as error:
        return Finding(weight, file, path, State.UNUSABLE, f"cannot be read: {error.strerror}")
    if stub:
        return Finding(weight, file, path, State.UNUSABLE, stub)
    if file.size not in {None, size} and not _other_edition(weight, file, size):
        return Finding(weight, file, path, State.UNUSABLE, f"{size} bytes instead of {file.size}: incomplete, or another edition")
    known = record.stamps.get(file.name)
    if known and known.fits(path) and (known.pinned or known.sha256 in file.sha256):
        return Finding(weight, file, path, State.VERIFIED, sha256=known.sha256, pinned=known.pinned)
    return Finding(weight, file, path, State.UNVERIFIED)


def _source_known(weight: Weight, record: Record, made: Converted) -> bool:
    """Whether a converted form was made from a file the table lists or this machine pinned; only models of one file have one."""
    file = weight.files[0]
    return len(weight.files) == 1 and made.source_sha256 in {*file.sha256, pin_of(record, file)}


def missing_error(wrong: Iterable[Finding], root: Path) -> WeightsError:
    """One error for everything that is missing or wrong, with the commands that cure it."""
    findings = list(wrong)
    lines = "".join(f"\n  {finding.line()}" for finding in findings)
    rows = {finding.weight.name: finding.weight for finding in findings}
    by_hand = {finding.weight.name for finding in findings if finding.file.source is None}
    cures = [f"{rows[name].home}   get it there, then: {pull_command((name,), root)} --from FILE" for name in sorted(by_hand)]
    if plain := [name for name in rows if name not in by_hand]:
        cures.insert(0, pull_command(plain, root))
    count = f"{len(findings)} model file{'s' if len(findings) != 1 else ''}"
    return WeightsError(f"weights: {count} missing or unusable in {root}:{lines}", "\n  → ".join(cures))


def pull_command(names: Iterable[str], root: Path) -> str:
    """The command line that fetches rows into this weights folder."""
    folder = "" if root == DEFAULT_ROOT else f" --weights {shlex.quote(str(root))}"
    return f"python run.py weights pull {' '.join(names)}{folder}"
