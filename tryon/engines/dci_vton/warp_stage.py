"""The stage before the picture: the garment bent onto the person by the flow network. Reading this file loads nothing heavy.

Facts: docs/facts/dci_vton.md#warping-network, docs/facts/dci_vton.md#warped-garments. Both engines have it, each with a folder of
its own, so that one's garments can be retouched without the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pipeline.core import images
from pipeline.core.card import ALL_THREADS, Resources
from pipeline.core.engine import Encoded, GarmentInputs, PersonInputs, TryOnItem, loaded
from pipeline.core.flags import Flag, Notice
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH, CLOTH_FLOW, CLOTH_MASK, CLOTH_WARP, CLOTH_WARP_MASK, DENSEPOSE, PARSE_AGNOSTIC
from pipeline.core.machine.device import choose_device
from pipeline.core.pair_stage import PairMade, PairStageBase, StageCard, pair_stage
from pipeline.core.step import Context
from pipeline.core.weights.access import require
from tryon.engines.dci_vton.config import DciVtonConfig

if TYPE_CHECKING:
    from tryon.engines.dci_vton.warping.runtime import Warping, WarpPictures

WEIGHTS = "dci-vton-warp"
LEAST_SHARE = 0.005
"""Of the canvas: the smallest garment of a whole person far away covers more."""


@pair_stage
class WarpStage(PairStageBase):
    """Makes the warped garment, its soft mask, and the flow as a picture.

    Args:
        config: settings of the engine; none of them decides the warp.
        context: device and folders of the run.
    """

    card: ClassVar[StageCard] = StageCard(
        name=WEIGHTS,
        weights=(WEIGHTS,),
        packages=("torch",),
        extra="diffusion",
        seconds=0.5,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=2.5, gpu_memory_gb=2),
        person=(DENSEPOSE, PARSE_AGNOSTIC),
        garment=(CLOTH, CLOTH_MASK),
        makes=(CLOTH_WARP, CLOTH_WARP_MASK, CLOTH_FLOW),
        shows=(CLOTH_FLOW,),
        categories=frozenset({Category.UPPER}),
    )

    def __init__(self, config: DciVtonConfig, context: Context) -> None:
        self.context = context
        self._warping: Warping | None = None

    def load(self, device: str) -> None:
        """Bring the warping network onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another model, PF-AFN's own among them.
        """
        from tryon.engines.dci_vton.warping import checkpoint
        from tryon.engines.dci_vton.warping.runtime import Warping

        network = checkpoint.load(require(WEIGHTS, self.context.layout.weights))
        self._warping = Warping(network, choose_device(device).name)

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """The features of a person or a garment; what comes back serves all its pairs."""
        warping = self._ready()
        if isinstance(part, PersonInputs):
            return warping.encode_person(part.densepose(), part.parse_agnostic())
        return warping.encode_garment(part.cloth(), part.cloth_mask())

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        """Bend each garment onto its person, at the size of the canvas."""
        return [_as_files(self._ready().warp(item.person, item.garment)) for item in items]

    def _ready(self) -> Warping:
        return loaded(self._warping, self.card.name)


def _as_files(made: WarpPictures) -> PairMade:
    """The pictures, with a flag where next to nothing of the garment came onto the canvas."""
    pictures = {CLOTH_WARP: made.cloth, CLOTH_WARP_MASK: made.mask, CLOTH_FLOW: made.flow}
    share = float((made.mask > 127).mean())
    lost = f"{share:.1%} of the canvas is the bent garment: look at the parse map and the body parts"
    notices = (Notice(Flag.GARMENT_MISALIGNED, lost),) if share < LEAST_SHARE else ()
    return PairMade({kind: partial(images.png, picture) for kind, picture in pictures.items()}, notices)
