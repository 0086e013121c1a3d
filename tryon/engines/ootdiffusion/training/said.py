"""What is said before a training's first step: what learns and why, and how long it may take.

Facts: docs/facts/ootdiffusion.md#training.
"""

from __future__ import annotations

from tryon.engines.ootdiffusion.training.config import SECTION, OotdTraining
from tryon.engines.ootdiffusion.training.groups import garment_learns
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig, Settings

SECONDS_PER_PAIR = 75 * 3600 / (36_000 * 64)
"""Of the joint training at 512×384 on one A100, recomputing maps, as its author says: 75 hours for 36,000 steps of 64."""
PIXELS = 512 * 384
BRANCH = 0.4
"""Of a U-Net's pass: encoder and middle."""
SECTION_OF_MODEL = {"hd": "ootd-hd", "dc": "ootd-dc"}

FROZEN_PLAIN = (
    "garment U-Net: a plain Stable Diffusion 1.5, frozen. It never learnt to describe a clean picture at timestep 0 with "
    "unscaled latents and a context of two tokens; its tokens are spread over everything, and the try-on U-Net must learn "
    "the whole alignment; users still saw poor pictures after 22 to 42 epochs. OOTDiffusion's, frozen, is reported good: "
    "--arrangement frozen-garment"
)


def about_lines(settings: Settings) -> tuple[str, ...]:
    """Lines for people."""
    own, loop = settings[SECTION], settings["loop"]
    assert isinstance(own, OotdTraining) and isinstance(loop, LoopConfig)
    lines = [
        f"masks: taken from the tree; pictures are made with those of the rule {SECTION_OF_MODEL[own.model]}, so train on masks "
        "that it drew (--step parsing with this engine, then export viton-hd)",
    ]
    if own.garment_from == "sd15" and not garment_learns(own):
        lines.append(FROZEN_PLAIN)
    if loop.batch != "auto":
        pairs = loop.steps * loop.batch * loop.accumulation
        hours = pairs * seconds_per_pair(settings) / 3600
        lines.append(
            f"time: about {hours:.0f} h on one A100, calculated from the author's 75 h for 36,000 steps of 64 pairs, not "
            "measured (--dry-run measures three steps here)"
        )
    return tuple(lines)


def seconds_per_pair(settings: Settings) -> float:
    """Of one A100: the author's figure, by pixels and by which passes an arrangement needs."""
    own, data, precision = settings[SECTION], settings["data"], settings["precision"]
    assert isinstance(own, OotdTraining) and isinstance(data, DataConfig) and isinstance(precision, PrecisionConfig)
    share = passes(own, precision.recompute) / passes(OotdTraining(), True)
    return SECONDS_PER_PAIR * share * data.height * data.width / PIXELS


def passes(own: OotdTraining, recompute: bool) -> float:
    """Forward passes of a U-Net that a step costs: one for an answer, one for gradients of maps, one for those of weights."""
    again = 1.0 if recompute else 0.0
    weights = {"joint": 2.0, "try-on": 1.0, "garment": 1.0, "attention": 0.1, "lora": 0.1, "adapter": 0.1, "branch": 0.0}
    branch = BRANCH * (2 + weights["try-on"] + again) if own.branch != "none" else 0.0
    return branch + 1 + (1 + 1 + again) + (1 + again if garment_learns(own) else 0) + weights[own.trained]
