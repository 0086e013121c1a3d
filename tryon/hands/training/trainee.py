"""Stable Diffusion 1.5 with a LoRA beside its weights (peft), as the training room sees it: crops in, a weighted loss out.

Facts: docs/facts/lora_files.md#what-is-changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.core.arrays import RGB
from tryon.hands.base_model import BaseModel
from tryon.hands.inpainting import Canvas, Prompted, Sampling, inpaint
from tryon.hands.training.config import HandLoraConfig
from tryon.hands.training.data import HandItem
from tryon.lora_files import layers_of_peft
from tryon.networks.lora import Lora
from tryon.networks.pictures import picture_tensor
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.networks.vae import encode_pictures
from tryon.noise import SeededNoise
from tryon.samplers.schedule import TRAIN_STEPS, add_noise_each
from tryon.training.data.items import Item
from tryon.training.low_rank import changes_of, put_beside
from tryon.training.parameters import Groups
from tryon.training.randomness import SampleDraws, happens

UNET_LAYERS = (
    r".*attentions\.\d+\."
    r"(proj_in|proj_out|transformer_blocks\.\d+\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2)))"
)
TEXT_LAYERS = r".*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"
FIXED = 0
"""The seed of what is drawn for the validation loss."""


@dataclass(frozen=True, kw_only=True)
class HandBatch:
    """One micro-batch; h and w are the crop's sides / 8.

    Args:
        pictures: (b, 3, 8h, 8w) in [-1, 1].
        draws: (b, 4, h, w) standard normal, for the posterior.
        noise: (b, 4, h, w).
        timesteps: (b,) integers.
        weights: (b, 1, h, w): what each latent's loss weighs.
        tokens: (b, 77) integers.
    """

    pictures: Tensor
    draws: Tensor
    noise: Tensor
    timesteps: Tensor
    weights: Tensor
    tokens: Tensor

    def to(self, device: Any) -> HandBatch:
        """The same on a device."""
        return replace(self, **{each.name: getattr(self, each.name).to(device, non_blocking=True) for each in fields(self)})


class LossModule(nn.Module):
    """U-Net, VAE and text encoder, called as a loss; only the text encoder's change, where it has one, gets gradients there."""

    def __init__(self, base: BaseModel, with_text: bool) -> None:
        super().__init__()
        self.unet, self.vae, self.text, self._with_text = base.unet, base.vae, base.text, with_text

    def forward(self, batch: HandBatch) -> dict[str, Tensor]:
        """The error of the predicted noise, weighted by where the hand is: `loss` is what is minimised."""
        with torch.no_grad():
            latents = encode_pictures(self.vae, batch.pictures).sample(batch.draws)
            noisy = add_noise_each(latents, batch.noise, batch.timesteps)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._with_text):
            context = self.text(batch.tokens).last_hidden_state
        predicted = self.unet(noisy.to(self.unet.conv_in.weight.dtype), batch.timesteps, context).sample.float()
        error = (predicted - batch.noise).square().mean(dim=1, keepdim=True)
        loss = ((error * batch.weights).sum(dim=(1, 2, 3)) / batch.weights.sum(dim=(1, 2, 3))).mean()
        return {"loss": loss, "plain": error.detach().mean()}


