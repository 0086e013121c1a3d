"""StableVITON as the training room sees it: pictures in, losses out; and pictures drawn by the inference engine's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.core.arrays import RGB
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import choose_device
from tryon.batching import Limits
from tryon.engines.stableviton.checkpoint import fill_network
from tryon.engines.stableviton.encoding import PersonPictures
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.presets import BALANCED
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.stableviton.training.config import StableVitonTraining
from tryon.engines.stableviton.training.groups import TrainedParts, Unlock, trained_groups
from tryon.engines.stableviton.training.loss import LatentBatch, LossOptions, training_loss
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.clip import clip_input
from tryon.networks.compvis_names import with_values
from tryon.networks.latent_mask import latent_mask
from tryon.networks.pictures import picture_tensor
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.switches import ALL
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.samplers.schedule import TRAIN_STEPS
from tryon.training.data.items import Item
from tryon.training.encoder import FrozenEncoder
from tryon.training.parameters import Groups
from tryon.training.randomness import SampleDraws, happens

PICTURES = ("image", "agnostic", "densepose", "cloth")
"""Encoded by the VAE, each with a draw of its own."""

FIXED = 0
"""The seed of what is drawn for the validation loss."""


@dataclass(frozen=True, kw_only=True)
class PictureBatch:
    """One micro-batch; h and w are image side / 8.

    Args:
        pictures: (b·4, 3, 8h, 8w) in [-1, 1]: all photos, all agnostic pictures, all densepose pictures, all garments.
        draws: (b·4, 4, h, w) standard normal, for the posteriors.
        keep: (b, 1, h, w) in [0, 1], 1 = keep.
        worn: (b, 1, 8h, 8w) in [0, 1], 1 = garment; None where no loss looks at it.
        noise: (b, 4, h, w).
        timesteps: (b,) integers.
        dropped: see `loss.LatentBatch`.
        ids: of the pairs whose encodings may be kept; none in validation.
    """

    pictures: Tensor
    draws: Tensor
    keep: Tensor
    worn: Tensor | None
    noise: Tensor
    timesteps: Tensor
    dropped: bool
    ids: tuple[str, ...] = ()

    def to(self, device: Any) -> PictureBatch:
        """The same on a device."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        moved: dict[str, Any] = {n: v.to(device, non_blocking=True) for n, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)


class LossModule(nn.Module):
    """The network, called as a loss; see `FrozenEncoder` for `kept`, a number of pairs."""

    def __init__(self, network: StableViton, options: LossOptions, parts: TrainedParts, kept: int = 0) -> None:
        super().__init__()
        self.network, self.options, self.parts = network, options, parts
        self._encoder = FrozenEncoder(kept, len(PICTURES))

    def forward(self, batch: PictureBatch) -> dict[str, Tensor]:
        """Encode without gradients, then calculate the loss: `loss` is what is minimised."""
        losses = training_loss(self.network, self.encoded(batch), self.options)
        return {"loss": losses.total, **losses.parts}

    def encoded(self, batch: PictureBatch) -> LatentBatch:
        """What the loss is calculated from."""
        net = self.network
        with torch.no_grad():
            kinds = list(zip(PICTURES, batch.pictures.chunk(len(PICTURES)), batch.draws.chunk(len(PICTURES)), strict=True))
            # One kind at a time: all together they would take more memory than the rest of the step.
            latents = [self._encoder.posterior(net.vae, kind, shown, batch.ids).sample(draws) for kind, shown, draws in kinds]
            image, agnostic, densepose, garment = latents
            pooled = self._encoder.vectors(
                lambda shown: net.image_encoder(clip_input(shown)).pooler_output, (kinds[-1][1],), batch.ids
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.parts.mapper):
            features = net.mapper.features(pooled.to(net.dtype))
        return LatentBatch(
            image=image,
            conditions=torch.cat([agnostic, batch.keep, densepose], dim=1),
            garment=garment,
            features=features,
            noise=batch.noise,
            timesteps=batch.timesteps,
            worn=batch.worn,
            dropped=batch.dropped,
        )


