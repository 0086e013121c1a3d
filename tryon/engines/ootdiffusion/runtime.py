"""The loaded engine: a network on its device, and what it keeps between batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Float
from pipeline.core.engine import DressedPerson, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.labels import Category
from pipeline.core.layout import ATTENTION, SAMPLES, PerEngine
from tryon.batching import Limits
from tryon.encoding_cache import EncodingCache
from tryon.engines.ootdiffusion.drawings import drawings_of
from tryon.engines.ootdiffusion.encoding import (
    EncodedGarment,
    EncodedPerson,
    PersonPictures,
    Size,
    encoded_person,
    fit_picture,
    garment_contexts,
    garment_pictures,
    pictures_of,
    prepare_person,
)
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import SamplingConfig
from tryon.engines.ootdiffusion.sampling import Batch, ShownGarment, sample, show_garment
from tryon.engines.ootdiffusion.words import Words
from tryon.networks.attention_picture import AttentionRecorder, attention_picture, recorder_for
from tryon.networks.layout import arrange
from tryon.networks.pictures import to_canvas
from tryon.networks.precision import fp32_products, mend_overflow
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1_unet import Shifts
from tryon.networks.vae import DECODE_BYTES_PER_PIXEL, ENCODE_BYTES_PER_PIXEL, decode_all, encode_all
from tryon.noise import NoiseStream, SeededNoise
from tryon.system_memory import give_freed_memory_back, keep_freed_memory

STRIDES = {14: 8, 11: 16, 8: 32}
"""The decoder's middle transformer of each resolution → pixels per patch."""

Part = TypeVar("Part", "CanvasPerson", "CanvasGarment")


@dataclass(eq=False)
class CanvasPerson:
    """A person at the network's size, and the size of the canvas the result goes back to."""

    pictures: PersonPictures
    canvas: Size
    encoded: EncodedPerson | None = None  # by the first batch that needs it


@dataclass(eq=False)
class CanvasGarment:
    """A garment at the network's size."""

    picture: RGB  # (h, w, 3) uint8 RGB
    category: Category
    encoded: EncodedGarment | None = None  # by the first batch that needs it


@dataclass(frozen=True)
class _Draw:
    """One picture to make: which of an item's samples."""

    item: TryOnItem
    number: int

    def noise(self) -> NoiseStream:
        """The item's stream behind the start noise of the samples before."""
        return _Later(SeededNoise(self.item.seed), self.number)


@dataclass
class _Later:
    """A stream whose first draws are left out."""

    stream: NoiseStream
    skipped: int

    def draw(self, shape: tuple[int, ...]) -> Tensor:
        for _ in range(self.skipped):
            self.stream.draw(shape)
        self.skipped = 0
        return self.stream.draw(shape)


@dataclass(frozen=True)
class Sampled:
    """What the sampler made of one draw."""

    latent: Tensor  # (4, h, w)
    attention: Float | None  # (patches, patches), where it is recorded


