"""Every engine of the catalogue with tiny weights, so that one suite holds them all to the same contract.

A new engine adds a function here: it gives the engine with settings that suit a test, and lets `load` find tiny weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tiny_viton_hd import VITON_HD, VITON_HD_STAGES

from pipeline.catalog import ENGINES
from pipeline.core.engine import TryOnEngine
from pipeline.core.pair_stage import PairStage
from pipeline.core.step import Context
from tryon.engines.fashn.architecture import Architecture

TINY_FASHN = Architecture(
    canvas=(144, 96), hidden=64, heads=2, axes=(4, 14, 14), mixer_blocks=1, double_blocks=1, single_blocks=2
)

Factory = Callable[[Context, pytest.MonkeyPatch], TryOnEngine]


def preview(context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
    """It has no weights."""
    from tryon.engines.preview.config import PreviewConfig
    from tryon.engines.preview.engine import PreviewEngine

    return PreviewEngine(PreviewConfig(), context)


def stableviton(name: str) -> Factory:
    """StableVITON's network with a fifth of the channels, two steps at 128×64 pixels, and the attention pictures."""

    def make(context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
        import torch

        from benchmarks.generated import TINY, generated_network
        from tryon.engines.stableviton import engine as engines
        from tryon.engines.stableviton import folder
        from tryon.engines.stableviton.config import StableVITONConfig
        from tryon.engines.stableviton.variants import variant_named
        from tryon.networks.savings.switches import ALL

        kinds = {"stableviton": engines.StableVITON, "stableviton_1024": engines.StableVITON1024, "sift_vton": engines.SiftVTON}
        variant = replace(variant_named("sift_vton" if name == "sift_vton" else "stableviton"), size=None)
        patch.setattr(engines, "sha_of", lambda row, root: "0" * 64)
        patch.setattr(kinds[name], "_weights_path", lambda engine, dtype, weight_format: Path("tiny"))
        patch.setattr(folder, "load", lambda path, dtype: folder.Loaded(generated_network(ALL, dtype, TINY), variant, path.name))
        torch.set_num_threads(1)
        settings = StableVITONConfig(steps=2, dtype="fp32", height=128, width=64, batch_size=2, save_attention=True)
        return kinds[name](settings, context)

    return make


def fashn(context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
    """FASHN VTON's network with a twentieth of the channels, two steps on a canvas of 144×96 pixels."""
    import torch

    from benchmarks.generated import GeneratedWeights
    from tryon.engines.fashn import checkpoint
    from tryon.engines.fashn import engine as engines
    from tryon.engines.fashn.config import FashnConfig

    shapes = checkpoint.empty_network(TINY_FASHN).state_dict()
    patch.setattr(engines, "sha_of", lambda row, root: "0" * 64)
    patch.setattr(engines, "require", lambda row, root: Path("tiny"))
    patch.setattr(checkpoint, "load", lambda path, dtype: checkpoint.fill_network(GeneratedWeights(shapes), dtype, TINY_FASHN))
    torch.set_num_threads(1)
    return engines.FashnVtonEngine(FashnConfig(steps=2, dtype="fp32", batch_size=2), context)


def ootdiffusion(name: str) -> Factory:
    """OOTDiffusion's network with a tenth of the channels, two steps, two samples, attention pictures."""

    def make(context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
        import torch

        from benchmarks.generated import GeneratedWeights
        from tryon.engines.ootdiffusion import checkpoint
        from tryon.engines.ootdiffusion import engine as engines
        from tryon.engines.ootdiffusion.config import OotdConfig

        kinds = {"ootdiffusion_hd": engines.OotdHalfBody, "ootdiffusion_dc": engines.OotdFullBody}
        widths = tiny_ootd()

        def opened(engine: TryOnEngine, dtype: torch.dtype) -> tuple[object, str]:
            shapes = checkpoint.empty_network(widths).state_dict()
            return checkpoint.fill_network(GeneratedWeights(shapes), dtype, widths), "linspace"

        patch.setattr(engines, "sha_of", lambda row, root: "0" * 64)
        patch.setattr(kinds[name], "_open", opened)
        torch.set_num_threads(1)
        settings = OotdConfig(
            steps=2, dtype="fp32", height=128, width=64, batch_size=2, samples=2, save_attention=True, keep_garments=1
        )
        return kinds[name](settings, context)

    return make


def tiny_ootd() -> Any:
    """Widths of a small OOTDiffusion; a function, because its description loads CLIP's library."""
    from tryon.engines.ootdiffusion.architecture import Architecture as OotdArchitecture
    from tryon.networks.clip import ClipWidths, TextWidths

    return OotdArchitecture(
        level_channels=(32, 64, 64, 64),
        heads=4,
        context_dim=48,
        vae_channels=32,
        vae_layers=1,
        text=TextWidths(hidden_size=48, intermediate_size=96, layers=2, heads=4, projection_dim=48),
        clip=ClipWidths(hidden_size=64, intermediate_size=128, layers=2, heads=4, patch_size=32, projection_dim=48),
    )


def tiny_dci() -> Any:
    """Widths of a small DCI-VTON; a function, because its description loads CLIP's library."""
    from tryon.engines.dci_vton.architecture import Architecture as DciArchitecture
    from tryon.networks.clip import ClipWidths

    return DciArchitecture(
        model_channels=64,
        context_dim=48,
        unet_layers=1,
        vae_channels=32,
        vae_layers=1,
        clip=ClipWidths(hidden_size=64, intermediate_size=128, layers=3, heads=4, projection_dim=48),
    )


@cache
def tiny_dci_network(dtype: Any) -> Any:
    """Made once: nothing in it changes while it works."""
    from benchmarks.generated import GeneratedWeights
    from tryon.engines.dci_vton import checkpoint

    shapes = checkpoint.empty_network(tiny_dci()).state_dict()
    return checkpoint.fill_network(GeneratedWeights(shapes), dtype, tiny_dci())


@cache
def tiny_warper() -> Any:
    """Likewise: an eighth of the channels."""
    from benchmarks.generated import GeneratedWeights
    from tryon.engines.dci_vton.warping.network import Warper

    network = Warper((8, 16, 32, 32, 32), 32).eval()
    weights = GeneratedWeights(network.state_dict())
    network.load_state_dict({name: weights[name].abs() if name.endswith("running_var") else weights[name] for name in weights})
    return network


def dci_vton(name: str) -> Factory:
    """DCI-VTON's network with a fifth of the channels and half the layers, two steps on a square of 128 pixels."""

    def make(context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
        import torch

        from tryon import network_folder
        from tryon.engines.dci_vton import engine as engines
        from tryon.engines.dci_vton import folder
        from tryon.engines.dci_vton.config import DciVtonConfig

        patch.setattr(engines, "sha_of", lambda row, root: "0" * 64)
        patch.setattr(network_folder, "weights_path", lambda *given: Path("tiny"))
        patch.setattr(folder, "load", lambda path, dtype, variant: tiny_dci_network(dtype))
        torch.set_num_threads(1)
        kind = {"dci_vton": engines.DciVtonEngine, "dci_vton_v2": engines.DciVtonV2Engine}[name]
        patch.setattr(kind, "side", 128)
        return kind(DciVtonConfig(steps=2, dtype="fp32", batch_size=2), context)

    return make


def warp(context: Context, patch: pytest.MonkeyPatch) -> PairStage:
    """DCI-VTON's warping network."""
    import torch

    from tryon.engines.dci_vton import warp_stage
    from tryon.engines.dci_vton.config import DciVtonConfig
    from tryon.engines.dci_vton.warping import checkpoint

    patch.setattr(warp_stage, "require", lambda row, root: Path("tiny"))
    patch.setattr(checkpoint, "load", lambda path: tiny_warper())
    torch.set_num_threads(1)
    return warp_stage.WarpStage(DciVtonConfig(), context)


STAGES: dict[tuple[str, str], Callable[[Context, pytest.MonkeyPatch], PairStage]] = {
    **VITON_HD_STAGES,
    ("dci_vton", "warp"): warp,
    ("dci_vton_v2", "warp"): warp,
}
"""Engine and name of its stage → the stage with tiny weights."""

FACTORIES: dict[str, Factory] = {
    "fashn": fashn,
    "stableviton": stableviton("stableviton"),
    "stableviton_1024": stableviton("stableviton_1024"),
    "sift_vton": stableviton("sift_vton"),
    "ootdiffusion_hd": ootdiffusion("ootdiffusion_hd"),
    "ootdiffusion_dc": ootdiffusion("ootdiffusion_dc"),
    "dci_vton": dci_vton("dci_vton"),
    "dci_vton_v2": dci_vton("dci_vton_v2"),
    **VITON_HD,
    "preview": preview,
}


def tiny_engine(name: str, context: Context, patch: pytest.MonkeyPatch) -> TryOnEngine:
    """An engine of the catalogue, not loaded yet."""
    assert name in FACTORIES, (
        f"engine {name!r} is not under the contract: give it tiny weights by a function in tests/support/tiny_engines.py"
    )
    assert set(FACTORIES) <= set(ENGINES), f"not in the catalogue: {sorted(set(FACTORIES) - set(ENGINES))}"
    return FACTORIES[name](context, patch)


def tiny_stages(name: str, context: Context, patch: pytest.MonkeyPatch) -> dict[str, PairStage]:
    """The stages of an engine of the catalogue in their order, not loaded yet."""
    missing = set(ENGINES[name].stages) - {stage for engine, stage in STAGES if engine == name}
    assert not missing, f"stages of {name} without tiny weights: {sorted(missing)}; see tests/support/tiny_engines.py"
    return {stage: STAGES[name, stage](context, patch) for stage in ENGINES[name].stages}
