"""A picture as tokens of a second cross-attention, as IP-Adapter does (arXiv 2308.06721): projector, keys and values.

Facts: docs/facts/ootdiffusion.md#ip-adapter.

```
picture ─ CLIP or DINOv2 ─▶ vector ──▶ ImageProjector ─┐
                         └▶ patches ─▶ Resampler ──────┴▶ n tokens ─▶ keys, values of each place ─▶ Decoupled
```
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from tryon.networks.attention import Kernel
from tryon.networks.reference_attention import Decoupled, Tabulated, reference_blocks
from tryon.networks.unet_layers import CrossAttention, KeysValues, keys_values

Module = Any  # a diffusers module: the library ships no types
TOKENS = 4
"""Of the plain projector; the resampler has 16."""


class ImageProjector(nn.Module):
    """One vector of a picture → a few tokens. Tensors have their published names.

    Args:
        width: of the vector: 768 for CLIP-L and DINOv2-B, 1024 for CLIP-H and DINOv2-L, 1536 for DINOv2-g.
        context_dim: of a token.
        tokens: how many.
    """

    def __init__(self, width: int, context_dim: int, tokens: int = TOKENS) -> None:
        super().__init__()
        self.tokens = tokens
        self.proj = nn.Linear(width, tokens * context_dim)
        self.norm = nn.LayerNorm(context_dim)

    def forward(self, picture: Tensor) -> Tensor:
        """(b, width) → (b, tokens, context_dim); the vector of zeros stands for no picture."""
        out: Tensor = self.norm(rearrange(self.proj(picture), "b (n c) -> b n c", n=self.tokens))
        return out


@dataclass(frozen=True, kw_only=True)
class ResamplerWidths:
    """The widths of a resampler; the defaults are those published for Stable Diffusion 1.5."""

    inputs: int = 1280  # channels of a patch token
    width: int = 768
    heads: int = 12
    head_width: int = 64
    layers: int = 4
    queries: int = 16  # tokens that come out
    widening: int = 4  # of the feed-forward
    context_dim: int = 768


class Resampler(nn.Module):
    """Any number of patch tokens → a fixed number of context tokens: learned queries look at patches and at each other.

    Perceiver (arXiv 2103.03206) as Flamingo resamples with it (arXiv 2204.14198). Tensors have their published names.
    """

    def __init__(self, widths: ResamplerWidths) -> None:
        super().__init__()
        self.widths, w = widths, widths.width
        self.latents = nn.Parameter(torch.randn(1, widths.queries, w) / w**0.5)
        self.proj_in = nn.Linear(widths.inputs, w)
        self.proj_out = nn.Linear(w, widths.context_dim)
        self.norm_out = nn.LayerNorm(widths.context_dim)
        self.layers = nn.ModuleList([_layer(widths) for _ in range(widths.layers)])

    def forward(self, picture: Tensor) -> Tensor:
        """(b, m, inputs) patch tokens → (b, queries, context_dim)."""
        seen = self.proj_in(picture)
        asking = self.latents.expand(len(picture), -1, -1)
        for layer in self.layers:
            look, feed_forward = layer.children()
            asking = asking + look(seen, asking)
            asking = asking + feed_forward(asking)
        out: Tensor = self.norm_out(self.proj_out(asking))
        return out


class _Look(nn.Module):
    """Attention of queries over patches and the queries themselves."""

    def __init__(self, widths: ResamplerWidths) -> None:
        super().__init__()
        inner, w = widths.heads * widths.head_width, widths.width
        self.heads = widths.heads
        self.norm1, self.norm2 = nn.LayerNorm(w), nn.LayerNorm(w)
        self.to_q = nn.Linear(w, inner, bias=False)
        self.to_kv = nn.Linear(w, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, w, bias=False)

    def forward(self, seen: Tensor, asking: Tensor) -> Tensor:
        """(b, m, w), (b, n, w) → (b, n, w)."""
        asking = self.norm2(asking)
        both = self.to_kv(torch.cat([self.norm1(seen), asking], dim=1))
        keys, values = rearrange(both, "b n (two h d) -> two b h n d", two=2, h=self.heads)
        queries = rearrange(self.to_q(asking), "b n (h d) -> b h n d", h=self.heads)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        out: Tensor = self.to_out(rearrange(mixed, "b h n d -> b n (h d)"))
        return out


def _layer(widths: ResamplerWidths) -> nn.ModuleList:
    w, wide = widths.width, widths.width * widths.widening
    feed_forward = nn.Sequential(nn.LayerNorm(w), nn.Linear(w, wide, bias=False), nn.GELU(), nn.Linear(wide, w, bias=False))
    return nn.ModuleList([_Look(widths), feed_forward])


class ImageAdapter(nn.Module):
    """A projector, and keys and values of its tokens for some of a U-Net's cross-attentions.

    Args:
        projector: picture → tokens (b, n, context_dim).
        unet: the U-Net that looks, for the widths.
        places: which transformer blocks, in running order; None = all. The decoder is `decoder_places(unet)`.
    """

    def __init__(self, projector: ImageProjector | Resampler, unet: Module, places: Collection[int] | None = None) -> None:
        super().__init__()
        self.projector = projector
        blocks = reference_blocks(unet)
        chosen = sorted(range(len(blocks)) if places is None else places)
        self.to_k = nn.ModuleDict({str(place): _as(blocks[place].attn2.to_k) for place in chosen})
        self.to_v = nn.ModuleDict({str(place): _as(blocks[place].attn2.to_v) for place in chosen})

    @torch.no_grad()
    def begin_as_text(self, unet: Module) -> None:
        """Where training begins: the new projections are copies of those for text. The U-Net's layers must be plain ones."""
        blocks = reference_blocks(unet)
        for place, to_k, to_v in zip(self.places, self.to_k.values(), self.to_v.values(), strict=True):
            to_k.load_state_dict({"weight": blocks[place].attn2.to_k.weight})
            to_v.load_state_dict({"weight": blocks[place].attn2.to_v.weight})

    @property
    def places(self) -> tuple[int, ...]:
        """Transformer blocks that see the picture, in running order."""
        return tuple(map(int, self.to_k))

    def keys_values(self, tokens: Tensor) -> Mapping[int, KeysValues]:
        """Projected tokens (b, n, context_dim) by place: the same in all calls with a picture, so worth keeping."""
        kept = zip(self.places, self.to_k.values(), self.to_v.values(), strict=True)
        return {place: KeysValues(to_k(tokens), to_v(tokens)) for place, to_k, to_v in kept}

    def looks(
        self, unet: Module, text: Tensor | None, tokens: Tensor, scale: float = 1.0, kernel: Kernel = Kernel.FUSED
    ) -> list[CrossAttention]:
        """What stands in for every cross-attention of a U-Net, in running order.

        Args:
            unet: the U-Net.
            text: (b, m, context_dim); None = the picture alone is seen, for which every place must have the adapter.
            tokens: (b, n, context_dim), what the projector gave.
            scale: of the picture's part.
            kernel: see `attention.mix`.

        Raises:
            ValueError: no text, and a place without the adapter.
        """
        pictures, blocks = self.keys_values(tokens), reference_blocks(unet)
        if text is None:
            if blind := [place for place in range(len(blocks)) if place not in pictures]:
                raise ValueError(f"cross-attentions {blind} would see nothing: an adapter without text needs all places")
            return [Decoupled(None, pictures[place], scale) for place in range(len(blocks))]
        texts = [keys_values(block.attn2, text, kernel=kernel) for block in blocks]
        return [
            Decoupled(seen, pictures[place], scale) if place in pictures else Tabulated(seen) for place, seen in enumerate(texts)
        ]


def decoder_places(unet: Module) -> tuple[int, ...]:
    """The transformer blocks of the decoder, in running order."""
    inside = {id(module) for module in unet.up_blocks.modules()}
    return tuple(place for place, block in enumerate(reference_blocks(unet)) if id(block) in inside)


def published_numbers(unet: Module) -> list[int]:
    """By place in running order, the number of a cross-attention in published adapters.

    They number all attentions as diffusers lists them: self- and cross-attention by turns, the middle block last.
    """
    listed = [module for name, module in unet.named_modules() if name.endswith("transformer_blocks.0")]
    place_in_list = {id(block): number for number, block in enumerate(listed)}
    return [2 * place_in_list[id(block)] + 1 for block in reference_blocks(unet)]


def _as(layer: Any) -> nn.Linear:
    """A projection of the same widths, with weights of its own."""
    return nn.Linear(layer.in_features, layer.out_features, bias=False)
