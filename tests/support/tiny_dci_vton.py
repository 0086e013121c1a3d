"""DCI-VTON's recipe with a tenth of the channels, and weights for it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.generated import GeneratedWeights
from tryon.engines.dci_vton.architecture import Architecture
from tryon.engines.dci_vton.checkpoint import empty_network
from tryon.engines.dci_vton.training.vton_recipe import VtonRecipe
from tryon.engines.dci_vton.training.vton_start import write_official
from tryon.networks.clip import ClipWidths
from tryon.networks.savings.switches import OFFICIAL

TENTH = Architecture(
    model_channels=32,
    context_dim=16,
    vae_channels=32,
    mapper_layers=1,
    clip=ClipWidths(hidden_size=32, intermediate_size=64, layers=1, heads=2, projection_dim=16),
)
RECIPE = VtonRecipe(TENTH)


def write_start(path: Path) -> Path:
    """A published file of the small network, as Paint-by-Example is: the whole list of names, generated weights, no VGG."""
    write_official(path, dict(GeneratedWeights(empty_network(TENTH, OFFICIAL).state_dict())), TENTH, None)
    return path
