"""How many pictures a network is shown in one call."""

from __future__ import annotations

from pipeline.core.device import Kind

PIXELS_AT_ONCE: dict[Kind, int] = {"cuda": 4 * 1024 * 1024}
"""Input pixels of one call; four pictures of 1024 × 1024 keep BiRefNet, the hungriest network here, well below 24 GB (estimated,
not measured). Elsewhere one picture at a time: a CPU is busy with one, and Apple's GPU was not tried."""
MOST = 8
"""Decoded photos wait in memory, those of the next call too."""


def pictures_at_once(device: Kind, size: tuple[int, int]) -> int:
    """Pictures of one call.

    Args:
        device: the kind of processor on which the network runs.
        size: (height, width) of its input.
    """
    return max(1, min(MOST, PIXELS_AT_ONCE.get(device, 0) // (size[0] * size[1])))
