"""From files to what the losses are called with, by the engine's own conditions (docs/facts/viton_hd.md#training)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.core.frame import STUDIO_GREY
from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.architecture import CLASSES, GROUPS, Architecture
from tryon.engines.viton_hd.conditions import ShownPerson, masks, pictures
from tryon.engines.viton_hd.inference import Garment
from tryon.engines.viton_hd.noise import binary_planes
from tryon.engines.viton_hd.runtime import NOTHING, Shown
from tryon.engines.viton_hd.training.config import SegTraining
from tryon.engines.viton_hd.training.item import PairFiles
from tryon.engines.viton_hd.training.modules import AliasBatch, GmmBatch, SegBatch, keep_shapes
from tryon.engines.viton_hd.training.pool import chances_of
from tryon.training.randomness import SampleDraws

NOT_ASKED = torch.empty(0)


class Batches:
    """Makes the three kinds of batches, on the CPU.

    Args:
        architecture: of the variant.
    """

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self._learnt = replace(architecture, warp_resize="nearest")  # as published, in training both variants reduce so
        self._shown = Shown(architecture, torch.device("cpu"))

    def seg(self, files: Sequence[PairFiles], draws: Sequence[SampleDraws], config: SegTraining) -> SegBatch:
        """What the segmentation learns from; without draws nothing is left out."""
        shown = self._people(files)
        person, garment, classes = self._shown.people(shown), self._garments(files), self._classes(files, shown)
        seeds = [each.seed_of("plane") for each in draws] or [0] * len(files)
        noise = binary_planes(seeds, 1, self.architecture.small, classes.device)
        inputs = inference.seg_inputs(self.architecture, person, garment, noise)
        small = functional.interpolate(classes[:, None].float(), size=self.architecture.small)[:, 0].long()
        return SegBatch(
            shown=inputs,
            classes=small,
            real=inference.bilinear(planes_of(classes), self.architecture.small),
            keep=self._kept(draws, config.dropout),
            chances=chances_of(draws),
            trained=bool(draws),
        )

    def gmm(self, files: Sequence[PairFiles], *, trained: bool) -> GmmBatch:
        """What the warp network learns from."""
        shown = self._people(files)
        place = self._place(files, shown)
        garment = self._garments(files)
        return GmmBatch(
            person=inference.shown_to_warp(self._learnt, self._shown.people(shown), place),
            garment=inference.warp_garment(self._learnt, garment),
            cloth=garment.cloth * garment.mask,
            worn=self._photos(files, shown) * place,
            trained=trained,
        )

    def alias(self, files: Sequence[PairFiles], seeds: Sequence[int], *, trained: bool) -> AliasBatch:
        """What the generator learns from."""
        shown = self._people(files)
        person = self._shown.people(shown)
        cloths, soft = [], []
        for each, one in zip(files, shown, strict=True):
            assert each.placed is not None and each.placed_mask is not None, "the check before training saw them"
            cloths.append(one.fit.labels_into(each.placed, NOTHING))
            soft.append(one.fit.labels_into(each.placed_mask))
        classes = self._classes(files, shown)
        area = inference.misaligned(self.architecture, classes, masks(soft, NOT_ASKED))
        guide = inference.guide_of(self.architecture, classes, area)
        return AliasBatch(
            shown=torch.cat([person.agnostic, person.pose, pictures(cloths, NOT_ASKED)], dim=1),
            groups=guide.groups,
            divided=guide.divided,
            misaligned=guide.misaligned,
            image=self._photos(files, shown),
            seeds=tuple(seeds),
            trained=trained,
        )

    def _people(self, files: Sequence[PairFiles]) -> list[ShownPerson]:
        return [self._shown.person(each.agnostic, each.pose, each.parse_agnostic) for each in files]

    def _garments(self, files: Sequence[PairFiles]) -> Garment:
        return self._shown.garments([self._shown.garment(each.cloth, each.cloth_mask) for each in files])

    def _classes(self, files: Sequence[PairFiles], shown: Sequence[ShownPerson]) -> Tensor:
        return self._shown.classes(shown, [each.parse for each in files])

    def _place(self, files: Sequence[PairFiles], shown: Sequence[ShownPerson]) -> Tensor:
        """(n, 1, h, w): where the garment is worn."""
        return inference.worn_place(self.architecture, self._classes(files, shown))

    def _photos(self, files: Sequence[PairFiles], shown: Sequence[ShownPerson]) -> Tensor:
        fitted = [one.fit.into(each.image, STUDIO_GREY) for each, one in zip(files, shown, strict=True)]
        return pictures(fitted, NOT_ASKED)

    def _kept(self, draws: Sequence[SampleDraws], share: float) -> tuple[Tensor, ...]:
        """What is left of the deepest maps, each sample's by its own draws."""
        if not draws or not share:
            return ()
        shapes = keep_shapes(self.architecture.seg_width, self.architecture.small)
        kept = [torch.stack([each.happens(share, f"dropout {n}", shape) for each in draws]) for n, shape in enumerate(shapes)]
        return tuple((~each).float() / (1 - share) for each in kept)


def planes_of(classes: Tensor) -> Tensor:
    """(n, h, w) int64 → (n, 13, h, w) fp32 of 0 and 1."""
    return functional.one_hot(classes, CLASSES).permute(0, 3, 1, 2).float()


def empty(architecture: Architecture, stage: str, pairs: int) -> SegBatch | GmmBatch | AliasBatch:
    """A batch without contents, for a count of memory."""
    small, size = architecture.small, architecture.size
    with torch.device("meta"):
        if stage == "seg":
            keep = tuple(torch.empty(pairs, *shape) for shape in keep_shapes(architecture.seg_width, small))
            classes = torch.empty(pairs, *small, dtype=torch.long)
            shown, real = (torch.empty(pairs, count, *small) for count in (architecture.seg_inputs, CLASSES))
            return SegBatch(shown=shown, classes=classes, real=real, keep=keep)
        if stage == "gmm":
            person, garment = (torch.empty(pairs, channels, *small) for channels in (7, 3))
            cloth, worn = (torch.empty(pairs, 3, *size) for _ in range(2))
            return GmmBatch(person=person, garment=garment, cloth=cloth, worn=worn)
        counts = (9, GROUPS, architecture.coarse_groups, 1, 3)
        shown, groups, divided, area, image = (torch.empty(pairs, count, *size) for count in counts)
        seeds = tuple(range(pairs))
        return AliasBatch(shown=shown, groups=groups, divided=divided, misaligned=area, image=image, seeds=seeds)
