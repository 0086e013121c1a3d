"""StableVITON's recipe with a tenth of the channels, and weights for it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.generated import GeneratedWeights
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.training.official_file import write_official
from tryon.engines.stableviton.training.recipe import StableVitonRecipe
from tryon.networks.clip import ClipWidths
from tryon.networks.savings.switches import OFFICIAL

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
