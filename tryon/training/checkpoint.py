"""Checkpoints: a folder written beside and renamed into place, safetensors and JSON, held against its own digests when opened.

```
checkpoints/step-000000012/weights.safetensors ema.safetensors optimiser.safetensors state.json manifest.json
```
A folder without a manifest, or one whose files are not what the manifest says, does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.core.errors import OutputError

MANIFEST, STATE = "manifest.json", "state.json"
FOLDER, PREFIX, PART = "checkpoints", "step-", ".part"
BLOCK = 1 << 22


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Args:
        path: its folder.
        step: optimiser steps done.
    """

    path: Path
    step: int

    def tensors(self, name: str) -> dict[str, Tensor]:
        """`weights`, `ema` or `optimiser`; empty where there is no such file."""
        file = self.path / f"{name}.safetensors"
        return load_file(file) if file.is_file() else {}

    @property
    def state(self) -> dict[str, Any]:
        """Everything that is no tensor."""
        content: dict[str, Any] = json.loads((self.path / STATE).read_text("utf-8"))
        return content

    def damage(self) -> str:
        """What is wrong with its files; "" when nothing is."""
        try:
            manifest = json.loads((self.path / MANIFEST).read_text("utf-8"))
            for name, facts in manifest.items():
                if digest(self.path / name) != facts:
                    return f"{self.path / name} is not what {MANIFEST} says"
        except (OSError, ValueError, AttributeError) as problem:
            return f"{self.path}: {problem}"
        return ""


def digest(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file."""
    total = hashlib.sha256()
    count = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
            count += len(block)
    return {"bytes": count, "sha256": total.hexdigest()}


def write(folder: Path, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint; it appears all at once, after every byte of it has reached the disk.

    Args:
        folder: of all checkpoints.
        step: optimiser steps done.
        tensors: file name without ending → name → tensor.
        state: JSON values.

    Raises:
        OutputError: the disk is full or cannot be written; nothing of the checkpoint is left, earlier ones are as they were.
    """
    made = Checkpoint(folder / f"{PREFIX}{step:09}", step)
    part = folder / f".{made.path.name}{PART}"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, group in tensors.items():
            save_file({key: tensor.detach().cpu().contiguous() for key, tensor in group.items()}, part / f"{name}.safetensors")
        (part / STATE).write_text(json.dumps(state, indent=1, sort_keys=True), "utf-8")
        files = sorted(path.name for path in part.iterdir())
        (part / MANIFEST).write_text(json.dumps({name: digest(part / name) for name in files}, indent=1), "utf-8")
        for path in (*part.iterdir(), part):
            _flush(path)
        if made.path.exists():
            shutil.rmtree(made.path)
        part.replace(made.path)
        _flush(folder)
    except Exception as problem:  # safetensors raises its own kind for a full disk
        shutil.rmtree(part, ignore_errors=True)
        kept = newest(folder)
        raise OutputError(
            f"{made.path}: the checkpoint could not be written ({problem}); kept: {kept.path if kept else 'none'}",
            "make room (a checkpoint needs what the plan says) and start the same command again",
        ) from problem
    return made


def every(folder: Path) -> list[Checkpoint]:
    """Checkpoints of a folder, oldest first, unverified."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.name.startswith(PREFIX) and path.is_dir()]
    return sorted((Checkpoint(path, int(path.name.removeprefix(PREFIX))) for path in found), key=lambda each: each.step)


def newest(folder: Path, damaged: list[str] | None = None) -> Checkpoint | None:
    """The newest checkpoint whose files are whole.

    Args:
        folder: of all checkpoints.
        damaged: takes a line for each newer one that is passed over.
    """
    for checkpoint in reversed(every(folder)):
        problem = checkpoint.damage()
        if not problem:
            return checkpoint
        if damaged is not None:
            damaged.append(problem)
    return None


def clear_parts(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for path in folder.glob(f".{PREFIX}*{PART}") if folder.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True)


def surplus(steps: Iterable[int], keep_last: int, keep_every: int) -> list[int]:
    """Which checkpoints rotation removes.

    Args:
        steps: of all checkpoints.
        keep_last: newest that stay.
        keep_every: steps that divide by it stay; 0 = none.
    """
    ordered = sorted(steps)
    return [step for step in ordered[:-keep_last] if not keep_every or step % keep_every]


def rotate(folder: Path, keep_last: int, keep_every: int) -> None:
    """Remove old checkpoints; called after a new one is in place, so that the last good one is never removed."""
    old = set(surplus((each.step for each in every(folder)), keep_last, keep_every))
    for checkpoint in every(folder):
        if checkpoint.step in old:
            shutil.rmtree(checkpoint.path, ignore_errors=True)


def room_for(folder: Path, nbytes: int) -> None:
    """Refuse to start where not one more checkpoint fits.

    Raises:
        OutputError: too little free space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < nbytes:
        raise OutputError(
            f"{folder}: {free / 1e9:.2f} GB free, a checkpoint needs {nbytes / 1e9:.2f} GB",
            "make room, or put the runs on another disk: --runs DIR",
        )


def _flush(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk; Windows has no such call for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
