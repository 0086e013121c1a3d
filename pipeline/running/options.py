"""How a run works through its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.planning.policy import RerunPolicy

Workers = int | Literal["auto"]
"""A number of worker processes, or as many as the machine holds and the work is worth."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(RerunPolicy):
    """Options of the runner.

    Args:
        fail_fast: stop at the first failure.
        workers: worker processes; 1 = this process does the work, `auto` = decide per stage.
        retry_bad: how often a pair with a low score is drawn again from another seed.
    """

    fail_fast: bool = False
    workers: Workers = "auto"
    retry_bad: int = 0
