"""The two published variants: every shape and every habit in which they differ (docs/facts/viton_hd.md#variants)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Size = tuple[int, int]
"""(height, width) in pixels."""
Resize = Literal["nearest", "bicubic"]

CLASSES = 13
"""Classes that the segmentation network predicts."""
GROUPS = 7
"""Groups of them that the generator is told."""
LATTICE = 5
"""Control points of the spline along each axis."""
UNIT_PX = 128
"""The generator's coarsest map has a pixel per square of this side."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What decides every shape, and what the variants do differently.

    Args:
        size: of all pictures; multiples of `UNIT_PX`.
        small: at which segmentation and warp work; multiples of 64.
        seg_width, warp_width, generator_width: channels of each network's first level.
        seg_sees_mask: the segmentation is told the garment's mask, and given a plane of noise.
        seg_enlarges: how its decoder enlarges.
        cloth_cut_out: the garment is shown without its photo's background.
        warp_resize: how the warp network's pictures are reduced.
        misaligned_class: the generator's coarse blocks are told the misaligned area as an eighth class; else these pixels
            belong to no class, in the fine blocks too.
        lower: it is what is worn below that is exchanged: no published weights do, ours can be trained so.
    """

    size: Size = (1024, 768)
    small: Size = (256, 192)
    seg_width: int = 64
    warp_width: int = 64
    generator_width: int = 64
    seg_sees_mask: bool = True
    seg_enlarges: Resize = "nearest"
    cloth_cut_out: bool = False
    warp_resize: Resize = "nearest"
    misaligned_class: bool = True
    lower: bool = False

    @property
    def seg_inputs(self) -> int:
        """Channels that the segmentation is shown: classes, pose, garment, and where it sees the mask, mask and noise."""
        return CLASSES + 3 + 3 + (2 if self.seg_sees_mask else 0)

    @property
    def coarse_groups(self) -> int:
        """Channels of the label map in the generator's coarse blocks."""
        return GROUPS + (1 if self.misaligned_class else 0)


OFFICIAL = Architecture()
SEED = Architecture(
    size=(512, 512),
    small=(256, 256),
    seg_sees_mask=False,
    seg_enlarges="bicubic",
    cloth_cut_out=True,
    warp_resize="bicubic",
    misaligned_class=False,
)
PARAMETERS = {"seg": 34_531_149, "gmm": 19_042_290, "alias": 100_498_115}
"""Of OFFICIAL, without running statistics and spectral vectors."""
