"""The converted form of a model: a folder beside the published file that loads in seconds and can replace it.

Its index names the file it was made from and lists its own files. So a ten-gigabyte original can be deleted, and the identity of
the weights, in fingerprints and recipes, stays the sha256 of that original.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.core.weights.files import digest_of, read_json, read_verified, verified_file

CONVERTED = "converted"
"""The folder, below a row's own."""
INDEX = "model_index.json"
"""Written last: a folder without it is not finished. Named as diffusers names it."""


def converted_folder(name: str, root: Path) -> Path:
    """Where the converted form of a row is looked for, below the weights folder."""
    return root / name / CONVERTED


@dataclass(frozen=True, slots=True)
class Converted:
    """A complete converted folder.

    Args:
        folder: where.
        source_sha256: of the published file it was made from.
        source_bytes: size of that file.
        files: path below the folder → sha256.
        sources: published file → (sha256, size) of a model of several files; empty for one of one file.
    """

    folder: Path
    source_sha256: str
    source_bytes: int
    files: Mapping[str, str]
    sources: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def list_contents(folder: Path) -> dict[str, dict[str, int | str]]:
    """Size and sha256 of every file of a folder just written, for its index; all are listed as verified.

    Raises:
        OSError: a file cannot be read.
    """
    verified = read_verified(folder)
    listed: dict[str, dict[str, int | str]] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, digest = path.relative_to(folder).as_posix(), digest_of(path)
        listed[name] = {"bytes": digest.count, "sha256": digest.sha256}
        verified.files[name] = verified_file(path, digest.sha256, pinned=False)
    verified.save()
    return listed


def find_converted(folder: Path) -> Converted | None:
    """A converted folder whose files all exist with their sizes; None for anything else. Hashes nothing."""
    index = read_json(folder / INDEX)
    source, listed = index.get("source_sha256"), index.get("files")
    if not source or not isinstance(listed, dict) or not listed:
        return None
    if not all(_has_size(folder / name, facts) for name, facts in listed.items()):
        return None
    files = {name: facts["sha256"] for name, facts in listed.items()}
    sources = {name: (facts["sha256"], facts["bytes"]) for name, facts in index.get("sources", {}).items()}
    return Converted(folder, source, index.get("source_bytes", 0), files, sources)


def damaged_files(converted: Converted, *, rehash: bool = False) -> list[str]:
    """Files whose contents are not those of the index. A file that was hashed before is not read again, unless `rehash` is set.

    Raises:
        OSError: a file cannot be read.
    """
    verified, damaged = read_verified(converted.folder), []
    for name, sha256 in converted.files.items():
        path, known = converted.folder / name, verified.files.get(name)
        if known is None or rehash or not known.matches(path):
            known = verified_file(path, digest_of(path).sha256, pinned=False)
            verified.put(name, known)
        if known.sha256 != sha256:
            damaged.append(name)
    return damaged


def _has_size(path: Path, facts: Any) -> bool:
    return isinstance(facts, dict) and "sha256" in facts and path.is_file() and path.stat().st_size == facts.get("bytes")
