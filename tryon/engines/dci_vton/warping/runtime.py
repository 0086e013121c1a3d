"""The loaded warping network: features once per person and garment, a flow per pair, the garment moved at the canvas's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Float, Grey, Labels
from pipeline.core.errors import WeightsError
from pipeline.core.masks import Mask
from tryon.engines.dci_vton.conditions import nearest, squashed
from tryon.engines.dci_vton.flow_picture import flow_picture
from tryon.engines.dci_vton.warp_conditions import SIZE, one_hot
from tryon.engines.dci_vton.warping.network import Warper, warp
from tryon.networks.pictures import picture_tensor, to_levels

Size = tuple[int, int]


@dataclass(frozen=True)
class WarpPerson:
    """A person's pyramid, coarsest first, and the (height, width) of the canvas."""

    pyramid: list[Tensor]
    canvas: Size


@dataclass(frozen=True)
class WarpGarment:
    """A garment's pyramid, coarsest first, and what is moved.

    Args:
        pyramid: (1, 256, h, w) per level.
        cloth: (h, w, 3) uint8 RGB.
        mask: (h, w) bool.
    """

    pyramid: list[Tensor]
    cloth: RGB
    mask: Mask


@dataclass(frozen=True)
class WarpPictures:
    """A warped garment on the canvas.

    Args:
        cloth: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, soft, 255 = garment.
        flow: (h, w, 3) uint8 RGB, see `flow_picture`.
    """

    cloth: RGB
    mask: Grey
    flow: RGB


class Warping:
    """Warps with a loaded network.

    Args:
        network: on the CPU, evaluation mode.
        device: where to run.
    """

    def __init__(self, network: Warper, device: str) -> None:
        self.network, self.device = network.to(device), torch.device(device)
        self._layout = torch.channels_last if self.device.type == "cpu" else torch.contiguous_format
        for part in (network.garment_encoder, network.garment_pyramid, network.person_encoder, network.person_pyramid):
            part.to(memory_format=self._layout)  # type: ignore[call-overload]  # the stub lacks it

    @torch.inference_mode()
    def encode_person(self, densepose: RGB, parse_agnostic: Labels) -> WarpPerson:
        """See what a person wears and how they stand.

        Args:
            densepose: (h, w, 3) uint8 RGB.
            parse_agnostic: (h, w) uint8 of `Parse`.
        """
        groups = self._there(one_hot(nearest(parse_agnostic, SIZE)))
        pyramid = self.network.encode_person(groups, self._there(squashed(densepose, SIZE)))
        return WarpPerson(_for_sampling(pyramid), (densepose.shape[0], densepose.shape[1]))

    @torch.inference_mode()
    def encode_garment(self, cloth: RGB, mask: Mask) -> WarpGarment:
        """See a garment: (h, w, 3) uint8 RGB, not masked, and (h, w) bool."""
        pyramid = self.network.encode_garment(self._there(squashed(cloth, SIZE)))
        return WarpGarment(_for_sampling(pyramid), cloth, mask)

    @torch.inference_mode()
    def warp(self, person: WarpPerson, garment: WarpGarment) -> WarpPictures:
        """Bend a garment onto a person.

        Raises:
            WeightsError: the flow holds no numbers; only weights can do that.
        """
        grid = self.network(garment.pyramid, person.pyramid)
        if not bool(torch.isfinite(grid).all()):
            raise WeightsError(
                "the warping network's flow holds no numbers", "python run.py weights verify dci-vton-warp --rehash"
            )
        mask = torch.from_numpy(garment.mask.astype(np.float32))[None, None]
        warped = warp(grid, picture_tensor(garment.cloth).to(self.device), mask.to(self.device), person.canvas)
        cloth = to_levels((warped.cloth + 1) * 127.5, rounded=True)[0].permute(1, 2, 0).cpu().numpy()
        soft = to_levels(warped.mask * 255, rounded=True)[0, 0].cpu().numpy()
        return WarpPictures(cloth, soft, flow_picture(warped.grid[0].cpu().numpy(), (soft / 255).astype(np.float32)))

    def _there(self, values: Float) -> Tensor:
        return torch.from_numpy(values)[None].to(self.device, memory_format=self._layout)


def _for_sampling(pyramid: list[Tensor]) -> list[Tensor]:
    """Channel by channel: convolutions are quicker with channels last, looking up places many times slower."""
    return [level.contiguous() for level in pyramid]
