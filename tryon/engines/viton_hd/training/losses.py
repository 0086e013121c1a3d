"""Parts of the three losses, from tensors to scalars (docs/facts/viton_hd.md#training). Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Adversary = Literal["hinge", "squares"]
"""hinge: Lim & Ye 2017, arXiv 1705.02894; squares: Mao et al. 2017, arXiv 1611.04076."""
REAL_SHARE = 0.5
"""What real pictures count in the discriminator's loss, beside made ones."""
Seen = Sequence[Sequence[Tensor]]
"""What a discriminator saw: of each scale its maps, scores last."""


def fooled(seen: Seen, adversary: Adversary, *, as_real: bool = True) -> Tensor:
    """What a generator is told.

    Args:
        seen: of made pictures.
        adversary: whose loss.
        as_real: False asks for pictures that are recognised as made.
    """
    if adversary == "squares":
        return over_scales([(scores - float(as_real)).square().mean() for *_, scores in seen])
    return over_scales([-scores.mean() if as_real else functional.relu(1 + scores).mean() for *_, scores in seen])


def told_apart(seen: Seen, adversary: Adversary, *, real: bool) -> Tensor:
    """What a discriminator is told of real or of made pictures; real ones count `REAL_SHARE`."""
    if adversary == "squares":
        parts = [(scores - float(real)).square().mean() for *_, scores in seen]
    else:
        parts = [functional.relu(1 - scores if real else 1 + scores).mean() for *_, scores in seen]
    return over_scales(parts) * (REAL_SHARE if real else 1)


def feature_distance(made: Seen, wanted: Seen) -> Tensor:
    """Mean absolute difference of what a discriminator saw in made and in real pictures, scores left out."""
    pairs = [zip(one[:-1], other[:-1], strict=True) for one, other in zip(made, wanted, strict=True)]
    return over_scales([torch.stack([(a - b.detach()).abs().mean() for a, b in pair]).sum() for pair in pairs])


def over_scales(parts: Sequence[Tensor]) -> Tensor:
    """Their mean."""
    return torch.stack(list(parts)).mean()


def class_loss(scores: Tensor, classes: Tensor, *, squashed: bool) -> Tensor:
    """Cross-entropy of predicted classes.

    Args:
        scores: (n, 13, h, w), raw.
        classes: (n, h, w) int64.
        squashed: of their sigmoid, as in the seed's code: it can then not fall below ln(1 + 12/e) = 1.69.
    """
    return functional.cross_entropy(torch.sigmoid(scores) if squashed else scores, classes)


def steepness(pictures: Tensor, scores: Sequence[Tensor]) -> Tensor:
    """R1: the squared gradient of a discriminator's scores at real pictures, halved (Mescheder et al. 2018, arXiv 1801.04406).

    Args:
        pictures: (n, c, h, w) that require gradients.
        scores: of each scale.
    """
    total = torch.stack([each.mean(dim=(1, 2, 3)).sum() for each in scores]).sum()
    (gradient,) = torch.autograd.grad(total, pictures, create_graph=True)
    return 0.5 * gradient.square().sum(dim=(1, 2, 3)).mean()
