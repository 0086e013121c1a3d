"""Approximation: self-attention over fewer tokens (token merging for diffusion, Bolya & Hoffman 2023, arXiv 2303.17604).

Of every 2x2 cell of the grid one token is a target, the other three are sources. The sources most like some target are averaged
into it before attention, and get its answer afterwards. Ours differs from the paper in one thing: the target of a cell is always
its first token, never a random one, so that a picture does not depend on its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_SHARE = 0.75
"""All sources."""


@dataclass(frozen=True)
class Merging:
    """Who goes where, for one batch of token maps.

    Args:
        targets: (t,) positions of the targets.
        sources: (s,) positions of all other tokens.
        kept: (b, s - r) which sources stay, as places in `sources`.
        merged: (b, r) which sources go.
        into: (b, r) the target, as a place in `targets`, that each of those joins.
    """

    targets: Tensor
    sources: Tensor
    kept: Tensor
    merged: Tensor
    into: Tensor

    def merge(self, tokens: Tensor) -> Tensor:
        """(b, n, c) → (b, n - r, c): kept sources, then targets averaged with what joins them."""
        sources, targets = tokens[:, self.sources], tokens[:, self.targets]
        joining = _take(sources, self.merged)
        place = self.into[..., None].expand_as(joining)
        averaged = targets.scatter_reduce(1, place, joining, "mean", include_self=True)
        return torch.cat([_take(sources, self.kept), averaged], dim=1)

    def unmerge(self, tokens: Tensor) -> Tensor:
        """(b, n - r, c) → (b, n, c): every merged source gets its target's answer."""
        kept, targets = torch.split(tokens, [self.kept.shape[1], len(self.targets)], dim=1)
        batch, channels = tokens.shape[0], tokens.shape[2]
        sources = tokens.new_empty(batch, len(self.sources), channels)
        sources.scatter_(1, self.kept[..., None].expand(-1, -1, channels), kept)
        sources.scatter_(1, self.merged[..., None].expand(-1, -1, channels), _take(targets, self.into))
        out = tokens.new_empty(batch, len(self.sources) + len(self.targets), channels)
        out[:, self.sources], out[:, self.targets] = sources, targets
        return out


def match_tokens(tokens: Tensor, grid: tuple[int, int], share: float) -> Merging:
    """Find the tokens that say the most alike (bipartite soft matching, cosine similarity).

    Args:
        tokens: (b, h·w, c).
        grid: (h, w), both even.
        share: of all tokens that merge into others, above 0 and at most `LARGEST_SHARE`.
    """
    numbers = torch.arange(grid[0] * grid[1], device=tokens.device).view(grid)
    targets = numbers[::2, ::2].flatten()
    sources = torch.cat([numbers[::2, 1::2].flatten(), numbers[1::2].flatten()])
    units = F.normalize(tokens, dim=-1)
    likeness, into = (units[:, sources] @ units[:, targets].transpose(1, 2)).max(dim=-1)
    order = likeness.argsort(dim=-1, descending=True, stable=True)
    going = round(share * numbers.numel())
    merged, kept = torch.split(order, [going, len(sources) - going], dim=1)
    return Merging(targets, sources, kept, merged, into.gather(1, merged))


def _take(tokens: Tensor, places: Tensor) -> Tensor:
    """(b, n, c) at (b, k) → (b, k, c)."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[2]))
