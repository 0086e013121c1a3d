"""A training run in a process of its own, alone or as one of several that share the work."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import torch


def run_apart(
    recipe: str, arguments: dict[str, object], processes: int = 1, rank: int = 0, port: int = 0
) -> subprocess.Popen[str]:
    """Start a run of a module's `RECIPE`; `arguments` are those of `session.Options`, paths as text."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests' / 'support'}"}
    if processes > 1:
        environment |= {"WORLD_SIZE": str(processes), "RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        environment |= {"MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, __file__, recipe, json.dumps(arguments)],
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
    given = json.loads(sys.argv[2])
    paths = {name: Path(given[name]) for name in ("data", "runs", "start") if given.get(name)}
    options = Options(**{**given, **paths, "overrides": tuple(given.get("overrides", ()))})
    try:
        code = start(importlib.import_module(sys.argv[1]).RECIPE, options, _say)
    except LookbookError as problem:
        _say(f"error: {problem}")
        code = int(problem.exit_code)
    sys.exit(code)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
