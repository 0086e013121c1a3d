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
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from tryon.engines.ootdiffusion.architecture import GARMENT_CHANNELS, Architecture
from tryon.engines.ootdiffusion.wiring import MIDDLE, PUBLISHED, Wiring
from tryon.networks.attention import AttentionProbe
from tryon.networks.clip import build_projecting_image_encoder, build_text_encoder
from tryon.networks.eyes import build_clip_h, build_dinov2, clip_features, dino_features, feature_width
from tryon.networks.image_adapter import ImageAdapter, ImageProjector, Resampler, ResamplerWidths, decoder_places
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
from tryon.networks.residual_branch import Guide, branch_residuals, branch_shifts, guide_of, residual_branch
from tryon.networks.savings.swapping import use_cheaper_layers
from tryon.networks.savings.switches import ALL, Savings
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_SCALE
from tryon.networks.sd1_unet import Contexts, Shifts, predict_noise, sd1_unet, time_shifts
from tryon.networks.unet_layers import Context, CrossAttention, KeysValues, unet_stages
from tryon.networks.vae import build_vae

GARMENT_TIMESTEP = 0
HEAD_WIDTH = 64
"""Of the resampler, as published."""
Probes = dict[int, AttentionProbe]
"""By place in running order, a function that sees the map of the joined self-attention."""
GarmentTokens = Sequence[Tensor | KeysValues]
"""Of one or several garments, per transformer block in running order: tokens, or what the try-on U-Net makes of them."""


