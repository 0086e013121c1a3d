"""The two layers of every U-Net stage, run on diffusers' modules: residual block and spatial transformer.

diffusers holds the parameters (so its own `from_pretrained` opens our folders); the order of operations is written
out here because three exact savings live in it: a time shift that may come from a table, a context that may already
be folded into a vector, and attention with or without an explicit score matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from tryon.networks.attention import AttentionProbe, Kernel, mix, ready_scores_pay
from tryon.networks.packed import PackedLinear, PackedPointwise
from tryon.networks.quantised import QuantisedLinear, plain_weight
from tryon.networks.sigmoid_attention import ratio_near
from tryon.networks.token_merging import match_tokens

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


def attend(
    attention: Module, x: Tensor, context: Tensor, *, kernel: Kernel = Kernel.FUSED, probe: AttentionProbe | None = None
) -> Tensor:
    """Multi-head attention of tokens over context tokens.

    Args:
        attention: the diffusers `Attention` module.
        x: (b, n, c) queries.
        context: (b, m, c_context) keys and values.
        kernel: see `attention.mix`.
        probe: sees the (b, heads, n, m) attention map.

    Returns:
        (b, n, c).
    """
    queries, keys, scale = _queries_and_keys(attention, x, context, kernel)
    query, key, value = (
        rearrange(projected, "b n (heads d) -> b heads n d", heads=attention.heads)
        for projected in (queries, keys, attention.to_v(context))
    )
    mixed = mix(query, key, value, scale=scale, kernel=kernel, probe=probe)
    out: Tensor = attention.to_out[0](rearrange(mixed, "b heads n d -> b n (heads d)"))
    return out


def _queries_and_keys(attention: Module, x: Tensor, context: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor, float | None]:
    """(b, n, c) queries, (b, m, c) keys, and the scale of their products; None = 1/√d."""
    to_q, to_k = attention.to_q, attention.to_k
    depth = to_q.out_features // attention.heads
    if kernel is Kernel.BLOCKS and ready_scores_pay(x, context.shape[1], depth) and _scales(to_q, x) and _scales(to_k, context):
        ratio = ratio_near(depth**-0.5)
        return to_q.scaled(x, ratio.numerator, "mul"), to_k.scaled(context, ratio.denominator, "div"), 1.0
    return to_q(x), to_k(context), None


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


@dataclass(frozen=True)
class Context:
    """What the cross-attention of one stage looks at: raw tokens, or the vector they fold into."""

    value: Tensor  # (b, m, context_dim) tokens, or (b, 1, c) when folded
    folded: bool = False
    token_merging: float = 0.0  # approximation: share of the stage's own tokens that its self-attention merges


def spatial_transformer(
    transformer: Module, x: Tensor, context: Context, *, kernel: Kernel = Kernel.FUSED, probe: AttentionProbe | None = None
) -> Tensor:
    """Run a `Transformer2DModel` of depth one: self-attention, cross-attention, feed-forward, residual.

    Args:
        transformer: the diffusers module.
        x: (b, c, h, w).
        context: what the cross-attention looks at.
        kernel: see `attend`.
        probe: sees the cross-attention map, (b, heads, h·w, m).

    Returns:
        (b, c, h, w).
    """
    layer = transformer.transformer_blocks[0]
    tokens = pointwise(transformer.proj_in, rearrange(transformer.norm(x), "b c h w -> b (h w) c"))
    normed = layer.norm1(tokens)
    tokens = tokens + _attend_to_itself(layer.attn1, normed, (x.shape[2], x.shape[3]), context.token_merging, kernel)
    if context.folded:
        tokens = tokens + context.value
    else:
        tokens = tokens + attend(layer.attn2, layer.norm2(tokens), context.value, kernel=kernel, probe=probe)
    tokens = tokens + layer.ff(layer.norm3(tokens))
    out: Tensor = x + rearrange(pointwise(transformer.proj_out, tokens), "b (h w) c -> b c h w", h=x.shape[2])
    return out


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
