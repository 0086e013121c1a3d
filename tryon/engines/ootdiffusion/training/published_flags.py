"""Flags of the unofficial training script (`lyc0929/OOTDiffusion-train`). Facts: docs/facts/ootdiffusion.md#training-code."""

from __future__ import annotations

from tryon.training.published_flags import PublishedFlags

FLAGS = PublishedFlags(numbers={"--model_type": "ootd.model", "--load_width": "data.width", "--load_height": "data.height"})
