"""Discriminators in files: the seed keeps `<epoch>_net_D.pth` beside `<epoch>_net_G.pth`, and so do we under that name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.checkpoints import difference, open_checkpoint, refuse_difference
from tryon.engines.viton_hd.training.discriminator import SCALES, Discriminator

NETWORK_ENDING, JUDGE_ENDING = "_net_G.pth", "_net_D.pth"
_PLACES = (0, 2, 5, 8, 11)
"""Of the convolutions in the seed's list of layers; between them stand norms and rectifiers."""
_LISTED = re.compile(r"layer(\d)\.(\d+)\.(.+)")
_APART = re.compile(r"scale(\d)_layer(\d)\.0\.(.+)")
_OURS = re.compile(r"scales\.(\d)\.convolutions\.(\d)\.(.+)")


def judge_file(network_file: Path) -> Path | None:
    """The discriminator's file beside a network's of the seed; None where the name is not of that kind."""
    name = network_file.name
    if not name.endswith(NETWORK_ENDING):
        return None
    return network_file.with_name(name.removesuffix(NETWORK_ENDING) + JUDGE_ENDING)


def our_discriminator_state(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names of the seed's discriminator: its `layer1` sees the full size, `layer0` the half; so do `scale1` and `scale0`.

    Args:
        official: in either of its two spellings; a name of another kind stays as it is.
    """
    found = {}
    for key, tensor in official.items():
        if match := _LISTED.fullmatch(key):
            place = int(match[2])
            number = _PLACES.index(place) if place in _PLACES else place + len(_PLACES)
        elif match := _APART.fullmatch(key):
            number = int(match[2])
        found[f"scales.{SCALES - 1 - int(match[1])}.convolutions.{number}.{match[3]}" if match else key] = tensor
    return found


def official_discriminator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The seed's names of ours."""
    found = {}
    for name, tensor in state.items():
        match = _OURS.fullmatch(name)
        assert match is not None, name
        key = f"layer{SCALES - 1 - int(match[1])}.{_PLACES[int(match[2])]}.{match[3]}"
        found[key] = tensor.detach().cpu().contiguous().clone()
    return found


def take_up(judge: Discriminator, network_file: Path) -> str:
    """Give a discriminator the weights that lie beside its network's; a line for people, "" where the seed's names are not used.

    Raises:
        WeightsError: the file is no discriminator, or one that sees other pictures.
    """
    file = judge_file(network_file)
    if file is None:
        return ""
    if not file.is_file():
        return f"discriminator: {file.name} is not there, it begins anew"
    found = our_discriminator_state(open_checkpoint(file))
    first = found.get("scales.0.convolutions.0.weight")
    wanted = judge.state_dict()
    if first is not None and (sees := first.shape[1]) != (ours := _inputs(judge)):
        raise WeightsError(
            f"{file}: a discriminator of {sees} channels, this training's sees {ours}",
            "--preset seed-as-published goes on with the seed's; or move the file away: a new one begins",
        )
    refuse_difference(file, "discriminator", difference(found, wanted, named=lambda name: name))
    judge.load_state_dict(dict(found), strict=True)
    return f"discriminator: {file}"


def _inputs(judge: Discriminator) -> int:
    return int(next(weight for name, weight in judge.state_dict().items() if name.endswith(("weight", "weight_orig"))).shape[1])
