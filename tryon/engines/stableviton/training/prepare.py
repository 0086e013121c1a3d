"""The start file of training, written once: what the authors call `VITONHD_PBE_pose.ckpt`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.training.official_file import write_official
from tryon.engines.stableviton.training.start import read_start


def write_start(source: Path, file: Path, say: Callable[[str], None]) -> None:
    """Widen Paint-by-Example and write it as the published start file is: every name, strict.

    Raises:
        WeightsError: the source is another model, or the file exists.
    """
    begun = read_start(source)
    write_official(file, begun.weights, FULL)
    say(f"{file}: {begun.about}")
