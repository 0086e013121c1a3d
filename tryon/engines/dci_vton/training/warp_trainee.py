"""The warping network as the training room sees it: pairs in, losses out; and garments warped by the network as it dresses.

Facts: docs/facts/dci_vton.md#training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.core.arrays import RGB
from tryon.engines.dci_vton.training.config import WarpTraining
from tryon.engines.dci_vton.training.warp_item import WarpItem, on_white
from tryon.engines.dci_vton.training.warp_loss import WarpTargets, warp_losses
from tryon.engines.dci_vton.warp_conditions import SIZE, worn_garment
from tryon.engines.dci_vton.warping.network import Warper, warp
from tryon.networks.pictures import picture_levels
from tryon.training.data.items import Item
from tryon.training.judges.vgg import VggDistance
from tryon.training.parameters import Groups
from tryon.training.randomness import SampleDraws
from tryon.training.synced_norm import use_synced_norms


@dataclass(frozen=True, kw_only=True)
class WarpBatch:
    """One micro-batch.

    Args:
        targets: see there.
        person: (n, 16, h, w): 13 label groups, and the body-part picture in [-1, 1].
        trained: whether the norms take and count this batch's statistics; in validation they use those counted so far.
    """

    targets: WarpTargets
    person: Tensor
    trained: bool = True


class WarpLossModule(nn.Module):
    """The network, called as a loss."""

    def __init__(self, warper: Warper, config: WarpTraining, judge: VggDistance | None) -> None:
        super().__init__()
        self.warper, self.config, self.judge = warper, config, judge

    def forward(self, batch: WarpBatch) -> dict[str, Tensor]:
        """`loss`, and its weighted parts."""
        self.warper.train(batch.trained)
        garment = self.warper.garment_pyramid(self.warper.garment_encoder(batch.targets.cloth))
        person = self.warper.person_pyramid(self.warper.person_encoder(batch.person))
        parts = warp_losses(list(self.warper.flow.levels(garment, person)), batch.targets, self.config, self.judge)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


class WarpTrainee:
    """See `protocol.Trainee`.

    Args:
        warper: the network, on the CPU.
        config: section `dci_warp`.
        judge: VGG, or None.
        about: see `protocol.Trainee`.
    """

    def __init__(self, warper: Warper, config: WarpTraining, judge: VggDistance | None, about: Sequence[str] = ()) -> None:
        use_synced_norms(warper)
        self._warper, self.about = warper, about
        self._module = WarpLossModule(warper, config, judge)

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    def groups(self) -> Groups:
        """The whole network; names are its own."""
        return {"warping network": dict(self._warper.named_parameters())}

    def buffers(self) -> Mapping[str, Tensor]:
        """Means, variances and counters of the norms."""
        return dict(self._warper.named_buffers())

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> WarpBatch:
        """See `protocol.Trainee`; nothing is drawn."""
        made = [_one(item) for item in items]
        targets = [torch.cat([getattr(each.targets, field.name) for each in made]) for field in fields(WarpTargets)]
        return WarpBatch(targets=WarpTargets(*targets), person=torch.cat([each.person for each in made]))

    def validation_batch(self, items: Sequence[Item], timestep: int) -> WarpBatch:
        """See `protocol.Trainee`; there are no timesteps here."""
        return replace(self.batch(items, (), 0, 0), trained=False)

    def moved(self, batch: WarpBatch, device: Any) -> WarpBatch:
        """See `protocol.Trainee`."""
        targets = (getattr(batch.targets, each.name).to(device, non_blocking=True) for each in fields(WarpTargets))
        return replace(batch, targets=WarpTargets(*targets), person=batch.person.to(device, non_blocking=True))

    def target(self, item: Item) -> RGB:
        """The garment as it is worn, on white."""
        return on_white(item.image, item.worn >= 128)

    @torch.no_grad()
    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """Garments on white, warped as the engine warps them."""
        warper = _filled(self._warper, trained)
        return [_warped(warper, item) for item in items]


def _one(item: Item) -> WarpBatch:
    assert isinstance(item, WarpItem)
    size = (item.image.shape[0], item.image.shape[1])
    inputs, (worn, worn_mask) = item.files.inputs(size), worn_garment(item.files.image, item.files.parse, size)
    planes = [torch.from_numpy(each)[None, None] for each in (inputs.cloth_mask.astype(np.float32), worn_mask)]
    targets = WarpTargets(torch.from_numpy(inputs.cloth)[None], planes[0], torch.from_numpy(worn)[None], planes[1])
    person = torch.cat([torch.from_numpy(inputs.groups), torch.from_numpy(inputs.densepose)])
    return WarpBatch(targets=targets, person=person[None])


def _filled(like: Warper, trained: Mapping[str, Tensor]) -> Warper:
    """A network of the same widths with other weights, as it dresses."""
    with torch.device("meta"):
        made = Warper(like.channels, like.width, like.between).eval()
    weights = {**like.state_dict(), **trained}
    made.load_state_dict({name: weights[name].detach() for name in made.state_dict()}, assign=True)
    return made


def _warped(warper: Warper, item: Item) -> RGB:
    """(h, w, 3) uint8 RGB at the item's size: by the flow of the engine's own conditions."""
    assert isinstance(item, WarpItem)
    device = next(warper.parameters()).device
    inputs, size = item.files.inputs(SIZE), (item.image.shape[0], item.image.shape[1])
    shown = (inputs.cloth, inputs.groups, inputs.densepose, inputs.cloth_mask[None].astype(np.float32))
    cloth, groups, densepose, mask = (torch.from_numpy(each)[None].to(device) for each in shown)
    grid = warper(warper.encode_garment(cloth), warper.encode_person(groups, densepose))
    warped = warp(grid, cloth, mask, size)
    return picture_levels(warped.cloth * warped.mask + (1 - warped.mask), rounded=True)[0].cpu().numpy()
