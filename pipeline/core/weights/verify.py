"""Verification of one weights file: `quick_check` without hashing, `check` with its sha256 against the table or the pin.

Where nobody published a hash, the first file seen is pinned: later files must equal it. A converted form made from a known file
replaces a file that is missing (`pipeline/core/weights/converted.py`), under the same sha256.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pipeline.core.weights.converted import CONVERTED, Converted, damaged_files, find_converted
from pipeline.core.weights.files import (
    Digest,
    Progress,
    VerifiedFiles,
    digest_of,
    human_bytes,
    no_progress,
    stub_on_disk,
    verified_file,
)
from pipeline.core.weights.table import Weight, WeightFile


class FileState(StrEnum):
    """What is known about a file on disk."""

    VERIFIED = "verified"
    UNVERIFIED = "not yet verified"
    CONVERTED = "converted"
    INSTALLED = "in an installed package"
    MISSING = "missing"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of checking one file.

    Args:
        weight: the row of the table.
        file: the file of that row.
        path: where the file is, or belongs; of a converted file the folder, of an installed one its place in the package.
        state: what is known.
        reason: why it is unusable; empty otherwise.
        sha256: hash of its contents when verified.
        pinned: the hash is this machine's pin, not a published value.
        chosen: the user took this file in place of the published one (`weights use`).
        notice: a message that is shown once (a hash was just pinned); empty otherwise.
    """

    weight: Weight
    file: WeightFile
    path: Path
    state: FileState
    reason: str = ""
    sha256: str = ""
    pinned: bool = False
    notice: str = ""
    chosen: bool = False

    @property
    def usable(self) -> bool:
        """True unless it is missing or known to be wrong."""
        return self.state in {FileState.VERIFIED, FileState.UNVERIFIED, FileState.CONVERTED, FileState.INSTALLED}

    def line(self) -> str:
        """`stableviton-vitonhd/VITONHD.ckpt: missing (10.2 GB)`."""
        size = self.file.bytes_expected
        detail = self.reason or (
            f"{self.state} ({human_bytes(size)})" if size and self.state is FileState.MISSING else str(self.state)
        )
        chosen = ", not the published file: chosen with `weights use`" if self.chosen else ""
        return f"{self.weight.name}/{self.file.name}: {detail}{chosen}"


def path_of(weight: Weight, file: WeightFile, root: Path) -> Path:
    """Where a file belongs."""
    return root / weight.name / file.name


def installed_file(file: WeightFile) -> Path | None:
    """A file of a wheel where that package is installed; found without importing it, and told by its size."""
    if file.source is None or not file.package:
        return None
    top, *below = PurePosixPath(file.source.path).parts
    package = importlib.util.find_spec(top)
    places = (Path(place, *below) for place in (package.submodule_search_locations or ())) if package else ()
    return next((place for place in places if place.is_file() and file.size in {None, place.stat().st_size}), None)


def check(finding: Finding, verified: VerifiedFiles, *, rehash: bool = False, progress: Progress = no_progress) -> Finding:
    """Verify a file and add it to the list of verified files.

    Args:
        finding: of `quick_check`; a file that it calls verified is not read again.
        verified: the list of the row's folder.
        rehash: read the file even then.
        progress: called with the bytes done and the total.
    """
    if not finding.usable or (finding.state is FileState.VERIFIED and not rehash):
        return finding
    if finding.state is FileState.CONVERTED:
        return _check_converted(finding, rehash)
    if finding.state is FileState.INSTALLED:
        return _check_installed(finding, verified.folder)
    try:
        digest = digest_of(finding.path, progress)
    except OSError as error:
        return _unusable(finding, f"cannot be read: {error.strerror}")
    return check_digest(finding.weight, finding.file, verified, digest)


def _check_converted(finding: Finding, rehash: bool) -> Finding:
    made = find_converted(finding.path)
    damaged = damaged_files(made, rehash=rehash) if made else ["its index"]
    if not damaged:
        return finding
    return _unusable(finding, f"missing, and its converted form is damaged ({', '.join(damaged)})")


