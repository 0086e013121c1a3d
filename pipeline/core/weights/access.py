"""`require()` gives a verified path or an error that prints the command which cures it; `available()` asks cheaply.

A file is hashed once and remembered (`weights_files.Record`); as long as size, mtime and inode stay, nobody reads it again.
What a single file is worth is judged in `weights_judge`.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable
from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.weights.converted import CONVERTED, damaged_files, find_converted
from pipeline.core.weights.files import Progress, Stamp, no_progress, read_record
from pipeline.core.weights.table import row
from pipeline.core.weights.verify import Finding, check, glance, other_edition, path_of, pin_of, source_known

DEFAULT_ROOT = Path("weights")


def look(name: str, root: Path = DEFAULT_ROOT) -> tuple[Finding, ...]:
    """The state of a row's files without hashing anything.

    Raises:
        WeightsError: no such row.
    """
    weight = row(name)
    record = read_record(root / name)
    return tuple(glance(weight, file, record) for file in weight.files)


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
    if made is None or source_known(weight, record, made):
        return ""
    file = weight.files[0]
    if pin_of(record, file) or (file.sha256 and not other_edition(weight, file, made.source_bytes)):
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
