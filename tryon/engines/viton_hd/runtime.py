"""The loaded networks, each with what it keeps: arrays in, arrays out, in batches that fit the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.flags import Flag, Notice
from pipeline.core.machine.device import Device
from pipeline.core.masks import Mask
from tryon.batching import Limits
from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import OFFICIAL, SEED, Architecture
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper
from tryon.engines.viton_hd.conditions import (
    ShownGarment,
    ShownPerson,
    masks,
    one_hot,
    pictures,
    shown_garment,
    shown_person,
)
from tryon.engines.viton_hd.inference import Garment, Person
from tryon.engines.viton_hd.labels import classes_of, parse_of
from tryon.engines.viton_hd.noise import binary_planes, seeded_draw
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.warper import Warper
from tryon.networks.pictures import picture_levels
from tryon.networks.precision import choose_dtype, dtype_of, fp32_products

ARCHITECTURES = {"viton-hd": OFFICIAL, "gs-viton": SEED}
"""By the weights' row; a test puts narrower ones here."""
NOTHING = 128
"""Level around a warped garment: mid grey, the networks' zero."""
STRAINED = 0.8
"""Offsets of the spline end at 1; beyond this it was asked for more than it can do."""


class Shown:
    """What every runtime knows of its variant and device.

    Args:
        architecture: the variant.
        device: where its network is.
    """

    def __init__(self, architecture: Architecture, device: torch.device) -> None:
        self.architecture = architecture
        self._like = torch.empty(0, device=device)

    def person(self, agnostic: RGB, pose: RGB, parse_agnostic: Labels | None) -> ShownPerson:
        """A person in the networks' size; without a parse map where only the warp is asked for."""
        return shown_person(self.architecture, agnostic, pose, parse_agnostic)

    def garment(self, cloth: RGB, mask: Mask) -> ShownGarment:
        """A garment in the networks' size."""
        return shown_garment(self.architecture, cloth, mask)

    def people(self, people: Sequence[ShownPerson]) -> Person:
        """A batch of them."""
        known = [each.classes for each in people if each.classes is not None]
        classes = one_hot(known, self._like) if known else self._like
        agnostic, pose = (pictures([getattr(each, name) for each in people], self._like) for name in ("agnostic", "pose"))
        return Person(agnostic, pose, classes)

    def garments(self, garments: Sequence[ShownGarment]) -> Garment:
        """A batch of them."""
        return Garment(
            pictures([each.cloth for each in garments], self._like), masks([each.mask for each in garments], self._like)
        )

    def classes(self, people: Sequence[ShownPerson], parses: Sequence[Labels]) -> Tensor:
        """Parse maps on our canvas → (n, *size) int64 of the 13 classes."""
        fitted = [classes_of(person.fit.labels_into(parse)) for person, parse in zip(people, parses, strict=True)]
        return torch.from_numpy(np.stack(fitted)).long().to(self._like.device)


class SegmentingRuntime(Shown):
    """The segmentation network.

    Args:
        network: on its device.
        architecture: the variant.
        sees_noise: the seed's published test: noise in the garment's place.
    """

    def __init__(self, network: Segmenter, architecture: Architecture, sees_noise: bool) -> None:
        super().__init__(architecture, network.scores.weight.device)
        self._network, self._sees_noise = network, sees_noise

    @classmethod
    def load(cls, path: Path, weights: str, dtype: str, device: Device, sees_noise: bool) -> Self:
        """Read the published file; errors as `load_segmenter`."""
        architecture = ARCHITECTURES[weights]
        network = load_segmenter(path, choose_dtype(dtype, device), architecture).to(device.name)
        return cls(network, architecture, sees_noise)

    @torch.inference_mode()
    def predict(self, people: Sequence[ShownPerson], garments: Sequence[ShownGarment], seeds: Sequence[int]) -> list[Labels]:
        """The parse map of each pair on its canvas, (h, w) uint8 of `Parse`."""
        planes = 3 if self._sees_noise else 1
        noise = binary_planes(seeds, planes, self.architecture.small, self._like.device)
        inputs = inference.seg_inputs(self.architecture, self.people(people), self.garments(garments), noise)
        with fp32_products(exact=dtype_of(self._network) == torch.float32):
            classes = inference.segment(self.architecture, self._network, inputs).to(torch.uint8).cpu().numpy()
        return [person.fit.back(parse_of(each), smooth=False) for person, each in zip(people, classes, strict=True)]


@dataclass(frozen=True)
class FeaturedGarment:
    """A garment and what the warp network sees in it, (1, c, rows, columns)."""

    shown: ShownGarment
    features: Tensor


@dataclass(frozen=True)
class PlacedGarment:
    """A warped garment on the person's canvas.

    Args:
        cloth: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, soft.
        notices: what is doubtful about it.
    """

    cloth: RGB
    mask: Grey
    notices: tuple[Notice, ...]


