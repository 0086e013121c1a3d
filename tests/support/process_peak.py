"""A script: the most memory a process holds during a real second step of the small OOTDiffusion, against its plan.

`python process_peak.py TREE START PRESET HEIGHT` prints both, in bytes. The process's own memory is read of Linux, so allocator,
kernels and library are in it. Small blocks are given back at once where MALLOC_MMAP_THRESHOLD_ says so.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import torch
from tiny_ootd_training import RECIPE
from training_runs import Place, quiet

from tryon.training import loop
from tryon.training.data.tree import find_tree
from tryon.training.machine import make_accelerator
from tryon.training.memory import plan_memory
from tryon.training.session import settings_of

OWN = ("loop.batch=2", "loop.accumulation=1", "ootd.cache=0", "precision.recompute=false", "precision.channels_last=false")


def held(what: str) -> int:
    """VmRSS or VmHWM in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def main(data: Path, start: Path, preset: str, height: int) -> None:
    """Print plan and peak."""
    torch.set_num_threads(1)
    own = (*OWN, "optimiser.name=adamw", f"data.height={height}", f"data.width={height * 3 // 4}")
    wanted = Place(RECIPE, data, start).options(data.parent, *own, preset=preset)
    settings = settings_of(RECIPE, wanted, quiet)
    plan = plan_memory(RECIPE, dict(settings), 2)
    torch.nn.Conv2d(32, 32, 3)(torch.randn(1, 32, 64, 64)).sum().backward()  # the kernels' own memory, whatever runs on them
    gc.collect()
    before, pairs = held("VmRSS"), find_tree(data).pairs("train")
    trainee = RECIPE.open(start, settings, {})
    job = loop.Job(data.parent, pairs, [], settings, read=RECIPE.read)
    steps = loop.Trainer(trainee, job, make_accelerator(settings["precision"], "cpu")).steps(2)
    next(steps)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak counts from here
    next(steps)
    print(int(plan.total), held("VmHWM") - before)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