class Runtime:
    """Encodes and dresses with a loaded network.

    `encode_person` and `encode_garment` read and resize; the network sees a part with the first batch that needs it. A garment's
    keys and values stay in memory for the next pictures with it.

    Args:
        network: on the CPU.
        words: of the model.
        config: how to sample.
        size: (height, width) to work at, pixels.
        limits: what the machine allows.
        spacing: of the timesteps.
        keep_garments: garments whose keys and values are kept.
        save_attention: record where patches look.
    """

    def __init__(
        self,
        network: OotDiffusion,
        words: Words,
        config: SamplingConfig,
        size: Size,
        limits: Limits,
        *,
        spacing: str = "linspace",
        keep_garments: int = 4,
        save_attention: bool = False,
    ) -> None:
        arrange(network, limits.device.name, network.savings)
        self.network, self.words, self.config, self.size = network, words, config, size
        self.spacing, self.save_attention = spacing, save_attention
        self._times: TimeTable[Shifts] = TimeTable(network)
        self._shown: EncodingCache[ShownGarment] = EncodingCache(keep_garments)
        self._keep_garments = keep_garments
        self._packs = limits.device.kind == "cpu"  # in the first batch; until then what is freed is weights
        width = network.dtype.itemsize / 2
        encoded, decoded = (limits.at_once(size, width * need) for need in (ENCODE_BYTES_PER_PIXEL, DECODE_BYTES_PER_PIXEL))
        self._encoder = limits.sizer(partial(encode_all, network.vae), encoded)
        self._contexts = limits.sizer(self._context_batch, encoded)
        self._sampler = limits.sizer(self._sample_batch, limits.batch_size)
        self._decoder = limits.sizer(self._decode_batch, decoded)

    def encode_person(self, person: PersonInputs) -> CanvasPerson:
        """Prepare a person's conditions, at most once per person and category."""
        image = person.image()
        pose = person.pose_image() if self.network.wiring.sees_pose else None
        return CanvasPerson(prepare_person(image, person.agnostic_mask(), self.size, pose), (image.shape[0], image.shape[1]))

    def encode_garment(self, garment: GarmentInputs) -> CanvasGarment:
        """Prepare a garment, once."""
        return CanvasGarment(fit_picture(garment.cloth(), self.size), garment.garment.category)

    @torch.inference_mode()
    def dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, in batches that fit the memory."""
        draws = [_Draw(item, number) for item in items for number in range(self.config.samples)]
        with fp32_products(exact=self.config.dtype == "fp32"):
            self._encode_persons(_waiting([item.person for item in items]))
            self._encode_garments(_waiting([item.garment for item in items]))
            sampled = self._sampler.run(draws)
            pictures = self._decoder.run([each.latent for each in sampled])
        if self._packs:
            give_freed_memory_back()
            keep_freed_memory()
            self._packs = False
        own = iter(zip(sampled, pictures, strict=True))
        return [self._dressed(item, list(islice(own, self.config.samples))) for item in items]

    def _encode_persons(self, persons: Sequence[CanvasPerson]) -> None:
        shown = [pictures_of(person.pictures) for person in persons]
        posteriors = iter(self._encoder.run([picture for pictures in shown for picture in pictures]))
        for person, pictures in zip(persons, shown, strict=True):
            person.encoded = encoded_person(person.pictures, list(islice(posteriors, len(pictures))))

    def _encode_garments(self, garments: Sequence[CanvasGarment]) -> None:
        posteriors = self._encoder.run([garment.picture for garment in garments])
        contexts = self._contexts.run(garments)
        seen = garment_pictures(self.network, [garment.picture for garment in garments])
        for garment, posterior, (context, other), picture in zip(garments, posteriors, contexts, seen, strict=True):
            garment.encoded = EncodedGarment(latent=posterior.mean, context=context, other_context=other, picture=picture)

    def _context_batch(self, garments: Sequence[CanvasGarment]) -> list[tuple[Tensor, Tensor | None]]:
        return garment_contexts(self.network, self.words, [(garment.picture, garment.category) for garment in garments])

    def _show(self, garment: CanvasGarment) -> ShownGarment:
        """The garment U-Net's pass."""
        assert garment.encoded is not None
        return show_garment(self.network, garment.encoded, guided=self.config.guided)

    def _kept(self, garment: CanvasGarment) -> ShownGarment:
        """The same, once per garment while it is kept."""
        if not (self._keep_garments and self.network.savings.cache_garment):
            return self._show(garment)
        return self._shown.get(garment, partial(self._show, garment))

    def _sample_batch(self, draws: Sequence[_Draw]) -> list[Sampled]:
        recorder = recorder_for(self.size, len(draws), STRIDES, joined=True) if self.save_attention else None
        latents = self._sample(draws, self._times, self._kept, recorder)
        latents = mend_overflow(latents, (self.network.unet_garm, self.network.unet_vton), lambda row: self._again(draws[row]))
        maps = recorder.maps() if recorder else [None] * len(draws)
        return [Sampled(*each) for each in zip(latents, maps, strict=True)]

    def _again(self, draw: _Draw) -> Tensor:
        """One picture in fp32: nothing that 16 bits made of the garment is used."""
        return self._sample([draw], TimeTable(self.network), self._show)

    def _sample(
        self,
        draws: Sequence[_Draw],
        times: TimeTable[Shifts],
        show: Callable[[CanvasGarment], ShownGarment],
        recorder: AttentionRecorder | None = None,
    ) -> Tensor:
        persons, garments = [draw.item.person.encoded for draw in draws], [draw.item.garment for draw in draws]
        once = {} if self.network.wiring.every_step else {id(each): each for each in garments}
        shown = {name: show(garment) for name, garment in once.items()}
        batch = Batch(
            persons,
            [garment.encoded for garment in garments],
            [shown[id(garment)] for garment in garments if shown],
            [draw.noise() for draw in draws],
            drawings_of(self.network.wiring, [(draw.item.person.pictures, draw.item.garment.picture) for draw in draws]),
        )
        probes = recorder.probes if recorder else None
        return sample(self.network, batch, self.config, times, spacing=self.spacing, probes=probes)

    def _decode_batch(self, latents: Sequence[Tensor]) -> list[RGB]:
        pictures = decode_all(self.network.vae, torch.stack(list(latents)), rounded=self.config.rounded)
        # Blank even in fp32: the step flags it; the canvas must still be a picture.
        return [np.zeros((*self.size, 3), np.uint8) if picture is None else picture for picture in pictures]

    def _dressed(self, item: TryOnItem, made: Sequence[tuple[Sampled, RGB]]) -> DressedPerson:
        person: CanvasPerson = item.person
        canvases = [to_canvas(picture, person.canvas) for _, picture in made]
        extra: dict[PerEngine, RGB] = {SAMPLES: np.concatenate(canvases, axis=1)} if len(canvases) > 1 else {}
        sampled, picture = made[0]
        if sampled.attention is not None:
            grid = recorder_for(self.size, 1, STRIDES, joined=True).grid
            keep = np.where(person.pictures.repaint, np.uint8(0), np.uint8(255))
            extra[ATTENTION] = attention_picture(sampled.attention, grid, item.garment.picture, picture, keep)
        return DressedPerson(canvases[0], extra=extra)


def _waiting(parts: Sequence[Part]) -> list[Part]:
    """The parts that the network has not seen, each once."""
    return list({id(part): part for part in parts if part.encoded is None}.values())
