"""The published order: segmentation → warp → misaligned area → picture; one pass each (docs/facts/viton_hd.md#inference).

Each function is one stage on batches of tensors in the networks' size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tryon.engines.viton_hd.alias import Draw, Generator, Guide
from tryon.engines.viton_hd.architecture import GROUPS, Architecture
from tryon.engines.viton_hd.labels import WORN_GROUP, group_of, worn_class
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.smoothing import labels_of
from tryon.engines.viton_hd.spline import grid_of, warped
from tryon.engines.viton_hd.tabled import paint
from tryon.engines.viton_hd.warper import Warper


@dataclass(frozen=True)
class Person:
    """A batch of people: (n, 3 or 13, h, w) fp32; pictures in -1 … 1, classes 0 and 1."""

    agnostic: Tensor
    pose: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Garment:
    """A batch of garments: (n, 3 or 1, h, w) fp32; the picture in -1 … 1, the mask 0 and 1."""

    cloth: Tensor
    mask: Tensor


def seg_inputs(architecture: Architecture, person: Person, garment: Garment, noise: Tensor) -> Tensor:
    """What the segmentation is shown, (n, inputs, *small).

    Args:
        architecture: the variant.
        person, garment: in full size.
        noise: (n, 1, *small) of 0 and 1, where the variant has a plane of it; with three planes it takes the garment's place.
    """
    small = architecture.small
    cloth = bilinear(garment.cloth * garment.mask, small)
    classes, pose = bilinear(person.classes, small), bilinear(person.pose, small)
    if architecture.seg_sees_mask:
        return torch.cat([bilinear(garment.mask, small), cloth, classes, pose, noise], dim=1)
    return torch.cat([classes, pose, noise if noise.shape[1] == 3 else cloth], dim=1)


def segment(architecture: Architecture, network: Segmenter, inputs: Tensor) -> Tensor:
    """Predicted class of each pixel, (n, *size) int64."""
    scores = network(inputs.to(next(network.parameters()).dtype))
    return labels_of(torch.sigmoid(scores), architecture.size)


def warp_person(architecture: Architecture, person: Person, classes: Tensor) -> Tensor:
    """What the warp network is shown of a person, (n, 7, *small); `classes` are the predicted ones, (n, *size) int64."""
    return shown_to_warp(architecture, person, worn_place(architecture, classes))


def worn_place(architecture: Architecture, classes: Tensor) -> Tensor:
    """Where the garment is, (n, h, w) int64 → (n, 1, h, w) fp32 of 0 and 1."""
    return (classes == worn_class(architecture.lower))[:, None].float()


def shown_to_warp(architecture: Architecture, person: Person, place: Tensor) -> Tensor:
    """The same from the garment's place as a plane, (n, 1, h, w)."""
    return torch.cat([_reduced(architecture, each) for each in (place, person.pose, person.agnostic)], dim=1)


def warp_garment(architecture: Architecture, garment: Garment) -> Tensor:
    """What the warp network is shown of a garment, (n, 3, *small)."""
    return _reduced(architecture, flat_cloth(architecture, garment))


def flat_cloth(architecture: Architecture, garment: Garment) -> Tensor:
    """The garment as it is warped, with or without its photo's background, (n, 3, h, w)."""
    return garment.cloth * garment.mask if architecture.cloth_cut_out else garment.cloth


@dataclass(frozen=True)
class Placed:
    """A garment on its way onto a person.

    Args:
        cloth: (n, 3, h, w) fp32.
        mask: (n, 1, h, w) fp32, soft.
        theta: (n, 50) fp32, the spline's offsets.
    """

    cloth: Tensor
    mask: Tensor
    theta: Tensor


def place(architecture: Architecture, network: Warper, person: Tensor, garment_features: Tensor, garment: Garment) -> Placed:
    """Warp a garment.

    Args:
        architecture: the variant.
        network: the warp network.
        person: of `warp_person`.
        garment_features: of the network, for `warp_garment`.
        garment: in full size.
    """
    theta = network(network.encode_person(person.to(garment_features.dtype)), garment_features)
    grid = grid_of(theta, architecture.size)
    return Placed(warped(flat_cloth(architecture, garment), grid), warped(garment.mask, grid), theta)


def misaligned(architecture: Architecture, classes: Tensor, warped_mask: Tensor) -> Tensor:
    """(n, 1, h, w) fp32, 0 … 1: where a garment is predicted and the warped one does not reach.

    Args:
        architecture: the variant.
        classes: (n, h, w) int64, predicted.
        warped_mask: (n, 1, h, w).
    """
    return (worn_place(architecture, classes) - warped_mask).clamp(min=0)


def guide_of(architecture: Architecture, classes: Tensor, area: Tensor) -> Guide:
    """The generator's label maps.

    Args:
        architecture: the variant.
        classes: (n, h, w) int64, predicted.
        area: (n, 1, h, w), misaligned; what lies outside the predicted garment counts nothing.
    """
    by_class = torch.from_numpy(group_of(architecture.lower)).long().to(classes.device)
    groups = functional.one_hot(by_class[classes], GROUPS).permute(0, 3, 1, 2).float()
    return guide_from(architecture, groups, area)


def guide_from(architecture: Architecture, groups: Tensor, area: Tensor) -> Guide:
    """The same from the groups' planes, (n, 7, h, w)."""
    area = torch.minimum(area, groups[:, WORN_GROUP : WORN_GROUP + 1])
    reduced = groups.clone()
    reduced[:, WORN_GROUP : WORN_GROUP + 1] -= area
    if architecture.misaligned_class:
        return Guide(groups, torch.cat([reduced, area], dim=1), area)
    return Guide(reduced, reduced, area)


def dress(network: Generator, person: Person, cloth: Tensor, guide: Guide, draw: Draw, *, tables: bool = True) -> Tensor:
    """The picture, (n, 3, h, w) fp32 in -1 … 1.

    Args:
        network: the generator.
        person: in full size.
        cloth: (n, 3, h, w), warped.
        guide: the labels.
        draw: noise.
        tables: label convolutions from tables; False computes them as published, with the same result.
    """
    dtype = next(network.parameters()).dtype
    shown = torch.cat([person.agnostic, person.pose, cloth], dim=1).to(dtype)
    return paint(network, shown, guide, draw) if tables else network(shown, guide, draw)  # type: ignore[no-any-return]


def bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resized as published where the segmentation is concerned: without antialias."""
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def _reduced(architecture: Architecture, x: Tensor) -> Tensor:
    corners = None if architecture.warp_resize == "nearest" else False
    return functional.interpolate(x, size=architecture.small, mode=architecture.warp_resize, align_corners=corners)
