"""How many pictures a network gets in one call."""

from __future__ import annotations

from pipeline.core.machine.device import Kind

PIXELS_AT_ONCE: dict[Kind, int] = {"cuda": 4 * 1024 * 1024}
"""Input pixels per call. Four pictures of 1024 × 1024 keep BiRefNet, which needs the most memory, well below 24 GB (estimated,
not measured). On other devices one picture per call: one uses a CPU fully, and Apple's GPU was not tried."""
MOST = 8
"""Limited because the decoded photos of this call and of the next one are in memory."""


def pictures_at_once(device: Kind, size: tuple[int, int]) -> int:
    """Pictures per call.

    Args:
        device: the kind of processor that runs the network.
        size: (height, width) of its input.
    """
    return max(1, min(MOST, PIXELS_AT_ONCE.get(device, 0) // (size[0] * size[1])))
