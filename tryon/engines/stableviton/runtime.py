"""The loaded engine: a network on its device, and what it keeps between batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Float
from pipeline.core.engine import DressedPerson, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.errors import InputError, UsageError
from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import ATTENTION
from tryon.batching import Limits
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.denoiser import Batch
from tryon.engines.stableviton.encoding import (
    EncodedGarment,
    EncodedPerson,
    PersonPictures,
    Size,
    conditions_of,
    encoded_person,
    fit_picture,
    garment_tokens,
    prepare_person,
)
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.network import Shifts, StableViton
from tryon.engines.stableviton.presets import SamplingConfig, Start
from tryon.networks.attention_picture import AttentionRecorder, attention_picture, recorder_for
from tryon.networks.layout import arrange
from tryon.networks.pictures import to_canvas
from tryon.networks.precision import fp32_products, mend_overflow
from tryon.networks.savings.compiling import Compiled
from tryon.networks.savings.quantised import FULL_FORMAT, check_weight_format, weight_format_of
from tryon.networks.savings.swapping import use_plain_layers
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import DECODE_BYTES_PER_PIXEL, ENCODE_BYTES_PER_PIXEL, encode_all
from tryon.noise import SeededNoise
from tryon.system_memory import give_freed_memory_back, keep_freed_memory

WARP_STRIDES = {1: 32, 4: 16, 7: 8}
"""The middle block of each resolution → pixels per patch."""

Part = TypeVar("Part", "CanvasPerson", "CanvasGarment")


@dataclass
class CanvasPerson:
    """A person at the network's size, and the size of the canvas the result goes back to."""

    pictures: PersonPictures
    canvas: Size
    encoded: EncodedPerson | None = None  # by the first batch that needs it


@dataclass
class CanvasGarment:
    """A garment at the network's size."""

    picture: RGB  # (h, w, 3) uint8 RGB
    encoded: EncodedGarment | None = None  # by the first batch that needs it


@dataclass(frozen=True)
class Sampled:
    """What the sampler made of one item."""

    item: TryOnItem
    latent: Tensor  # (4, h, w)
    attention: Float | None  # (patches, patches), where it is recorded


