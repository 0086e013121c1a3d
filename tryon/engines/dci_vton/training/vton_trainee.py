"""The diffusion network as the training room sees it: pictures in, losses out; and pictures drawn by the engine's own runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.core.arrays import RGB, Grey
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import choose_device
from tryon.batching import Limits
from tryon.engines.dci_vton.checkpoint import fill_network
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.presets import BALANCED
from tryon.engines.dci_vton.runtime import PreparedGarment, Runtime
from tryon.engines.dci_vton.sampling import keep_masks
from tryon.engines.dci_vton.training.config import VtonTraining
from tryon.engines.dci_vton.training.vton_groups import trained_groups
from tryon.engines.dci_vton.training.vton_item import VtonItem
from tryon.engines.dci_vton.training.vton_loss import VtonLatents, vton_losses
from tryon.networks.compvis_names import with_values
from tryon.networks.latent_mask import latent_mask
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.switches import ALL
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.samplers.schedule import TRAIN_STEPS
from tryon.training.data.items import Item, resized
from tryon.training.encoder import FrozenEncoder
from tryon.training.judges.vgg import VggDistance
from tryon.training.parameters import Groups
from tryon.training.randomness import SampleDraws, happens

PICTURES = ("person", "inpaint_image", "warp_feat")
"""Encoded by the VAE, each with a draw of its own."""
FIXED = 0
"""The seed of what is drawn for the validation loss."""


@dataclass(frozen=True, kw_only=True)
class VtonBatch:
    """One micro-batch; h and w are the square's side / 8.

    Args:
        pictures: (b·3, 3, 8h, 8w) in [-1, 1]: all photos, all inpaint pictures, all pictures with the warped garment.
        draws: (b·3, 4, h, w) standard normal, for the posteriors.
        reference: (b, 3, 224, 224), garments as CLIP sees them.
        keep: (b, 1, h, w) in [0, 1], 1 = keep.
        noise, warped_noise: (b, 4, h, w).
        timesteps: (b,) integers.
        dropped: (b,) bool.
        ids: of the pairs whose encodings may be kept; none in validation.
    """

    pictures: Tensor
    draws: Tensor
    reference: Tensor
    keep: Tensor
    noise: Tensor
    warped_noise: Tensor
    timesteps: Tensor
    dropped: Tensor
    ids: tuple[str, ...] = ()

    def to(self, device: Any) -> VtonBatch:
        """The same on a device."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        moved: dict[str, Any] = {n: v.to(device, non_blocking=True) for n, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)


class VtonLossModule(nn.Module):
    """The network, called as a loss."""

    def __init__(self, network: DciVton, config: VtonTraining, judge: VggDistance | None, recompute: bool = False) -> None:
        super().__init__()
        self.network, self.config, self.judge, self.recompute = network, config, judge, recompute
        self._encoder = FrozenEncoder(config.cache, len(PICTURES))

    def forward(self, batch: VtonBatch) -> dict[str, Tensor]:
        """Encode without gradients, then calculate the loss: `loss` is what is minimised."""
        parts = vton_losses(self.network, self.encoded(batch), self.config, self.judge, recompute=self.recompute)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    @torch.no_grad()
    def encoded(self, batch: VtonBatch) -> VtonLatents:
        """What the loss is calculated from."""
        net, count = self.network, len(PICTURES)
        kinds = zip(PICTURES, batch.pictures.chunk(count), batch.draws.chunk(count), strict=True)
        # One kind at a time: all together they would take more memory than the rest of the step.
        latents = [self._encoder.posterior(net.vae, kind, shown, batch.ids).sample(draws) for kind, shown, draws in kinds]
        image, inpaint, warped = latents
        pooled = self._encoder.vectors(
            lambda shown: net.image_encoder(shown.to(net.dtype)).pooler_output, (batch.reference,), batch.ids
        )
        return VtonLatents(
            photo=batch.pictures.chunk(count)[0],
            image=image,
            warped=warped,
            shown=torch.cat([inpaint, batch.keep], dim=1),
            pooled=pooled.to(net.dtype),
            noise=batch.noise,
            warped_noise=batch.warped_noise,
            timesteps=batch.timesteps,
            dropped=batch.dropped,
        )


