"""Settings of the hand repair, and which model files they need. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from pipeline.core.card import ALL_THREADS, Card, Resources
from pipeline.core.config import StepConfig
from pipeline.core.score import PASS_SCORE

PROMPT = "a photo of a hand of a person, five fingers, natural skin, detailed knuckles"
NEGATIVE = "deformed hand, fused fingers, missing fingers, extra fingers, bad anatomy, blurred"
SEED_PROMPT = "realistic hands, detailed knuckles, no deformation"
SEED_NEGATIVE = "deformed hands, extra fingers, bad anatomy"
UNETS = {"inpainting": "sd15-inpainting-unet", "plain": "sd15-unet"}
PARTS = ("sd15-vae", "sd15-text-encoder", "sd15-tokenizer")


class RepairConfig(StepConfig):
    """Hands that came out badly are drawn once more by Stable Diffusion 1.5, with a LoRA or without one."""

    on: bool = Field(False, exclude=True)
    """Repair hands (--repair-hands)."""
    preset: Literal["", "seed-infer"] = ""
    """seed-infer = the hand adapter's published way, for comparison: the whole picture at 512 × 512, both bare arms, seed 42."""
    model: Literal["inpainting", "plain"] = "inpainting"
    """Which U-Net: the one trained to inpaint, or the plain one, led by the picture around the hand."""
    lora: Path | None = Field(None, exclude=True)
    """A LoRA file of kohya's or diffusers' names, made for Stable Diffusion 1.5; its content counts, not its path."""
    masks: Path | None = Field(None, exclude=True)
    """A folder of hand masks, PERSON_mask.png as `hands masks` writes them, PERSON.png or .jpg; only their white is repainted."""
    lora_strength: float = Field(0.7, ge=0, le=2)
    """1 = as trained."""
    prompt: str = PROMPT
    """What is drawn."""
    negative: str = NEGATIVE
    """What is not."""
    strength: float = Field(0.45, gt=0, le=1)
    """Share of the steps that are run: little keeps the pose of the fingers that are there."""
    steps: int = Field(30, ge=2, le=1000)
    """Of the whole schedule."""
    guidance_scale: float = Field(7.5, ge=1)
    """1 = the negative prompt has no effect, at half the time."""
    candidates: int = Field(4, ge=1, le=64)
    """Hands that are drawn, of which the best is taken."""
    factor: float = Field(2.25, ge=1.5, le=4)
    """Side of the square around the hand over the hand's size."""
    below: float = Field(PASS_SCORE, ge=0, le=1)
    """A hand of at least this likeness to the photo's is left alone; by default one that the gate would not flag."""
    gain: float = Field(0.05, ge=0, le=1)
    """A new hand must be so much more like the photo's than the old one."""
    feather_px: float = Field(6.0, ge=0)
    """Width of the soft seam, canvas pixels."""
    numbers: Literal["fp32", "bf16", "fp16"] = "bf16"
    """Number format of the networks; fp32 where the machine has no faster one."""

    @property
    def published(self) -> bool:
        """Whether the published way is repeated."""
        return self.preset == "seed-infer"


def card_of(config: RepairConfig) -> Card:
    """What the repair needs with these settings."""
    unet = UNETS["plain" if config.published else config.model]
    return Card(
        name="hand-repair",
        weights=(unet, *PARTS),
        packages=("torch", "diffusers", "transformers", "mediapipe|ai_edge_litert"),
        extra="diffusion",
        seconds=240.0,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=6.5, gpu_memory_gb=4.0),
    )
