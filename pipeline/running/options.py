"""How a run works through its plan."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.planning.policy import RerunPolicy


@dataclass(frozen=True, kw_only=True)
class RunOptions(RerunPolicy):
    """Options of the runner.

    Args:
        fail_fast: stop at the first failure.
        workers: worker processes; 1 = this process does the work.
        retry_bad: how often a pair with a low score is drawn again from another seed.
    """

    fail_fast: bool = False
    workers: int = 1
    retry_bad: int = 0
