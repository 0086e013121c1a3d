"""What is computed once per person and once per garment, and kept for all their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Grey
from pipeline.core.errors import InputError
from pipeline.core.masks import Mask
from tryon.engines.stableviton.network import StableViton
from tryon.networks.clip import clip_input
from tryon.networks.latent_mask import latent_mask
from tryon.networks.pictures import picture_tensor
from tryon.networks.sd1 import SIDE_MULTIPLE
from tryon.networks.vae import Posterior, encode_all

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class PersonPictures:
    """A person's conditions at the size the network works at."""

    image: RGB  # (h, w, 3) uint8 RGB
    agnostic: RGB  # (h, w, 3) uint8 RGB
    densepose: RGB  # (h, w, 3) uint8 RGB
    keep: Grey  # (h, w), 255 = keep: the network's polarity, fractional at borders


@dataclass(frozen=True, kw_only=True)
class EncodedPerson:
    """Everything a batch needs of a person; a few hundred kilobytes."""

    pictures: PersonPictures
    image: Posterior | None  # only when the start code is made of it
    agnostic: Posterior
    densepose: Posterior
    keep: Tensor  # (1, 1, h / 8, w / 8) fp32, 1 = keep

    @property
    def size(self) -> Size:
        """(height, width) in pixels."""
        height, width = self.pictures.keep.shape
        return height, width


@dataclass(frozen=True, kw_only=True)
class EncodedGarment:
    """Everything a batch needs of a garment."""

    picture: RGB  # (h, w, 3) uint8 RGB, only read when the saving `cache_garment` is off
    posterior: Posterior
    token: Tensor  # (1, 1, context_dim)


def check_size(size: Size) -> None:
    """Refuse sizes the network cannot work at."""
    if any(side <= 0 or side % SIDE_MULTIPLE for side in size):
        raise InputError(f"size {size} does not fit the network", f"height and width must be multiples of {SIDE_MULTIPLE}")


def fit_picture(picture: RGB, size: Size) -> RGB:
    """Resize like the official data loader: OpenCV's bilinear, to (height, width)."""
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def prepare_person(image: RGB, agnostic: RGB, repaint: Mask, densepose: RGB, size: Size) -> PersonPictures:
    """Bring a person's conditions to the size the network works at.

    Args:
        image: (h, w, 3) uint8 RGB.
        agnostic: same shape, the area to repaint in grey.
        repaint: (h, w) bool, True = repaint.
        densepose: same shape as image.
        size: (height, width) to work at.

    Raises:
        InputError: sizes that differ or do not fit, or a mask that leaves nothing to do.
    """
    check_size(size)
    shapes = {"agnostic": agnostic.shape[:2], "mask": repaint.shape, "densepose": densepose.shape[:2]}
    wrong = [f"{name} {shape}" for name, shape in shapes.items() if shape != image.shape[:2]]
    if wrong:
        raise InputError(
            f"sizes differ: image {image.shape[:2]} but {', '.join(wrong)}", "run the parsing and densepose steps again"
        )
    if not repaint.any():
        raise InputError(
            "the agnostic mask is empty: there is nothing to dress", "check the parse map, or run the parsing step again"
        )
    mask = np.where(repaint, np.uint8(255), np.uint8(0))
    return PersonPictures(
        image=fit_picture(image, size),
        agnostic=fit_picture(agnostic, size),
        densepose=fit_picture(densepose, size),
        keep=np.bitwise_not(fit_picture(mask, size)),
    )


def conditions_of(pictures: PersonPictures, *, with_image: bool) -> list[RGB]:
    """What the VAE encodes of a person: agnostic, densepose, and the photo for a start code made of it."""
    return [pictures.agnostic, pictures.densepose] + ([pictures.image] if with_image else [])


def encoded_person(pictures: PersonPictures, posteriors: Sequence[Posterior], *, antialias: bool = False) -> EncodedPerson:
    """A person from what the VAE made of `conditions_of`.

    Args:
        pictures: conditions at model size.
        posteriors: two, or three with the photo's.
        antialias: see `latent_mask.latent_mask`.
    """
    keep = torch.from_numpy(pictures.keep.astype(np.float32) / np.float32(255))[None, None]
    return EncodedPerson(
        pictures=pictures,
        image=posteriors[2] if len(posteriors) > 2 else None,
        agnostic=posteriors[0],
        densepose=posteriors[1],
        keep=latent_mask(keep, antialias=antialias).to(posteriors[0].mean.device),
    )


def garment_tokens(network: StableViton, pictures: Sequence[RGB], *, antialias: bool = False) -> list[Tensor]:
    """The context tokens of garments, one call: (1, 1, context_dim) fp32 each.

    Args:
        network: the loaded network.
        pictures: (h, w, 3) garment canvases at model size.
        antialias: see `clip.clip_input`.
    """
    squares = torch.cat([clip_input(picture_tensor(picture), antialias=antialias) for picture in pictures])
    tokens = network.garment_token(squares.to(network.device, non_blocking=True)).float()
    return list(tokens[:, None])


def encode_person(network: StableViton, pictures: PersonPictures, *, with_image: bool, antialias: bool = False) -> EncodedPerson:
    """Encode one person; its two or three pictures go through the VAE as one batch.

    Args:
        network: the loaded network.
        pictures: conditions at model size.
        with_image: encode the photo too, for a start code made of it.
        antialias: see `latent_mask.latent_mask`.
    """
    posteriors = encode_all(network.vae, conditions_of(pictures, with_image=with_image))
    return encoded_person(pictures, posteriors, antialias=antialias)


def encode_garment(network: StableViton, cloth: RGB, size: Size, *, antialias: bool = False) -> EncodedGarment:
    """Encode one garment: its posterior for the spatial encoder, its token for everything else.

    Args:
        network: the loaded network.
        cloth: (h, w, 3) uint8 RGB garment canvas.
        size: (height, width) to work at, the same as the persons'.
        antialias: see `clip.clip_input`.
    """
    check_size(size)
    fitted = fit_picture(cloth, size)
    posterior, token = encode_all(network.vae, [fitted])[0], garment_tokens(network, [fitted], antialias=antialias)[0]
    return EncodedGarment(picture=fitted, posterior=posterior, token=token)
