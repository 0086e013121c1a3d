"""The whole network, and the one function a sampler calls: noise prediction from a condition stack.

```
person  ─ VAE ─┐ 13 channels ─▶ spatial encoder ─▶ 9 maps ─┐
garment ─ VAE ─┼──────────────▶ (first map)                ▼
garment ─ CLIP ─ mapper ─▶ one token ─▶ both ─────▶ U-Net encoder ─ middle ─ decoder with 9 looks at the garment ─▶ ε
```
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor

from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.spatial_encoder import SpatialEncoder
from tryon.engines.stableviton.unet import (
    FINE_DECODER,
    FINE_ENCODER,
    DeepFeatures,
    Pass,
    Probes,
    build_unet,
    run_unet,
)
from tryon.engines.stableviton.warp import build_warp_blocks
from tryon.networks.clip import build_image_encoder
from tryon.networks.image_token import TokenMapper, TokenNetwork
from tryon.networks.layout import map_layout
from tryon.networks.savings.quantised import SPARED
from tryon.networks.savings.swapping import leave_out_queries, use_cheaper_layers, use_quantised_layers
from tryon.networks.savings.switches import ALL, Savings
from tryon.networks.unet_layers import Context, UNetStage, fold_context, time_shift, unet_stages
from tryon.networks.vae import build_vae

T = TypeVar("T")


@dataclass(frozen=True)
class PerStage(Generic[T]):
    """One value per stage of the two halves of the network; None where a stage has no use for it."""

    control: list[T | None]
    unet: list[T | None]

    def map(self, function: Callable[[T], T]) -> PerStage[T]:
        """The same with `function` applied to every value."""
        return PerStage(*([None if v is None else function(v) for v in half] for half in (self.control, self.unet)))


Shifts = PerStage[Tensor]
Contexts = PerStage[Context]


class StableViton(TokenNetwork):
    """All learned parts. Where a standard class exists, the part *is* that class."""

    def __init__(self, architecture: Architecture, savings: Savings = ALL) -> None:
        super().__init__()
        self.architecture, self.savings = architecture, savings
        self.unet: Any = build_unet(architecture)
        self.control = SpatialEncoder(architecture, with_tail=not savings.skip_control_tail)
        self.warp = build_warp_blocks(architecture)
        self.image_encoder: Any = build_image_encoder(architecture.clip)
        self.mapper = TokenMapper(
            architecture.clip.hidden_size,
            architecture.mapper_layers,
            architecture.context_dim,
            with_queries=not savings.fold_single_token,
        )
        self.vae: Any = build_vae(architecture.vae_channels)
        if savings.fold_single_token:
            leave_out_queries((self.unet, self.control))
        use_cheaper_layers((self.unet, self.control, self.warp, self.image_encoder, self.vae), savings)

    def use_weight_format(self, weight_format: str) -> None:
        """Round weights to `int8` or `fp8`; `full` leaves them as they are.

        The VAE's decoder keeps its own, because it makes the pixels; its encoder keeps them from fp8, which moves latents by an
        eighth where int8 moves them hardly more than bf16 does.
        """
        parts = [self.unet, self.control, self.warp, self.image_encoder, self.mapper]
        parts += [self.vae.encoder] if weight_format == "int8" else []
        use_quantised_layers(parts, weight_format, SPARED | {"garment_in"})

    def time_shifts(self, timesteps: Tensor, *, frozen_encoder: bool = False) -> Shifts:
        """Every residual block's time shift, (n, c) each, for n timesteps (n,) in [0, 999].

        Args:
            timesteps: (n,) integers.
            frozen_encoder: see `unet.Pass`; the U-Net's time embedding is part of it.
        """
        waves = get_timestep_embedding(timesteps, self.architecture.model_channels, flip_sin_to_cos=True, downscale_freq_shift=0)
        waves = waves.to(self.dtype)

        def half(embedding: Tensor, stages: list[UNetStage]) -> list[Tensor | None]:
            return [time_shift(stage.residual, embedding) if stage.residual is not None else None for stage in stages]

        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen_encoder):
            embedding = self.unet.time_embedding(waves)
        return PerStage(half(self.control.time_embedding(waves), self.control.stages), half(embedding, unet_stages(self.unet)))

    def contexts(self, token: Tensor, token_merging: float = 0.0) -> Contexts:
        """What every text-style cross-attention looks at.

        Args:
            token: (b, 1, context_dim).
            token_merging: approximation: share of tokens that self-attention merges on the finest grid; 0 = exact.
        """

        def half(stages: list[UNetStage], finest: Container[int]) -> list[Context | None]:
            return [
                None
                if stage.transformer is None
                else self._context(stage.transformer, token, token_merging if number in finest else 0.0)
                for number, stage in enumerate(stages)
            ]

        return PerStage(
            half(self.control.stages, range(FINE_ENCODER)),
            half(unet_stages(self.unet), {*range(FINE_ENCODER), *FINE_DECODER}),
        )

    def _context(self, transformer: Any, token: Tensor, token_merging: float) -> Context:
        if self.savings.fold_single_token:
            return Context(fold_context(transformer, token), folded=True, token_merging=token_merging)
        return Context(token, token_merging=token_merging)

    def garment_features(self, x: Tensor, garment: Tensor, shifts: Shifts, contexts: Contexts) -> list[Tensor]:
        """The spatial encoder's outputs for a condition stack (b, 13, h, w) and garment latents (b, 4, h, w)."""
        x, garment = self.arranged(x), self.arranged(garment)
        features: list[Tensor] = self.control(x, garment, shifts.control, contexts.control, self.savings.attention)
        return features

    def noise(
        self,
        x: Tensor,
        features: list[Tensor] | None,
        shifts: Shifts,
        contexts: Contexts,
        probes: Probes | None = None,
        deep: DeepFeatures | None = None,
    ) -> Tensor:
        """Predict the noise in a condition stack.

        Args:
            x: (b, 13, h, w): noisy latent, agnostic, keep mask, densepose.
            features: what `garment_features` gave; None runs the U-Net without garment.
            shifts: what `time_shifts` gave for b timesteps, or for one.
            contexts: what `contexts` gave for b tokens.
            probes: by warp block, a function that sees its attention map.
            deep: see `unet.DeepFeatures`.

        Returns:
            (b, 4, h, w) in the network's dtype.
        """
        warp = None if features is None else self.warp
        call = Pass(features or [], shifts.unet, contexts.unet, self.savings.attention, probes or {})
        return run_unet(self.unet, warp, self.arranged(x), call, deep)

    def arranged(self, x: Tensor) -> Tensor:
        """A map (b, c, h, w) where the network is, in its number format and memory layout."""
        device = self.device
        return x.to(device=device, dtype=self.dtype, memory_format=map_layout(device, self.savings))


def stack_conditions(latents: Tensor, agnostic: Tensor, keep_mask: Tensor, densepose: Tensor) -> Tensor:
    """Stack the U-Net's input; h and w are image side / 8.

    Args:
        latents: (b, 4, h, w) noisy latent.
        agnostic: (b, 4, h, w) scaled latent of the person without garment.
        keep_mask: (b, 1, h, w) in [0, 1], **1 = keep**: this model's polarity, the opposite of the artefact on disk.
        densepose: (b, 4, h, w) scaled latent of the body-part picture.

    Returns:
        (b, 13, h, w).
    """
    return torch.cat([latents, agnostic, keep_mask, densepose], dim=1)
