"""VITON-HD's and GS-VITON's engines and stages with tiny networks at 256 × 256 pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.catalog import ENGINES, resolve
from pipeline.core.engine import TryOnEngine
from pipeline.core.pair_stage import PairStage
from pipeline.core.step import Context
from tryon.engines.viton_hd.architecture import SEED, Architecture

TINY = Architecture(size=(256, 256), small=(64, 64), seg_width=4, warp_width=4, generator_width=4)
TINY_SEED = replace(SEED, size=(256, 256), small=(64, 64), seg_width=4, warp_width=4, generator_width=4)


@cache
def tiny_network(kind: Any, architecture: Architecture) -> Any:
    """One of the three networks with a sixteenth of the channels, made once."""
    import torch

    torch.manual_seed(0)
    return kind(architecture).eval().requires_grad_(False).to(memory_format=torch.channels_last)


def let_find_tiny_networks(patch: pytest.MonkeyPatch) -> None:
    """The runtimes of both variants load them instead of files."""
    import torch

    from tryon.engines.viton_hd import engine as engines
    from tryon.engines.viton_hd import runtime, stages
    from tryon.engines.viton_hd.alias import Generator
    from tryon.engines.viton_hd.segmenter import Segmenter
    from tryon.engines.viton_hd.warper import Warper

    patch.setattr(engines, "sha_of", lambda row, root: "0" * 64)
    for module in (engines, stages):
        patch.setattr(module, "require", lambda row, root: Path("tiny"))
    patch.setattr(runtime, "ARCHITECTURES", {"viton-hd": TINY, "gs-viton": TINY_SEED})
    for load, kind in (("load_segmenter", Segmenter), ("load_warper", Warper), ("load_generator", Generator)):
        patch.setattr(runtime, load, lambda path, dtype, architecture, kind=kind: tiny_network(kind, architecture))
    torch.set_num_threads(1)


def _engine(name: str, context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
    let_find_tiny_networks(patch)
    row = ENGINES[name]
    made: TryOnEngine = resolve(row.engine)(resolve(row.config)(dtype="fp32", batch_size=2), context)
    return made


def _stage(engine: str, stage: str, context: Context, patch: pytest.MonkeyPatch) -> PairStage:
    let_find_tiny_networks(patch)
    row = ENGINES[engine]
    made: PairStage = resolve(row.stages[stage])(resolve(row.config)(dtype="fp32"), context)
    return made


NAMES = ("viton_hd", "gs_viton")
VITON_HD: dict[str, Callable[[Context, pytest.MonkeyPatch], TryOnEngine]] = {name: partial(_engine, name) for name in NAMES}
VITON_HD_STAGES: dict[tuple[str, str], Callable[[Context, pytest.MonkeyPatch], PairStage]] = {
    (name, stage): partial(_stage, name, stage) for name in NAMES for stage in ("segmentation", "warp", "misalignment")
}
