"""What DCI-VTON's diffusion model is fed: its loaders' tensors from a person's and a garment's pictures.

Facts: docs/facts/dci_vton.md#inputs.

Two published models, two loaders: the first makes its hole of the parse map and shows hands in one of its two pictures; the
second takes hole and picture from the agnostic drawing. The artefacts say True = repaint, and so does everything here; the
network's own mask (1 = keep) is the engine's own. Pictures are squashed to a square, as in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB, Float, Grey, Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import ARM_LABELS
from pipeline.core.masks import Mask
from pipeline.core.parse_hole import parse_hole
from pipeline.core.rect import Rect
from tryon.networks import clip

SIDE = 512
CLOTH_ROOM = (0.1, 0.2)
"""The garment's box is enlarged by a share drawn between these, at test time too; a fixed middle keeps results repeatable."""


@dataclass(frozen=True)
class PersonConditions:
    """A person's conditions, all of one size.

    Args:
        image: (h, w, 3) uint8 RGB.
        agnostic: (h, w, 3) uint8 RGB, grey 128 where clothes were; of the first model only hands are taken from it.
        repaint: (h, w) bool, the agnostic mask.
        parse: (h, w) uint8 of `Parse`; only the first model looks at it.
        parse_agnostic: the same without the garment and the covered arms; likewise.
    """

    image: RGB
    agnostic: RGB
    repaint: Mask
    parse: Labels | None = None
    parse_agnostic: Labels | None = None


@dataclass(frozen=True)
class DiffusionInputs:
    """One item for the diffusion model.

    Args:
        person: (3, 512, 512) float32 in [-1, 1].
        inpaint_image: (3, 512, 512) float32 in [-1, 1], the picture that conditions every step.
        warp_feat: (3, 512, 512) float32 in [-1, 1], the picture whose noised latent is the start code.
        repaint: (512, 512) bool, the hole.
    """

    person: Float
    inpaint_image: Float
    warp_feat: Float
    repaint: Mask


def first_model_inputs(
    person: PersonConditions, warped: RGB, warped_mask: Grey, side: int = SIDE, hole: Mask | None = None
) -> DiffusionInputs:
    """Inputs of the first model (`viton512`): the hole is the garment and both arms by the parse map.

    Args:
        person: conditions.
        warped: (h, w, 3) uint8 RGB, the garment warped onto the person.
        warped_mask: (h, w) uint8 soft mask of it.
        side: of the square, pixels; the model was trained at one.
        hole: (side, side) bool, where it paints; None = as its loader makes it of the parse map.

    Raises:
        InputError: the hole is empty: the parse map showed neither an upper garment nor arms.
    """
    assert person.parse is not None and person.parse_agnostic is not None, "the first model's hole is made of parse maps"
    size = (side, side)
    photo = squashed(person.image, size)
    hole = parse_hole(nearest(person.parse, size)) if hole is None else hole
    if not hole.any():
        raise InputError(
            "the agnostic mask is empty: the parse map shows neither upper clothes nor arms, so there is nothing to dress",
            "python run.py --step parsing --force",
        )
    hands = np.isin(nearest(person.parse_agnostic, size), ARM_LABELS)
    warp_feat = np.where(hole, on_grey(warped, warped_mask, size), photo)
    return DiffusionInputs(photo, np.where(hands, squashed(person.agnostic, size), warp_feat), warp_feat, hole)


def second_model_inputs(person: PersonConditions, warped: RGB, warped_mask: Grey, side: int = SIDE) -> DiffusionInputs:
    """Inputs of the second model (`viton512_v2`): hole and picture are the agnostic drawing; both pictures are the same."""
    hole = mask_hole(person.repaint, side)
    both = squashed(person.agnostic, (side, side)) + on_grey(warped, warped_mask, (side, side)) * hole
    return DiffusionInputs(squashed(person.image, (side, side)), both, both, hole)


def mask_hole(repaint: Mask, side: int = SIDE) -> Mask:
    """The hole by an agnostic mask: (h, w) bool → (side, side) bool."""
    hole: Mask = nearest(np.where(repaint, 255, 0).astype(np.uint8), (side, side)) >= 128
    return hole


def on_grey(warped: RGB, mask: Grey, size: tuple[int, int] = (SIDE, SIDE)) -> Float:
    """The warped garment in [-1, 1] times its soft mask: outside of it 0, the middle grey. (3, *size) float32."""
    share = nearest(mask, size).astype(np.float32) / np.float32(255)
    return squashed(warped, size) * share


def reference_garment(cloth: RGB, mask: Mask, room: float = sum(CLOTH_ROOM) / 2) -> Float:
    """The flat garment as CLIP sees it: its box, enlarged, squashed to a square without antialias.

    Args:
        cloth: (h, w, 3) uint8 RGB.
        mask: (h, w) bool, True = garment.
        room: share by which the box grows.

    Returns:
        (3, 224, 224) float32, normalised by CLIP's mean and deviation.

    Raises:
        InputError: an empty mask.
    """
    rows, columns = garment_box(nearest(np.where(mask, 255, 0).astype(np.uint8)) >= 128, room).window((SIDE, SIDE))
    piece = squashed(cloth)[:, rows, columns].transpose(1, 2, 0)
    square = cv2.resize(piece, (clip.SIDE, clip.SIDE), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)
    reference: Float = clip.normalised(torch.from_numpy(square)[None])[0].numpy()
    return reference


def garment_box(mask: Mask, room: float) -> Rect[int]:
    """Where a garment is, enlarged about its middle.

    Raises:
        InputError: an empty mask.
    """
    if not mask.any():
        raise InputError("the cloth mask is empty", "python run.py --step cloth --force")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    (top, bottom), (left, right) = _enlarged(rows, room, mask.shape[0]), _enlarged(columns, room, mask.shape[1])
    return Rect(top, left, bottom - top, right - left)


def _enlarged(places: NDArray[np.int64], room: float, size: int) -> tuple[int, int]:
    low, high = int(places[0]), int(places[-1])
    middle = (low + high) // 2
    return int(max(low * (1 + room) - middle * room, 0)), int(min(high * (1 + room) - middle * room + 1, size))


def squashed(picture: RGB, size: tuple[int, int] = (SIDE, SIDE)) -> Float:
    """(h, w, 3) uint8 → (3, *size) float32 in [-1, 1], Pillow's antialiased bilinear as in the loaders."""
    small = Image.fromarray(picture).resize(size[::-1], Image.Resampling.BILINEAR)
    values: Float = np.asarray(small).astype(np.float32).transpose(2, 0, 1) / np.float32(255) * 2 - 1
    return values


def nearest(labels: Grey, size: tuple[int, int] = (SIDE, SIDE)) -> Grey:
    """(h, w) uint8 → `size` by Pillow's nearest neighbour."""
    return np.asarray(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))
