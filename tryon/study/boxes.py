"""From single operations to boxes and arrows: which stage of the network works when, and what it hands on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from tryon.study.trace import JOINS, Operation, Shape, Trace


@dataclass
class Box:
    """A stage of the network, or an input.

    Args:
        name: of the stage.
        flops: of its operations.
        seconds: they took, where that is measured.
        weights: its weight tensors that were seen.
        gives: shapes that leave it, each once.
        is_input: it is one of the network's inputs.
    """

    name: str
    flops: int = 0
    seconds: float = 0.0
    weights: set[str] = field(default_factory=set)
    gives: list[Shape] = field(default_factory=list)
    is_input: bool = False


@dataclass(frozen=True)
class Flow:
    """Boxes in the order in which they start to work, and arrows between them: (from, to) → the shapes handed over."""

    boxes: dict[str, Box]
    arrows: dict[tuple[str, str], list[Shape]]
    living: frozenset[str]  # boxes that the answer depends on
    result: str  # the box that gives the answer


def flow_of(trace: Trace, stage: Callable[[str], str]) -> Flow:
    """Group a trace's operations.

    An operation with weights belongs to their stage, and so does one inside a module most of whose tensors are of one stage. Any
    other belongs to the latest stage among its inputs'; but what only lays tensors of several stages beside each other belongs to
    none, and the arrows go through it.

    Args:
        trace: a run.
        stage: weight tensor → name of its stage.
    """
    owners = _owners(trace, stage)
    boxes: dict[str, Box] = {}
    arrows: dict[tuple[str, str], list[Shape]] = {}
    for number, operation in enumerate(trace.operations):
        owner = owners[number]
        if len(owner) != 1:
            continue
        (name,) = owner
        box = boxes.setdefault(name, Box(name, is_input=operation.kind == "input"))
        box.flops, box.seconds = box.flops + operation.flops, box.seconds + operation.seconds
        box.weights |= operation.weights.keys()
        for source, shape in _arriving(trace, owners, number):
            if source != name:
                _once(arrows.setdefault((source, name), []), shape)
                _once(boxes[source].gives, shape)
    alive = frozenset(name for number in trace.living() for name in owners[number])
    (result,) = owners[trace.result]
    _once(boxes[result].gives, trace.operations[trace.result].shape)
    return Flow(boxes, arrows, alive, result)


def _owners(trace: Trace, stage: Callable[[str], str]) -> list[tuple[str, ...]]:
    """Per operation its stage; several where tensors of several stages lie beside each other; none for constants."""
    inside = _stage_of_modules(trace, stage)
    owners: list[tuple[str, ...]] = []
    latest: list[int] = []  # per operation, the newest one with a stage of its own that it stands on
    for number, operation in enumerate(trace.operations):
        own = _own_stage(operation, inside, stage)
        owners.append((own,) if own else _inherited(operation, owners, latest))
        latest.append(number if own else max((latest[each] for each in operation.given), default=-1))
    return owners


def _stage_of_modules(trace: Trace, stage: Callable[[str], str]) -> dict[str, str]:
    """Module → the stage of most of its weights; modules without such a majority are left out."""
    found: dict[str, Counter[str]] = {}
    for tensor in trace.sizes:
        words = tensor.split(".")
        for depth in range(1, len(words)):
            found.setdefault(".".join(words[:depth]), Counter())[stage(tensor)] += 1
    most = {module: stages.most_common(1)[0] for module, stages in found.items()}
    return {module: name for module, (name, count) in most.items() if 2 * count > found[module].total()}


def _own_stage(operation: Operation, inside: Mapping[str, str], stage: Callable[[str], str]) -> str:
    if operation.kind == "input":
        return operation.name
    if operation.weights:
        return stage(next(iter(operation.weights)))
    return inside.get(operation.module, "") if operation.given else ""


def _inherited(operation: Operation, owners: list[tuple[str, ...]], latest: list[int]) -> tuple[str, ...]:
    together = tuple(dict.fromkeys(name for each in operation.given for name in owners[each]))
    only_moves = operation.kind in JOINS or (len(operation.given) == 1 and not operation.flops)
    if len(together) < 2 or only_moves:
        return together
    return owners[max(latest[each] for each in operation.given)]


def _arriving(trace: Trace, owners: list[tuple[str, ...]], number: int) -> list[tuple[str, Shape]]:
    """(stage, shape) of what an operation takes, seen through operations that belong to no single stage."""
    found: list[tuple[str, Shape]] = []
    for each in trace.operations[number].given:
        if len(owners[each]) == 1:
            found.append((owners[each][0], _leaving(trace, each)))
        elif owners[each]:
            found += _arriving(trace, owners, each)
    return found


def _leaving(trace: Trace, number: int) -> Shape:
    """Shape of a result before it was only laid out anew."""
    operation = trace.operations[number]
    if operation.weights or operation.flops or len(operation.given) != 1:
        return operation.shape
    before = operation.given[0]
    same = prod(trace.operations[before].shape) == prod(operation.shape)
    return _leaving(trace, before) if same else operation.shape


def _once(shapes: list[Shape], shape: Shape) -> None:
    if shape not in shapes:
        shapes.append(shape)
