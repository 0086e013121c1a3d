"""Settings of OOTDiffusion's training, and its arrangements as presets. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from pipeline.core.config import Schema, StepConfig
from pipeline.core.labels import Category
from tryon.engines.ootdiffusion.wiring import Adapter, Branch, Eye, Inputs, Places, ReferenceTimestep, Tokens, Wiring
from tryon.engines.ootdiffusion.words import FULL_BODY, HALF_BODY, Prompts
from tryon.training.config import Batch, LoopConfig
from tryon.training.data.augment import Unchanged
from tryon.training.optimiser import OptimiserConfig

Loss = Literal["mse", "masked", "min-snr"]
Base = Literal["sd15", "ootd"]
Trained = Literal["joint", "try-on", "garment", "attention", "lora", "adapter", "branch"]


WORDS = {"hd": HALF_BODY, "dc": FULL_BODY}
"""Of the published models."""


class OotdOptimiser(OptimiserConfig):
    """AdamW at a constant rate."""

    learning_rate: float = Field(5e-5, gt=0)
    """As the paper says."""


class OotdLoop(LoopConfig):
    """As the paper says: 36,000 steps of 64 pairs at 512×384."""

    steps: int = Field(36_000, ge=1)
    """Optimiser steps in all."""
    batch: Batch = 64
    """Pairs per process and micro-batch."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Of the moving average; 0 = none, as published."""


class OotdTraining(StepConfig):
    """What only OOTDiffusion's training has."""

    model: Literal["hd", "dc"] = "hd"
    """Whose words: hd sees the empty text and dresses upper garments, dc sees a word for the category."""
    categories: tuple[Category, ...] = ()
    """Garments that are trained, of DressCode's tree its parts: upper, lower, dress; none named = all that the model dresses. A
    VITON-HD tree does not say what it holds: upper garments, unless one other is named."""
    prompts: Prompts = "published"
    """What the text encoder is told; an exported folder says it, and the engine refuses another set."""
    inputs: Inputs = "concat"
    """What the try-on U-Net is shown: the masked person beside the noisy latent, added to it, or with the mask or
    the skeleton's latent beside it."""
    tokens: Tokens = "before"
    """Where the garment's tokens are taken: before the garment U-Net's own norm1, or after it as Magic Clothing does."""
    reference_timestep: ReferenceTimestep = "zero"
    """Of the garment U-Net: 0, that of the try-on U-Net (the garment is then shown at every step), or always 500."""
    alignment: bool = False
    """A small residual network behind the masked person's latent, trained with the rest."""
    adapter: Adapter = "none"
    """An IP-Adapter on the try-on U-Net that sees the garment: four tokens of CLIP-L's vector, or sixteen of its patches."""
    adapter_places: Places = "all"
    """Which of the try-on U-Net's cross-attentions see them: all, or those of the decoder."""
    adapter_eye: Eye = "clip-l"
    """By which network the adapter sees the garment: OOTDiffusion's own CLIP ViT-L, OpenCLIP's ViT-H, or DINOv2's ViT-B."""
    adapter_mask: bool = False
    """The adapter sees the shape of the hole too: 16 tokens beside the garment's patches; of a resampler."""
    vision_only: bool = False
    """These tokens are all that the try-on U-Net's cross-attentions see; all of them must."""
    branch: Branch = "none"
    """A ControlNet beside the try-on U-Net, begun as its encoder's copy, that sees the skeleton or the garment's edges."""
    loss: Loss = "mse"
    """mse; masked: the hole alone counts; min-snr: early timesteps, which are easy, count less (Hang et al. 2023, gamma 5)."""
    outside: float = Field(default=0.0, ge=0, le=1)
    """Of the masked loss: what a latent outside the hole weighs."""
    flow: float = Field(default=0.0, ge=0)
    """Weight of Leffa's loss of attention (0.001 there): where a patch looks, the garment has its colour; 0 = without."""
    trained: Trained = "joint"
    """What learns: both U-Nets, one of them, the try-on U-Net's self-attention, a LoRA beside `lora_on`, the adapter or the
    branch alone."""
    try_on_from: Base = "sd15"
    """Start weights of the try-on U-Net: Stable Diffusion 1.5's with four more inputs of zeros, or OOTDiffusion's."""
    garment_from: Base = "sd15"
    """Start weights of the garment U-Net."""
    drop_garment: float = Field(default=0.1, ge=0, le=1)
    """Probability, for each pair by itself, that a latent of zeros takes the garment's place; guidance needs it."""
    drop_adapter: float = Field(default=0.0, ge=0, le=1 / 3)
    """Of an adapter: probability each that a pair's text, its picture, or both are left out (0.05 as published). Without text its
    cross-attentions see the empty text and no vector, without picture what the projector makes of zeros."""
    cache: int = Field(default=0, ge=0)
    """Pairs whose encodings by VAE and CLIP are kept in memory; 0 = none. Nothing is changed at random, so all may be."""
    lora_on: Literal["try-on", "garment", "both"] = "try-on"
    """Beside which U-Net's attentions and feed-forward layers a LoRA is put."""
    lora_rank: int = Field(default=16, ge=1, le=1024)
    """Width of the narrow middle of each layer's change."""
    lora_alpha: float = Field(default=16.0, gt=0)
    """The change is scaled by alpha / rank."""
    draw_steps: int = Field(default=20, ge=2, le=1000)
    """Sampling steps of the pictures on the sheets."""

    @model_validator(mode="after")
    def _fits(self) -> OotdTraining:
        if foreign := [each.value for each in self.categories if each not in WORDS[self.model].categories]:
            raise ValueError(f"categories: model {self.model} dresses no {', '.join(foreign)}; ootd.model=dc dresses all")
        if self.trained == "adapter" and self.adapter == "none":
            raise ValueError("trained=adapter needs adapter=plain or adapter=resampler")
        if self.drop_adapter and (self.adapter == "none" or self.vision_only):
            raise ValueError("drop_adapter needs an adapter beside text: adapter=plain or resampler, and vision_only=false")
        if self.trained == "branch" and self.branch == "none":
            raise ValueError("trained=branch needs branch=pose or branch=sobel")
        if self.adapter_eye != "clip-l" and self.adapter == "none":
            raise ValueError("adapter_eye needs an adapter: adapter=plain or adapter=resampler")
        if self.adapter_mask and self.adapter != "resampler":
            raise ValueError("adapter_mask needs adapter=resampler: a plain one takes a vector, not tokens")
        if self.vision_only and (self.adapter == "none" or self.adapter_places != "all"):
            raise ValueError("vision_only needs an adapter at all places: the others would see nothing")
        return self

    @property
    def dressed(self) -> tuple[Category, ...]:
        """Garments that are trained."""
        return self.categories or tuple(WORDS[self.model].ids)

    @property
    def wiring(self) -> Wiring:
        """How the U-Nets are joined."""
        return Wiring(
            adapter=self.adapter,
            adapter_places=self.adapter_places,
            adapter_eye=self.adapter_eye,
            adapter_mask=self.adapter_mask,
            vision_only=self.vision_only,
            branch=self.branch,
            inputs=self.inputs,
            tokens=self.tokens,
            reference_timestep=self.reference_timestep,
            alignment=self.alignment,
        )


