"""Names and shapes of the tensors in a model file, without reading a tensor, importing torch or running anybody's code.

A safetensors file says them in its header. A torch file says them in its pickle, which is taken apart here by an unpickler that
knows no class at all: whatever the pickle asks for is answered by an inert stand-in. So a file can be named even when it is not
safe to open. `tryon.checkpoints` opens files for real, and stricter.
"""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.core.errors import WeightsError

MOST_BYTES = 2**28
"""Of a safetensors header or a pickle; a training checkpoint's, optimiser included, has a few megabytes."""

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PREFIXES = 2  # protocol and machine, between the magic number and the content
_DAMAGED = (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError, MemoryError, OverflowError)
"""What a damaged pickle raises inside the unpickler."""
_AGAIN = "download the file again; `python run.py weights list` shows sizes"


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The tensors of a model file.

    Args:
        path: a safetensors file, or a torch file, flat or with the weights under `state_dict`; its content decides, not its name.

    Returns:
        Tensor name → shape, outermost axis first.

    Raises:
        WeightsError: no such file, a folder, cut short, or no file of tensors.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}", "give one published file")
    with path.open("rb") as file:
        start = file.read(9)
        file.seek(0)
        if zipfile.is_zipfile(path):
            shapes = _weights(_from_zip(path))
        elif start[:2] == b"PK":
            raise WeightsError(f"{path}: cut short, only {path.stat().st_size:,} bytes of it are here", _AGAIN)
        elif start[8:9] == b"{":
            shapes = _from_safetensors(path, file)
        else:
            shapes = _weights(_from_legacy(path, file))
    if not shapes:
        raise _no_tensors(path, "it holds none")
    return shapes


def _from_safetensors(path: Path, file: BinaryIO) -> dict[str, tuple[int, ...]]:
    (length,) = struct.unpack("<Q", file.read(8))
    try:
        header = json.loads(file.read(min(length, MOST_BYTES)))
        return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_tensors(path, "its safetensors header is damaged") from error


def _from_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        entry = next((info for info in archive.infolist() if info.filename.endswith("/data.pkl")), None)
        if entry is None or entry.file_size > MOST_BYTES:
            raise _no_tensors(path, "a zip archive of another kind")
        with archive.open(entry) as content:
            return _content(path, lambda: _NamesOnly(content).load())


def _from_legacy(path: Path, file: BinaryIO) -> Any:
    """The form before torch 1.6: some pickles in a row, then the tensors."""

    def load() -> Any:
        if _NamesOnly(file).load() != _LEGACY_MAGIC:
            raise ValueError("another pickle")
        for _ in range(_LEGACY_PREFIXES):
            _NamesOnly(file).load()
        return _NamesOnly(file).load()

    return _content(path, load)


def _content(path: Path, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except _DAMAGED as error:
        raise _no_tensors(path, "neither a safetensors nor a torch file") from error


def _weights(content: Any) -> dict[str, tuple[int, ...]]:
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    entries = state.items() if isinstance(state, dict) else ()
    return {str(name): entry.shape for name, entry in entries if isinstance(entry, _Tensor)}


def _no_tensors(path: Path, why: str) -> WeightsError:
    forms = "a published checkpoint is .safetensors, or a torch file (.ckpt, .pt, .pth, .bin)"
    return WeightsError(f"{path}: no file of tensors: {why}", forms)


class _Tensor:
    """What is kept of a tensor."""

    def __init__(self, storage: object, offset: int, size: tuple[int, ...], *rest: object) -> None:
        self.shape = tuple(size)


class _Inert:
    """Stands in for every other class and function: takes anything, does nothing."""

    def __new__(cls, *given: object, **named: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None:
        """Nothing."""

    def extend(self, values: object) -> None:
        """Nothing."""


class _Dict(dict[Any, Any]):
    """An ordered dictionary without the state that torch hangs on it."""

    def __setstate__(self, state: object) -> None: ...


def _data_of(tensor: object, *rest: object) -> object:
    """A parameter is its tensor."""
    return tensor


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _data_of,
}


class _NamesOnly(pickle.Unpickler):
    """Imports nothing: every global of the pickle becomes one of the stand-ins above."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        return _STAND_INS.get((module, name), _Inert)

    def persistent_load(self, pid: object) -> None:
        """The numbers of a tensor stay in the file."""