class OotDiffusion(nn.Module):
    """All learned parts. Each *is* a class of its library, and has its published names."""

    def __init__(self, architecture: Architecture, savings: Savings = ALL, wiring: Wiring = PUBLISHED) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.savings, self.wiring = savings, wiring
        widths = (a.level_channels, a.heads, a.context_dim)
        self.unet_garm: Any = sd1_unet(GARMENT_CHANNELS, *widths, groups=a.groups)
        self.unet_vton: Any = sd1_unet(wiring.channels, *widths, groups=a.groups)
        self.vae: Any = build_vae(a.vae_channels, a.vae_layers, a.vae_groups, a.vae_multipliers)
        self.text_encoder: Any = build_text_encoder(a.text)
        self.image_encoder: Any = build_projecting_image_encoder(a.clip)
        if wiring.alignment:
            self.alignment = Alignment()
        if wiring.adapter != "none":
            places = decoder_places(self.unet_vton) if wiring.adapter_places == "decoder" else None
            self.adapter = ImageAdapter(_projector(a, wiring), self.unet_vton, places)
        if wiring.adapter_mask:
            self.mask_tokens = MaskTokens(_seen_width(a, wiring))
        if "eye" in wiring.extra_parts:
            self.eye: Any = build_clip_h(a.clip_h) if wiring.adapter_eye == "clip-h" else build_dinov2(a.dinov2)
        if wiring.branch != "none":
            self.branch: Any = residual_branch(self.unet_vton)
        whole = (self.unet_garm, self.unet_vton, self.vae, self.text_encoder, self.image_encoder)
        use_cheaper_layers((*whole, *((self.branch,) if wiring.branch != "none" else ())), savings)

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

    def picture_features(self, clip_pictures: Tensor) -> Tensor:
        """What the adapter's projector takes of garments (b, 3, 224, 224): their vectors (b, c), or their patches (b, m, c)."""
        shown, patches = clip_pictures.to(self.device, self.dtype), self.wiring.adapter == "resampler"
        if self.wiring.adapter_eye == "dinov2":
            return dino_features(self.eye, shown, patches=patches)
        tower = self.image_encoder if self.wiring.adapter_eye == "clip-l" else self.eye
        return clip_features(tower, shown, patches=patches)

    def garment_tokens(
        self,
        latents: Tensor,
        context: Tensor,
        timesteps: Tensor | None = None,
        *,
        recompute: bool = False,
        frozen: bool = False,
    ) -> GarmentTokens:
        """What the try-on U-Net sees of garments: the same in all its calls, unless the wiring wants its timestep.

        Args:
            latents: (b, 4, h, w) unscaled; zeros for no garment.
            context: (b, n, context_dim).
            timesteps: (b,) or (1,) of the try-on U-Net, where the wiring wants them.
            recompute: see `sd1_unet.predict_noise`.
            frozen: the garment U-Net is not trained: nothing of its pass is kept for gradients.
        """
        unet, context = self.unet_garm, context.to(self.device, self.dtype)
        seen: Contexts = [None if stage.transformer is None else Context(context) for stage in unet_stages(unet)]
        kernel, whole = self.savings.attention, not self.savings.wanted_tokens_only
        x = self.arranged(latents)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            shifts = time_shifts(unet, self._garment_timesteps(timesteps))
            tokens = reference_tokens(unet, x, shifts, seen, self.taken, kernel, recompute=recompute, whole=whole)
        if self.savings.cache_garment and self.savings.wanted_tokens_only:
            return reference_keys_values(self.unet_vton, tokens, self.taken, kernel)
        return tokens

    @property
    def taken(self) -> Taken:
        """Where the garment's tokens are taken."""
        return Taken.BEFORE_NORM if self.wiring.tokens == "before" else Taken.AFTER_NORM

    def _garment_timesteps(self, timesteps: Tensor | None) -> Tensor:
        if self.wiring.every_step:
            assert timesteps is not None, "this wiring shows the garment at the timestep of each step"
            return timesteps.to(self.device)
        fixed = MIDDLE if self.wiring.reference_timestep == "middle" else GARMENT_TIMESTEP
        return torch.tensor([fixed], device=self.device)

    def time_shifts(self, timesteps: Tensor) -> Shifts:
        """The try-on U-Net's time shifts for timesteps (n,) in [0, 999], and the branch's behind them."""
        more = branch_shifts(self.branch, timesteps) if self.wiring.branch != "none" else []
        return time_shifts(self.unet_vton, timesteps) + more

    def guide(self, drawings: Tensor, context: Tensor) -> Guide:
        """What the branch is shown of pictures, made once per batch.

        Args:
            drawings: (b, 3, 8h, 8w) in [0, 1], see `drawings.drawing_of`.
            context: (b, n, context_dim).
        """
        return guide_of(self.branch, self.arranged(drawings), context.to(self.device, self.dtype), self.savings.attention)

    def contexts(
        self,
        context: Tensor,
        garments: GarmentTokens,
        probes: Probes | None = None,
        picture: Tensor | None = None,
        area: Tensor | None = None,
    ) -> Contexts:
        """What every stage of the try-on U-Net looks at; made once per batch.

        Args:
            context: (b, n, context_dim).
            garments: of b garments.
            probes: see `Probes`.
            picture: of b garments, what `picture_features` gave, where the wiring has an adapter.
            area: (b, 1, h, w), 1 = repaint, where the adapter sees it.
        """
        context, probes = context.to(self.device, self.dtype), probes or {}
        looks = [self._look(garment, probes.get(place)) for place, garment in enumerate(garments)]
        if self.wiring.adapter != "none":
            given = [Context(across=each) for each in self._with_picture(context, picture, area)]
        elif self.savings.tabulate_context:
            seen = tabulate(self.unet_vton, context, self.savings.attention)
            given = [Context(across=Tabulated(each)) for each in seen]
        else:
            given = [Context(context)] * len(looks)
        rest = iter(given)
        plain: Contexts = [None if stage.transformer is None else next(rest) for stage in unet_stages(self.unet_vton)]
        return looking_through(plain, looks)

    def _with_picture(self, context: Tensor, picture: Tensor | None, area: Tensor | None) -> Sequence[CrossAttention]:
        assert picture is not None, "this wiring has an adapter"
        shown = picture.to(self.device, self.dtype)
        if self.wiring.adapter_mask:
            assert area is not None, "this wiring's adapter sees the hole"
            shown = torch.cat([shown, self.mask_tokens(area.to(self.device, self.dtype))], dim=1)
        tokens = self.adapter.projector(shown)
        text = None if self.wiring.vision_only else context
        return self.adapter.looks(self.unet_vton, text, tokens, kernel=self.savings.attention)

    def _look(self, garment: Tensor | KeysValues, probe: AttentionProbe | None) -> Look | LookOfAll:
        if isinstance(garment, KeysValues):
            return Look(garment, probe)
        return LookOfAll(garment, self.taken, self.savings.wanted_tokens_only, probe)

    def noise(
        self,
        latents: Tensor,
        person: Tensor,
        shifts: Shifts,
        contexts: Contexts,
        guide: Guide | None = None,
        *,
        recompute: bool = False,
    ) -> Tensor:
        """Predict the noise.

        Args:
            latents: (b, 4, h, w) noisy, scaled.
            person: (b, 4, h, w) masked person, **not** scaled; with what the wiring wants beside it.
            shifts: what `time_shifts` gave for b timesteps, or for one.
            contexts: what `contexts` gave.
            guide: what `guide` gave, where the wiring has a branch.
            recompute: see `sd1_unet.predict_noise`.

        Returns:
            (b, 4, h, w) in the network's number format.
        """
        x = self.arranged(self._input(latents, person.to(latents)))
        kernel, own, more = self.savings.attention, shifts[: len(contexts)], shifts[len(contexts) :]
        if self.wiring.branch == "none":
            return predict_noise(self.unet_vton, x, own, contexts, kernel, recompute=recompute)
        assert guide is not None, "this wiring has a branch"
        added = branch_residuals(self.branch, x, more, guide, kernel, recompute=recompute)
        return predict_noise(self.unet_vton, x, own, contexts, kernel, recompute=recompute, residuals=added)

    def _input(self, latents: Tensor, person: Tensor) -> Tensor:
        if self.wiring.alignment:
            masked = self.alignment(self.arranged(person[:, :LATENT_CHANNELS])).to(latents)
            person = torch.cat([masked, person[:, LATENT_CHANNELS:]], dim=1)
        if self.wiring.inputs == "add":
            return latents + LATENT_SCALE * person
        return torch.cat([latents, person], dim=1)

    def arranged(self, x: Tensor) -> Tensor:
        """A map (b, c, h, w) where the network is, in its number format and memory layout."""
        return x.to(self.device, self.dtype, memory_format=map_layout(self.device, self.savings))


