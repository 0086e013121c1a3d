"""The way to a model file: `require()` returns a verified path or raises an error with the command that cures it.

`available()` answers without hashing. A file is hashed once and then listed as verified (`pipeline/core/weights/files.py`); while
its size, mtime and inode stay the same it is not read again. One file is verified in `pipeline/core/weights/verify.py`.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.weights.converted import converted_folder, damaged_files, find_converted
from pipeline.core.weights.files import Progress, VerifiedFile, no_progress, read_verified
from pipeline.core.weights.table import row
from pipeline.core.weights.verify import FileState, Finding, check, other_edition, path_of, pin_of, quick_check, source_known

DEFAULT_ROOT = Path("weights")
Findings = tuple[Finding, ...]
"""One finding per file of a row."""


def status_of(name: str, root: Path = DEFAULT_ROOT) -> Findings:
    """The findings of a row's files, without hashing.

    Raises:
        WeightsError: no such row.
    """
    weight = row(name)
    verified = read_verified(root / name)
    return tuple(quick_check(weight, file, verified) for file in weight.files)


def converted_of(name: str, root: Path = DEFAULT_ROOT) -> Path | None:
    """The verified converted form of a row, made from the very file that is here (or was); None without one.

    Raises:
        WeightsError: as `require`.
    """
    made = find_converted(converted_folder(name, root))
    if made is None or made.source_sha256 != sha_of(name, root):
        return None
    return None if damaged_files(made) else made.folder


def adopt_converted(name: str, root: Path = DEFAULT_ROOT) -> str:
    """Let a fresh converted form replace its file: pin the file's hash where nobody published it.

    Returns:
        A message for the user; empty when there is none.

    Raises:
        WeightsError: no such row.
    """
    weight, verified, made = row(name), read_verified(root / name), find_converted(converted_folder(name, root))
    if made is None or source_known(weight, verified, made):
        return ""
    sources = made.sources or {weight.files[0].name: (made.source_sha256, made.source_bytes)}
    pinned = []
    for file in weight.files:
        sha256, size = sources.get(file.name, ("", 0))
        if sha256 in {*file.sha256, pin_of(verified, file)} - {""}:
            continue
        if not sha256 or pin_of(verified, file) or (file.sha256 and not other_edition(weight, file, size)):
            return (
                f"{made.folder}: made from another file than {file.name} of the table, so used only while that very file is here"
            )
        pinned.append((file.name, VerifiedFile(sha256, size, 0, 0, pinned=True)))
    for file_name, known in pinned:
        verified.put(file_name, known)
    return "; ".join(f"{name}/{file}: no published hash; pinned on first use: {known.sha256}" for file, known in pinned)


def available(name: str, root: Path = DEFAULT_ROOT) -> bool:
    """True when every file exists with a plausible size and none is known to be wrong. Cheap, for `auto` choices.

    A file that the user placed there and that was never hashed counts as available; `require` hashes it before it is opened.
    """
    return all(finding.usable for finding in status_of(name, root))


def verify(name: str, root: Path = DEFAULT_ROOT, *, rehash: bool = False, progress: Progress = no_progress) -> Findings:
    """Hash the files of a row that were not hashed yet (all of them with `rehash`), and pin those without a published hash.

    Raises:
        WeightsError: no such row. Missing and wrong files are findings, not errors.
    """
    return _verified(status_of(name, root), root, rehash=rehash, progress=progress)


def _verified(findings: Findings, root: Path, *, rehash: bool = False, progress: Progress = no_progress) -> Findings:
    verified = read_verified(root / findings[0].weight.name)
    return tuple(check(finding, verified, rehash=rehash, progress=progress) for finding in findings)


def require_verified(rows: Sequence[Findings], root: Path, progress: Progress = no_progress) -> list[Findings]:
    """Verify rows whose status is known already.

    Args:
        rows: of `status_of`.
        root: the weights folder.
        progress: called with the bytes done and the total.

    Raises:
        WeightsError: listing every file that is missing or wrong in all of them, with the command that cures it.
    """
    checked = [_verified(findings, root, progress=progress) for findings in rows]
    wrong = [finding for findings in checked for finding in findings if not finding.usable]
    if wrong:
        raise missing_error(wrong, root)
    return checked


def require(name: str, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> Path:
    """The verified file of a row with one file, the verified folder of a row with several.

    Raises:
        WeightsError: listing every file that is missing or wrong, with the command that cures it.
    """
    return require_all((name,), root, progress)[name]


def require_all(names: Iterable[str], root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> dict[str, Path]:
    """`require` for several rows; the error lists everything that is wrong in all of them at once."""
    names = list(names)
    rows = require_verified([status_of(name, root) for name in names], root, progress)
    return {name: _place(found, root / name) for name, found in zip(names, rows, strict=True)}


def _place(findings: Findings, folder: Path) -> Path:
    """A file of its own, or the folder that holds all: of the row, or in an installed package."""
    if len(findings) == 1:
        return findings[0].path
    if all(finding.state is FileState.INSTALLED for finding in findings):
        return Path(os.path.commonpath([finding.path for finding in findings]))
    return folder


def paths(name: str, root: Path = DEFAULT_ROOT) -> dict[str, Path]:
    """Verified paths of a row by file name.

    Raises:
        WeightsError: as `require`.
    """
    require(name, root)
    return {file.name: path_of(row(name), file, root) for file in row(name).files}


def sha_of(name: str, root: Path = DEFAULT_ROOT) -> str:
    """The identity of a model in fingerprints, see `row_sha`.

    Raises:
        WeightsError: as `require`.
    """
    return row_sha(require_verified([status_of(name, root)], root)[0])


def row_sha(findings: Findings) -> str:
    """The sha256 of a verified row: that of its file, or of the list of its files' hashes."""
    hashes = {finding.file.name: finding.sha256 for finding in findings}
    return list_sha(hashes)


def list_sha(hashes: Mapping[str, str]) -> str:
    """What stands for files, name → sha256, in fingerprints: the hash of one alone, else the hash of their list."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    return hashlib.sha256("".join(f"{file}:{sha}\n" for file, sha in sorted(hashes.items())).encode()).hexdigest()


def forget_pins(name: str, root: Path = DEFAULT_ROOT) -> None:
    """Accept a new edition: the next verification pins what it finds.

    Raises:
        WeightsError: no such row.
    """
    verified = read_verified(root / row(name).name)
    for name in [name for name, file in verified.files.items() if file.pinned]:
        verified.put(name, None)


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