class StableVitonTrainee:
    """See `protocol.Trainee`.

    Args:
        network: built with `savings.TRAINING`, on the CPU.
        config: section `stableviton`.
        recompute: gradient checkpointing.
        about: see `protocol.Trainee`.
    """

    def __init__(
        self, network: StableViton, config: StableVitonTraining, recompute: bool = False, about: Sequence[str] = ()
    ) -> None:
        parts = TrainedParts(frozenset(Unlock(name) for name in config.unlock))
        options = LossOptions(attention=config.attention_loss, frozen_encoder=not parts.encoder, recompute=recompute)
        self._network, self._config, self._parts = network, config, parts
        self._module = LossModule(network, options, parts, config.cache)
        self.about: Sequence[str] = about

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    def groups(self) -> Groups:
        """See `groups.trained_groups`."""
        return trained_groups(self._network, self._parts)

    def buffers(self) -> Mapping[str, Tensor]:
        """None: this network keeps no statistics."""
        return {}

    def target(self, item: Item) -> RGB:
        """The photo."""
        return item.image

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> PictureBatch:
        """See `protocol.Trainee`."""
        dropped = happens(self._config.drop_token, "drop token", draws[0].seed, step, micro)
        made = self._batch(items, draws, [each.timestep(TRAIN_STEPS) for each in draws], dropped)
        return replace(made, ids=tuple(item.id for item in items))

    def validation_batch(self, items: Sequence[Item], timestep: int) -> PictureBatch:
        """See `protocol.Trainee`."""
        draws = [SampleDraws(FIXED, timestep, item.id) for item in items]
        return self._batch(items, draws, [timestep] * len(items), dropped=False)

    def moved(self, batch: PictureBatch, device: Any) -> PictureBatch:
        """See `protocol.Trainee`."""
        return batch.to(device)

    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """Pictures exactly as the engine would make them of the exported weights."""
        net = self._network
        device = choose_device(str(net.device))
        weights = {name: tensor.detach() for name, tensor in net.state_dict().items()}
        weights |= {name: tensor.detach() for name, tensor in trained.items()}
        sampling = replace(BALANCED, steps=self._config.draw_steps)
        drawn = fill_network(net.architecture, with_values(weights), choose_dtype(sampling.dtype, device), ALL)
        size = (items[0].image.shape[0], items[0].image.shape[1])
        runtime = Runtime(Loaded(drawn, STABLEVITON, "training"), sampling, size, Limits(device, len(items)))
        asked = [TryOnItem(CanvasPerson(_person(item), size), CanvasGarment(item.cloth), seed) for item in items]
        return [dressed.picture for dressed in runtime.dress(asked)]

    def _batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], timesteps: list[int], dropped: bool) -> PictureBatch:
        height, width = items[0].mask.shape
        latent = (LATENT_CHANNELS, height // LATENT_STRIDE, width // LATENT_STRIDE)
        keep = torch.cat([_plane(item.keep) for item in items])
        return PictureBatch(
            pictures=torch.cat([picture_tensor(getattr(item, name)) for name in PICTURES for item in items]),
            draws=torch.stack([each.normal(name, latent) for name in PICTURES for each in draws]),
            keep=latent_mask(keep),
            worn=torch.cat([_plane(item.worn) for item in items]) if self._config.attention_loss else None,
            noise=torch.stack([each.normal("noise", latent) for each in draws]),
            timesteps=torch.tensor(timesteps),
            dropped=dropped,
        )


def _plane(grey: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """(h, w) uint8 → (1, 1, h, w) fp32 in [0, 1]."""
    return torch.from_numpy(grey.astype(np.float32) / np.float32(255))[None, None]


def _person(item: Item) -> PersonPictures:
    agnostic = np.clip(item.agnostic, 0, 255).astype(np.uint8)
    return PersonPictures(image=item.image, agnostic=agnostic, densepose=item.densepose, keep=item.keep)
