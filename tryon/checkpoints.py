"""Opening other people's checkpoints: safely, without reading what is not needed, and with errors a person can act on.

No code from a pickle ever runs: `weights_only`, and the names a pickle asks for are shown when they are foreign. Files are
mapped into memory, so the optimiser moments of a training checkpoint cost neither time nor RAM.
"""

from __future__ import annotations

import pickle
import pickletools
import zipfile
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from pipeline.core.weights.files import stub_on_disk
from tryon.system_memory import MappedFiles

LEGACY_LIMIT_BYTES = 4 * 2**30
"""A checkpoint that is not a zip cannot be mapped; above this it is refused instead of filling the memory."""

SHOWN_KEYS = 6
"""Names shown per kind of difference; the count is always complete."""

_AGAIN = "download the file again; `python run.py weights` lists sizes and checksums"
_OTHER_FILE = "get the weights from their publisher, or ask for a safetensors file"
_SAFE_MODULES = ("torch", "collections")  # what a checkpoint of tensors asks for


class _LightningCheckpointCallback:
    """Stands in for Lightning's ModelCheckpoint class, which its older files name as a dictionary key."""


_TOLERATED_GLOBALS: dict[str, Callable[..., Any]] = {
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint": _LightningCheckpointCallback,
}


def open_checkpoint(path: Path, groups: Container[str] = ()) -> dict[str, Tensor]:
    """Read the weights of a checkpoint, whatever it is packed in.

    Args:
        path: `.safetensors`, or a torch file (`.ckpt`, `.pt`, `.pth`, `.bin`), flat or with the weights under `state_dict`;
            its content decides, not its name.
        groups: dictionaries of weights that a torch file of this kind holds side by side; they become prefixes.

    Returns:
        Name → tensor, mapped from the file where the container allows; optimiser state and the rest are left out.

    Raises:
        WeightsError: the file is missing, cut short, asks for foreign code, or holds no weights.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file", _AGAIN)
    with path.open("rb") as file:
        has_header = file.read(9)[8:] == b"{"
    if has_header or path.suffix == ".safetensors":
        return _open_safetensors(path)
    return _weights_of(_ungrouped(_open_torch(path), groups), path)


def own_weights(
    weights: Mapping[str, Tensor],
    names: Iterable[str],
    dtype: torch.dtype,
    *,
    channels_last: bool = False,
    as_stored: Container[str] = (),
) -> dict[str, Tensor]:
    """Take weights out of their file: one after the other, so that nothing but one tensor is held twice.

    Args:
        weights: name → tensor, mapped from a file or not.
        names: which to take.
        dtype: number format to give them.
        channels_last: give kernels of convolutions this memory layout.
        as_stored: names whose number format stays: weights in 8 bits.

    Returns:
        Name → tensor in this process's own memory; the file can go.
    """
    files, owned = MappedFiles(), {}
    for name in names:
        tensor = weights[name]
        layout = torch.channels_last if channels_last and tensor.ndim == 4 else torch.contiguous_format
        owned[name] = tensor.to(tensor.dtype if name in as_stored else dtype, copy=files.hold(tensor), memory_format=layout)
        files.forget(tensor)
    return owned


def fill(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    dtype: torch.dtype,
    *,
    channels_last: bool = False,
    as_stored: Container[str] = (),
) -> None:
    """Give a network without memory its weights, which are known to fit; no gradients afterwards.

    Args:
        network: on the meta device; what it lacks of the weights is never read.
        weights, dtype, channels_last, as_stored: see `own_weights`.
    """
    owned = own_weights(weights, network.state_dict(), dtype, channels_last=channels_last, as_stored=as_stored)
    network.load_state_dict(owned, strict=True, assign=True)
    network.requires_grad_(False)


def _open_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a complete safetensors file ({stub_on_disk(path, 0) or error})", _AGAIN) from error
    return tensors


def _open_torch(path: Path) -> Any:
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        return _open_zip(path)
    with path.open("rb") as file:
        cut_short = file.read(2) == b"PK"
    if cut_short:
        raise WeightsError(f"{path}: cut short, only {size:,} bytes of it are here", _AGAIN)
    if size > LEGACY_LIMIT_BYTES:
        raise WeightsError(
            f"{path}: a checkpoint of the old kind, too big to read safely ({size:,} bytes)", "save it again with torch ≥ 1.6"
        )
    return _load(path, mmap=False)


def _open_zip(path: Path) -> Any:
    foreign = [name for name in _foreign_globals(path) if name not in _TOLERATED_GLOBALS]
    if foreign:
        raise _runs_code(path, foreign)
    loaded = _load(path, mmap=True)
    _check_records(path, loaded)
    return loaded


def _foreign_globals(path: Path) -> list[str]:
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (RuntimeError, ValueError, pickle.UnpicklingError):
        raise WeightsError(f"{path}: not a torch checkpoint: a zip archive of another kind, or damaged", _AGAIN) from None


def _load(path: Path, *, mmap: bool) -> Any:
    stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (stand_in, name) for name, stand_in in _TOLERATED_GLOBALS.items()
    ]
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        if foreign := _asked_globals(path):
            raise _runs_code(path, foreign) from None  # torch's own words recommend to open the file unsafely
        why = stub_on_disk(path, 0) or "its content is of another kind, or damaged"
        raise WeightsError(f"{path}: not a torch checkpoint: {why}", _AGAIN) from None


def _asked_globals(path: Path) -> list[str]:
    """What a bare pickle asks for beside tensors, read off its instructions without running one."""
    asked, strings = [], [""]
    try:
        with path.open("rb") as file:
            for instruction, argument, _ in pickletools.genops(file):
                if "UNICODE" in instruction.name:
                    strings.append(str(argument))
                elif instruction.name == "GLOBAL":
                    asked.append(str(argument).replace(" ", "."))
                elif instruction.name == "STACK_GLOBAL":
                    asked.append(".".join(strings[-2:]))
    except (ValueError, LookupError):
        pass  # not a pickle from here on
    return [name for name in asked if name.split(".")[0] not in _SAFE_MODULES]


def _runs_code(path: Path, names: Iterable[str]) -> WeightsError:
    return WeightsError(f"{path}: not opened, because it asks to run code: {', '.join(sorted(names)[:SHOWN_KEYS])}", _OTHER_FILE)


def _check_records(path: Path, loaded: Any) -> None:
    """Mapping trusts the sizes that the pickle claims; hold them against what the zip really stores."""
    with zipfile.ZipFile(path) as archive:
        records = Counter(info.file_size for info in archive.infolist() if "/data/" in info.filename)
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in _tensors(loaded)}
    claimed = Counter(nbytes for nbytes in storages.values() if nbytes)
    if claimed - records:
        raise WeightsError(
            f"{path}: damaged: {(claimed - records).total()} tensors are larger than what is stored for them", _AGAIN
        )


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _tensors(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _tensors(entry)


def _ungrouped(loaded: Any, groups: Container[str]) -> Any:
    """Named dictionaries of weights side by side as one: their names become prefixes."""
    if not isinstance(loaded, Mapping):
        return loaded
    inside = {group: content for group, content in loaded.items() if group in groups and isinstance(content, Mapping)}
    flat = {f"{group}.{name}": value for group, content in inside.items() for name, value in content.items()}
    return flat or loaded


def _weights_of(loaded: Any, path: Path) -> dict[str, Tensor]:
    """Training checkpoints keep the weights under `state_dict` beside much else; others are the flat dictionary itself."""
    state = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else None
    weights = {key: value for key, value in state.items() if isinstance(value, Tensor)} if isinstance(state, Mapping) else {}
    if not weights:
        raise WeightsError(f"{path}: holds no weights (expected names with tensors, flat or under `state_dict`)", _AGAIN)
    return weights


@dataclass(frozen=True)
class Difference:
    """How a file's weights differ from what a network wants."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]  # "name: (found) instead of (wanted)"

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("of another shape", self.misshapen))
        return "\n".join(f"  {len(names)} {kind}: {_some(names)}" for kind, names in kinds if names)


def difference(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    unexpected: Iterable[str] = (),
    named: Callable[[str], str] = str,
) -> Difference:
    """Compare names and shapes.

    Args:
        found: what a file holds, under the network's names.
        wanted: what the network has.
        unexpected: further names of the file that have no place at all.
        named: the file's own name of a tensor, given the network's.
    """
    misshapen = tuple(
        f"{named(name)}: {tuple(found[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    )
    return Difference(
        missing=tuple(named(name) for name in wanted if name not in found),
        unexpected=(*unexpected, *(named(name) for name in found if name not in wanted)),
        misshapen=misshapen,
    )


def refuse_difference(path: Path, model: str, found: Difference, remedy: str = "") -> None:
    """Raise `WeightsError` with a readable list when a file does not fit a model."""
    if found:
        raise WeightsError(f"{path}: not a checkpoint of {model}\n{found}", remedy or "check which model the file belongs to")


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN_KEYS
    return ", ".join(names[:SHOWN_KEYS]) + (f" and {more} more" if more > 0 else "")