class HandLoraTrainee:
    """See `protocol.Trainee`.

    Args:
        base: opened without a LoRA, with the plain U-Net, on the CPU; a change is put beside its layers.
        config: section `hand_lora`.
        seed: of the change's first weights.
        recompute: gradient checkpointing.
    """

    def __init__(self, base: BaseModel, config: HandLoraConfig, seed: int = 0, recompute: bool = False) -> None:
        self._base, self._config = base, config
        put_beside(base.unet, UNET_LAYERS, config.rank, config.scaled_by, seed)
        if config.text_encoder:
            put_beside(base.text, TEXT_LAYERS, config.rank, config.scaled_by, seed)
        if recompute:
            base.unet.enable_gradient_checkpointing()
        self._module = LossModule(base, config.text_encoder)

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    @property
    def about(self) -> Sequence[str]:
        """See `protocol.Trainee`."""
        count = sum(len(group) // 2 for group in self.groups().values())
        return (f"{count} layers are changed, rank {self._config.rank}, alpha {self._config.scaled_by:g}",)

    def groups(self) -> Groups:
        """Every layer's two matrices, by the part they are in."""
        parts = {"unet": self._base.unet, "text": self._base.text}
        found = {part: changes_of(network, part) for part, network in parts.items()}
        return {part: group for part, group in found.items() if group}

    def buffers(self) -> Mapping[str, Tensor]:
        """See `protocol.Trainee`: none."""
        return {}

    def target(self, item: Item) -> RGB:
        """See `protocol.Trainee`."""
        return item.image

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> HandBatch:
        """See `protocol.Trainee`."""
        captions = [self._shown(item, draw) for item, draw in zip(items, draws, strict=True)]
        return self._batch(items, draws, [each.timestep(TRAIN_STEPS) for each in draws], captions)

    def validation_batch(self, items: Sequence[Item], timestep: int) -> HandBatch:
        """See `protocol.Trainee`."""
        draws = [SampleDraws(FIXED, timestep, item.id) for item in items]
        return self._batch(items, draws, [timestep] * len(items), [_caption(item) for item in items])

    def moved(self, batch: HandBatch, device: Any) -> HandBatch:
        """See `protocol.Trainee`."""
        return batch.to(device)

    @torch.no_grad()
    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """Each hand painted anew under its mask, or all of the picture where it has none."""
        config = self._config
        sampling = Sampling(steps=config.draw_steps, strength=config.draw_strength)
        drawn = []
        with self._with(trained):
            for item in items:
                networks = Prompted(self._base.unet, self._base.vae, self._base.encoded([_caption(item), ""]))
                mask = item.mask >= 128
                canvas = Canvas(item.image, mask if mask.any() else ~mask)
                (picture,) = inpaint(networks, canvas, sampling, [SeededNoise(seed)])
                drawn.append(item.image * 0 if picture is None else picture)
        return drawn

    def lora(self, trained: Mapping[str, Tensor], name: str) -> Lora:
        """The trained weights as a LoRA."""
        parts = {
            part: {key.removeprefix(f"{part}."): each for key, each in trained.items() if key.startswith(f"{part}.")}
            for part in ("unet", "text")
        }
        unet, text = (layers_of_peft(tensors, self._config.scaled_by) for tensors in parts.values())
        return Lora(unet, text, name)

    def _shown(self, item: Item, draw: SampleDraws) -> str:
        """The caption, or now and then none."""
        left_out = happens(self._config.drop_caption, "drop caption", draw.seed, draw.step, draw.sample)
        return "" if left_out else _caption(item)

    @contextmanager
    def _with(self, trained: Mapping[str, Tensor]) -> Iterator[None]:
        """Other weights for a while; afterwards every bit is as before."""
        own = {name: each for group in self.groups().values() for name, each in group.items()}
        before = {name: each.detach().clone() for name, each in own.items()}
        try:
            for name, each in own.items():
                each.copy_(trained[name])
            yield
        finally:
            for name, each in own.items():
                each.copy_(before[name])

    def _batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], timesteps: list[int], captions: list[str]) -> HandBatch:
        height, width = items[0].mask.shape
        latent = (LATENT_CHANNELS, height // LATENT_STRIDE, width // LATENT_STRIDE)
        return HandBatch(
            pictures=torch.cat([picture_tensor(item.image) for item in items]),
            draws=torch.stack([each.normal("posterior", latent) for each in draws]),
            noise=torch.stack([each.normal("noise", latent) for each in draws]),
            timesteps=torch.tensor(timesteps),
            weights=torch.cat([loss_weights(item, self._config.outside) for item in items]),
            tokens=self._base.tokens(captions),
        )


def loss_weights(item: Item, outside: float) -> Tensor:
    """(1, 1, h / 8, w / 8) fp32: 1 in every cell that the hand touches, `outside` elsewhere; 1 everywhere without a mask."""
    mask = torch.from_numpy((item.mask >= 128).astype("float32"))[None, None]
    touched = F.max_pool2d(mask, LATENT_STRIDE)
    return outside + (1 - outside) * touched if bool(mask.any()) else torch.ones_like(touched)


def _caption(item: Item) -> str:
    assert isinstance(item, HandItem)
    return item.caption
