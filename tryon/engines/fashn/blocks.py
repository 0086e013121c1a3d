"""The blocks of the transformer. Tokens are (b, n, hidden); a modulation is (b, parts, hidden), made of time and category.

Facts: docs/facts/fashn_vton.md#network.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tryon.engines.fashn.architecture import WIDENING, Architecture
from tryon.engines.fashn.rotary import Turn, turned
from tryon.networks.attention import Kernel, mix, ready_scores_pay

EPSILON = 1e-6


class HeadNorm(nn.Module):
    """Queries or keys divided by their root mean square over a head's channels, times a learned factor.

    Args:
        depth: channels of a head.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) → (…, d) fp32."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON) * self.scale


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without parameters, then (1 + scale) · x + shift; shift and scale are (b, hidden)."""
    normed = F.layer_norm(x, x.shape[-1:], eps=EPSILON)
    return torch.addcmul(shift[:, None], normed, 1 + scale[:, None])


def in_heads(x: Tensor, heads: int) -> Tensor:
    """(b, n, heads · d) → (b, heads, n, d)."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


class SingleBlock(nn.Module):
    """Attention and feed-forward side by side, of one sequence.

    Args:
        architecture: the widths.
        kernel: how attention is computed.
    """

    def __init__(self, architecture: Architecture, kernel: Kernel = Kernel.FUSED) -> None:
        super().__init__()
        hidden = architecture.hidden
        self.heads, self.kernel = architecture.heads, kernel
        self.modulation = nn.Linear(hidden, 3 * hidden)
        self.query, self.key_value = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden)
        self.widen = nn.Linear(hidden, WIDENING * hidden)
        self.narrow = nn.Linear((1 + WIDENING) * hidden, hidden)
        self.query_norm, self.key_norm = (HeadNorm(hidden // architecture.heads) for _ in range(2))

    def forward(self, x: Tensor, modulation: Tensor, turn: Turn, last: int = 0) -> Tensor:
        """(b, n, hidden) → the same, or (b, last, hidden) where only the last tokens' answers are wanted.

        Args:
            x: tokens.
            modulation: (b, 3, hidden): shift, scale, gate.
            turn: of all n tokens.
            last: how many tokens to answer; 0 = all. The others are still seen as keys and values.
        """
        shift, scale, gate = modulation.unbind(1)
        normed = modulated(x, shift, scale)
        asking, asking_turn = normed[:, -last:], Turn(*(part[:, :, -last:] for part in turn))  # -0 is all
        key, value = in_heads(self.key_value(normed), 2 * self.heads).chunk(2, dim=1)
        query = turned(self.query_norm(in_heads(self.query(asking), self.heads)), asking_turn)
        mixed = attention(query, turned(self.key_norm(key), turn), value, self.kernel)
        out = self.narrow(torch.cat([mixed, F.gelu(self.widen(asking), approximate="tanh")], dim=-1))
        return torch.addcmul(x[:, -last:], gate[:, None], out)


class Stream(nn.Module):
    """One of the two sequences of a double block.

    Args:
        architecture: the widths.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        hidden = architecture.hidden
        self.heads = architecture.heads
        self.modulation = nn.Linear(hidden, 6 * hidden)
        self.qkv, self.out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.widen, self.narrow = nn.Linear(hidden, WIDENING * hidden), nn.Linear(WIDENING * hidden, hidden)
        self.query_norm, self.key_norm = (HeadNorm(hidden // architecture.heads) for _ in range(2))

    def asks(self, x: Tensor, modulation: Tensor, turn: Turn) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys in fp32, and values, (b, heads, n, d) each."""
        query, key, value = in_heads(self.qkv(modulated(x, modulation[:, 0], modulation[:, 1])), 3 * self.heads).chunk(3, dim=1)
        return turned(self.query_norm(query), turn), turned(self.key_norm(key), turn), value

    def answered(self, x: Tensor, mixed: Tensor, modulation: Tensor) -> Tensor:
        """Tokens after what attention found for them, (b, n, hidden), and after the feed-forward part."""
        _, _, gate, shift, scale, second_gate = modulation.unbind(1)
        x = torch.addcmul(x, gate[:, None], self.out(mixed))
        widened = F.gelu(self.widen(modulated(x, shift, scale)), approximate="tanh")
        return torch.addcmul(x, second_gate[:, None], self.narrow(widened))


def attention(query: Tensor, key: Tensor, value: Tensor, kernel: Kernel) -> Tensor:
    """softmax(q kᵀ / √d) v of all heads, (b, n, heads · d); where it pays the queries are scaled before they are rounded.

    Args:
        query: (b, heads, n, d) fp32.
        key: (b, heads, m, d) fp32.
        value: (b, heads, m, d) in the network's number format.
        kernel: how it is computed.
    """
    scale = None
    if kernel is Kernel.BLOCKS and ready_scores_pay(value, key.shape[2], key.shape[3]):
        query, scale = query * key.shape[3] ** -0.5, 1.0
    mixed = mix(query.to(value.dtype), key.to(value.dtype), value, scale=scale, kernel=kernel)
    return mixed.transpose(1, 2).flatten(2)


class DoubleBlock(nn.Module):
    """Person and garment, each with weights of its own, attending to both: garment tokens first.

    Args:
        architecture: the widths.
        kernel: how attention is computed.
    """

    def __init__(self, architecture: Architecture, kernel: Kernel = Kernel.FUSED) -> None:
        super().__init__()
        self.kernel = kernel
        self.person, self.garment = Stream(architecture), Stream(architecture)

    def forward(self, person: Tensor, garment: Tensor, modulation: Tensor, turn: Turn) -> tuple[Tensor, Tensor]:
        """Person and garment tokens after the block, (b, n, hidden) each.

        Args:
            person: tokens.
            garment: tokens.
            modulation: (b, 12, hidden), the person's six first.
            turn: of one picture.
        """
        for_person, for_garment = modulation.chunk(2, dim=1)
        asked = zip(self.garment.asks(garment, for_garment, turn), self.person.asks(person, for_person, turn), strict=True)
        query, key, value = (torch.cat(pair, dim=2) for pair in asked)
        mixed = attention(query, key, value, self.kernel)
        count = garment.shape[1]
        return (
            self.person.answered(person, mixed[:, count:], for_person),
            self.garment.answered(garment, mixed[:, :count], for_garment),
        )
