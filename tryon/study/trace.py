"""Watches a network at work: every operation with its weights, its inputs, its cost, and what led to what.

Nothing is written down by hand: operations are caught below PyTorch's functions, so it does not matter whether a layer is a
module or a function on somebody else's module. On the meta device this costs neither memory nor arithmetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

JOINS = ("cat", "stack")
"""What only lays tensors beside each other."""

SOFTMAXES = ("_softmax", "_safe_softmax")

Shape = tuple[int, ...]


@dataclass
class Operation:
    """One operation of the network, or one of its inputs.

    Args:
        kind: PyTorch's name of it, or `input`.
        weights: tensor → how many of its values took part.
        given: numbers of the operations whose results it takes.
        shape: of its result.
        flops: floating-point operations, a multiply-add counted as two.
        seconds: it took, where that is measured.
        name: of an input.
        module: the innermost module of the network that was running; empty outside of all.
    """

    kind: str
    weights: dict[str, int] = field(default_factory=dict)
    given: tuple[int, ...] = ()
    shape: Shape = ()
    flops: int = 0
    seconds: float = 0.0
    name: str = ""
    module: str = ""


@dataclass(frozen=True)
class Trace:
    """A run of a network.

    Args:
        operations: in the order in which they ran; inputs first.
        result: number of the one that gave the answer.
        sizes: weight tensor → its number of values.
    """

    operations: Sequence[Operation]
    result: int
    sizes: Mapping[str, int]

    def living(self) -> frozenset[int]:
        """Numbers of the operations that the answer depends on."""
        seen, waiting = {self.result}, [self.result]
        while waiting:
            new = set(self.operations[waiting.pop()].given) - seen
            seen |= new
            waiting += new
        return frozenset(seen)

    def dead_values(self) -> dict[str, int]:
        """Weight tensor → how many of its values have no say in the answer; those without any are left out."""
        used = dict.fromkeys(self.sizes, 0)
        for number in self.living():
            for name, count in self.operations[number].weights.items():
                used[name] = max(used[name], count)
        return {name: size - used[name] for name, size in self.sizes.items() if used[name] < size}


def traced(
    network: nn.Module,
    run: Callable[[Any, Mapping[str, Tensor]], Tensor],
    inputs: Mapping[str, Tensor],
    wait: Callable[[], None] | None = None,
) -> Trace:
    """Run a network once and write down what happens.

    Args:
        network: on any device.
        run: what is done with it.
        inputs: by name.
        wait: ends when the device has done its work; given, every operation is timed.
    """
    recorder = _Recorder(network, inputs, wait)
    with torch.no_grad(), recorder.following(network), recorder:
        answer = run(network, inputs)
    sizes = {name: tensor.numel() for name, tensor in network.named_parameters()}
    return Trace(recorder.operations, recorder.number_of(answer), sizes)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation between `__enter__` and `__exit__`."""

    def __init__(self, network: nn.Module, inputs: Mapping[str, Tensor], wait: Callable[[], None] | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []
        self._wait = wait
        self._running = [""]
        self._numbers: Any = WeakTensorKeyDictionary()  # activation → number of its operation
        self._weights: Any = WeakTensorKeyDictionary()  # weight, or what is made of weights alone → its values
        for name, parameter in network.named_parameters():
            self._weights[parameter] = {name: parameter.numel()}
        for name, tensor in inputs.items():
            self._keep(Operation("input", shape=tuple(tensor.shape), name=name), [tensor])

    @contextmanager
    def following(self, network: nn.Module) -> Iterator[None]:
        """Know which module runs."""
        names = {module: name for name, module in network.named_modules()}
        hooks = (
            register_module_forward_pre_hook(lambda module, _: self._running.append(names.get(module, ""))),
            register_module_forward_hook(lambda *_: self._left(), always_call=True),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _left(self) -> None:
        self._running.pop()

    def number_of(self, tensor: Tensor) -> int:
        """Which operation made a tensor."""
        number: int = self._numbers[tensor]
        return number

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with self._clock() as seconds:
            out = func(*args, **kwargs)
        taken = [leaf for leaf in tree_leaves([args, kwargs]) if isinstance(leaf, Tensor)]
        made = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        if made:
            self._note(func, args, kwargs, out, taken, made, seconds[0])
        return out

    @contextmanager
    def _clock(self) -> Iterator[list[float]]:
        seconds = [0.0]
        started = time.perf_counter()
        yield seconds
        if self._wait is not None:
            self._wait()
            seconds[0] = time.perf_counter() - started

    def _note(
        self, func: Any, args: Any, kwargs: Any, out: Any, taken: Sequence[Tensor], made: Sequence[Tensor], seconds: float
    ) -> None:
        given = tuple(dict.fromkeys(self._numbers[each] for each in taken if each in self._numbers))
        weights: dict[str, int] = {}
        for each in taken:
            weights |= self._weights.get(each, {})
        if weights and not given and not _counts(func):
            for each in made:
                self._weights[each] = {name: min(count, each.numel()) for name, count in weights.items()}
            return
        kind = func.overloadpacket.__name__
        if kind in SOFTMAXES and args[0].shape[args[1]] == 1:
            given = ()  # one key: the answer is 1, whatever was asked
        flops = int(flop_registry[func.overloadpacket](*args, **kwargs, out_val=out)) if _counts(func) else 0
        self._keep(Operation(kind, weights, given, tuple(made[0].shape), flops, seconds, module=self._running[-1]), made)

    def _keep(self, operation: Operation, made: Sequence[Tensor]) -> None:
        self.operations.append(operation)
        for each in made:
            self._numbers[each] = len(self.operations) - 1


def _counts(func: Any) -> bool:
    """Whether it is arithmetic that is counted."""
    return func.overloadpacket in flop_registry