class Runtime:
    """Encodes and dresses with a loaded network.

    `encode_person` and `encode_garment` read and resize. The network sees a part with the first batch that needs it, together
    with all others of that batch.

    Args:
        loaded: the network, on the CPU.
        config: how to sample.
        size: (height, width) to work at, pixels.
        limits: what the machine allows.
        save_attention: record where patches look.
        tiny_decoder: makes previews in place of the VAE; its pictures carry a flag.
    """

    def __init__(
        self,
        loaded: Loaded,
        config: SamplingConfig,
        size: Size,
        limits: Limits,
        save_attention: bool = False,
        tiny_decoder: Any = None,
    ) -> None:
        _check_variant_size(loaded, size)
        self.network, self.variant, self.identity = loaded.network, loaded.variant, loaded.identity
        check_weight_format(config.weight_format, limits.device.kind)
        _check_loaded_format(self.network, config.weight_format)
        self.network.use_weight_format(config.weight_format)
        arrange(self.network, limits.device.name, self.network.savings)
        self.config, self.size, self.save_attention = config, size, save_attention
        self._tiny_decoder = None if tiny_decoder is None else tiny_decoder.to(limits.device.name)
        self._notices = () if tiny_decoder is None else (Notice(Flag.PREVIEW_ONLY, "decoded by the tiny decoder"),)
        self._times = TimeTable(self.network)
        self._packs = limits.device.kind == "cpu"  # in the first batch; until then what is freed is weights
        width = self.network.dtype.itemsize / 2
        encoded, decoded = (limits.at_once(size, width * need) for need in (ENCODE_BYTES_PER_PIXEL, DECODE_BYTES_PER_PIXEL))
        self._encoder = limits.sizer(partial(encode_all, self.network.vae), encoded)
        self._tokens = limits.sizer(partial(garment_tokens, self.network, antialias=config.antialias), encoded)
        self._sampler = limits.sizer(self._sample_batch, limits.batch_size)
        self._decoder = limits.sizer(self._decode_batch, decoded)

    def encode_person(self, person: PersonInputs) -> CanvasPerson:
        """Prepare a person's conditions, at most once per person and category."""
        image = person.image()
        pictures = prepare_person(image, person.agnostic(), person.agnostic_mask(), person.densepose(), self.size)
        return CanvasPerson(pictures, (image.shape[0], image.shape[1]))

    def encode_garment(self, garment: GarmentInputs) -> CanvasGarment:
        """Prepare a garment, once."""
        return CanvasGarment(fit_picture(garment.cloth(), self.size))

    @torch.inference_mode()
    def dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, in batches that fit the memory."""
        with fp32_products(exact=self.config.dtype == "fp32"):
            self.encode_parts([item.person for item in items], [item.garment for item in items])
            sampled = self.sample(items)
            pictures = self.decode(sampled)
        if self._packs:
            give_freed_memory_back()
            keep_freed_memory()
            self._packs = False
        return [self._dressed(each, picture) for each, picture in zip(sampled, pictures, strict=True)]

    def encode_parts(self, persons: Sequence[CanvasPerson], garments: Sequence[CanvasGarment]) -> None:
        """Show the network those persons and garments that it has not seen."""
        self._encode_persons(_waiting(persons))
        self._encode_garments(_waiting(garments))

    def sample(self, items: Sequence[TryOnItem]) -> list[Sampled]:
        """Sample pairs of parts that are encoded."""
        return self._sampler.run(items)

    def decode(self, sampled: Sequence[Sampled]) -> list[RGB]:
        """Decode to (height, width, 3) uint8 RGB at the network's size."""
        return self._decoder.run(sampled)

    def compile(self, graphs: bool = False) -> None:
        """Compile the two halves of a model call; the first call of each batch size pays for it, and says so.

        Args:
            graphs: record CUDA graphs as well, where nothing but results leaves a model call.
        """
        use_plain_layers(self.network)
        graphs = graphs and self.network.device.type == "cuda" and self.config.deep_every == 1 and not self.save_attention
        for name, about in (("noise", "the U-Net"), ("garment_features", "the spatial encoder")):
            setattr(self.network, name, Compiled(getattr(self.network, name), about, graphs))

    def _encode_persons(self, persons: Sequence[CanvasPerson]) -> None:
        conditions = [conditions_of(person.pictures, with_image=self.config.start is Start.PERSON) for person in persons]
        posteriors = iter(self._encoder.run([picture for pictures in conditions for picture in pictures]))
        for person, pictures in zip(persons, conditions, strict=True):
            own = list(islice(posteriors, len(pictures)))
            person.encoded = encoded_person(person.pictures, own, antialias=self.config.antialias)

    def _encode_garments(self, garments: Sequence[CanvasGarment]) -> None:
        pictures = [garment.picture for garment in garments]
        for garment, posterior, token in zip(garments, self._encoder.run(pictures), self._tokens.run(pictures), strict=True):
            garment.encoded = EncodedGarment(picture=garment.picture, posterior=posterior, token=token)

    def _sample_batch(self, items: Sequence[TryOnItem]) -> list[Sampled]:
        recorder = recorder_for(self.size, len(items), WARP_STRIDES) if self.save_attention else None
        latents = self._sample(items, self._times, recorder)
        net = self.network
        latents = mend_overflow(
            latents, (net.unet, net.control, net.warp, net.mapper), lambda row: self._sample(items[row : row + 1], TimeTable(net))
        )
        maps = recorder.maps() if recorder else [None] * len(items)
        return [Sampled(*each) for each in zip(items, latents, maps, strict=True)]

    def _sample(self, items: Sequence[TryOnItem], times: TimeTable[Shifts], recorder: AttentionRecorder | None = None) -> Tensor:
        persons, garments = [item.person.encoded for item in items], [item.garment.encoded for item in items]
        batch = Batch(persons, garments, [SeededNoise(item.seed) for item in items])
        return sampling.sample(self.network, batch, self.config, times, recorder.probes if recorder else None)

    def _decode_batch(self, sampled: Sequence[Sampled]) -> list[RGB]:
        persons = [each.item.person.encoded for each in sampled]
        pictures = sampling.decode(
            self.network, torch.stack([each.latent for each in sampled]), persons, self.config, self._tiny_decoder
        )
        # Blank even in fp32: the step flags it; the canvas must still be a picture.
        return [np.zeros((*self.size, 3), np.uint8) if picture is None else picture for picture in pictures]

    def _dressed(self, sampled: Sampled, picture: RGB) -> DressedPerson:
        person: CanvasPerson = sampled.item.person
        on_canvas = to_canvas(picture, person.canvas)
        if sampled.attention is None:
            return DressedPerson(on_canvas, self._notices)
        grid = recorder_for(self.size, 1, WARP_STRIDES).grid
        drawn = attention_picture(sampled.attention, grid, sampled.item.garment.picture, picture, person.pictures.keep)
        return DressedPerson(on_canvas, self._notices, extra={ATTENTION: drawn})


def _waiting(parts: Sequence[Part]) -> list[Part]:
    """The parts that the network has not seen, each once."""
    return list({id(part): part for part in parts if part.encoded is None}.values())


def _check_variant_size(loaded: Loaded, size: Size) -> None:
    fixed = loaded.variant.size
    if fixed is not None and size != fixed:
        raise InputError(f"{loaded.variant.name} works at {fixed} only, not at {size}", "leave height and width unset")


def _check_loaded_format(network: StableViton, wanted: str) -> None:
    """Weights in 8 bits can become no other format: the recipe would not say what was computed with."""
    found = weight_format_of(network)
    if found not in (FULL_FORMAT, wanted):
        raise UsageError(f"the weights that were loaded are in {found}, weight_format is {wanted}", f"set weight_format={found}")
