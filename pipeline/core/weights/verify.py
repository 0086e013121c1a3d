"""What one file on disk is worth: there or not, right or wrong, known by a published hash, a pin, or not yet.

Where nobody published a hash, the first file seen is pinned: later files must equal it. A converted form made from a known file
stands in for a file that is not there (`weights_converted`), under the same sha256.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.core.weights.converted import CONVERTED, Converted, damaged_files, find_converted
from pipeline.core.weights.files import Digest, Progress, Record, digest_of, human_bytes, no_progress, stamp_file, stub_on_disk
from pipeline.core.weights.table import Weight, WeightFile


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


def check(weight: Weight, file: WeightFile, record: Record, *, rehash: bool = False, progress: Progress = no_progress) -> Finding:
    """Verify one file of a row and put the result into the row's record."""
    finding = glance(weight, file, record)
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
    if not file.sha256 or other_edition(weight, file, digest.count):
        return ""
    wanted = " or ".join(f"{sha[:12]}…" for sha in file.sha256)
    if file.size == digest.count:
        return f"corrupt or altered: right size, but sha256 {digest.sha256[:12]}… instead of {wanted}"
    return f"hash differs: sha256 {digest.sha256[:12]}… instead of {wanted}: another edition, or an incomplete file"


def other_edition(weight: Weight, file: WeightFile, size: int) -> bool:
    """True for a file of another size where the row says that other editions circulate under the same name."""
    return bool(weight.editions) and file.size != size and size >= weight.editions_at_least


def glance(weight: Weight, file: WeightFile, record: Record) -> Finding:
    """Presence, size, stub, memory; no hashing."""
    path = record.folder / file.name
    try:
        size = path.stat().st_size
        stub = stub_on_disk(path, file.bytes_expected)
    except FileNotFoundError:
        made = find_converted(record.folder / CONVERTED)
        if made is None or not source_known(weight, record, made):
            return Finding(weight, file, path, State.MISSING)
        return Finding(weight, file, made.folder, State.CONVERTED, sha256=made.source_sha256)
    except OSError as error:
        return Finding(weight, file, path, State.UNUSABLE, f"cannot be read: {error.strerror}")
    if stub:
        return Finding(weight, file, path, State.UNUSABLE, stub)
    if file.size not in {None, size} and not other_edition(weight, file, size):
        return Finding(weight, file, path, State.UNUSABLE, f"{size} bytes instead of {file.size}: incomplete, or another edition")
    known = record.stamps.get(file.name)
    if known and known.fits(path) and (known.pinned or known.sha256 in file.sha256):
        return Finding(weight, file, path, State.VERIFIED, sha256=known.sha256, pinned=known.pinned)
    return Finding(weight, file, path, State.UNVERIFIED)


def source_known(weight: Weight, record: Record, made: Converted) -> bool:
    """Whether a converted form was made from a file the table lists or this machine pinned; only models of one file have one."""
    file = weight.files[0]
    return len(weight.files) == 1 and made.source_sha256 in {*file.sha256, pin_of(record, file)}
