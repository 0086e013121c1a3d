"""Settings: one frozen model per step, beside the step; unknown keys are errors (architecture §8)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StepConfig(BaseModel):
    """Base of every step's settings: frozen, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")
