"""The whole network and the functions that a sampler calls.

Facts: docs/facts/ootdiffusion.md#parts.

```
garment ─ VAE ──▶ garment U-Net, once ──▶ 16 × keys and values ─┐
garment ─ CLIP ┐                                                ▼
word ──── CLIP ┴▶ 2 or 4 tokens ──▶ both U-Nets      noisy + masked person ──▶ try-on U-Net ──▶ ε
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tryon.engines.ootdiffusion.architecture import GARMENT_CHANNELS, TRY_ON_CHANNELS, Architecture
from tryon.networks.attention import AttentionProbe
from tryon.networks.clip import build_projecting_image_encoder, build_text_encoder
from tryon.networks.layout import map_layout
from tryon.networks.reference_attention import (
    Look,
    LookOfAll,
    Tabulated,
    Taken,
    looking_through,
    reference_keys_values,
    reference_tokens,
    tabulate,
)
from tryon.networks.savings import ALL, Savings
from tryon.networks.sd1_unet import Contexts, Shifts, predict_noise, sd1_unet, time_shifts
from tryon.networks.swapping import use_cheaper_layers
from tryon.networks.unet_layers import Context, KeysValues, unet_stages
from tryon.networks.vae import build_vae

GARMENT_TIMESTEP = 0
Probes = dict[int, AttentionProbe]
"""By place in running order, a function that sees the map of the joined self-attention."""
GarmentTokens = Sequence[Tensor | KeysValues]
"""Of one or several garments, per transformer block in running order: tokens, or what the try-on U-Net makes of them."""


class OotDiffusion(nn.Module):
    """All learned parts. Each *is* a class of its library, and has its published names."""

    def __init__(self, architecture: Architecture, savings: Savings = ALL) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.savings = savings
        widths = (a.level_channels, a.heads, a.context_dim)
        self.unet_garm: Any = sd1_unet(GARMENT_CHANNELS, *widths, groups=a.groups)
        self.unet_vton: Any = sd1_unet(TRY_ON_CHANNELS, *widths, groups=a.groups)
        self.vae: Any = build_vae(a.vae_channels, a.vae_layers, a.vae_groups, a.vae_multipliers)
        self.text_encoder: Any = build_text_encoder(a.text)
        self.image_encoder: Any = build_projecting_image_encoder(a.clip)
        use_cheaper_layers((self.unet_garm, self.unet_vton, self.vae, self.text_encoder, self.image_encoder), savings)

    @property
    def device(self) -> torch.device:
        """Where it lives."""
        device: torch.device = self.unet_vton.conv_in.weight.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        dtype: torch.dtype = self.unet_vton.conv_in.weight.dtype
        return dtype

    def context(self, ids: Tensor, clip_pictures: Tensor, vector: Literal["replaces", "follows", "left out"]) -> Tensor:
        """The tokens that both U-Nets' cross-attentions see.

        Args:
            ids: (b, n) token ids of the category's word.
            clip_pictures: (b, 3, 224, 224) garments in CLIP's units.
            vector: see `words.Words`.

        Returns:
            (b, n or n + 1, context_dim).
        """
        text: Tensor = self.text_encoder(ids.to(self.device)).last_hidden_state
        if vector == "left out":
            return text
        image = self.image_encoder(clip_pictures.to(self.device, self.dtype)).image_embeds[:, None]
        kept = text[:, :-1] if vector == "replaces" else text
        return torch.cat([kept, image.to(text.dtype)], dim=1)

    def garment_tokens(self, latents: Tensor, context: Tensor, *, recompute: bool = False, frozen: bool = False) -> GarmentTokens:
        """What the try-on U-Net sees of garments: the same in all its calls.

        Args:
            latents: (b, 4, h, w) unscaled; zeros for no garment.
            context: (b, n, context_dim).
            recompute: see `sd1_unet.predict_noise`.
            frozen: the garment U-Net is not trained: nothing of its pass is kept for gradients.
        """
        unet, context = self.unet_garm, context.to(self.device, self.dtype)
        seen: Contexts = [None if stage.transformer is None else Context(context) for stage in unet_stages(unet)]
        kernel, whole = self.savings.attention, not self.savings.wanted_tokens_only
        x = self.arranged(latents)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            shifts = time_shifts(unet, torch.tensor([GARMENT_TIMESTEP], device=self.device))
            tokens = reference_tokens(unet, x, shifts, seen, Taken.BEFORE_NORM, kernel, recompute=recompute, whole=whole)
        if self.savings.cache_garment and self.savings.wanted_tokens_only:
            return reference_keys_values(self.unet_vton, tokens, Taken.BEFORE_NORM, kernel)
        return tokens

    def time_shifts(self, timesteps: Tensor) -> Shifts:
        """The try-on U-Net's time shifts for timesteps (n,) in [0, 999]."""
        return time_shifts(self.unet_vton, timesteps)

    def contexts(self, context: Tensor, garments: GarmentTokens, probes: Probes | None = None) -> Contexts:
        """What every stage of the try-on U-Net looks at; made once per batch.

        Args:
            context: (b, n, context_dim).
            garments: of b garments.
            probes: see `Probes`.
        """
        context, probes = context.to(self.device, self.dtype), probes or {}
        looks = [self._look(garment, probes.get(place)) for place, garment in enumerate(garments)]
        if self.savings.tabulate_context:
            seen = tabulate(self.unet_vton, context, self.savings.attention)
            given = [Context(across=Tabulated(each)) for each in seen]
        else:
            given = [Context(context)] * len(looks)
        rest = iter(given)
        plain: Contexts = [None if stage.transformer is None else next(rest) for stage in unet_stages(self.unet_vton)]
        return looking_through(plain, looks)

    def _look(self, garment: Tensor | KeysValues, probe: AttentionProbe | None) -> Look | LookOfAll:
        if isinstance(garment, KeysValues):
            return Look(garment, probe)
        return LookOfAll(garment, Taken.BEFORE_NORM, self.savings.wanted_tokens_only, probe)

    def noise(self, latents: Tensor, person: Tensor, shifts: Shifts, contexts: Contexts, *, recompute: bool = False) -> Tensor:
        """Predict the noise.

        Args:
            latents: (b, 4, h, w) noisy, scaled.
            person: (b, 4, h, w) masked person, **not** scaled.
            shifts: what `time_shifts` gave for b timesteps, or for one.
            contexts: what `contexts` gave.
            recompute: see `sd1_unet.predict_noise`.

        Returns:
            (b, 4, h, w) in the network's number format.
        """
        x = self.arranged(torch.cat([latents, person.to(latents)], dim=1))
        return predict_noise(self.unet_vton, x, shifts, contexts, self.savings.attention, recompute=recompute)

    def arranged(self, x: Tensor) -> Tensor:
        """A map (b, c, h, w) where the network is, in its number format and memory layout."""
        return x.to(self.device, self.dtype, memory_format=map_layout(self.device, self.savings))


def together(parts: Sequence[GarmentTokens]) -> GarmentTokens:
    """Several garments' tokens as one batch."""
    return [_cat(column) for column in zip(*parts, strict=True)]


def _cat(column: Sequence[Tensor | KeysValues]) -> Tensor | KeysValues:
    first = column[0]
    if isinstance(first, Tensor):
        return torch.cat([each for each in column if isinstance(each, Tensor)])
    seen = [each for each in column if isinstance(each, KeysValues)]
    return KeysValues(torch.cat([each.keys for each in seen]), torch.cat([each.values for each in seen]), first.ready)
