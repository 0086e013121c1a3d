"""Settings of a training run: one frozen model per section, beside what an engine adds; written as `run.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from pipeline.core.config import Schema, StepConfig, load_settings, to_toml
from pipeline.core.errors import UsageError
from pipeline.core.records.whole_file import write_whole
from tryon.training.data.augment import AugmentConfig
from tryon.training.optimiser import OptimiserConfig

Settings = Mapping[str, StepConfig]
Batch = Annotated[int, Field(ge=1)] | Literal["auto"]
Section = TypeVar("Section", bound=StepConfig)


def section_of(settings: Settings, name: str, kind: type[Section]) -> Section:
    """One section, with the type that it has by its place."""
    section = settings[name]
    assert isinstance(section, kind)
    return section


class DataConfig(StepConfig):
    """Which pictures, and how large."""

    height: int = Field(512, ge=64, multiple_of=64)
    """Pixels that the network works at."""
    width: int = Field(384, ge=64, multiple_of=64)
    """Pixels, as height."""
    threads: int = Field(4, ge=0)
    """Pairs read ahead together; changes no number."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


class LoopConfig(StepConfig):
    """Steps, and what is kept of them."""

    seed: int = 0
    """Of order, augmentation, noise and timesteps."""
    steps: int = Field(360_000, ge=1)
    """Optimiser steps in all."""
    epochs: int = Field(0, ge=0)
    """Epochs in all, of whole steps; 0 = `steps` counts."""
    batch: Batch = 4
    """Pairs per process and micro-batch; auto = the largest that fits, tried once."""
    accumulation: int = Field(1, ge=1)
    """Micro-batches per optimiser step."""
    one_draw: bool = False
    """The same noise and timestep for a pair in every step: whether a training can learn at all shows within minutes."""
    in_order: bool = False
    """Pairs come as they are listed in every epoch, instead of in an order drawn from seed and epoch."""
    ema_decay: float = Field(0.9999, ge=0, lt=1)
    """Of the moving average of trained weights, which warms up; 0 = none, as published."""
    save_every: int = Field(500, ge=1)
    """Steps between checkpoints."""
    keep_last: int = Field(3, ge=1)
    """Newest checkpoints that are kept."""
    keep_every: int = Field(10_000, ge=0)
    """Checkpoints whose step divides by this are kept for good; 0 = none."""
    log_every: int = Field(10, ge=1)
    """Steps between lines on the terminal; the log has every step."""
    draw_every: int = Field(1000, ge=0)
    """Steps between contact sheets; 0 = none."""
    draw_pairs: int = Field(4, ge=1)
    """Pairs on the sheet, always the same, of the test list where there is one."""
    validate_every: int = Field(500, ge=0)
    """Steps between losses at fixed timesteps and noise; 0 = none."""
    measure_every: int = Field(5000, ge=0)
    """Steps between measures of drawn pictures, by the evaluation room; 0 = none."""
    measure_pairs: int = Field(16, ge=1)
    """Pairs that are measured, always the same, each person in the garment worn."""
    wandb: bool = False
    """Keep a copy of the figures for Weights & Biases in the run's folder; it is never sent."""
    overflows: int = Field(20, ge=1)
    """fp16 only: steps in a row that overflow before the run stops."""


class PrecisionConfig(StepConfig):
    """Number formats and memory."""

    numbers: Literal["bf16", "fp16", "fp32"] = "bf16"
    """Of the arithmetic; trained weights are fp32 always."""
    frozen: Literal["auto", "fp32", "half"] = "auto"
    """Of weights that are not trained; auto = as the arithmetic."""
    recompute: bool = False
    """Gradient checkpointing: maps are calculated again in the backward pass; a third slower, several times smaller."""
    channels_last: bool = True
    """Memory layout of maps and kernels."""
    compile: bool = False
    """torch.compile; the first steps take minutes."""
    deterministic: bool = False
    """Only kernels that give the same bits every time; slower on a GPU."""


SECTIONS: Schema = {
    "data": DataConfig,
    "augment": AugmentConfig,
    "optimiser": OptimiserConfig,
    "loop": LoopConfig,
    "precision": PrecisionConfig,
}

FREE = frozenset(
    {
        *(
            "loop.steps",
            "loop.epochs",
            "loop.save_every",
            "loop.keep_last",
            "loop.keep_every",
            "loop.log_every",
            "loop.overflows",
        ),
        *(
            "loop.draw_every",
            "loop.draw_pairs",
            "loop.validate_every",
            "loop.measure_every",
            "loop.measure_pairs",
            "loop.wandb",
            "data.threads",
            "precision.recompute",
            "precision.deterministic",
        ),
    }
)
"""What a resumed run may have otherwise than before: it changes no weight."""


def resolve_settings(
    schema: Schema, preset: Iterable[str], overrides: Iterable[str], file: Path | None = None
) -> dict[str, StepConfig]:
    """Defaults, a settings file, a preset and the command line, each over the ones before.

    Raises:
        ConfigError: an unknown section or key, with the nearest known one, or a value that does not fit.
    """
    return load_settings(schema, file, environment={}, overrides=(*preset, *overrides))


def with_steps(settings: Settings, steps_per_epoch: int) -> Settings:
    """Settings whose number of steps is known: where epochs count, that of so many of them."""
    loop = section_of(settings, "loop", LoopConfig)
    if not loop.epochs:
        return settings
    return {**settings, "loop": loop.model_copy(update={"steps": loop.epochs * steps_per_epoch})}


def write_settings(folder: Path, settings: Settings) -> None:
    """`run.toml` of a run folder, every value with its comment; all at once."""
    write_whole(folder / "run.toml", to_toml(settings))


def as_facts(settings: Settings) -> dict[str, Any]:
    """`section.key` → value, as JSON values."""
    return {f"{name}.{key}": value for name, model in settings.items() for key, value in model.model_dump(mode="json").items()}


def refuse_other_settings(before: Mapping[str, Any], now: Mapping[str, Any], where: Path) -> None:
    """Refuse to go on with settings that give other weights.

    Args:
        before: facts of the checkpoint.
        now: facts of this start.
        where: the checkpoint.

    Raises:
        UsageError: they differ in more than `FREE`; every difference is listed.
    """
    keys = [key for key in sorted(before.keys() | now.keys()) if key not in FREE and before.get(key) != now.get(key)]
    if keys:
        lines = "\n".join(f"  {key}: {before.get(key)!r} before, {now.get(key)!r} now" for key in keys)
        raise UsageError(
            f"{where}: made with other settings\n{lines}", "set them as before, start a new run with --run NAME, or say --changed"
        )
