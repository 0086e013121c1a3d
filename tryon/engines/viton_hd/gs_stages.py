"""The same stages with the seed's weights."""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.pair_stage import pair_stage
from tryon.engines.viton_hd.stages import MisalignmentStage, PlacingStage, SegmentationStage

WEIGHTS = "gs-viton"


@pair_stage
class GsSegmentationStage(SegmentationStage):
    """Predicts the parse map once the garment is worn."""

    weights = WEIGHTS
    card = replace(SegmentationStage.card, name="gs_viton-segmentation", weights=(WEIGHTS,), seeded=False)


@pair_stage
class GsPlacingStage(PlacingStage):
    """Bends the garment onto the person."""

    weights = WEIGHTS
    card = replace(PlacingStage.card, name="gs_viton-warp", weights=(WEIGHTS,))


@pair_stage
class GsMisalignmentStage(MisalignmentStage):
    """Where the warped garment does not reach."""

    card = replace(MisalignmentStage.card, name="gs_viton-misalignment")
