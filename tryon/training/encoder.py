"""Pictures of a training batch through VAE and CLIP tower, both frozen, and what is kept of it for the next epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tryon.encoding_cache import EncodingCache
from tryon.networks.vae import Posterior, encode_pictures, stacked

CLIP = "clip"


class FrozenEncoder:
    """Posteriors and CLIP vectors, calculated or remembered.

    What is remembered was made of one picture alone, so that a run that goes on has the same bits as one that was not stopped:
    in a larger batch sums may come in another order.

    Args:
        pairs: whose encodings are kept, in the computer's own memory; 0 = none.
        kinds: of pictures that a pair has for the VAE.
    """

    def __init__(self, pairs: int, kinds: int) -> None:
        self._kept: EncodingCache[Posterior | Tensor] | None = EncodingCache(pairs * (kinds + 1)) if pairs else None

    def posterior(self, vae: Any, kind: str, pictures: Tensor, ids: Sequence[str]) -> Posterior:
        """Of (b, 3, h, w) pictures in [-1, 1]; `ids` are their pairs', none where they are not to be kept."""
        if self._kept is None or not ids:
            return encode_pictures(vae, pictures)
        each = self._each(kind, ids, lambda row: _at_home(encode_pictures(vae, pictures[row : row + 1])))
        found = stacked(each)  # type: ignore[arg-type]  # one kind of value per kind of picture
        return Posterior(found.mean.to(pictures.device), found.deviation.to(pictures.device))

    def vectors(self, encode: Callable[..., Tensor], shown: Sequence[Tensor], ids: Sequence[str], what: str = CLIP) -> Tensor:
        """What a frozen tower makes of garments, (b, …).

        Args:
            encode: takes `shown`.
            shown: (b, …) each.
            ids: see `posterior`.
            what: a name for it, where there are several.
        """
        if self._kept is None or not ids:
            return encode(*shown)
        each = self._each(what, ids, lambda row: encode(*(given[row : row + 1] for given in shown)).cpu())
        return torch.cat(each).to(shown[0].device)  # type: ignore[arg-type]

    def _each(self, kind: str, ids: Sequence[str], make: Callable[[int], Posterior | Tensor]) -> list[Posterior | Tensor]:
        assert self._kept is not None
        return [self._kept.get((kind, name), lambda row=row: make(row)) for row, name in enumerate(ids)]  # type: ignore[misc]


def _at_home(posterior: Posterior) -> Posterior:
    return Posterior(posterior.mean.cpu(), posterior.deviation.cpu())
