"""The two layers of every U-Net stage, run on diffusers' modules: residual block and spatial transformer.

diffusers holds the parameters (so its own `from_pretrained` opens our folders); the order of operations is written
out here because three exact savings live in it: a time shift that may come from a table, a context that may already
be folded into a vector, and attention with or without an explicit score matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from tryon.networks.attention import AttentionProbe, Kernel, mix, ready_scores_pay
from tryon.networks.savings.packed import PackedLinear, PackedPointwise
from tryon.networks.savings.quantised import QuantisedLinear, plain_weight
from tryon.networks.savings.sigmoid_attention import ratio_near
from tryon.networks.savings.token_merging import match_tokens

Module = Any  # a diffusers module: the library ships no types


def residual_block(block: Module, x: Tensor, shift: Tensor | None = None) -> Tensor:
    """Run a `ResnetBlock2D` with a ready time shift, or without one as in the VAE.

    Args:
        block: the diffusers module.
        x: (b, c_in, h, w).
        shift: (b or 1, c_out), the projected time embedding.

    Returns:
        (b, c_out, h, w).
    """
    h: Tensor = block.conv1(F.silu(block.norm1(x), inplace=True))
    if shift is not None:
        h += shift[:, :, None, None]
    h = block.norm2(h)  # a line of its own: the map before it is free while the convolution runs
    h = block.conv2(F.silu(h, inplace=True))
    h += x if block.conv_shortcut is None else block.conv_shortcut(x)
    return h


def time_shift(block: Module, embedding: Tensor) -> Tensor:
    """Project the time embedding for one residual block: (n, time_channels) → (n, c_out)."""
    shift: Tensor = block.time_emb_proj(F.silu(embedding))
    return shift


@dataclass(frozen=True)
class KeysValues:
    """What an attention looks at, projected already; kept where it serves several calls.

    Args:
        keys: (b, m, c).
        values: (b, m, c).
        ready: keys have their share of the scale in them (`attention.ready_scores_pay`).
    """

    keys: Tensor
    values: Tensor
    ready: bool = False

    def __getitem__(self, rows: slice) -> KeysValues:
        """Some pictures' share."""
        return KeysValues(self.keys[rows], self.values[rows], self.ready)


def keys_values(attention: Module, context: Tensor, *, kernel: Kernel = Kernel.FUSED, among: int | None = None) -> KeysValues:
    """Project context tokens (b, m, c_context).

    Args:
        attention: the diffusers `Attention` module.
        context: the tokens.
        kernel: by which they will be looked at.
        among: tokens that will be looked at in all; None = these.
    """
    to_k, depth = attention.to_k, attention.to_k.out_features // attention.heads
    ready = kernel is Kernel.BLOCKS and ready_scores_pay(context, among or context.shape[1], depth)
    if ready and _scales(attention.to_q, context) and _scales(to_k, context):
        return KeysValues(to_k.scaled(context, ratio_near(depth**-0.5).denominator, "div"), attention.to_v(context), ready=True)
    return KeysValues(to_k(context), attention.to_v(context))


def joined(parts: Sequence[KeysValues]) -> KeysValues:
    """Several sequences as one, along the tokens."""
    assert len({part.ready for part in parts}) == 1, "keys with and without their scale"
    return KeysValues(
        torch.cat([part.keys for part in parts], dim=1), torch.cat([part.values for part in parts], dim=1), parts[0].ready
    )


def attend(
    attention: Module,
    x: Tensor,
    context: Tensor | KeysValues,
    *,
    kernel: Kernel = Kernel.FUSED,
    probe: AttentionProbe | None = None,
) -> Tensor:
    """Multi-head attention of tokens over context tokens.

    Args:
        attention: the diffusers `Attention` module.
        x: (b, n, c) queries.
        context: (b, m, c_context) keys and values, or what `keys_values` made of them.
        kernel: see `attention.mix`.
        probe: sees the (b, heads, n, m) attention map.

    Returns:
        (b, n, c).
    """
    out: Tensor = attention.to_out[0](look_up(attention, x, context, kernel=kernel, probe=probe))
    return out


