"""Settings of the preview engine."""

from __future__ import annotations

from pydantic import Field

from pipeline.core.engine import EngineConfig


class PreviewConfig(EngineConfig):
    """How the preview warps and shades."""

    smoothing: float = Field(default=2e-4, ge=0)
    """Stiffness of the thin-plate spline; 0 = landmarks are met exactly."""
    fold_strength: float = Field(default=0.5, ge=0, le=1)
    """Share of the worn garment's folds that is kept."""
    side_shade: float = Field(default=0.84, ge=0.5, le=1)
    """Brightness at the body's sides, 1 = flat."""
    contact_shadow: float = Field(default=0.3, ge=0, le=1)
    """Darkness under sleeve ends and arms."""
