"""Masked inpainting with Stable Diffusion 1.5, by its inpainting U-Net (9 channels) or by the plain one (4 channels).

The plain one is led by the photo itself: after every step the latents outside the mask are the photo's own again, with the noise
of the step. Steps and formulas are those of diffusers' pipeline, on its own PNDM scheduler. Nothing here puts pixels back: all of
the picture has gone through the VAE, and who wants the photo outside the mask composites it.

Facts: docs/facts/lora_files.md#masked-inpainting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import PNDMScheduler
from torch import Tensor

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from tryon.networks.pictures import picture_tensor
from tryon.networks.precision import dtype_of
from tryon.networks.sd1 import LATENT_STRIDE
from tryon.networks.vae import Posterior, decode_all, encode_pictures
from tryon.noise import NoiseStream, draw_batch
from tryon.samplers.schedule import BETA_END, BETA_START

PLAIN_INPUTS, INPAINTING_INPUTS = 4, 9
Watch = Callable[[int, Tensor], None]
"""Sees (timestep, latents) after each call of the network."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How an area is painted anew.

    Args:
        steps: of the whole schedule, noise to picture.
        strength: in (0, 1]: the share of them that is run; little keeps what is there.
        guidance_scale: 1 = the negative prompt has no effect, and a step costs one call instead of two.
    """

    steps: int = 30
    strength: float = 0.45
    guidance_scale: float = 7.5


@dataclass(frozen=True)
class Canvas:
    """What is painted on.

    Args:
        picture: (height, width, 3) uint8 RGB; sides are multiples of 64 (8 for tests' networks).
        mask: (height, width) bool, True = repaint.
    """

    picture: RGB
    mask: Mask


@dataclass(frozen=True)
class Prompted:
    """Networks that paint, and what they are told.

    Args:
        unet: diffusers' U-Net with 4 or 9 input channels.
        vae: diffusers' VAE.
        text: (2, n, c): the prompt's tokens, then the negative prompt's.
    """

    unet: Any
    vae: Any
    text: Tensor


def scheduler_of(sampling: Sampling) -> tuple[Any, list[int]]:
    """diffusers' PNDM as Stable Diffusion 1.5 configures it, and the timesteps that a strength runs.

    Of S steps the last ⌊S · strength⌋ are run, and one call more: the scheduler's list has one entry twice.
    """
    scheduler = PNDMScheduler(
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="scaled_linear",
        skip_prk_steps=True,
        steps_offset=1,
        set_alpha_to_one=False,
    )
    scheduler.set_timesteps(sampling.steps)
    first = max(sampling.steps - min(int(sampling.steps * sampling.strength), sampling.steps), 0)
    return scheduler, [int(each) for each in scheduler.timesteps[first:]]


def inpaint(
    networks: Prompted, canvas: Canvas, sampling: Sampling, noises: Sequence[NoiseStream], watch: Watch | None = None
) -> list[RGB | None]:
    """Paint an area anew, once per stream of noise.

    Args:
        networks: and their prompt.
        canvas: the picture and where to paint.
        sampling: how.
        noises: a stream per result. Draws, in this order: the picture's posterior (strength below 1, or 4 channels), the noise,
            the masked picture's posterior (9 channels).
        watch: sees every call.

    Returns:
        (height, width, 3) uint8 RGB each; None where a number format overflowed.
    """
    scheduler, timesteps = scheduler_of(sampling)
    unet, vae = networks.unet, networks.vae
    plain = unet.config.in_channels == PLAIN_INPUTS
    start = _start(vae, canvas, noises, drawn=plain or sampling.strength < 1)
    latents = (
        start.noise if sampling.strength == 1 else scheduler.add_noise(start.picture, start.noise, torch.tensor(timesteps[:1]))
    )
    mask = mask_on_latents(canvas.mask).to(latents)
    shown = None if plain else torch.cat([mask.expand(len(noises), -1, -1, -1), _masked(vae, canvas, noises)], dim=1)
    predict = _predictor(unet, networks.text, sampling.guidance_scale, shown)
    for number, timestep in enumerate(timesteps):
        latents = scheduler.step(predict(latents, timestep), timestep, latents, return_dict=False)[0]
        if plain:
            following = timesteps[number + 1 : number + 2]
            own = scheduler.add_noise(start.picture, start.noise, torch.tensor(following)) if following else start.picture
            latents = (1 - mask) * own + mask * latents
        if watch is not None:
            watch(timestep, latents)
    return decode_all(vae, latents, rounded=True)


def mask_on_latents(mask: Mask) -> Tensor:
    """(1, 1, h / 8, w / 8) fp32, 1 = repaint: the first pixel of each 8 x 8 cell, as in diffusers."""
    height, width = mask.shape
    return F.interpolate(torch.from_numpy(mask).float()[None, None], (height // LATENT_STRIDE, width // LATENT_STRIDE))


@dataclass(frozen=True)
class _Start:
    picture: Tensor  # (k, 4, h, w) scaled latents, one draw of the posterior per result
    noise: Tensor


def _start(vae: Any, canvas: Canvas, noises: Sequence[NoiseStream], *, drawn: bool) -> _Start:
    posterior = encode_pictures(vae, picture_tensor(canvas.picture).to(_device(vae)))
    shape = tuple(posterior.mean.shape[1:])
    latents = _sampled(posterior, noises) if drawn else posterior.sample(None)
    return _Start(latents, draw_batch(noises, shape).to(posterior.mean))


def _sampled(posterior: Posterior, noises: Sequence[NoiseStream]) -> Tensor:
    return posterior.sample(draw_batch(noises, tuple(posterior.mean.shape[1:])))


def _masked(vae: Any, canvas: Canvas, noises: Sequence[NoiseStream]) -> Tensor:
    """(k, 4, h, w): the picture with the middle grey where it will be painted."""
    keep = torch.from_numpy(~canvas.mask)
    return _sampled(encode_pictures(vae, (picture_tensor(canvas.picture) * keep).to(_device(vae))), noises)


def _predictor(unet: Any, text: Tensor, scale: float, shown: Tensor | None) -> Callable[[Tensor, int], Tensor]:
    dtype, device = dtype_of(unet), _device(unet)
    prompt, negative = (each[None].to(device, dtype) for each in text)

    def predict(latents: Tensor, timestep: int) -> Tensor:
        stack = (latents if shown is None else torch.cat([latents, shown], dim=1)).to(dtype)
        count = len(stack)
        if scale == 1:
            return unet(stack, timestep, prompt.expand(count, -1, -1)).sample.float()  # type: ignore[no-any-return]
        context = torch.cat([negative.expand(count, -1, -1), prompt.expand(count, -1, -1)])
        without, with_prompt = unet(torch.cat([stack, stack]), timestep, context).sample.float().chunk(2)
        return without + scale * (with_prompt - without)  # type: ignore[no-any-return]

    return predict


def _device(network: Any) -> torch.device:
    device: torch.device = next(network.parameters()).device
    return device