@dataclass(frozen=True)
class WarpedPair:
    """A pair's artefacts, read already: what the engine asks a pair for."""

    cloth: RGB
    mask: Grey

    def picture(self, artefact: Any) -> RGB:
        """(h, w, 3) uint8 RGB: the warped garment."""
        return self.cloth

    def soft_mask(self, artefact: Any) -> Grey:
        """(h, w) uint8: its mask."""
        return self.mask


class VtonTrainee:
    """See `protocol.Trainee`.

    Args:
        network: built with `savings.TRAINING`, on the CPU.
        config: section `dci_vton`.
        judge: VGG, or None.
        recompute: gradient checkpointing.
        about: see `protocol.Trainee`.
    """

    def __init__(
        self,
        network: DciVton,
        config: VtonTraining,
        judge: VggDistance | None,
        recompute: bool = False,
        about: Sequence[str] = (),
    ) -> None:
        self._network, self._config, self.about = network, config, about
        self._module = VtonLossModule(network, config, judge, recompute)

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    def groups(self) -> Groups:
        """See `protocol.Trainee`."""
        return trained_groups(self._network)

    def buffers(self) -> Mapping[str, Tensor]:
        """None: this network keeps no statistics."""
        return {}

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> VtonBatch:
        """See `protocol.Trainee`."""
        share, seed = self._config.drop_token, draws[0].seed
        if self._config.drop_each == "batch":
            dropped = [happens(share, "drop token", seed, step, micro)] * len(items)
        else:
            dropped = [happens(share, "drop token", seed, step, item.id) for item in items]
        made = self._batch(items, draws, [each.timestep(TRAIN_STEPS) for each in draws], dropped)
        return replace(made, ids=tuple(item.id for item in items))

    def validation_batch(self, items: Sequence[Item], timestep: int) -> VtonBatch:
        """See `protocol.Trainee`."""
        draws = [SampleDraws(FIXED, timestep, item.id) for item in items]
        return self._batch(items, draws, [timestep] * len(items), [False] * len(items))

    def moved(self, batch: VtonBatch, device: Any) -> VtonBatch:
        """See `protocol.Trainee`."""
        return batch.to(device)

    def target(self, item: Item) -> RGB:
        """The photo."""
        return item.image

    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """Pictures exactly as the engine would make them of the exported weights, then as small as the items."""
        net = self._network
        device = choose_device(str(net.device))
        weights = {name: tensor.detach() for name, tensor in net.state_dict().items()}
        weights |= {name: tensor.detach() for name, tensor in trained.items()}
        sampling = replace(BALANCED, steps=self._config.draw_steps)
        drawn = fill_network(with_values(weights), choose_dtype(sampling.dtype, device), net.architecture, ALL)
        height, width = items[0].image.shape[:2]
        runtime = Runtime(drawn, self._config.variant, sampling, Limits(device, len(items)), height)
        pictures = [dressed.picture for dressed in runtime.dress([_asked(item, seed) for item in items])]
        return [resized(picture, (height, width)) for picture in pictures]

    def _batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], timesteps: list[int], dropped: list[bool]) -> VtonBatch:
        shown = [item for item in items if isinstance(item, VtonItem)]
        inputs = [item.inputs(self._config.variant) for item in shown]
        side = inputs[0].person.shape[-1] // LATENT_STRIDE
        latent = (LATENT_CHANNELS, side, side)
        return VtonBatch(
            pictures=torch.from_numpy(np.stack([getattr(each, name) for name in PICTURES for each in inputs])),
            draws=torch.stack([each.normal(name, latent) for name in PICTURES for each in draws]),
            reference=torch.from_numpy(np.stack([item.reference for item in shown])),
            keep=latent_mask(keep_masks(inputs)),
            noise=torch.stack([each.normal("noise", latent) for each in draws]),
            warped_noise=torch.stack([each.normal("warped noise", latent) for each in draws]),
            timesteps=torch.tensor(timesteps),
            dropped=torch.tensor(dropped),
        )


def _asked(item: Item, seed: int) -> TryOnItem:
    assert isinstance(item, VtonItem)
    pair: Any = WarpedPair(item.warped, item.warped_mask)
    return TryOnItem(item.person, PreparedGarment(item.reference), seed, pair)
