"""From the published file to the warping network: strict; another network of the same names is refused by its own name.

Facts: docs/facts/dci_vton.md#warping-network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.checkpoints import difference, open_checkpoint, own_weights, refuse_difference
from tryon.engines.dci_vton.warping.features import CHANNELS, WIDTH
from tryon.engines.dci_vton.warping.network import PERSON_INPUTS, Warper

TRAINING_ONLY = "aflow_net.weight"
"""(4, 1, 3, 3): a constant filter of the training loss, which the published file carries along."""
PERSON_INPUT = "cond_features.encoders.0.0.block.2.weight"
"""(64, channels, 3, 3): its second axis says what the network was trained to see of a person."""
PULL = "python run.py weights pull dci-vton-warp"

_PARTS = (
    ("image_features.encoders.", "garment_encoder.levels."),
    ("cond_features.encoders.", "person_encoder.levels."),
    ("image_FPN.", "garment_pyramid."),
    ("cond_FPN.", "person_pyramid."),
    ("aflow_net.netMain.", "flow.estimate."),
    ("aflow_net.netRefine.", "flow.refine."),
)
"""What official names begin with, and ours."""


def our_name(key: str) -> str:
    """Our name of an official key; a key that no rule knows stays as it is and is found to be unexpected."""
    for theirs, ours in _PARTS:
        key = re.sub(rf"^{re.escape(theirs)}", ours, key)
    return key.replace(".adaptive.", ".sideways.").replace(".block.", ".layers.")


def official_name(name: str) -> str:
    """The published name of one of our tensors: the way back through the rules."""
    for theirs, ours in _PARTS:
        name = re.sub(rf"^{re.escape(ours)}", theirs, name)
    return name.replace(".sideways.", ".adaptive.").replace(".layers.", ".block.")


def load(path: Path, channels: Sequence[int] = CHANNELS, width: int = WIDTH) -> Warper:
    """Read the published file.

    Args:
        path: `warp_viton.pth`, or the same names in another container.
        channels: of the encoders' levels.
        width: of the pyramids' levels.

    Returns:
        The network on the CPU in fp32, evaluation mode, no gradients.

    Raises:
        WeightsError: unsafe, incomplete, PF-AFN's own network or another one, with the names that differ.
    """
    official = open_checkpoint(path)
    refuse_pf_afn(path, {key: tuple(tensor.shape) for key, tensor in official.items()})
    named = {our_name(key): key for key in official if key != TRAINING_ONLY}
    found = {name: official[key] for name, key in named.items()}
    with torch.device("meta"):
        network = Warper(channels, width).eval()
    wanted = network.state_dict()
    refuse_difference(
        path,
        "DCI-VTON's warping network",
        difference(found, wanted, named=lambda name: named.get(name) or official_name(name)),
        PULL,
    )
    network.load_state_dict(_owned(found), strict=True, assign=True)
    return network.requires_grad_(False)


def _owned(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    counters = [name for name, tensor in found.items() if not tensor.is_floating_point()]
    return own_weights(found, found, torch.float32, as_stored=counters)


def refuse_pf_afn(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a network of the same names that sees other things of a person.

    Raises:
        WeightsError: PF-AFN's own weights.
    """
    channels = shapes.get(PERSON_INPUT, (0, PERSON_INPUTS))[1]
    if channels != PERSON_INPUTS:
        raise WeightsError(
            f"{path}: this is PF-AFN's own warping network: it sees {channels} channels of a person, DCI-VTON's sees "
            f"{PERSON_INPUTS} (13 label groups and the body-part picture), and it was trained to sample with align_corners=True",
            PULL,
        )
