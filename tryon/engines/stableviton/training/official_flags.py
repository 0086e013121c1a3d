"""The flags of the published training script, with their meaning there, as settings here.

Facts: docs/facts/stableviton_training.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.errors import UsageError, nearest
from tryon.training.published_flags import PublishedFlags

ON = {
    "hflip": "augment.flip=0.5",
    "shiftscale": "augment.move=0.5",
    "shiftscale2": "augment.move=0.5",
    "shiftscale3": "augment.move=0.5",
    "hsv": "augment.hsv=0.5",
    "bright_contrast": "augment.contrast=0.5",
}
OFF = ("augment.flip=0", "augment.move=0", "augment.hsv=0", "augment.contrast=0")
NUMBERS = {
    "--batch_size": "loop.batch",
    "--learning_rate": "optimiser.learning_rate",
    "--lr": "optimiser.learning_rate",
    "--accum_iter": "loop.accumulation",
    "--accumulate_grad_batches": "loop.accumulation",
    "--img_H": "data.height",
    "--img_W": "data.width",
    "--seed": "loop.seed",
}
SWITCHES = {
    "--use_atv_loss": "stableviton.attention_loss=true",
    "--sd_unlocked": "stableviton.unlock=['decoder']",
    "--all_unlocked": "stableviton.unlock=['all']",
}
ELSEWHERE = {
    "--config_name": "the network is the published one; presets name what differs",
    "--data_root_dir": "give it as --data DIR",
    "--resume_path": "give it as --start FILE; the same command again goes on by itself",
    "--vae_load_path": "give it as --vae FILE",
    "--save_name": "give it as --run NAME",
    "--save_root_path": "give it as --runs DIR",
    "--precision": "give it as --precision bf16, fp16 or fp32",
    "--max_epochs": "give it as --set loop.steps=N; the plan says how many steps an epoch has",
    "--n_gpus": "torchrun decides: torchrun --nproc-per-node N run.py train …",
    "--strategy": "torchrun decides",
}


def _transforms(flag: str, values: Sequence[str], before: Sequence[str]) -> list[str]:
    """The first list switches off whatever is not named in one of the lists."""
    unknown = [value for value in values if value not in ON]
    if unknown:
        raise UsageError(f"{flag} {unknown[0]}: no such transform", nearest(unknown[0], ON))
    first = not any(each in before for each in OFF)
    return [*(OFF if first else ()), *(ON[value] for value in values)]


FLAGS = PublishedFlags(
    numbers=NUMBERS,
    switches=SWITCHES,
    lists={"--transform_size": _transforms, "--transform_color": _transforms},
    elsewhere=ELSEWHERE,
)


def translate(words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """See `published_flags.PublishedFlags`."""
    return FLAGS.translate(words)
