"""Earlier made pictures, which a discriminator sees in place of some new ones (Shrivastava et al. 2017, arXiv 1612.07828).

The pool is part of a checkpoint; what is drawn from it follows from seed, step and pair. So a run that goes on has the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tryon.training.randomness import SampleDraws

HALF_AS_WHOLE = torch.int16
"""Half floats are kept by their bits: a moving average, and a change of format, leave whole numbers alone."""


class ImagePool(nn.Module):
    """Up to so many earlier pictures.

    Args:
        places: how many.
        shape: (c, h, w) of each.
    """

    def __init__(self, places: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(places, *shape, dtype=HALF_AS_WHOLE))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def exchanged(self, made: Tensor, chances: Tensor) -> Tensor:
        """What a discriminator sees: new pictures, kept too, until the places are full; then an older one for every second.

        Args:
            made: (n, c, h, w), without gradients.
            chances: (n, 2) in 0 … 1: whether an older one is taken, and which.
        """
        kept, shown = self.kept, []
        assert isinstance(kept, Tensor) and isinstance(self.filled, Tensor)
        for picture, (whether, which) in zip(made, chances.tolist(), strict=True):
            if (place := int(self.filled)) < len(kept):
                kept[place] = _packed(picture)
                self.filled += 1
            elif whether > 0.5:
                place = int(which * len(kept))
                picture, kept[place] = kept[place].view(torch.float16).to(made.dtype), _packed(picture)
            shown.append(picture)
        return torch.stack(shown)


def chances_of(draws: Sequence[SampleDraws]) -> Tensor:
    """(n, 2) in 0 … 1 for `ImagePool.exchanged`; (0, 2) without draws."""
    return torch.tensor([[each.uniform("pool"), each.uniform("pool place")] for each in draws]).reshape(-1, 2)


def _packed(picture: Tensor) -> Tensor:
    return picture.to(torch.float16).view(HALF_AS_WHOLE)
