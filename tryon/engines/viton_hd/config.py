"""Settings of the engines. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.core.engine import EngineConfig


class VitonHdConfig(EngineConfig):
    """What can be chosen."""

    dtype: Literal["fp32", "bf16", "fp16"] = "bf16"
    """Number format of the networks; what the machine lacks becomes one it has. The spline is always fp32."""

    label_tables: bool = True
    """Scale and shift of the generator's norms from tables; false convolves every pixel as the published code does (slower, the
    same picture up to rounding)."""

    # Excluded below: what leaves the picture as it is, up to rounding.

    batch_size: int = Field(default=0, ge=0, exclude=True)
    """Pictures made together; 0 = one on a CPU, as many as fit on a GPU."""


class GsVitonConfig(VitonHdConfig):
    """The seed's variant has one choice more."""

    segmentation_sees: Literal["garment", "noise"] = "garment"
    """What the segmentation network is shown of the garment. It was trained on the garment; the published test program shows it
    noise instead."""