def look_up(
    attention: Module,
    x: Tensor,
    context: Tensor | KeysValues,
    *,
    kernel: Kernel = Kernel.FUSED,
    probe: AttentionProbe | None = None,
) -> Tensor:
    """What `attend` gives before its last projection, (b, n, c)."""
    seen = context if isinstance(context, KeysValues) else keys_values(attention, context, kernel=kernel)
    depth = attention.to_q.out_features // attention.heads
    queries = attention.to_q.scaled(x, ratio_near(depth**-0.5).numerator, "mul") if seen.ready else attention.to_q(x)
    query, key, value = (
        rearrange(projected, "b n (heads d) -> b heads n d", heads=attention.heads)
        for projected in (queries, seen.keys, seen.values)
    )
    mixed = mix(query, key, value, scale=1.0 if seen.ready else None, kernel=kernel, probe=probe)
    out: Tensor = rearrange(mixed, "b heads n d -> b n (heads d)")
    return out


def _scales(layer: Module, x: Tensor) -> bool:
    """Whether a projection can have a factor in it without rounding twice."""
    if isinstance(layer, QuantisedLinear):
        return layer.bias is None
    return isinstance(layer, PackedLinear) and layer.packed_for(x)


def fold_context(transformer: Module, context: Tensor) -> Tensor:
    """What a text-style cross-attention answers to a single context token, whatever the query: (b, 1, c).

    Softmax over one key is 1, so queries, keys and the norm in front of them have no say.

    Args:
        transformer: the diffusers `Transformer2DModel`.
        context: (b, 1, context_dim).
    """
    attention = transformer.transformer_blocks[0].attn2
    folded: Tensor = attention.to_out[0](attention.to_v(context))
    return folded


def pointwise(convolution: Module, tokens: Tensor) -> Tensor:
    """A 1x1 convolution as what it is for tokens (b, n, c_in), a linear layer: (b, n, c_out)."""
    if isinstance(convolution, PackedPointwise):
        return convolution.on_tokens(tokens)
    return F.linear(tokens, plain_weight(convolution, tokens.dtype).flatten(1), convolution.bias)


class SelfAttention(Protocol):
    """Stands in for a block's self-attention where a network joins others there (`reference_attention`)."""

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """What is added to the tokens (b, n, c), which are not normalised yet, of a diffusers `BasicTransformerBlock`."""


class CrossAttention(Protocol):
    """Stands in for a block's cross-attention."""

    def __call__(self, layer: Module, tokens: Tensor, kernel: Kernel) -> Tensor:
        """What is added to the tokens (b, n, c), which are not normalised yet."""


@dataclass(frozen=True)
class Context:
    """What the attentions of one stage look at: raw tokens, or the vector they fold into, or what stands in for them."""

    value: Tensor | None = None  # (b, m, context_dim) tokens, or (b, 1, c) when folded; None where `across` knows
    folded: bool = False
    token_merging: float = 0.0  # approximation: share of the stage's own tokens that its self-attention merges
    itself: SelfAttention | None = None  # in place of the self-attention
    across: CrossAttention | None = None  # in place of the cross-attention


def spatial_transformer(
    transformer: Module, x: Tensor, context: Context, *, kernel: Kernel = Kernel.FUSED, probe: AttentionProbe | None = None
) -> Tensor:
    """Run a `Transformer2DModel` of depth one: self-attention, cross-attention, feed-forward, residual.

    Args:
        transformer: the diffusers module.
        x: (b, c, h, w).
        context: what the attentions look at.
        kernel: see `attend`.
        probe: sees the cross-attention map, (b, heads, h·w, m).

    Returns:
        (b, c, h, w).
    """
    layer = transformer.transformer_blocks[0]
    tokens = entering_tokens(transformer, x)
    if context.itself is not None:
        tokens = tokens + context.itself(layer, tokens, kernel)
    else:
        tokens = tokens + _attend_to_itself(
            layer.attn1, layer.norm1(tokens), (x.shape[2], x.shape[3]), context.token_merging, kernel
        )
    tokens = tokens + _look_across(layer, tokens, context, kernel, probe)
    tokens = tokens + layer.ff(layer.norm3(tokens))
    out: Tensor = x + rearrange(pointwise(transformer.proj_out, tokens), "b (h w) c -> b c h w", h=x.shape[2])
    return out


