"""The loaded engine: a network on its device, and what it keeps between batches."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Float
from pipeline.core.engine import DressedPerson, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.layout import CLOTH_WARP, CLOTH_WARP_MASK
from tryon.batching import Limits
from tryon.engines.dci_vton import sampling
from tryon.engines.dci_vton.conditions import (
    SIDE,
    DiffusionInputs,
    PersonConditions,
    first_model_inputs,
    mask_hole,
    reference_garment,
    second_model_inputs,
)
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.presets import SamplingConfig
from tryon.engines.dci_vton.sampling import Encoded
from tryon.engines.dci_vton.variants import FIRST
from tryon.networks.layout import arrange
from tryon.networks.pictures import to_canvas
from tryon.networks.precision import fp32_products, mend_overflow
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1_unet import Shifts
from tryon.networks.vae import DECODE_BYTES_PER_PIXEL, ENCODE_BYTES_PER_PIXEL
from tryon.noise import SeededNoise
from tryon.samplers.schedule import TRAIN_STEPS, leading_timesteps
from tryon.system_memory import give_freed_memory_back, keep_freed_memory

_log = logging.getLogger("lookbook")


@dataclass
class PreparedGarment:
    """A garment as CLIP sees it, and its token by the first batch that needs it."""

    reference: Float  # (3, 224, 224) float32
    token: Tensor | None = None  # (1, 1, context_dim)


@dataclass(frozen=True)
class Prepared:
    """An item with everything that it is sampled from."""

    item: TryOnItem
    inputs: DiffusionInputs
    encoded: Encoded


@dataclass(frozen=True)
class Sampled:
    """What the sampler made of an item: (4, h, w) scaled latents."""

    inputs: DiffusionInputs
    latents: Tensor


class Runtime:
    """Dresses with a loaded network.

    Args:
        network: on the CPU.
        variant: which of the two published models it is; decides what it is shown.
        config: how to sample.
        limits: what the machine allows.
        side: of the square that it works on, pixels.
    """

    def __init__(self, network: DciVton, variant: str, config: SamplingConfig, limits: Limits, side: int = SIDE) -> None:
        self.network, self.variant, self.config, self.side = network, variant, config, side
        arrange(network, limits.device.name, network.savings)
        self._times = TimeTable(network)
        self._packs = limits.device.kind == "cpu"  # in the first batch; until then what is freed is weights
        width = network.dtype.itemsize / 2
        needs = (ENCODE_BYTES_PER_PIXEL * 2, DECODE_BYTES_PER_PIXEL)  # two pictures of an item are encoded together
        encoded, decoded = (limits.at_once((side, side), width * need) for need in needs)
        self._encoder = limits.sizer(self._encode_batch, encoded)
        self._tokens = limits.sizer(self._token_batch, encoded)
        self._sampler = limits.sizer(self._sample_batch, limits.batch_size)
        self._decoder = limits.sizer(self._decode_batch, decoded)
        if line := steps_line(config):
            _log.warning("%s", line)

    def encode_person(self, person: PersonInputs) -> PersonConditions:
        """Read a person's conditions, at most once per person and category."""
        image, repaint = person.image(), person.agnostic_mask()
        if self.variant != FIRST:
            return PersonConditions(image, person.agnostic(), repaint)
        # its masks cover hands, which its loader's agnostic picture shows as the photo does
        return PersonConditions(image, image, repaint, person.parse(), person.parse_agnostic())

    def encode_garment(self, garment: GarmentInputs) -> PreparedGarment:
        """Prepare a garment, once."""
        return PreparedGarment(reference_garment(garment.cloth(), garment.cloth_mask()))

    @torch.inference_mode()
    def dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, in batches that fit the memory; the last one may be smaller."""
        with fp32_products(exact=self.config.dtype == "fp32"):
            self._show([item.garment for item in items])
            inputs = [self._inputs(item) for item in items]
            encoded = self._encoder.run(inputs)
            sampled = self._sampler.run([Prepared(*each) for each in zip(items, inputs, encoded, strict=True)])
            pictures = self._decoder.run(sampled)
        if self._packs:
            give_freed_memory_back()
            keep_freed_memory()
            self._packs = False
        return [_dressed(item, picture) for item, picture in zip(items, pictures, strict=True)]

    def _show(self, garments: Sequence[PreparedGarment]) -> None:
        """Let the network see those garments that it has not seen, each once."""
        waiting = list({id(garment): garment for garment in garments if garment.token is None}.values())
        for garment, token in zip(waiting, self._tokens.run(waiting), strict=True):
            garment.token = token

    def _inputs(self, item: TryOnItem) -> DiffusionInputs:
        assert item.pair is not None, "the card names artefacts of the pair"
        person, warped, mask = item.person, item.pair.picture(CLOTH_WARP), item.pair.soft_mask(CLOTH_WARP_MASK)
        if self.variant != FIRST:
            return second_model_inputs(person, warped, mask, self.side)
        return first_model_inputs(person, warped, mask, self.side, hole=mask_hole(person.repaint, self.side))

    def _encode_batch(self, inputs: Sequence[DiffusionInputs]) -> list[Encoded]:
        return sampling.encoded(self.network, inputs)

    def _token_batch(self, garments: Sequence[PreparedGarment]) -> list[Tensor]:
        squares = torch.from_numpy(np.stack([garment.reference for garment in garments]))
        return list(self.network.garment_token(squares.to(self.network.device)).float()[:, None])

    def _sample_batch(self, prepared: Sequence[Prepared]) -> list[Sampled]:
        net = self.network
        latents = mend_overflow(
            self._sample(prepared, self._times),
            (net.unet, net.mapper),
            lambda row: self._sample(prepared[row : row + 1], TimeTable(net)),
        )
        return [Sampled(each.inputs, latent) for each, latent in zip(prepared, latents, strict=True)]

    def _sample(self, prepared: Sequence[Prepared], times: TimeTable[Shifts]) -> Tensor:
        noises = [SeededNoise(each.item.seed) for each in prepared]
        inputs, encoded = [each.inputs for each in prepared], [each.encoded for each in prepared]
        conditions = sampling.drawn(self.network, inputs, encoded, noises)
        tokens = torch.cat([each.item.garment.token for each in prepared])
        denoiser = sampling.Denoiser(self.network, conditions, tokens, times, self.config.guidance_scale)
        return sampling.sample(denoiser, conditions.start, self.config.solver, self.config.steps)

    def _decode_batch(self, sampled: Sequence[Sampled]) -> list[RGB]:
        latents = torch.stack([each.latents for each in sampled])
        return sampling.decode(self.network, latents, [each.inputs for each in sampled], rounded=self.config.rounded)


def steps_line(config: SamplingConfig) -> str:
    """What to know about a number of steps that does not divide the 1000 timesteps; "" when all is as asked.

    The published list takes every (1000 // steps)th timestep: other counts than asked come out, and at some the published script
    runs over the last timestep and fails. Here the list ends before.
    """
    if config.solver not in {"plms", "ddim"}:
        return ""
    count, apart = len(leading_timesteps(config.steps)), TRAIN_STEPS // config.steps
    if (TRAIN_STEPS - 1) % apart == 0:
        return (
            f"{config.solver} with {config.steps} steps: the published script fails here, its list runs over timestep 999; "
            f"ours stops before, with {count} timesteps, the highest {1 + (count - 1) * apart}"
        )
    return "" if count == config.steps else f"{config.solver} with {config.steps} steps: as published, these are {count}"


def _dressed(item: TryOnItem, picture: RGB) -> DressedPerson:
    height, width = item.person.image.shape[:2]
    return DressedPerson(to_canvas(picture, (height, width)))
