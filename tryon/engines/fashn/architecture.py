"""Widths of the network. The published ones follow from the shapes of its file (docs/facts/fashn_vton.md#network)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What decides every shape.

    Args:
        canvas: (height, width) in pixels of all four pictures; multiples of `patch`.
        hidden: channels of a token.
        heads: of every attention.
        axes: rotated channels of a head by axis: a constant one, row, column; their sum is a head's channels.
        patch: side in pixels of what becomes a token.
        mixer_blocks: blocks that see the person's tokens alone.
        double_blocks: blocks in which person and garment have weights of their own.
        single_blocks: blocks in which they share weights.
    """

    canvas: tuple[int, int] = (864, 576)
    hidden: int = 1280
    heads: int = 10
    axes: tuple[int, int, int] = (16, 56, 56)
    patch: int = 12
    mixer_blocks: int = 4
    double_blocks: int = 8
    single_blocks: int = 16

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tokens."""
        return self.canvas[0] // self.patch, self.canvas[1] // self.patch

    @property
    def tokens(self) -> int:
        """Tokens of one picture."""
        return self.grid[0] * self.grid[1]

    @property
    def patch_values(self) -> int:
        """Values of an RGB patch."""
        return 3 * self.patch**2

    @property
    def modulation_parts(self) -> int:
        """Vectors of `hidden` values that time and category give to all blocks: 3 a single block, 6 a stream, 2 the output."""
        return 3 * (self.mixer_blocks + self.single_blocks) + 2 * 6 * self.double_blocks + 2


FULL = Architecture()
PARAMETERS = 971_813_808
CALL_BYTES_PER_PIXEL = 450
"""Of one picture in 16 bits: two token sequences, their queries, keys and values, and the widened map, at 144 pixels a token.
By arithmetic, **not measured** on a GPU."""
CATEGORIES = 4
"""None, tops, bottoms, one-pieces."""
TIME_CHANNELS = 256
WIDENING = 4
"""Channels inside a feed-forward part, in multiples of `hidden`."""
