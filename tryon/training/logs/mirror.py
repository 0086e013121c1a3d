"""A copy of a run's figures for Weights & Biases, written to the run's folder and never sent: `wandb sync` is the user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.errors import MissingPackageError


class Mirror:
    """Writes what it is told below `<run>/wandb`.

    Args:
        folder: of the run.
        facts: settings of the run.

    Raises:
        MissingPackageError: wandb is not installed.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as problem:
            raise MissingPackageError(
                f"loop.wandb: wandb cannot be imported ({problem})", "pip install wandb, or --set loop.wandb=false"
            ) from None
        self._run = wandb.init(mode="offline", dir=str(folder), name=folder.name, config=dict(facts))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Figures of a step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """End the copy."""
        self._run.finish()
