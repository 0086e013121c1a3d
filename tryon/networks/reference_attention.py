"""One U-Net looks at the tokens of another: the reference attention of OOTDiffusion and its relatives.

Facts: docs/facts/ootdiffusion.md#token-maps and #relatives.

```
giver   garment ──▶ its U-Net ──▶ tokens at 16 places, in running order
                                        │ keys, values (by the reader's own weights)
reader  person ───▶ its U-Net ──▶ self-attention: own queries, own keys and values + those
```

Both are diffusers' own U-Nets, run by `sd1_unet.predict_noise`; what is here stands in `Context.itself` and `Context.across` of
their stages. Relatives differ in where tokens are taken (`Taken`) and in what their cross-attention sees. No weights here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from tryon.networks.attention import AttentionProbe, Kernel
from tryon.networks.sd1_unet import Contexts, Shifts, last_tokens_map, predict_noise
from tryon.networks.unet_layers import (
    KeysValues,
    SelfAttention,
    attend,
    entering_tokens,
    joined,
    keys_values,
    look_up,
    unet_stages,
)

Module = Any  # a diffusers module: the library ships no types


class Taken(Enum):
    """Where a giver's tokens are taken."""

    BEFORE_NORM = "before norm1"  # as they enter the block; the reader's norm1 is applied to them (OOTDiffusion)
    AFTER_NORM = "after norm1"  # by the giver's own norm1; the reader takes them as they are (Magic Clothing, Leffa, IDM-VTON)


def reference_blocks(unet: Module) -> list[Module]:
    """The transformer blocks of a U-Net in running order: that of the tokens. `named_modules` puts the middle last."""
    return [stage.transformer.transformer_blocks[0] for stage in unet_stages(unet) if stage.transformer is not None]


def reference_tokens(
    unet: Module,
    x: Tensor,
    shifts: Shifts,
    contexts: Contexts,
    taken: Taken,
    kernel: Kernel = Kernel.FUSED,
    *,
    recompute: bool = False,
    whole: bool = False,
) -> list[Tensor]:
    """Run a giver as far as its tokens are read; what comes behind its last norm1 has no say.

    Args:
        unet: what `sd1_unet` made.
        x: (b, inputs, h, w).
        shifts: for b timesteps, or for one.
        contexts: what its own stages look at.
        taken: where tokens are taken.
        kernel: see `attention.mix`.
        recompute: see `sd1_unet.predict_noise`.
        whole: run what has no say as well, as the published codes do.

    Returns:
        (b, n, c) per transformer block, in running order.
    """
    blocks = reference_blocks(unet)
    if whole:
        takers = [_Taker(taken) for _ in blocks]
        predict_noise(unet, x, shifts, looking_through(contexts, takers), kernel, recompute=recompute)
        return [taker.tokens for taker in takers if taker.tokens is not None]
    takers = [_Taker(taken) for _ in blocks[:-1]]
    watched = looking_through([*contexts[:-1], None], takers)
    last = last_tokens_map(unet, x, shifts, watched, kernel, recompute=recompute)
    tokens = entering_tokens(unet_stages(unet)[-1].transformer, last)
    final = tokens if taken is Taken.BEFORE_NORM else blocks[-1].norm1(tokens)
    return [*(taker.tokens for taker in takers if taker.tokens is not None), final]


def reference_keys_values(
    unet: Module, tokens: Sequence[Tensor], taken: Taken, kernel: Kernel = Kernel.FUSED
) -> list[KeysValues]:
    """What a reader's self-attentions see of another's tokens: the same in all its calls, so worth keeping.

    Args:
        unet: the reader, whose weights project.
        tokens: what `reference_tokens` gave, (b, m, c) each; longer ones show several pictures.
        taken: where they were taken.
        kernel: by which they will be looked at.
    """
    return [
        keys_values(
            block.attn1, block.norm1(each) if taken is Taken.BEFORE_NORM else each, kernel=kernel, among=2 * each.shape[1]
        )
        for block, each in zip(reference_blocks(unet), tokens, strict=True)
    ]


