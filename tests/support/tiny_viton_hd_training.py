"""VITON-HD's three recipes with a sixteenth of the channels, at 256 × 256 pixels."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_viton_hd import TINY, TINY_SEED

from tryon.engines.viton_hd.training.files import new_network, write_file
from tryon.engines.viton_hd.training.recipe import VitonHdRecipe

VARIANTS = {"official": TINY, "gs": TINY_SEED}
JUDGE_WIDTH = 4
RECIPES = {stage: VitonHdRecipe(stage, VARIANTS, JUDGE_WIDTH) for stage in ("seg", "gmm", "alias")}


def write_start(stage: str, path: Path, variant: str = "official") -> Path:
    """Weights to start from, under the published names."""
    with torch.no_grad():
        write_file(path, stage, new_network(stage, VARIANTS[variant], 0).state_dict())
    return path