def _check_installed(finding: Finding, folder: Path) -> Finding:
    """Another edition of the package may have another file of the same size under the same name."""
    sha256 = digest_of(finding.path).sha256
    if sha256 in finding.file.sha256:
        return replace(finding, sha256=sha256)
    return replace(finding, state=FileState.MISSING, path=folder / finding.file.name)


def _unusable(finding: Finding, reason: str) -> Finding:
    return replace(finding, state=FileState.UNUSABLE, reason=reason, sha256="", pinned=False)


def check_digest(weight: Weight, file: WeightFile, verified: VerifiedFiles, digest: Digest) -> Finding:
    """Compare the digest of a file on disk with the table and the pin: accept the file, pin it, or refuse it."""
    path = verified.folder / file.name
    listed, pin = digest.sha256 in file.sha256, pin_of(verified, file)
    if reason := refusal(weight, file, digest, pin):
        return Finding(weight, file, path, FileState.UNUSABLE, reason)
    chosen = not listed and is_chosen(verified, file)
    verified.put(file.name, verified_file(path, digest.sha256, pinned=not listed, chosen=chosen))
    notice = "" if listed or pin else f"{weight.name}/{file.name}: no published hash; pinned on first use: {digest.sha256}"
    return Finding(weight, file, path, FileState.VERIFIED, sha256=digest.sha256, pinned=not listed, notice=notice, chosen=chosen)


def is_chosen(verified: VerifiedFiles, file: WeightFile) -> bool:
    """Whether the user took another file in place of the published one."""
    known = verified.files.get(file.name)
    return known is not None and known.chosen


def pin_of(verified: VerifiedFiles, file: WeightFile) -> str:
    """The sha256 that this machine pinned for a file, or empty."""
    known = verified.files.get(file.name)
    return known.sha256 if known and known.pinned else ""


def refusal(weight: Weight, file: WeightFile, digest: Digest, pin: str = "") -> str:
    """Why the contents of a file are refused; empty when the table lists them, they equal the pin, or they may be pinned.

    Args:
        weight: the row.
        file: the file of that row.
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


def quick_check(weight: Weight, file: WeightFile, verified: VerifiedFiles) -> Finding:
    """Check a file without hashing it: whether it exists, its size, its first bytes, and the list of verified files."""
    path = verified.folder / file.name
    found = Finding(weight, file, path, FileState.UNVERIFIED)
    try:
        size = path.stat().st_size
        stub = stub_on_disk(path, file.bytes_expected)
    except FileNotFoundError:
        if (installed := installed_file(file)) is not None:
            return replace(found, path=installed, state=FileState.INSTALLED)
        made = find_converted(verified.folder / CONVERTED)
        if made is None or not source_known(weight, verified, made):
            return replace(found, state=FileState.MISSING)
        sha256, _ = made.sources.get(file.name, (made.source_sha256, 0))
        return replace(found, path=made.folder, state=FileState.CONVERTED, sha256=sha256)
    except OSError as error:
        return _unusable(found, f"cannot be read: {error.strerror}")
    if stub:
        return _unusable(found, stub)
    if file.size not in {None, size} and not (other_edition(weight, file, size) or is_chosen(verified, file)):
        return _unusable(found, f"{size} bytes instead of {file.size}: incomplete, or another edition")
    known = verified.files.get(file.name)
    if known and known.matches(path) and (known.pinned or known.sha256 in file.sha256):
        return replace(found, state=FileState.VERIFIED, sha256=known.sha256, pinned=known.pinned, chosen=known.chosen)
    return found


def source_known(weight: Weight, verified: VerifiedFiles, made: Converted) -> bool:
    """Whether a converted form was made from files that the table lists or this machine pinned: all files of the model."""
    if len(weight.files) == 1 and not made.sources:
        return made.source_sha256 in {*weight.files[0].sha256, pin_of(verified, weight.files[0])}
    return all(
        file.name in made.sources and made.sources[file.name][0] in {*file.sha256, pin_of(verified, file)}
        for file in weight.files
    )
