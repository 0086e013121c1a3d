"""What `python run.py study` does: watch, count, measure where asked, extract where asked, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.machine.device import choose_device
from tryon.networks.precision import choose_dtype
from tryon.study.boxes import flow_of
from tryon.study.extraction import MANIFEST, extract, joined
from tryon.study.measuring import machine, measured, simulated
from tryon.study.protocol import Anatomy, Size, part_of
from tryon.study.report import Findings, Table, cost_table, origin_table, training_lines, weights_table, write_report
from tryon.study.table import rows_of


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """What is asked for.

    Args:
        weights: a published file, a folder made of one, or an extracted folder; None = shapes alone.
        size: (height, width) in pixels; None = what the network was trained at.
        measure: time a real run as well.
        device: where that runs.
        dtype: number format that it runs in.
        extract: folder for a file per sub-model; must not exist.
        report: folder of page, picture and figures; None = nothing is written.
    """

    weights: Path | None = None
    size: Size | None = None
    measure: bool = False
    device: str = "auto"
    dtype: str = "bf16"
    extract: Path | None = None
    report: Path | None = None


def study(anatomy: Anatomy, request: StudyRequest, say: Callable[[str], None] = lambda line: None) -> Findings:
    """Study a network.

    Args:
        anatomy: what the engine tells about it.
        request: what is asked for.
        say: called with a line for every file that is written.

    Raises:
        UsageError: a size that does not fit, or an extraction without weights.
        WeightsError: weights that are damaged or of another model, or a folder that exists already.
    """
    if request.extract and request.weights is None:
        raise UsageError("--extract takes weights apart, and none were given", f"study {anatomy.name} --from FILE --extract DIR")
    size, device = request.size or anatomy.size, choose_device(request.device)
    weights = None if request.weights is None else _read(anatomy, request.weights)
    if request.extract and weights is not None and request.weights is not None:
        for model, facts in extract(anatomy, weights, request.extract, request.weights.name)["models"].items():
            say(f"{request.extract / model}.safetensors: {facts['tensors']} tensors, {facts['bytes']:,} bytes")
    if request.measure and weights is not None:
        refuse_gaps(anatomy, weights)
    trace = simulated(anatomy, size)
    timed = measured(anatomy, size, device, choose_dtype(request.dtype, device), weights) if request.measure else None
    found = Findings(
        anatomy=anatomy,
        size=size,
        rows=rows_of(anatomy, trace, timed, _int8(anatomy)),
        flow=flow_of(trace, anatomy.stage),
        sizes=trace.sizes,
        machine=machine(device, request.dtype) if request.measure else "",
        stored=None if weights is None else formats_of(anatomy, weights),
    )
    for path in write_report(request.report, found) if request.report else ():
        say(f"written: {path}")
    return found


def _read(anatomy: Anatomy, path: Path) -> Mapping[str, Tensor]:
    return joined(path) if (path / MANIFEST).is_file() else anatomy.read(path)


def _int8(anatomy: Anatomy) -> dict[str, int] | None:
    """Tensor → bytes of what the engine keeps in 8 bits, with the rest in 16; None where it has no such format."""
    try:
        state = anatomy.network("int8").state_dict()
    except UsageError:
        return None
    as_stored = {name for name, tensor in state.items() if tensor.element_size() == 1 or name.endswith("_scale")}
    return {name: tensor.nbytes if name in as_stored else 2 * tensor.numel() for name, tensor in state.items()}


def formats_of(anatomy: Anatomy, weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Part → the number formats of its tensors with their bytes; what a lean folder left out is counted."""
    found: dict[str, dict[str, int]] = {part.name: {} for part in anatomy.parts}
    for name in anatomy.network().state_dict():
        kinds = found[part_of(name, anatomy.parts).name]
        tensor = weights.get(name)
        kind = "left out" if tensor is None else str(tensor.dtype).removeprefix("torch.")
        kinds[kind] = kinds.get(kind, 0) + (1 if tensor is None else tensor.nbytes)
    return {
        part: ", ".join(f"{kind}: {count:,} {'tensors' if kind == 'left out' else 'bytes'}" for kind, count in kinds.items())
        for part, kinds in found.items()
    }


def refuse_gaps(anatomy: Anatomy, weights: Mapping[str, Tensor]) -> None:
    """A run needs every weight of the published network.

    Raises:
        WeightsError: some were left out of the folder.
    """
    missing = [name for name in anatomy.network().state_dict() if name not in weights]
    if missing:
        told = f"{len(missing)} weights were left out, {missing[0]} first"
        raise WeightsError(told, "measure with the published file, or without --from")


def study_engine(anatomy: Anatomy, say: Callable[[str], None], **asked: Any) -> tuple[list[Table], list[str]]:
    """`study` with the fields of `StudyRequest` by name, for the command line, which finds it through the catalogue.

    Returns:
        Tables, and lines to print below them.
    """
    found = study(anatomy, StudyRequest(**asked), say)
    points = [f"{point.title}: {point.text}" for point in anatomy.points(found.size)]
    return [weights_table(found), cost_table(found), origin_table(found)], [*training_lines(found), *points]
