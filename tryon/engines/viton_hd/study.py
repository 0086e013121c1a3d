"""What the study asks about VITON-HD's and GS-VITON's networks. Facts: docs/facts/viton_hd.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.core.errors import UsageError
from tryon.checkpoints import own_weights
from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import GROUPS, OFFICIAL, SEED, Architecture
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper
from tryon.engines.viton_hd.inference import Garment, Person
from tryon.engines.viton_hd.labels import UPPER, group_of
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.smoothing import enlarged_scores
from tryon.engines.viton_hd.warper import Warper
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.study.protocol import Part, Point, Shapes, Size

OWN = "trained from scratch"


def _part(name: str, about: str, model: str, *prefixes: str) -> Part:
    return Part(name=name, about=about, prefixes=prefixes, model=model, origin=OWN)


PARTS = (
    _part("segmentation", "the person without the garment, the pose, the garment → the parse map to come", "seg", "seg."),
    _part("person's tower", "the garment's place, the pose, the person → features", "gmm", "gmm.person."),
    _part("garment's tower", "the flat garment → features", "gmm", "gmm.garment."),
    _part("regression", "how alike both are at every pair of places → 50 offsets of a spline", "gmm", "gmm.regressor."),
    _part("inputs at every size", "the agnostic picture, the pose, the warped garment → maps", "alias", "alias.inputs."),
    _part("label norms", "labels around each pixel → scale and shift; noise", "alias"),
    _part("generator", "maps from coarse to fine", "alias", "alias."),
)


class AllThree(nn.Module):
    """The three networks as one module.

    Args:
        architecture: the variant.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.seg, self.gmm, self.alias = Segmenter(architecture), Warper(architecture), Generator(architecture)


class VitonHdAnatomy:
    """One of the variants.

    Args:
        architecture: shapes and habits.
        name: of the engine.
        training: see `protocol.Anatomy`; one of its three networks.
    """

    spared: frozenset[str] = frozenset()

    def __init__(
        self, architecture: Architecture = OFFICIAL, name: str = "viton_hd", training: str = "viton-hd --stage alias"
    ) -> None:
        self.architecture, self.name, self.size, self.training = architecture, name, architecture.size, training
        norms = tuple(name for name, _ in self.network().named_parameters() if "_norm." in name)
        self.parts = tuple(part if part.name != "label norms" else Part(**{**vars(part), "prefixes": norms}) for part in PARTS)

    def network(self, weight_format: str = FULL_FORMAT) -> AllThree:
        """See `protocol.Anatomy`."""
        if weight_format != FULL_FORMAT:
            raise UsageError(
                f"{self.name}: its weights are not kept in {weight_format}", "weight_format is a setting of stableviton"
            )
        with torch.device("meta"):
            return AllThree(self.architecture).eval()

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> AllThree:
        """See `protocol.Anatomy`."""
        network = self.network()
        counters = [name for name in weights if name.endswith("num_batches_tracked")]
        network.load_state_dict(own_weights(weights, network.state_dict(), dtype, as_stored=counters), strict=True, assign=True)
        return network.requires_grad_(False)

    def inputs(self, size: Size) -> Shapes:
        """See `protocol.Anatomy`; it works at one size."""
        if size != self.architecture.size:
            raise UsageError(f"{self.name} works at {self.architecture.size} only, not at {size}", "leave the size out")
        pictures = {"agnostic picture": 3, "pose": 3, "classes": 13, "garment": 3, "garment's mask": 1}
        small = self.architecture.small
        return {name: (1, channels, *size) for name, channels in pictures.items()} | {"noise plane": (1, 1, *small)}

    def run(self, network: AllThree, inputs: Mapping[str, Tensor]) -> Tensor:
        """See `protocol.Anatomy`: nothing is cut to labels on the way, so that the flow can be followed."""
        architecture = self.architecture
        person = Person(inputs["agnostic picture"], inputs["pose"], inputs["classes"])
        garment = Garment(inputs["garment"], inputs["garment's mask"])
        shown = inference.seg_inputs(architecture, person, garment, inputs["noise plane"])
        scores = network.seg(shown.to(next(network.parameters()).dtype))
        soft = enlarged_scores(torch.sigmoid(scores), architecture.size)
        upper = soft[:, UPPER : UPPER + 1]
        place = inference.shown_to_warp(architecture, person, upper)
        features = network.gmm.encode_garment(inference.warp_garment(architecture, garment))
        placed = inference.place(architecture, network.gmm, place, features, garment)
        groups = torch.stack(
            [soft[:, np.flatnonzero(group == group_of(architecture.lower)).tolist()].sum(1) for group in range(GROUPS)], dim=1
        )
        guide = inference.guide_from(architecture, groups, (upper - placed.mask).clamp(min=0))
        return inference.dress(network.alias, person, placed.cloth, guide, partial(_silent, soft.device), tables=False)

    def stage(self, tensor: str) -> str:
        """See `protocol.Anatomy`."""
        words = tensor.split(".")
        if words[0] == "alias" and words[1] in {"blocks", "inputs"}:
            return ".".join(words[:3])
        return words[0] if words[0] == "seg" else ".".join(words[:2])

    def trained(self) -> frozenset[str]:
        """See `protocol.Anatomy`: everything, each network in a training of its own."""
        return frozenset(name for name, _ in self.network().named_parameters())

    def points(self, size: Size) -> Sequence[Point]:
        """See `protocol.Anatomy`."""
        return _POINTS

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """See `protocol.Anatomy`: a folder with the three files."""
        given = {"seg": load_segmenter, "gmm": load_warper, "alias": load_generator}
        found: dict[str, Tensor] = {}
        for network, load in given.items():
            weights = load(path / f"{network}_final.pth", torch.float32, self.architecture).state_dict()
            found |= {f"{network}.{name}": tensor for name, tensor in weights.items()}
        return found


def _silent(device: torch.device, name: str, size: Size) -> Tensor:
    return torch.zeros(1, 1, *size, device=device)


_POINTS = (
    Point("One pass", "Three networks in a row, each run once: there is no sampling, and what one gets wrong the next is told."),
    Point(
        "Labels cost more than pictures",
        "79 % of the generator's operations turn a label map into scale and shift. Most 5 × 5 windows show one label, so ours "
        "works each different window out once.",
    ),
)

ANATOMY = VitonHdAnatomy()
ANATOMY_GS = VitonHdAnatomy(SEED, "gs_viton", "viton-hd --stage alias --set viton_hd.variant=gs")
