"""The three networks, each called as a loss: for its own turn, and where it has one for its discriminator's.

Facts: docs/facts/viton_hd.md#training. With `published_faults` the seed's code is repeated: what its discriminators say of a made
picture never reaches the network, their scores are squashed, classes are compared behind a sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tryon.engines.viton_hd.alias import Generator, Guide
from tryon.engines.viton_hd.architecture import Size
from tryon.engines.viton_hd.noise import seeded_draw
from tryon.engines.viton_hd.segmenter import Keep, Segmenter
from tryon.engines.viton_hd.spline import grid_of, warped
from tryon.engines.viton_hd.training import losses
from tryon.engines.viton_hd.training.config import AliasTraining, GmmTraining, SegTraining
from tryon.engines.viton_hd.training.constraint import second_order
from tryon.engines.viton_hd.training.discriminator import Discriminator, Judge
from tryon.engines.viton_hd.training.pool import ImagePool
from tryon.engines.viton_hd.warper import Warper
from tryon.training.judges.vgg import VggDistance

DISCRIMINATOR = "discriminator"
"""Name of the second turn of a step."""


@dataclass(frozen=True, kw_only=True)
class SegBatch:
    """What the segmentation learns from.

    Args:
        shown: (n, 19 or 21, h, w), of `inference.seg_inputs`.
        classes: (n, h, w) int64, of the person in the garment.
        real: (n, 13, h, w) the same in planes, reduced bilinearly: what the discriminator takes for real has soft rims.
        keep: see `segmenter.Keep`.
        chances: see `pool.ImagePool.exchanged`; empty where nothing is exchanged.
        trained: see `GmmBatch`.
    """

    shown: Tensor
    classes: Tensor
    real: Tensor
    keep: Keep = ()
    chances: Tensor = field(default_factory=lambda: torch.empty(0, 2))
    trained: bool = True


@dataclass(frozen=True, kw_only=True)
class GmmBatch:
    """What the warp network learns from.

    Args:
        person: (n, 7, *small), of `inference.shown_to_warp`.
        garment: (n, 3, *small), of `inference.warp_garment`.
        cloth: (n, 3, h, w) in -1 … 1, flat, 0 outside of its mask.
        worn: the same of the garment as the photo shows it.
        trained: whether norms take and count this batch's statistics; in validation they use those counted so far.
    """

    person: Tensor
    garment: Tensor
    cloth: Tensor
    worn: Tensor
    trained: bool = True


@dataclass(frozen=True, kw_only=True)
class AliasBatch:
    """What the generator learns from; h and w are the whole size.

    Args:
        shown: (n, 9, h, w): agnostic picture, pose, warped garment.
        groups, divided, misaligned: see `alias.Guide`.
        image: (n, 3, h, w) in -1 … 1, the photo.
        seeds: of each picture's noise.
        trained: see `GmmBatch`.
    """

    shown: Tensor
    groups: Tensor
    divided: Tensor
    misaligned: Tensor
    image: Tensor
    seeds: tuple[int, ...] = field(default=())
    trained: bool = True

    @property
    def guide(self) -> Guide:
        """The labels."""
        return Guide(self.groups, self.divided, self.misaligned)


class SegLoss(nn.Module):
    """The segmentation, called as a loss.

    Args:
        network: trained.
        discriminator: of label maps.
        config: weights of the parts.
        pool: of earlier made maps for it.
    """

    def __init__(
        self, network: Segmenter, discriminator: Discriminator, config: SegTraining, pool: ImagePool | None = None
    ) -> None:
        super().__init__()
        self.pool = pool
        self.network, self.discriminator, self.config = network, discriminator, config

    def forward(self, batch: SegBatch, turn: str = "") -> dict[str, Tensor]:
        """`loss`, and its weighted parts."""
        return _summed(self._discriminate(batch) if turn == DISCRIMINATOR else self._learn(batch))

    def _learn(self, batch: SegBatch) -> dict[str, Tensor]:
        config, faults = self.config, self.config.published_faults
        scores = self.network(alike(self.network, batch.shown), batch.keep)
        maps = torch.sigmoid(scores)
        seen = self.discriminator.fixed(self._judged(batch, maps.detach() if faults else maps))
        return {
            "classes": config.classes * losses.class_loss(scores, batch.classes, squashed=faults),
            "adversarial": config.adversarial * losses.fooled(seen, "squares"),
        }

    def _discriminate(self, batch: SegBatch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self._judged(batch, torch.sigmoid(self.network(alike(self.network, batch.shown), batch.keep)))
        if self.pool is not None and len(batch.chances):
            made = self.pool.exchanged(made, batch.chances)
        return told(self.discriminator, made, self._judged(batch, batch.real), "squares", self.config.r1)

    def _judged(self, batch: SegBatch, maps: Tensor) -> Tensor:
        """A label map with what it was made from; in the seed's code alone."""
        return maps if self.config.published_faults else torch.cat([batch.shown, maps], dim=1)


