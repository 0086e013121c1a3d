"""The three networks as the training room sees them: pairs in, losses out; and what the engine makes with them, for sheets.

Facts: docs/facts/viton_hd.md#training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.core.arrays import RGB, Labels
from pipeline.core.labels import CIHP_PALETTE
from pipeline.core.machine.device import choose_device
from tryon.batching import Limits
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import Architecture
from tryon.engines.viton_hd.labels import classes_of, parse_of
from tryon.engines.viton_hd.runtime import PaintingRuntime, PictureItem, PlacingRuntime, SegmentingRuntime
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.training.batches import Batches
from tryon.engines.viton_hd.training.item import PairFiles, VitonHdItem, worn_labels
from tryon.engines.viton_hd.training.modules import (
    DISCRIMINATOR,
    AliasBatch,
    AliasLoss,
    GmmBatch,
    GmmLoss,
    SegBatch,
    SegLoss,
)
from tryon.engines.viton_hd.training.spectral import folded
from tryon.engines.viton_hd.warper import Warper
from tryon.training.data.items import Item, resized
from tryon.training.optimiser import OptimiserConfig
from tryon.training.parameters import Groups
from tryon.training.protocol import Turn
from tryon.training.randomness import SampleDraws

Loss = TypeVar("Loss", SegLoss, GmmLoss, AliasLoss)
NETWORK = "network"
PAIRS_AT_ONCE = 1
"""Pictures of sheets."""


class _Trainee(Generic[Loss]):
    """What all three share.

    Args:
        module: the network with what judges it, on the CPU.
        architecture: of the variant.
        optimisers: of the network, and of its discriminator where it has one.
        about: see `protocol.Trainee`.
    """

    def __init__(
        self, module: Loss, architecture: Architecture, optimisers: Sequence[OptimiserConfig], about: Sequence[str] = ()
    ) -> None:
        self.module: Loss = module
        self.architecture, self.about = architecture, about
        self._optimisers = optimisers
        self._batches = Batches(architecture)

    def groups(self) -> Groups:
        """The network, and its discriminator; names as in the module."""
        named = dict(self.module.named_parameters())
        parts = (NETWORK, DISCRIMINATOR)[: len(self._optimisers)]
        return {part: {name: each for name, each in named.items() if name.startswith(f"{part}.")} for part in parts}

    def turns(self) -> Sequence[Turn]:
        """The network's, then the discriminator's."""
        parts = zip((("", NETWORK), (DISCRIMINATOR, DISCRIMINATOR)), self._optimisers, strict=False)
        return [Turn(name, (group,), optimiser) for (name, group), optimiser in parts]

    def buffers(self) -> Mapping[str, Tensor]:
        """Statistics of norms, and vectors of spectral norms."""
        return {name: each for name, each in self.module.named_buffers() if not name.startswith("vgg.")}

    def moved(self, batch: Any, device: Any) -> Any:
        """See `protocol.Trainee`."""
        return replace(batch, **{each.name: _moved(getattr(batch, each.name), device) for each in fields(batch)})

    def target(self, item: Item) -> RGB:
        """What a drawn picture is measured against."""
        return item.image

    @torch.no_grad()
    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """See `protocol.Trainee`: by the engine's own runtime."""
        weights = folded(network_state({**self.module.state_dict(), **trained}))
        return [resized(each, _size(item)) for each, item in zip(self._made(weights, items, seed), items, strict=True)]

    def _made(self, weights: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        raise NotImplementedError

    def _filled(self, network: nn.Module, weights: Mapping[str, Tensor]) -> Any:
        """A network of the meta device with its weights, as it dresses."""
        network.load_state_dict({name: weights[name].detach() for name in network.state_dict()}, strict=True, assign=True)
        return network.eval()


class SegTrainee(_Trainee[SegLoss]):
    """The segmentation: label maps in colours on sheets."""

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> SegBatch:
        """See `protocol.Trainee`."""
        return self._batches.seg(_files(items), draws, self.module.config)

    def validation_batch(self, items: Sequence[Item], timestep: int) -> SegBatch:
        """See `protocol.Trainee`; there are no timesteps here."""
        return self._batches.seg(_files(items), (), self.module.config)

    def target(self, item: Item) -> RGB:
        """The parse map in colours, by the network's classes."""
        return resized(_coloured(parse_of(classes_of(_files([item])[0].parse))), _size(item))

    def _made(self, weights: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        with torch.device("meta"):
            network = Segmenter(self.architecture)
        runtime = SegmentingRuntime(self._filled(network, weights), self.architecture, sees_noise=False)
        files = _files(items)
        people = [runtime.person(each.agnostic, each.pose, each.parse_agnostic) for each in files]
        garments = [runtime.garment(each.cloth, each.cloth_mask) for each in files]
        return [_coloured(each) for each in runtime.predict(people, garments, [seed] * len(files))]


class GmmTrainee(_Trainee[GmmLoss]):
    """The warp network: garments on white on sheets."""

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> GmmBatch:
        """See `protocol.Trainee`; nothing is drawn."""
        return self._batches.gmm(_files(items), trained=True)

    def validation_batch(self, items: Sequence[Item], timestep: int) -> GmmBatch:
        """See `protocol.Trainee`; there are no timesteps here."""
        return self._batches.gmm(_files(items), trained=False)

    def target(self, item: Item) -> RGB:
        """The garment as it is worn, on white."""
        (files,) = _files([item])
        worn = np.isin(files.parse, worn_labels(self.architecture.lower))
        return resized(np.where(worn[..., None], files.image, np.uint8(255)), _size(item))

    def _made(self, weights: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        with torch.device("meta"):
            network = Warper(self.architecture)
        return placed_on_white(PlacingRuntime(self._filled(network, weights), self.architecture), _files(items))


class AliasTrainee(_Trainee[AliasLoss]):
    """The generator: dressed people on sheets."""

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> AliasBatch:
        """See `protocol.Trainee`."""
        return self._batches.alias(_files(items), [each.seed_of("noise") for each in draws], trained=True)

    def validation_batch(self, items: Sequence[Item], timestep: int) -> AliasBatch:
        """See `protocol.Trainee`: the noise of its own seed."""
        return self._batches.alias(_files(items), [timestep] * len(items), trained=False)

    def _made(self, weights: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        with torch.device("meta"):
            network = Generator(self.architecture)
        filled = self._filled(network, weights).to(memory_format=torch.channels_last)
        limits = Limits(choose_device(filled.picture.weight.device.type), PAIRS_AT_ONCE, "a smaller --set loop.draw_pairs")
        runtime = PaintingRuntime(filled, self.architecture, limits, tables=True)
        return runtime.dress([_to_paint(runtime, each, seed) for each in _files(items)])


def network_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of a module's state is the network's, by its own names."""
    return part_of(state, NETWORK)


def part_of(state: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """What of a module's state belongs to one of its parts, by that part's own names."""
    return {name.removeprefix(f"{part}."): each for name, each in state.items() if name.startswith(f"{part}.")}


def placed_on_white(runtime: PlacingRuntime, files: Sequence[PairFiles]) -> list[RGB]:
    """Garments bent onto their people as the engine bends them, (h, w, 3) uint8 RGB on white."""
    people = [runtime.person(each.agnostic, each.pose, None) for each in files]
    garments = [runtime.garment_with_features(each.cloth, each.cloth_mask) for each in files]
    placed = runtime.place(people, garments, [each.parse for each in files])
    made = []
    for each in placed:
        share = each.mask[..., None].astype(np.float32) / 255
        made.append(np.rint(each.cloth * share + 255 * (1 - share)).astype(np.uint8))
    return made


def _to_paint(runtime: PaintingRuntime, files: PairFiles, seed: int) -> PictureItem:
    assert files.placed is not None and files.placed_mask is not None, "the check before training saw them"
    person = runtime.person(files.agnostic, files.pose, None)
    canvas = files.agnostic.shape[:2]
    cloth, mask = resized(files.placed, canvas), resized(files.placed_mask, canvas)  # the same files: a size is never changed
    worn = np.isin(files.parse, worn_labels(runtime.architecture.lower))
    area = np.where(worn, 255 - mask, 0).astype(np.uint8)
    return PictureItem(person, files.parse, cloth, area, seed)


def _files(items: Sequence[Item]) -> list[PairFiles]:
    found = []
    for item in items:
        assert isinstance(item, VitonHdItem)
        found.append(item.files)
    return found


def _coloured(parse: Labels) -> RGB:
    return np.asarray(CIHP_PALETTE, np.uint8)[parse]


def _size(item: Item) -> tuple[int, int]:
    return item.image.shape[0], item.image.shape[1]


def _moved(value: Any, device: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, tuple) and value and isinstance(value[0], Tensor):
        return tuple(each.to(device, non_blocking=True) for each in value)
    return value