SECTION = "ootd"
SECTIONS: Schema = {"augment": Unchanged, "optimiser": OotdOptimiser, "loop": OotdLoop, SECTION: OotdTraining}

SMALL = ("precision.recompute=true", "ootd.cache=20000")
"""What every arrangement for one card has: maps calculated again, encodings kept (at 512×384 about 0.2 MB a pair)."""
ONE_CARD = (*SMALL, "loop.batch=4", "loop.accumulation=4")
IP_ADAPTER = (
    *(*ONE_CARD, "ootd.trained=adapter", "ootd.try_on_from=ootd", "ootd.garment_from=ootd", "ootd.adapter=plain"),
    *("optimiser.learning_rate=1e-4", "ootd.drop_adapter=0.05"),
)
CONTROLNET = (
    *(*ONE_CARD, "ootd.trained=branch", "ootd.try_on_from=ootd", "ootd.garment_from=ootd"),
    "optimiser.learning_rate=1e-5",
)
PRESETS: Mapping[str, tuple[str, ...]] = {
    "joint": ("ootd.trained=joint", "loop.steps=36000", "loop.batch=64", "precision.recompute=true"),
    "joint-low-memory": (*SMALL, "ootd.trained=joint", "optimiser.name=adamw8bit", "loop.batch=1", "loop.accumulation=16"),
    "frozen-garment": (*ONE_CARD, "ootd.trained=try-on", "ootd.garment_from=ootd"),
    "frozen-garment-sd15": (*ONE_CARD, "ootd.trained=try-on"),
    "garment-only": (*ONE_CARD, "ootd.trained=garment", "ootd.tokens=after"),
    "attention-only": (*ONE_CARD, "ootd.trained=attention", "ootd.try_on_from=ootd", "ootd.garment_from=ootd"),
    "lora": (
        *(*ONE_CARD, "ootd.trained=lora", "ootd.try_on_from=ootd", "ootd.garment_from=ootd"),
        "optimiser.learning_rate=1e-4",
    ),
    "ip-adapter": (*IP_ADAPTER, "ootd.adapter_places=all"),
    "ip-adapter-decoder-only": (*IP_ADAPTER, "ootd.adapter_places=decoder"),
    "controlnet": (*CONTROLNET, "ootd.branch=pose"),
    "controlnet-sobel": (*CONTROLNET, "ootd.branch=sobel"),
}
"""`joint` is the paper's; the others are what its users asked for, with rates and batches that are ours."""
