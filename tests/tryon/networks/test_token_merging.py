"""Token merging: exact where nothing is merged or everything merged is the same, and otherwise what the paper says."""

from __future__ import annotations

import pytest
import torch

from tryon.networks.savings.token_merging import match_tokens

GRID = (8, 6)


def tokens(batch=2, channels=5):
    return torch.randn(batch, GRID[0] * GRID[1], channels, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_share_is_what_disappears_and_comes_back(share):
    before = tokens()
    merging = match_tokens(before, GRID, share)
    fewer = merging.merge(before)
    assert fewer.shape == (2, round(48 * (1 - share)), 5)
    back = merging.unmerge(fewer)
    assert back.shape == before.shape
    untouched = torch.ones(2, 48, dtype=torch.bool)
    for row in range(2):
        untouched[row, merging.sources[merging.merged[row]]] = False
        untouched[row, merging.targets[merging.into[row]]] = False
    assert untouched.any() or share == 0.75
    assert torch.equal(back[untouched], before[untouched])


def test_equal_neighbours_merge_without_loss():
    cells = torch.randn(1, 5, 4, 3, generator=torch.Generator().manual_seed(1))
    whole = cells.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).flatten(2).transpose(1, 2)
    merging = match_tokens(whole, GRID, 0.75)
    assert torch.allclose(merging.unmerge(merging.merge(whole)), whole, atol=1e-6)


def test_a_merged_token_is_the_mean_of_all_that_join():
    flat = torch.ones(1, 48, 3) * torch.arange(1, 49).view(1, 48, 1)  # all alike in direction: everything joins one target
    merging = match_tokens(flat, GRID, 0.75)
    assert len(merging.into.unique()) == 1
    target = int(merging.targets[merging.into[0, 0]])
    group = torch.cat([merging.sources, torch.tensor([target])])
    found = merging.merge(flat)[0, merging.into[0, 0], 0]
    assert torch.isclose(found, flat[0, group, 0].mean())


def test_a_picture_merges_the_same_way_alone_and_in_a_batch():
    both = tokens()
    together, alone = match_tokens(both, GRID, 0.5), match_tokens(both[1:], GRID, 0.5)
    assert torch.equal(together.merged[1:], alone.merged) and torch.equal(together.into[1:], alone.into)