class PlacingRuntime(Shown):
    """The warp network.

    Args:
        network: on its device.
        architecture: the variant.
    """

    def __init__(self, network: Warper, architecture: Architecture) -> None:
        super().__init__(architecture, network.regressor.linear.weight.device)
        self._network = network

    @classmethod
    def load(cls, path: Path, weights: str, dtype: str, device: Device) -> Self:
        """Read the published file; errors as `load_warper`."""
        architecture = ARCHITECTURES[weights]
        return cls(load_warper(path, choose_dtype(dtype, device), architecture).to(device.name), architecture)

    @torch.inference_mode()
    def garment_with_features(self, cloth: RGB, mask: Mask) -> FeaturedGarment:
        """A garment, read once for all its pairs."""
        shown = self.garment(cloth, mask)
        flat = inference.warp_garment(self.architecture, self.garments([shown]))
        return FeaturedGarment(shown, self._network.encode_garment(flat.to(dtype_of(self._network))))

    @torch.inference_mode()
    def place(
        self, people: Sequence[ShownPerson], garments: Sequence[FeaturedGarment], parses: Sequence[Labels]
    ) -> list[PlacedGarment]:
        """Warp each garment to where the parse map of its pair has it."""
        classes = self.classes(people, parses)
        shown = inference.warp_person(self.architecture, self.people(people), classes)
        features = torch.cat([each.features for each in garments])
        flat = self.garments([each.shown for each in garments])
        with fp32_products(exact=True):
            placed = inference.place(self.architecture, self._network, shown, features, flat)
        cloths = _levels(placed.cloth)
        soft = (placed.mask[:, 0] * 255).round().to(torch.uint8).cpu().numpy()
        return [
            PlacedGarment(
                person.fit.back(cloths[number], smooth=False),
                person.fit.back(soft[number], smooth=False),
                _strained(placed.theta[number]),
            )
            for number, person in enumerate(people)
        ]


def _strained(theta: Tensor) -> tuple[Notice, ...]:
    most = float(theta.abs().max())
    if most <= STRAINED:
        return ()
    return (Notice(Flag.GARMENT_MISALIGNED, f"the spline is strained: an offset of {most:.2f}, at most 1 is possible"),)


@dataclass(frozen=True)
class PictureItem:
    """One picture to make.

    Args:
        person: in the networks' size.
        parse: (h, w) uint8 of `Parse` on the canvas, predicted.
        cloth: (h, w, 3) uint8 RGB on the canvas, warped.
        misaligned: (h, w) uint8 on the canvas, soft.
        seed: of its noise.
    """

    person: ShownPerson
    parse: Labels
    cloth: RGB
    misaligned: Grey
    seed: int


class PaintingRuntime(Shown):
    """The generator.

    Args:
        network: on its device.
        architecture: the variant.
        limits: what the machine allows.
        tables: scale and shift from tables.
    """

    def __init__(self, network: Generator, architecture: Architecture, limits: Limits, tables: bool) -> None:
        super().__init__(architecture, network.picture.weight.device)
        self._network, self._tables = network, tables
        self._sizer = limits.sizer(self._batch, limits.batch_size)

    @classmethod
    def load(cls, path: Path, weights: str, dtype: str, limits: Limits, tables: bool) -> Self:
        """Read the published file; errors as `load_generator`."""
        architecture = ARCHITECTURES[weights]
        network = load_generator(path, choose_dtype(dtype, limits.device), architecture).to(limits.device.name)
        return cls(network, architecture, limits, tables)

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return dtype_of(self._network)

    @torch.inference_mode()
    def dress(self, items: Sequence[PictureItem]) -> list[RGB]:
        """The pictures on their canvases, in order."""
        with fp32_products(exact=self.dtype == torch.float32):
            return self._sizer.run(items)

    def _batch(self, items: Sequence[PictureItem]) -> list[RGB]:
        people = [item.person for item in items]
        person = self.people(people)
        classes = self.classes(people, [item.parse for item in items])
        fitted = [item.person.fit.labels_into(item.misaligned) for item in items]
        guide = inference.guide_of(self.architecture, classes, masks(fitted, self._like))
        cloth = pictures([item.person.fit.labels_into(item.cloth, NOTHING) for item in items], self._like)
        draw = seeded_draw([item.seed for item in items], self._like.device)
        made = inference.dress(self._network, person, cloth, guide, draw, tables=self._tables)
        levels = picture_levels(made, rounded=False).cpu().numpy()
        return [item.person.fit.back(each, smooth=True) for item, each in zip(items, levels, strict=True)]


def _levels(values: Tensor) -> np.ndarray:
    return picture_levels(values, rounded=True).cpu().numpy()
