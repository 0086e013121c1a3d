"""The weights that the diffusion network's training starts from, and what the published code loads of what it made.

Facts: docs/facts/dci_vton.md#training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tryon.checkpoints import open_checkpoint
from tryon.engines.dci_vton.architecture import Architecture
from tryon.engines.dci_vton.checkpoint import empty_network, read_published
from tryon.engines.dci_vton.folder import read_index, read_parts
from tryon.engines.dci_vton.variants import known_variant, refuse_other_variant
from tryon.networks.official_names import official_name
from tryon.networks.savings.switches import OFFICIAL
from tryon.training.judges.vgg import vgg_weights
from tryon.training.official_file import official_shape, schedule_buffers, write_torch_file

NOT_STORED = "logvar"
"""Of the schedule's buffers: this network's published files are without it."""


@dataclass(frozen=True)
class VtonStart:
    """Weights under our names.

    Args:
        weights: name → tensor.
        about: what was opened, for people.
        sha256: of the file, or of the source of a converted folder.
        judge: the sixteen convolutions of VGG-19 that the file carries, and whether they expect BGR; None = it has none.
    """

    weights: dict[str, Tensor]
    about: str
    sha256: str
    judge: tuple[dict[str, Tensor], bool] | None = None


def read_start(path: Path, architecture: Architecture, variant: str) -> VtonStart:
    """Open what training starts from, strictly.

    Args:
        path: Paint-by-Example's `model.ckpt`, a DCI-VTON checkpoint, or a converted folder of it.
        architecture: the widths it must have.
        variant: whose data it is to be trained on; weights known to be the other's are refused.

    Raises:
        WeightsError: missing, unsafe, incomplete, another model, or the other variant.
    """
    from pipeline.core.weights.files import digest_of

    if path.is_dir():
        index = read_index(path)
        refuse_other_variant(path, index["variant"], variant)
        return VtonStart(read_parts(path), f"a converted DCI-VTON {index['variant']}", index["source_sha256"])
    weights = read_published(path, architecture)
    sha256 = digest_of(path).sha256
    refuse_other_variant(path, known_variant(sha256), variant)
    judge = vgg_weights(open_checkpoint(path))
    about = "a DCI-VTON checkpoint with its VGG-19" if judge else "Paint-by-Example, or a DCI-VTON without its VGG-19"
    return VtonStart(weights, about, sha256, judge)


def official_state(
    weights: Mapping[str, Tensor], architecture: Architecture, judge: Mapping[str, Tensor] | None
) -> dict[str, Tensor]:
    """Every tensor of the published file by its names, fp32; `vgg.*` where they are known."""
    wanted = empty_network(architecture, OFFICIAL).state_dict()
    state = {official_name(name): official_shape(name, weights[name].detach().float()) for name in wanted}
    state |= {name: tensor for name, tensor in schedule_buffers().items() if name != NOT_STORED}
    return state | {f"vgg.conv{name}": tensor.float() for name, tensor in (judge or {}).items()}


def write_official(
    path: Path, weights: Mapping[str, Tensor], architecture: Architecture, judge: Mapping[str, Tensor] | None
) -> None:
    """Write what the published code loads; all or nothing.

    Raises:
        WeightsError: the file exists.
    """
    state = official_state(weights, architecture, judge)
    write_torch_file(path, {"state_dict": {name: tensor.cpu().contiguous().clone() for name, tensor in state.items()}})


def counted_values(weights: Mapping[str, Tensor]) -> int:
    """Bytes of weights in fp32."""
    return 4 * sum(torch.numel(tensor) for tensor in weights.values())
