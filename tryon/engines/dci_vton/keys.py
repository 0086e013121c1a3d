"""Official names of the diffusion network to ours; those of shared parts are in `tryon/networks/compvis_names.py`."""

from __future__ import annotations

import re

from tryon.networks import compvis_names
from tryon.networks.compvis_names import part_name, unet_name

UNET = "model.diffusion_model."
DROPPED: tuple[tuple[re.Pattern[str], str], ...] = (
    *compvis_names.DROPPED,
    (re.compile(r"vgg\..*"), "the network that judges pictures in training"),
)


def drop_reason(key: str) -> str | None:
    """Why an official key is not needed; None when it is."""
    return next((reason for pattern, reason in DROPPED if pattern.fullmatch(key)), None)


def our_name(key: str, layers: int) -> str | None:
    """Our name of an official key that is not dropped; None when the key belongs to no part we know.

    Args:
        key: the official name.
        layers: of a level of the U-Net's encoder.
    """
    if key.startswith(UNET):
        return f"unet.{unet_name(key.removeprefix(UNET), layers)}"
    return part_name(key)
