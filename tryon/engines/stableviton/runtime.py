"""The loaded engine: a network on its device, and what it keeps between batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from pipeline.core.device import Device
from pipeline.core.engine import DressedPerson, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.errors import InputError
from pipeline.core.layout import ATTENTION
from tryon.batching import BatchSizer
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.attention_picture import AttentionRecorder, attention_picture, recorder_for
from tryon.engines.stableviton.denoiser import Batch, TimeTable
from tryon.engines.stableviton.encoding import EncodedGarment, EncodedPerson, Size, encode_garment, encode_person, prepare_person
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import SamplingConfig, Start
from tryon.networks.compiling import Compiled
from tryon.networks.swapping import use_plain_layers
from tryon.noise import SeededNoise

Made = TypeVar("Made")


@dataclass(frozen=True)
class CanvasPerson:
    """An encoded person and the size of the canvas the result goes back to."""

    encoded: EncodedPerson
    canvas: Size


@dataclass(frozen=True)
class Limits:
    """What the machine allows.

    Args:
        device: where to run.
        batch_size: most pictures made together.
        remedy: what a user can do when not even one picture fits into the memory.
    """

    device: Device
    batch_size: int = 1
    remedy: str = ""


class Runtime:
    """Encodes and dresses with a loaded network.

    Args:
        loaded: the network, on the CPU.
        config: how to sample.
        size: (height, width) to work at, pixels.
        limits: what the machine allows.
        save_attention: record where patches look.
    """

    def __init__(self, loaded: Loaded, config: SamplingConfig, size: Size, limits: Limits, save_attention: bool = False) -> None:
        _check_variant_size(loaded, size)
        self.network, self.variant, self.identity = loaded.network.to(limits.device.name), loaded.variant, loaded.identity
        self.config, self.size, self.save_attention = config, size, save_attention
        self._times = TimeTable(self.network)
        self._sizer: BatchSizer[TryOnItem, DressedPerson] = BatchSizer(
            self._dress, limits.batch_size, _release(limits.device), limits.remedy
        )

    @torch.inference_mode()
    def encode_person(self, person: PersonInputs) -> CanvasPerson:
        """Encode a person's conditions, at most once per person and category."""
        image = person.image()
        pictures = prepare_person(image, person.agnostic(), person.agnostic_mask(), person.densepose(), self.size)
        with_image = self.config.start is Start.PERSON
        encoded = encode_person(self.network, pictures, with_image=with_image, antialias=self.config.antialias)
        return CanvasPerson(encoded, (image.shape[0], image.shape[1]))

    @torch.inference_mode()
    def encode_garment(self, garment: GarmentInputs) -> EncodedGarment:
        """Encode a garment, once."""
        return encode_garment(self.network, garment.cloth(), self.size, antialias=self.config.antialias)

    def dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, in batches that fit the memory."""
        with torch.inference_mode():
            return self._sizer.run(items)

    def compile(self) -> None:
        """Compile the two halves of a model call; the first call of each batch size pays for it, and says so."""
        use_plain_layers(self.network)
        for name, about in (("noise", "the U-Net"), ("garment_features", "the spatial encoder")):
            setattr(self.network, name, Compiled(getattr(self.network, name), about))

    def _dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        recorder = recorder_for(self.size, len(items)) if self.save_attention else None
        latents = self._sample(items, recorder)
        for row in sampling.overflowed(latents):
            again = partial(self._sample, items[row : row + 1], None, fresh_table=True)
            latents[row] = self._in_full_precision(again)[0]
        pictures = [self._decode(latent, item) for latent, item in zip(latents, items, strict=True)]
        attention = self._attention(recorder, items, pictures)
        return [
            DressedPerson(_to_canvas(picture, item.person.canvas), extra={} if drawn is None else {ATTENTION: drawn})
            for picture, item, drawn in zip(pictures, items, attention, strict=True)
        ]

    def _sample(self, items: Sequence[TryOnItem], recorder: AttentionRecorder | None, fresh_table: bool = False) -> Tensor:
        batch = Batch(
            [item.person.encoded for item in items], [item.garment for item in items], [SeededNoise(item.seed) for item in items]
        )
        times = TimeTable(self.network) if fresh_table else self._times
        return sampling.sample(self.network, batch, self.config, times, recorder.probes if recorder else None)

    def _decode(self, latent: Tensor, item: TryOnItem) -> RGB:
        person: EncodedPerson = item.person.encoded
        decode = partial(sampling.decode, self.network, latent, person, self.config)
        picture = decode()
        if picture is None:
            picture = self._in_full_precision(decode)
        # Blank even in fp32: the step flags it; the canvas must still be a picture.
        return np.zeros((*self.size, 3), np.uint8) if picture is None else picture

    def _in_full_precision(self, work: Callable[[], Made]) -> Made:
        with sampling.full_precision(self.network):
            return work()

    def _attention(
        self, recorder: AttentionRecorder | None, items: Sequence[TryOnItem], pictures: Sequence[RGB]
    ) -> list[RGB | None]:
        if recorder is None:
            return [None] * len(items)
        return [
            attention_picture(weights, recorder.grid, item.garment.picture, picture, item.person.encoded.pictures.keep)
            for weights, item, picture in zip(recorder.maps(), items, pictures, strict=True)
        ]


def _to_canvas(picture: RGB, canvas: Size) -> RGB:
    """The artefact has the canvas's size whatever the network worked at."""
    if picture.shape[:2] == canvas:
        return picture
    enlarge = canvas[0] * canvas[1] > picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, canvas[::-1], interpolation=cv2.INTER_CUBIC if enlarge else cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


def _check_variant_size(loaded: Loaded, size: Size) -> None:
    fixed = loaded.variant.size
    if fixed is not None and size != fixed:
        raise InputError(f"{loaded.variant.name} works at {fixed} only, not at {size}", "leave height and width unset")


def _release(device: Device) -> Callable[[], None]:
    return {"cuda": torch.cuda.empty_cache, "mps": torch.mps.empty_cache}.get(device.kind, lambda: None)
