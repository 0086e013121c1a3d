"""What the networks are shown of a person and of a garment (docs/facts/viton_hd.md#pictures)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.frame import STUDIO_GREY
from pipeline.core.masks import Mask
from tryon.engines.viton_hd.architecture import CLASSES, Architecture
from tryon.engines.viton_hd.fitting import Fit
from tryon.engines.viton_hd.labels import classes_of


@dataclass(frozen=True)
class ShownPerson:
    """A person in the networks' size.

    Args:
        agnostic: (h, w, 3) uint8, the area to repaint in grey 128.
        pose: (h, w, 3) uint8, the skeleton on black.
        classes: (h, w) uint8, the 13 classes without the garment to replace; None where they are not asked for.
        fit: how the canvas lies in it.
    """

    agnostic: RGB
    pose: RGB
    classes: Labels | None
    fit: Fit


@dataclass(frozen=True)
class ShownGarment:
    """A garment in the networks' size.

    Args:
        cloth: (h, w, 3) uint8.
        mask: (h, w) bool, True = garment.
    """

    cloth: RGB
    mask: Mask


def shown_person(architecture: Architecture, agnostic: RGB, pose: RGB, parse_agnostic: Labels | None) -> ShownPerson:
    """Bring a person's conditions to the networks' size.

    Args:
        architecture: says the size.
        agnostic, pose: (h, w, 3) uint8 RGB.
        parse_agnostic: (h, w) uint8 of `Parse`; None = not asked for.
    """
    fit = Fit((agnostic.shape[0], agnostic.shape[1]), architecture.size)
    classes = None if parse_agnostic is None else classes_of(fit.labels_into(parse_agnostic))
    return ShownPerson(fit.into(agnostic, STUDIO_GREY), fit.into(pose, 0), classes, fit)


def shown_garment(architecture: Architecture, cloth: RGB, mask: Mask) -> ShownGarment:
    """Bring a garment to the networks' size.

    Args:
        architecture: says the size.
        cloth: (h, w, 3) uint8 RGB; its top left pixel is the colour around it.
        mask: (h, w) bool.
    """
    fit = Fit((cloth.shape[0], cloth.shape[1]), architecture.size)
    corner = cloth[0, 0]
    around = (int(corner[0]), int(corner[1]), int(corner[2]))
    return ShownGarment(fit.into(cloth, around), fit.labels_into(np.where(mask, 255, 0).astype(np.uint8)) >= 128)


def pictures(levels: Sequence[RGB], like: Tensor) -> Tensor:
    """(h, w, 3) uint8 each → (n, 3, h, w) fp32 in -1 … 1, on the device of `like`."""
    stacked = torch.from_numpy(np.stack(levels)).to(like.device)
    return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1


def masks(levels: Sequence[Grey | Mask], like: Tensor) -> Tensor:
    """(h, w) uint8 or bool each → (n, 1, h, w) fp32 in 0 … 1."""
    stacked = torch.from_numpy(np.stack(levels)).to(like.device)[:, None]
    return stacked.float() / (255 if stacked.dtype == torch.uint8 else 1)


def one_hot(classes: Sequence[Labels], like: Tensor, count: int = CLASSES) -> Tensor:
    """(h, w) uint8 each → (n, count, h, w) fp32 of 0 and 1."""
    stacked = torch.from_numpy(np.stack(classes)).to(like.device).long()
    return functional.one_hot(stacked, count).permute(0, 3, 1, 2).float()