def looking_through(contexts: Contexts, looks: Sequence[SelfAttention]) -> Contexts:
    """Contexts whose self-attentions are replaced, in running order."""
    rest = iter(looks)
    watched = [None if context is None else replace(context, itself=next(rest)) for context in contexts]
    assert next(rest, None) is None, "more self-attentions than transformers"
    return watched


@dataclass
class _Taker:
    """A plain self-attention that keeps what passes through; called again in a backward pass it keeps the same."""

    taken: Taken
    tokens: Tensor | None = None

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        normed = layer.norm1(tokens)
        self.tokens = tokens if self.taken is Taken.BEFORE_NORM else normed
        return attend(layer.attn1, normed, normed, kernel=kernel)


@dataclass(frozen=True)
class Look:
    """Self-attention over own and another's tokens; only own tokens ask, because only their answers are read.

    Args:
        reference: one of `reference_keys_values`.
        probe: sees the map (b, heads, n, n + m): own tokens first.
    """

    reference: KeysValues
    probe: AttentionProbe | None = None

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """See `unet_layers.SelfAttention`."""
        normed = layer.norm1(tokens)
        own = keys_values(layer.attn1, normed, kernel=kernel, among=2 * self.reference.keys.shape[1])
        return attend(layer.attn1, normed, joined([own, self.reference]), kernel=kernel, probe=self.probe)


@dataclass(frozen=True)
class LookOfAll:
    """The published form of `Look`: another's tokens are projected anew and ask too; their answers are thrown away.

    Args:
        tokens: (b, m, c), one of `reference_tokens`.
        taken: where they were taken.
        wanted_only: only own tokens ask.
        probe: as `Look`.
    """

    tokens: Tensor
    taken: Taken
    wanted_only: bool = False
    probe: AttentionProbe | None = None

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """See `unet_layers.SelfAttention`."""
        if self.taken is Taken.BEFORE_NORM:
            both = layer.norm1(torch.cat([tokens, self.tokens], dim=1))
        else:
            both = torch.cat([layer.norm1(tokens), self.tokens], dim=1)
        own = tokens.shape[1]
        asking = both[:, :own] if self.wanted_only or self.probe else both
        return attend(layer.attn1, asking, both, kernel=kernel, probe=self.probe)[:, :own]


def pass_through(layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
    """CatVTON's and Leffa's cross-attention, a `CrossAttention`: there is none, but what its norm gives is still added."""
    normed: Tensor = layer.norm2(tokens)
    return normed


@dataclass(frozen=True)
class Tabulated:
    """Cross-attention over a context that stays the same over many calls, projected once: a `CrossAttention`.

    Args:
        context: one of `tabulate`.
    """

    context: KeysValues

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """See `unet_layers.CrossAttention`."""
        return attend(layer.attn2, layer.norm2(tokens), self.context, kernel=kernel)


@dataclass(frozen=True)
class Decoupled:
    """IP-Adapter's cross-attention, a `CrossAttention`: text and image tokens by keys and values of their own, same queries.

    Args:
        text: (b, m, context_dim), or projected already; None = the image alone is seen.
        image: keys and values of the image tokens, by the adapter's weights.
        scale: of the image's part.
    """

    text: Tensor | KeysValues | None
    image: KeysValues
    scale: float = 1.0

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """See `unet_layers.CrossAttention`."""
        normed, attention = layer.norm2(tokens), layer.attn2
        found = self.scale * look_up(attention, normed, self.image, kernel=kernel)
        if self.text is not None:
            found = look_up(attention, normed, self.text, kernel=kernel) + found
        out: Tensor = attention.to_out[0](found)
        return out


def tabulate(unet: Module, context: Tensor, kernel: Kernel = Kernel.FUSED) -> list[KeysValues]:
    """Keys and values of context tokens (b, m, context_dim) for every cross-attention of a U-Net, in running order."""
    return [keys_values(block.attn2, context, kernel=kernel) for block in reference_blocks(unet)]
