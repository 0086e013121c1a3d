"""A file that the user takes in place of a published one, on purpose: same model, another hash (a conversion, a fine-tuned copy).

It is listed as chosen beside the verified files, so that it passes every later check while its contents stay; the recipe of what
it makes says its sha256, and that it was chosen.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from pipeline.core.errors import WeightsError
from pipeline.core.records.whole_file import whole_file
from pipeline.core.weights.access import DEFAULT_ROOT
from pipeline.core.weights.files import Progress, digest_of, no_progress, read_verified, stub_on_disk, verified_file
from pipeline.core.weights.part import write_refusal
from pipeline.core.weights.table import Weight, WeightFile, row
from pipeline.core.weights.verify import FileState, Finding, path_of


def use_file(name: str, given: Path, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> Finding:
    """Take a file in place of a row's published one.

    Args:
        name: row of the table.
        given: the file; it is linked where the disk allows, else copied.
        root: the weights folder.
        progress: called with the bytes done and the total.

    Raises:
        WeightsError: there is no such row or file, the row has several files and none of this name, or it is no model file.
    """
    weight = row(name)
    if not given.is_file():
        raise WeightsError(f"weights: there is no file {given}", f"python run.py weights use {name} FILE")
    file = _file_for(weight, given)
    if reason := stub_on_disk(given, file.bytes_expected):
        raise WeightsError(f"weights: {given} is {reason}", f"fetch it again: {weight.home}")
    target, digest = path_of(weight, file, root), digest_of(given, progress)
    try:
        _put(given, target)
    except OSError as error:
        raise write_refusal(f"{given} cannot be put at {target}", error) from error
    listed = digest.sha256 in file.sha256
    read_verified(root / name).put(file.name, verified_file(target, digest.sha256, pinned=not listed, chosen=not listed))
    return Finding(weight, file, target, FileState.VERIFIED, sha256=digest.sha256, pinned=not listed, chosen=not listed)


def forget_choice(name: str, root: Path = DEFAULT_ROOT) -> int:
    """Hold the files of a row against the table again; returns how many had been chosen.

    Raises:
        WeightsError: no such row.
    """
    verified = read_verified(root / row(name).name)
    chosen = [each for each, known in verified.files.items() if known.chosen]
    for each in chosen:
        verified.put(each, None)
    return len(chosen)


def _file_for(weight: Weight, given: Path) -> WeightFile:
    if len(weight.files) == 1:
        return weight.files[0]
    named = [file for file in weight.files if PurePosixPath(file.name).name == given.name]
    if len(named) == 1:
        return named[0]
    known = ", ".join(file.name for file in weight.files)
    raise WeightsError(
        f"weights: {weight.name} has several files, and none is called {given.name}", f"name it as one of: {known}"
    )


def _put(given: Path, target: Path) -> None:
    """Whole or not at all."""
    if target.exists() and target.samefile(given):
        return
    with whole_file(target) as incoming:
        try:
            os.link(given.resolve(), incoming)
        except OSError:  # another disk, or one without hard links
            shutil.copyfile(given, incoming)
