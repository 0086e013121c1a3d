"""Before the run: the plan of memory, time and disk, three steps that are thrown away, and the batch that fits."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.core.config import StepConfig
from pipeline.core.errors import UsageError
from tryon.training.config import DataConfig, LoopConfig
from tryon.training.data.checks import Findings
from tryon.training.memory import Plan, plan_memory
from tryon.training.protocol import Recipe
from tryon.training.schedule import Schedule

Settings = dict[str, StepConfig]
STEPS = 3
"""Of the probe; the first is not timed, because it warms up."""
USABLE = 0.92
"""Share of free memory that a plan may take: workspaces and the allocator's waste are not in it."""
MOST = 256


def settled_batch(recipe: Recipe, settings: Settings, accelerator: Any, say: Callable[[str], None]) -> Settings:
    """Settings whose batch is a number: `auto` becomes the largest power of two whose plan fits the free memory.

    Raises:
        UsageError: not even one pair fits.
    """
    loop = settings["loop"]
    assert isinstance(loop, LoopConfig)
    if loop.batch != "auto":
        return settings
    free = free_memory(accelerator.device)
    batch = largest_batch(lambda pairs: plan_memory(recipe, settings, pairs).total, USABLE * free)
    if not batch:
        needed = plan_memory(recipe, settings, 1)
        raise UsageError(
            f"--batch auto: a single pair needs {needed.total / 1e9:.1f} GB, free are {free / 1e9:.1f} GB",
            "; ".join(needed.levers()),
        )
    say(f"--batch auto: {batch} pairs per process ({free / 1e9:.1f} GB free)")
    return {**settings, "loop": loop.model_copy(update={"batch": batch})}


def largest_batch(needs: Callable[[int], float], room: float) -> int:
    """The largest power of two whose need fits; 0 = none. Two plans are calculated, the rest is a straight line."""
    one = needs(1)
    each = needs(2) - one
    fitting = [pairs for pairs in (2**power for power in range(MOST.bit_length())) if one + each * (pairs - 1) <= room]
    return max(fitting, default=0)


def free_memory(device: Any) -> float:
    """Free bytes of a GPU, or of the machine."""
    import torch

    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    with Path("/proc/meminfo").open(encoding="ascii") as file:
        return next(float(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def dry_run(
    recipe: Recipe, settings: Settings, findings: Findings, origin: Any, folder: Path, options: Any, say: Callable[[str], None]
) -> int:
    """Say what a run will cost; nothing of it stays."""
    from tryon.training.loop import Job, Trainer
    from tryon.training.machine import make_accelerator, peak_megabytes

    accelerator = make_accelerator(settings["precision"], options.device)  # type: ignore[arg-type]
    settings = settled_batch(recipe, settings, accelerator, say)
    loop, data = settings["loop"], settings["data"]
    assert isinstance(loop, LoopConfig) and isinstance(data, DataConfig) and loop.batch != "auto"
    schedule = Schedule(len(findings.pairs), loop.batch, loop.accumulation, accelerator.num_processes, loop.seed)
    plan = plan_memory(recipe, settings, loop.batch)
    for line in (*plan.lines(), *_steps_lines(schedule, loop), *_disk_lines(plan, loop, folder)):
        say(line)
    trainee = recipe.open(origin.file, settings, origin.trained, origin.vae)
    with tempfile.TemporaryDirectory(prefix="lookbook-probe-") as scratch:
        job = Job(Path(scratch), findings.pairs, findings.pairs, settings)
        trainer = Trainer(trainee, job, accelerator)
        seconds = []
        begun = time.perf_counter()
        for _ in trainer.steps(STEPS):
            seconds.append(time.perf_counter() - begun)
            begun = time.perf_counter()
    each = min(seconds[1:])
    say(
        f"time: {each:.2f} s per step in a probe of {STEPS}, so {each * loop.steps / 3600:.1f} h for {loop.steps} steps, "
        "without validation, sheets and checkpoints"
    )
    what = "GPU memory" if accelerator.device.type == "cuda" else "memory of the whole process"
    say(f"measured: {peak_megabytes(accelerator.device):,.0f} MB {what} at most")
    say("nothing was saved")
    accelerator.end_training()
    return 0


def _steps_lines(schedule: Schedule, loop: LoopConfig) -> list[str]:
    epochs = loop.steps / schedule.steps_per_epoch
    left = schedule.pairs - schedule.steps_per_epoch * schedule.per_step
    return [
        f"steps: {schedule.per_step} pairs per step ({schedule.batch} × {schedule.accumulation} accumulated × "
        f"{schedule.processes} processes), {schedule.steps_per_epoch} steps per epoch ({left} pairs wait for another epoch), "
        f"{loop.steps} steps = {epochs:.1f} epochs"
    ]


def _disk_lines(plan: Plan, loop: LoopConfig, folder: Path) -> list[str]:
    kept = loop.keep_last + (loop.steps // loop.keep_every if loop.keep_every else 0)
    each = plan.checkpoint
    return [f"disk: {each / 1e9:.2f} GB per checkpoint, at most {kept + 1} of them in {folder}: {(kept + 1) * each / 1e9:.1f} GB"]
