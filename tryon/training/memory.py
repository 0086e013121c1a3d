"""How much memory a step needs, before it is taken: weights by arithmetic, activations by a step on the meta device.

Tensors of the meta device have shapes and no contents. A whole forward and backward pass runs on them, and what is alive at once
is counted. What is not in it: workspaces of kernels, the allocator's waste, and whatever else the process holds.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pipeline.core.config import StepConfig
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig
from tryon.training.machine import SIXTEEN
from tryon.training.optimiser import OptimiserConfig
from tryon.training.protocol import Recipe

MOMENTS = {"adamw": 8.0, "adamw8bit": 2.1, "adafactor": 0.1}
"""Bytes per trained value; 8-bit moments carry a scale per block, Adafactor keeps rows and columns."""
SIDES = 64
"""Pixels that a side divides by."""


@dataclass(frozen=True)
class Plan:
    """Bytes of one process.

    Args:
        groups: trained values by group.
        frozen: weights that are not trained.
        weights: trained weights, fp32.
        moments: of the optimiser.
        average: moving average.
        step: gradients, activations and everything else alive at the worst moment of a step.
        checkpoint: one on disk.
        recomputed: whether gradient checkpointing is on.
        kept: of the step, what lies between the forward and the backward pass.
    """

    groups: Mapping[str, int]
    frozen: float
    weights: float
    moments: float
    average: float
    step: float
    checkpoint: float
    recomputed: bool
    kept: float = 0.0

    @property
    def total(self) -> float:
        """Everything at the worst moment."""
        return self.frozen + self.weights + self.moments + self.average + self.step

    def lines(self) -> list[str]:
        """For people."""
        trained = sum(self.groups.values())
        parts = {"frozen weights": self.frozen, "trained weights": self.weights, "optimiser": self.moments}
        parts |= {"average": self.average, "gradients and activations": self.step}
        return [
            f"trained: {trained:,} values: " + ", ".join(f"{name} {count:,}" for name, count in self.groups.items()),
            f"memory per process: {self.total / 1e9:.2f} GB: "
            + ", ".join(f"{name} {count / 1e9:.2f}" for name, count in parts.items())
            + f"; kept for the backward pass {self.kept / 1e9:.2f}",
        ]


def what_fits(recipe: Recipe, settings: dict[str, StepConfig], batch: int, room: float) -> str:
    """Settings that take less memory, each beside the ones before and with what is needed then, up to the first that fits.

    Args:
        recipe, settings, batch: as `plan_memory`.
        room: bytes that there are.
    """
    said, now, need = list[str](), settings, float("inf")
    for words, section, change in _levers(settings):
        now = {**now, section: now[section].model_copy(update=change)}
        need = plan_memory(recipe, now, batch).total
        said.append(f"{words}: {need / 1e9:.1f} GB")
        if need <= room:
            break
    if need > room:
        said.append("more needs a larger machine")
    return ", and ".join(said)


def _levers(settings: dict[str, StepConfig]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is not so yet, the largest gain of the usual case first: words, section and values."""
    precision, loop, optimiser, data = (settings[name] for name in ("precision", "loop", "optimiser", "data"))
    assert isinstance(precision, PrecisionConfig) and isinstance(loop, LoopConfig)
    assert isinstance(optimiser, OptimiserConfig) and isinstance(data, DataConfig)
    if not precision.recompute:
        yield "--set precision.recompute=true", "precision", {"recompute": True}
    if optimiser.name == "adamw":
        yield "--set optimiser.name=adamw8bit", "optimiser", {"name": "adamw8bit"}
    if loop.ema_decay:
        yield "--set loop.ema_decay=0", "loop", {"ema_decay": 0.0}
    if (height := _half(data.height)) < data.height and (width := _half(data.width)) < data.width:
        yield f"--set data.height={height} --set data.width={width}", "data", {"height": height, "width": width}


