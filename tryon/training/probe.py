"""Before the run: the plan of memory, time and disk, three steps that are thrown away, and the batch that fits."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.config import StepConfig
from pipeline.core.errors import UsageError
from tryon.training.config import LoopConfig, section_of, with_steps
from tryon.training.memory import Plan, plan_memory, what_fits
from tryon.training.protocol import Recipe, Trainee
from tryon.training.schedule import Schedule

if TYPE_CHECKING:
    from tryon.training.loop import Job, Trainer
    from tryon.training.session import Beginning

Settings = dict[str, StepConfig]
STEPS = 3
"""Of the probe; the first is not timed, because it warms up."""
USABLE = 0.92
"""Share of free memory that a plan may take: workspaces and the allocator's waste are not in it."""
MOST = 256
MEMORY_FILE = Path("/proc/meminfo")
"""Linux tells the free memory here."""


def settled_batch(
    recipe: Recipe, settings: Settings, accelerator: Any, say: Callable[[str], None], before: Mapping[str, Any] | None = None
) -> Settings:
    """Settings whose batch is a number: `auto` becomes the largest power of two whose plan fits the free memory.

    Args:
        recipe: of the engine.
        settings: all sections.
        accelerator: the machine.
        say: shows a line.
        before: what the run says about itself, when it goes on: its batch stays.

    Raises:
        UsageError: not even one pair fits.
    """
    loop = section_of(settings, "loop", LoopConfig)
    if loop.batch != "auto":
        return settings
    if before is not None:
        return with_batch(settings, before["settings"]["loop.batch"])
    free = free_memory(accelerator.device)
    batch = largest_batch(lambda pairs: plan_memory(recipe, settings, pairs).total, USABLE * free)
    if not batch:
        needed = plan_memory(recipe, settings, 1).total
        raise UsageError(
            f"--batch auto: a single pair needs {needed / 1e9:.1f} GB, free are {free / 1e9:.1f} GB",
            what_fits(recipe, settings, 1, USABLE * free),
        )
    say(f"--batch auto: {batch} pairs per process ({free / 1e9:.1f} GB free)")
    return with_batch(settings, batch)


def with_batch(settings: Mapping[str, StepConfig], batch: int) -> Settings:
    """Settings with another batch."""
    return {**settings, "loop": settings["loop"].model_copy(update={"batch": batch})}


def announce(recipe: Recipe, settings: Settings, accelerator: Any, pairs: int, folder: Path, say: Callable[[str], None]) -> None:
    """Say before the start what a run will take.

    Raises:
        UsageError: more memory than a GPU has free, with the levers in the order of their gain; or no whole step per epoch.
    """
    loop = settings["loop"]
    assert isinstance(loop, LoopConfig) and loop.batch != "auto"
    schedule = Schedule(pairs, loop.batch, loop.accumulation, accelerator.num_processes, loop.seed)
    loop = with_steps(settings, schedule.steps_per_epoch)["loop"]
    assert isinstance(loop, LoopConfig) and loop.batch != "auto"
    plan = plan_memory(recipe, settings, loop.batch)
    for line in (*plan.lines(), *_steps_lines(schedule, loop), *_disk_lines(plan, loop, folder)):
        say(line)
    if accelerator.device.type == "cuda" and plan.total > (free := free_memory(accelerator.device)):
        raise UsageError(
            f"the plan takes {plan.total / 1e9:.1f} GB, {accelerator.device} has {free / 1e9:.1f} GB free",
            f"--batch auto; of {loop.batch} pairs, " + what_fits(recipe, settings, loop.batch, free),
        )


def fitting(trainee: Trainee, job: Job, accelerator: Any) -> Trainer:
    """A trainer whose batch was tried once, forward and back; halved while the memory is full.

    Raises:
        UsageError: not even one pair fits.
    """
    from tryon.batching import is_out_of_memory
    from tryon.training.loop import Trainer

    while True:
        trainer = Trainer(trainee, job, accelerator)
        try:
            trainer.try_once()
            return trainer
        except (RuntimeError, MemoryError) as problem:
            batch = job.loop.batch
            if not is_out_of_memory(problem) or batch == "auto":
                raise
        if batch == 1:
            raise UsageError("--batch auto: the memory is full with a single pair", "--set precision.recompute=true")
        job.say(f"--batch auto: {batch} pairs do not fit, trying {batch // 2}")
        job = replace(job, settings=with_batch(job.settings, batch // 2))


def largest_batch(needs: Callable[[int], float], room: float) -> int:
    """The largest power of two whose need fits; 0 = none. Two plans are calculated, the rest is a straight line."""
    one = needs(1)
    each = needs(2) - one
    fitting = [pairs for pairs in (2**power for power in range(MOST.bit_length())) if one + each * (pairs - 1) <= room]
    return max(fitting, default=0)


def free_memory(device: Any) -> float:
    """Free bytes of a GPU, or of the machine.

    Raises:
        UsageError: neither is known here.
    """
    import torch

    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    if not MEMORY_FILE.is_file():
        raise UsageError("--batch auto: the free memory of this machine is not known", "--batch with a number")
    with MEMORY_FILE.open(encoding="ascii") as file:
        return next(float(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def dry_run(begun: Beginning) -> int:
    """Say what a run will cost; nothing of it stays."""
    from tryon.training.loop import Job, Trainer
    from tryon.training.machine import make_accelerator, peak_megabytes

    recipe, findings, say = begun.recipe, begun.findings, begun.say
    accelerator = make_accelerator(begun.settings["precision"], begun.options.device)  # type: ignore[arg-type]
    settings = settled_batch(recipe, begun.settings, accelerator, say)
    announce(recipe, settings, accelerator, len(findings.pairs), begun.folder, say)
    trainee = begun.trainee(settings)
    with tempfile.TemporaryDirectory(prefix="lookbook-probe-") as scratch:
        job = Job(Path(scratch), findings.pairs, findings.pairs, settings, read=recipe.read)
        trainer = Trainer(trainee, job, accelerator)
        loop = trainer.job.loop
        seconds = []
        started = time.perf_counter()
        for _ in trainer.steps(STEPS):
            seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
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