def _projector(a: Architecture, wiring: Wiring) -> ImageProjector | Resampler:
    inputs = _seen_width(a, wiring)
    if wiring.adapter == "plain":
        return ImageProjector(inputs, a.context_dim)
    width = min(HEAD_WIDTH, a.context_dim)
    heads = a.context_dim // width
    widths = ResamplerWidths(inputs=inputs, width=a.context_dim, heads=heads, head_width=width, context_dim=a.context_dim)
    return Resampler(widths)


def _seen_width(a: Architecture, wiring: Wiring) -> int:
    """Channels of what an adapter is told of a garment."""
    eye = {"clip-l": a.clip, "clip-h": a.clip_h, "dinov2": a.dinov2}[wiring.adapter_eye]
    return feature_width(eye, patches=wiring.adapter == "resampler")


class Alignment(nn.Module):
    """A residual network on the masked person's latent, which begins as nothing: what it gives is trained with the rest."""

    WIDTH = 64

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(LATENT_CHANNELS, self.WIDTH, 3, padding=1)
        self.leave = nn.Conv2d(self.WIDTH, LATENT_CHANNELS, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """(b, 4, h, w) → the same shape."""
        out: Tensor = latents + self.leave(F.silu(self.enter(latents)))
        return out


class MaskTokens(nn.Module):
    """The shape of a hole as 16 tokens beside a picture's patches: four by four fields, each of four by four shares.

    Args:
        width: of a patch.
    """

    FIELDS, SHARES = 4, 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(self.SHARES**2, width)
        self.places = nn.Parameter(torch.zeros(self.FIELDS**2, width))

    def forward(self, area: Tensor) -> Tensor:
        """(b, 1, h, w), 1 = repaint → (b, 16, width)."""
        side = self.FIELDS * self.SHARES
        small = F.adaptive_avg_pool2d(area, (side, side))
        shares = rearrange(small, "b 1 (y p) (x q) -> b (y x) (p q)", p=self.SHARES, q=self.SHARES)
        out: Tensor = self.proj(shares) + self.places
        return out


def together(parts: Sequence[GarmentTokens]) -> GarmentTokens:
    """Several garments' tokens as one batch."""
    return [_cat(column) for column in zip(*parts, strict=True)]


def _cat(column: Sequence[Tensor | KeysValues]) -> Tensor | KeysValues:
    first = column[0]
    if isinstance(first, Tensor):
        return torch.cat([each for each in column if isinstance(each, Tensor)])
    seen = [each for each in column if isinstance(each, KeysValues)]
    return KeysValues(torch.cat([each.keys for each in seen]), torch.cat([each.values for each in seen]), first.ready)
