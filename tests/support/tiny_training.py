"""StableVITON's recipe with a tenth of the channels, weights for it, and a run of it in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.generated import GeneratedWeights
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.training.official_file import write_official
from tryon.engines.stableviton.training.recipe import StableVitonRecipe
from tryon.networks.clip import ClipWidths
from tryon.networks.savings import OFFICIAL

TENTH = Architecture(
    model_channels=32,
    context_dim=16,
    vae_channels=32,
    mapper_layers=1,
    clip=ClipWidths(hidden_size=32, intermediate_size=64, layers=1, heads=2, projection_dim=16),
)
RECIPE = StableVitonRecipe(TENTH)
SMALL = (
    *("data.height=128", "data.width=64", "data.threads=0", "precision.numbers=fp32", "loop.batch=2", "loop.ema_decay=0.9"),
    *("loop.draw_every=0", "loop.validate_every=0", "loop.log_every=1", "stableviton.draw_steps=2"),
)


def write_start(path: Path) -> Path:
    """A published file of the small network: the whole list of names, generated weights, zero closing convolutions."""
    weights = dict(GeneratedWeights(empty_network(TENTH, OFFICIAL).state_dict()))
    for name in weights:
        if name.startswith("warp.") and ("zero_conv" in name or "transformer.proj_out" in name):
            weights[name] = 0.1 * weights[name]
    write_official(path, weights, TENTH)
    return path


def run_apart(arguments: dict[str, object], processes: int = 1, rank: int = 0, port: int = 0) -> subprocess.Popen[str]:
    """Start a run in a process of its own; `arguments` are those of `session.Options`, paths as text."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests' / 'support'}"}
    if processes > 1:
        environment |= {"WORLD_SIZE": str(processes), "RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        environment |= {"MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, __file__, json.dumps(arguments)],
        env=environment,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> None:
    """Train as the arguments say, and end with the run's exit code."""
    from pipeline.core.errors import LookbookError
    from tryon.training.session import Options, start

    torch.set_num_threads(1)
    given = json.loads(sys.argv[1])
    paths = {name: Path(given[name]) for name in ("data", "runs", "start") if given.get(name)}
    options = Options(**{**given, **paths, "overrides": tuple(given.get("overrides", ()))})
    try:
        code = start(RECIPE, options, _say)
    except LookbookError as problem:
        _say(f"error: {problem}")
        code = int(problem.exit_code)
    sys.exit(code)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