class GmmLoss(nn.Module):
    """The warp network, called as a loss.

    Args:
        network: trained.
        config: weights of the parts.
    """

    def __init__(self, network: Warper, config: GmmTraining) -> None:
        super().__init__()
        self.network, self.config = network, config

    def forward(self, batch: GmmBatch) -> dict[str, Tensor]:
        """`loss`, and its weighted parts."""
        self.network.train(batch.trained)
        theta = self.network(self.network.encode_person(batch.person), self.network.encode_garment(batch.garment))
        made = warped(batch.cloth, grid_of(theta, (batch.cloth.shape[2], batch.cloth.shape[3])))
        constraint = second_order(theta, first_alone=self.config.published_faults)
        return _summed({"cloth": (made - batch.worn).abs().mean(), "constraint": self.config.constraint * constraint})


class AliasLoss(nn.Module):
    """The generator, called as a loss.

    Args:
        network: trained, with spectral norms.
        discriminator: of pictures beside their labels.
        config: weights of the parts.
        vgg: what else compares pictures, where its weights are there.
    """

    def __init__(
        self, network: Generator, discriminator: Discriminator, config: AliasTraining, vgg: VggDistance | None = None
    ) -> None:
        super().__init__()
        self.network, self.discriminator, self.config, self.vgg = network, discriminator, config, vgg

    def forward(self, batch: AliasBatch, turn: str = "") -> dict[str, Tensor]:
        """`loss`, and its weighted parts."""
        self.network.train(batch.trained)
        self.discriminator.train(batch.trained)
        return _summed(self._discriminate(batch) if turn == DISCRIMINATOR else self._learn(batch))

    def paint(self, batch: AliasBatch, turn: str = "") -> Tensor:
        """The picture, (n, 3, h, w) in -1 … 1; each turn has noise of its own."""
        seeds = [seed + (turn == DISCRIMINATOR) for seed in batch.seeds]
        painted: Tensor = self.network(alike(self.network, batch.shown), batch.guide, seeded_draw(seeds, batch.shown.device))
        return painted

    def _learn(self, batch: AliasBatch) -> dict[str, Tensor]:
        made = self.paint(batch)
        parts = judged(self.config, self.discriminator.fixed, batch, made)
        if self.vgg is not None:
            parts["vgg"] = self.config.vgg * self.vgg(alike(self.vgg, made), alike(self.vgg, batch.image))
        if self.config.pixels:
            parts["pixels"] = self.config.pixels * (made - batch.image).abs().mean()
        return parts

    def _discriminate(self, batch: AliasBatch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self.paint(batch, DISCRIMINATOR)
        shown, real = (torch.cat([batch.groups, each], dim=1) for each in (made, batch.image))
        return told(self.discriminator, shown, real, "hinge", self.config.r1)


def judged(config: AliasTraining, judge: Judge, batch: AliasBatch, made: Tensor) -> dict[str, Tensor]:
    """What a discriminator says of made pictures, and how far what it saw in them is from what it sees in real ones."""
    seen = judge(torch.cat([batch.groups, made.detach() if config.published_faults else made], dim=1))
    parts = {"adversarial": config.adversarial * losses.fooled(seen, "hinge", as_real=config.generator_aims == "real")}
    if config.feature_matching and not config.published_faults:
        with torch.no_grad():
            wanted = judge(torch.cat([batch.groups, batch.image], dim=1))
        parts["features"] = config.feature_matching * losses.feature_distance(seen, wanted)
    return parts


def told(judge: Discriminator, made: Tensor, real: Tensor, adversary: losses.Adversary, r1: float) -> dict[str, Tensor]:
    """A discriminator's loss."""
    real = real.detach().requires_grad_() if r1 and torch.is_grad_enabled() else real
    seen = judge(real)
    parts = {
        "made": losses.told_apart(judge(made), adversary, real=False),
        "real": losses.told_apart(seen, adversary, real=True),
    }
    if real.requires_grad:
        parts["r1"] = r1 * losses.steepness(real, [scores for *_, scores in seen])
    return parts


def alike(network: nn.Module, x: Tensor) -> Tensor:
    """In the number format of a network's weights: another one where a step is only planned, without autocast."""
    return x.to(next(network.parameters()).dtype)


def _summed(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def keep_shapes(width: int, small: Size) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """(channels, rows, columns) of the maps of which training leaves values out, shallower ones first."""
    height, across = small
    return (8 * width, height // 8, across // 8), (16 * width, height // 16, across // 16)
