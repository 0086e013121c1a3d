"""What is computed once per person and once per garment, and kept for all their pairs.

Facts: docs/facts/ootdiffusion.md#latents and docs/facts/ootdiffusion.md#sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.wiring import Wiring
from tryon.engines.ootdiffusion.words import Ids, Words
from tryon.networks.clip import clip_crop
from tryon.networks.sd1 import LATENT_STRIDE, SIDE_MULTIPLE
from tryon.networks.vae import Posterior

Size = tuple[int, int]
GREY = 127
"""Of the area to repaint, in all channels; the artefact on disk has 128."""


@dataclass(frozen=True, kw_only=True)
class PersonPictures:
    """A person at the size the network works at."""

    image: RGB  # (h, w, 3) uint8 RGB
    masked: RGB  # the same with the area to repaint in grey 127
    repaint: Mask  # (h, w) bool, True = repaint
    pose: RGB | None = None  # (h, w, 3) uint8 RGB: the skeleton on black, where the model looks at it


@dataclass(frozen=True, kw_only=True)
class EncodedPerson:
    """Everything a batch needs of a person."""

    pictures: PersonPictures
    masked: Tensor  # (1, 4, h / 8, w / 8), unscaled
    known: Tensor  # (1, 4, h / 8, w / 8), scaled: what is put back outside the mask
    repaint: Tensor  # (1, 1, h / 8, w / 8) fp32, 1 = repaint
    pose: Tensor | None = None  # (1, 4, h / 8, w / 8), unscaled: the skeleton

    def shown(self, wiring: Wiring) -> Tensor:
        """What the try-on U-Net is shown of the person, see `shown_person`."""
        return shown_person(wiring, self.masked, self.repaint, self.pose)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedGarment:
    """Everything a batch needs of a garment but its tokens, which depend on the category too."""

    latent: Tensor  # (1, 4, h / 8, w / 8), unscaled
    context: Tensor  # (1, 2 or 4, context_dim) of the try-on U-Net
    other_context: Tensor | None = None  # of the garment U-Net, where its words are others
    picture: Tensor | None = None  # (1, …) what an adapter sees of it, where the model has one

    @property
    def garment_context(self) -> Tensor:
        """What the garment U-Net's cross-attentions see."""
        return self.context if self.other_context is None else self.other_context


def shown_person(wiring: Wiring, masked: Tensor, repaint: Tensor, pose: Tensor | None) -> Tensor:
    """What the try-on U-Net is shown of persons, (b, 4, h, w), with the mask behind 5 channels, with the skeleton 8.

    Args:
        wiring: which of these.
        masked: (b, 4, h, w), unscaled.
        repaint: (b, 1, h, w), 1 = repaint.
        pose: (b, 4, h, w), unscaled; where the wiring wants it.
    """
    if wiring.inputs == "mask":
        return torch.cat([masked, repaint.to(masked)], dim=1)
    if wiring.inputs == "pose":
        assert pose is not None, "this wiring sees the skeleton"
        return torch.cat([masked, pose.to(masked)], dim=1)
    return masked


def check_size(size: Size) -> None:
    """Refuse sizes the network cannot work at.

    Raises:
        InputError: with the multiple that is needed.
    """
    if any(side <= 0 or side % SIDE_MULTIPLE for side in size):
        raise InputError(f"size {size} does not fit the network", f"height and width must be multiples of {SIDE_MULTIPLE}")


def fit_picture(picture: RGB, size: Size) -> RGB:
    """Squash like the published code: Pillow's bicubic, to (height, width)."""
    if picture.shape[:2] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))


def fit_mask(repaint: Mask, size: Size) -> Mask:
    """Nearest, to (height, width)."""
    if repaint.shape == size:
        return repaint
    return np.asarray(Image.fromarray(repaint).resize(size[::-1], Image.Resampling.NEAREST)).astype(bool)


def prepare_person(image: RGB, repaint: Mask, size: Size, pose: RGB | None = None) -> PersonPictures:
    """Bring a person to the size the network works at, and hide what is repainted.

    Args:
        image: (h, w, 3) uint8 RGB.
        repaint: (h, w) bool, True = repaint.
        size: (height, width) to work at.
        pose: (h, w, 3) uint8 RGB, the skeleton on black, where the model looks at it.

    Raises:
        InputError: sizes that differ or do not fit, or a mask that leaves nothing to do.
    """
    check_size(size)
    if image.shape[:2] != repaint.shape:
        raise InputError(f"sizes differ: image {image.shape[:2]} but mask {repaint.shape}", "run the parsing step again")
    fitted, area = fit_picture(image, size), fit_mask(repaint, size)
    if not area.any():
        raise InputError(
            "the agnostic mask is empty: there is nothing to dress", "check the parse map, or run the parsing step again"
        )
    masked = np.where(area[..., None], np.uint8(GREY), fitted)
    return PersonPictures(image=fitted, masked=masked, repaint=area, pose=None if pose is None else fit_picture(pose, size))


def pictures_of(person: PersonPictures) -> list[RGB]:
    """What the VAE encodes of a person: hidden and whole, and the skeleton where there is one."""
    return [person.masked, person.image, *([] if person.pose is None else [person.pose])]


def encoded_person(pictures: PersonPictures, posteriors: Sequence[Posterior]) -> EncodedPerson:
    """A person from what the VAE made of `pictures_of`."""
    masked, image, *pose = posteriors
    height, width = masked.mean.shape[-2:]
    shrunk = latent_area(pictures.repaint, (height, width))
    return EncodedPerson(
        pictures=pictures,
        masked=masked.mean,
        known=image.sample(None),
        repaint=shrunk.to(masked.mean.device),
        pose=pose[0].mean if pose else None,
    )


def latent_area(repaint: Mask, size: Size) -> Tensor:
    """(h, w) bool → (1, 1, *size) fp32, nearest."""
    return F.interpolate(torch.from_numpy(repaint.astype(np.float32))[None, None], size, mode="nearest")


def garment_contexts(
    network: OotDiffusion, words: Words, garments: Sequence[tuple[RGB, Category]]
) -> list[tuple[Tensor, Tensor | None]]:
    """The contexts of garments, one call: (1, n, context_dim) fp32 each, of the try-on U-Net, and the garment U-Net's own if any.

    Args:
        network: the loaded network.
        words: of the model.
        garments: garment canvas (h, w, 3) with its category.
    """
    squares = torch.cat([clip_crop(picture, side=network.architecture.clip.image_size) for picture, _ in garments])

    def told(each: Ids) -> list[Tensor]:
        ids = torch.tensor([each[category] for _, category in garments])
        return list(network.context(ids, squares, words.vector).float()[:, None])

    own = told(words.garment_ids) if words.garment_ids is not None else [None] * len(garments)
    return list(zip(told(words.ids), own, strict=True))


def garment_pictures(network: OotDiffusion, garments: Sequence[RGB]) -> list[Tensor] | list[None]:
    """What the model's adapter sees of garment canvases (h, w, 3), (1, …) each; None where it has none."""
    if network.wiring.adapter == "none":
        return [None] * len(garments)
    squares = torch.cat([clip_crop(picture, side=network.architecture.clip.image_size) for picture in garments])
    return list(torch.split(network.picture_features(squares).float(), 1))  # type: ignore[no-untyped-call]  # torch's stub


def latent_size(size: Size) -> Size:
    """(height, width) of the latents of pictures of a size."""
    return size[0] // LATENT_STRIDE, size[1] // LATENT_STRIDE