def _half(side: int) -> int:
    return max(SIDES, side // 2 // SIDES * SIDES)


def plan_memory(recipe: Recipe, settings: dict[str, StepConfig], batch: int) -> Plan:
    """Plan a step of so many pairs.

    Args:
        recipe: of the engine.
        settings: all sections.
        batch: pairs per process and micro-batch.
    """
    precision, loop, optimiser = settings["precision"], settings["loop"], settings["optimiser"]
    assert isinstance(precision, PrecisionConfig) and isinstance(loop, LoopConfig) and isinstance(optimiser, OptimiserConfig)
    trainee, make_batch = recipe.simulated(settings)
    groups = trainee.groups()
    trained = {id(each): each for group in groups.values() for each in group.values()}
    for parameter in trained.values():
        parameter.requires_grad_(True)
    values = sum(each.numel() for each in trained.values())
    frozen = sum(each.numel() * _width(each, precision) for each in trainee.module.parameters() if id(each) not in trained)
    step, kept = _simulated_step(trainee.module, lambda: make_batch(batch), precision, list(trained.values()))
    average = 4.0 * values if loop.ema_decay else 0.0
    return Plan(
        groups={name: sum(each.numel() for each in group.values()) for name, group in groups.items()},
        frozen=frozen,
        weights=4.0 * values,
        moments=MOMENTS[optimiser.name] * values,
        average=average,
        step=step,
        checkpoint=(4.0 + MOMENTS[optimiser.name]) * values + average,
        recomputed=precision.recompute,
        kept=kept,
    )


def _width(parameter: nn.Parameter, precision: PrecisionConfig) -> int:
    """Bytes per value of a frozen weight; norms keep fp32."""
    sixteen = precision.numbers != "fp32" and precision.frozen != "fp32" and parameter.ndim > 1
    return 2 if sixteen else 4


def _simulated_step(
    module: nn.Module, make_batch: Callable[[], Any], precision: PrecisionConfig, trained: list[nn.Parameter]
) -> tuple[float, float]:
    """Most bytes alive at once in a step, gradients and inputs with it, weights left out; and those between its two passes."""
    values = sum(each.numel() for each in trained)
    if precision.numbers != "fp32":
        module.to(SIXTEEN[precision.numbers])
    live = LiveBytes()
    with counted_attention(), torch.enable_grad(), live:
        loss = module(make_batch())["loss"]
        kept = float(live.now)
        loss.backward()
    for parameter in trained:
        parameter.grad = None
    if precision.numbers == "fp32":
        return float(live.peak), kept
    return live.peak + 4.0 * values, kept  # fp32 gradients are twice as wide, and autocast keeps 16-bit copies of trained weights


class LiveBytes(TorchDispatchMode):
    """Follows the storages that are made inside its block: `now` and `peak` in bytes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id(each.untyped_storage()) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}
        made = function(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._follow(each.untyped_storage(), given)
        self.peak = max(self.peak, self.now)
        return made

    def _follow(self, storage: Any, given: set[int]) -> None:
        if id(storage) in self._known or id(storage) in given:
            return
        self._known.add(id(storage))
        self.now += storage.nbytes()
        weakref.finalize(storage, self._forget, id(storage), storage.nbytes())

    def _forget(self, storage: int, nbytes: int) -> None:
        self._known.discard(storage)
        self.now -= nbytes


class _Attention(torch.autograd.Function):  # type: ignore[no-untyped-call]  # torch's stub
    """What a fused attention keeps: queries, keys, values, the answer and a number per row, never the score matrix."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = torch.empty_like(query)
        rows = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, out, rows)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, _, _ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _counted(query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> Any:
    return _Attention.apply(query, key, value)  # type: ignore[no-untyped-call]


@contextmanager
def counted_attention() -> Iterator[None]:
    """The meta device would take the plain way, whose score matrices are many times larger than all the rest."""
    real = F.scaled_dot_product_attention
    F.scaled_dot_product_attention = _counted
    try:
        yield
    finally:
        F.scaled_dot_product_attention = real