def entering_tokens(transformer: Module, x: Tensor) -> Tensor:
    """The tokens (b, h·w, c) that enter a transformer's block, of its map (b, c, h, w)."""
    return pointwise(transformer.proj_in, rearrange(transformer.norm(x), "b c h w -> b (h w) c"))


def _look_across(layer: Module, tokens: Tensor, context: Context, kernel: Kernel, probe: AttentionProbe | None) -> Tensor:
    """What a block's cross-attention adds to (b, n, c) tokens."""
    if context.across is not None:
        return context.across(layer, tokens, kernel)
    assert context.value is not None
    if context.folded:
        return context.value
    return attend(layer.attn2, layer.norm2(tokens), context.value, kernel=kernel, probe=probe)


def _attend_to_itself(attention: Module, tokens: Tensor, grid: tuple[int, int], token_merging: float, kernel: Kernel) -> Tensor:
    """Self-attention of (b, h·w, c) tokens, over fewer of them where the approximation is asked for."""
    if not token_merging:
        return attend(attention, tokens, tokens, kernel=kernel)
    merging = match_tokens(tokens, grid, token_merging)
    fewer = merging.merge(tokens)
    return merging.unmerge(attend(attention, fewer, fewer, kernel=kernel))


@dataclass(frozen=True)
class UNetStage:
    """One entry of the U-Net's figure: a residual block, a transformer, a change of resolution, each optional."""

    residual: Module | None = None
    transformer: Module | None = None
    resample: Module | None = None

    def __call__(self, x: Tensor, shift: Tensor | None, context: Context | None, kernel: Kernel) -> Tensor:
        """Run what this stage has, in the order of the figure: (b, c, h, w) → (b, c', h', w')."""
        if self.residual is not None and shift is not None:
            x = residual_block(self.residual, x, shift)
        if self.transformer is not None and context is not None:
            x = spatial_transformer(self.transformer, x, context, kernel=kernel)
        return x if self.resample is None else self.resample(x)


def recomputed(wanted: bool, call: Callable[..., Tensor], *given: Any) -> Tensor:
    """Call something; where wanted and gradients are on, keep only its inputs and call it again in the backward pass.

    Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174), in the form through which gradients also flow into frozen layers.
    """
    if not wanted or not torch.is_grad_enabled():
        return call(*given)
    out: Tensor = checkpoint(call, *given, use_reentrant=False, preserve_rng_state=False)
    return out


def unet_stages(unet: Module) -> list[UNetStage]:
    """All stages after the first convolution, in running order: encoder (11), middle (2), decoder (12)."""
    return encoder_stages(unet.down_blocks) + middle_stages(unet.mid_block) + decoder_stages(unet.up_blocks)


def encoder_stages(down_blocks: Iterable[Module]) -> list[UNetStage]:
    """The stages of diffusers' down blocks, flattened in the order in which they run."""
    stages: list[UNetStage] = []
    for block in down_blocks:
        stages += [UNetStage(residual, transformer) for residual, transformer in _layers(block)]
        stages += [UNetStage(resample=down) for down in block.downsamplers or ()]
    return stages


def middle_stages(block: Module) -> list[UNetStage]:
    """The two stages of the middle block."""
    return [UNetStage(block.resnets[0], block.attentions[0]), UNetStage(block.resnets[1])]


def decoder_stages(up_blocks: Iterable[Module]) -> list[UNetStage]:
    """The twelve decoder stages; the last of a level carries its upsampling."""
    stages: list[UNetStage] = []
    for block in up_blocks:
        *early, last = [UNetStage(residual, transformer) for residual, transformer in _layers(block)]
        ups = list(block.upsamplers or ())
        stages += [*early, UNetStage(last.residual, last.transformer, ups[0]) if ups else last]
    return stages


def _layers(block: Module) -> list[tuple[Module, Module | None]]:
    attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
    return list(zip(block.resnets, attentions, strict=True))
