"""The diffusion network: Paint-by-Example's, no layer more; what is new is what it is shown.

Facts: docs/facts/dci_vton.md#inputs.

```
noisy latent 4 ┐
inpaint pict. 4 ┼─▶ U-Net ─▶ ε        garment ─ CLIP ─ mapper ─▶ one token, every block's context
keep mask     1 ┘
```
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tryon.engines.dci_vton.architecture import Architecture
from tryon.networks.clip import build_image_encoder
from tryon.networks.image_token import TokenMapper, TokenNetwork
from tryon.networks.layout import map_layout
from tryon.networks.savings.swapping import leave_out_queries, use_cheaper_layers
from tryon.networks.savings.switches import ALL, Savings
from tryon.networks.sd1_unet import Contexts, Shifts, predict_noise, sd1_unet, time_shifts
from tryon.networks.unet_layers import Context, UNetStage, fold_context, unet_stages
from tryon.networks.vae import build_vae


class DciVton(TokenNetwork):
    """All learned parts. Where a standard class exists, the part *is* that class."""

    def __init__(self, architecture: Architecture, savings: Savings = ALL) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.savings = savings
        self.unet: Any = sd1_unet(a.condition_channels, a.level_channels, a.heads, a.context_dim, a.unet_layers)
        self.image_encoder: Any = build_image_encoder(a.clip)
        fold = savings.fold_single_token
        self.mapper = TokenMapper(a.clip.hidden_size, a.mapper_layers, a.context_dim, with_queries=not fold)
        self.vae: Any = build_vae(a.vae_channels, a.vae_layers)
        if fold:
            leave_out_queries((self.unet,))
        use_cheaper_layers((self.unet, self.image_encoder, self.vae), savings)

    def time_shifts(self, timesteps: Tensor) -> Shifts:
        """Every stage's time shift, (n, c) each, for n timesteps (n,) in [0, 999]; None where a stage has none."""
        return time_shifts(self.unet, timesteps)

    def contexts(self, token: Tensor) -> Contexts:
        """What the cross-attention of every stage looks at, for tokens (b, 1, context_dim)."""
        return [self._context(stage, token.to(self.device, self.dtype)) for stage in unet_stages(self.unet)]

    def _context(self, stage: UNetStage, token: Tensor) -> Context | None:
        if stage.transformer is None:
            return None
        if self.savings.fold_single_token:
            return Context(fold_context(stage.transformer, token), folded=True)
        return Context(token)

    def noise(self, x: Tensor, shifts: Shifts, contexts: Contexts, *, recompute: bool = False) -> Tensor:
        """Predict the noise in a condition stack.

        Args:
            x: (b, 9, h, w): noisy latent, latent of the inpaint picture, keep mask (1 = keep).
            shifts: what `time_shifts` gave for b timesteps, or for one.
            contexts: what `contexts` gave for b tokens.
            recompute: see `sd1_unet.predict_noise`.

        Returns:
            (b, 4, h, w) in the network's number format.
        """
        x = x.to(self.device, self.dtype, memory_format=map_layout(self.device, self.savings))
        return predict_noise(self.unet, x, shifts, contexts, self.savings.attention, recompute=recompute)
