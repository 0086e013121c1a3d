"""kohya's flags as settings of ours, as the hand adapter types them (docs/facts/lora_files.md#the-hand-adapters-training)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.core.errors import UsageError

_SETTINGS = {
    "network_dim": "hand_lora.rank",
    "network_alpha": "hand_lora.alpha",
    "max_train_steps": "loop.steps",
    "train_batch_size": "loop.batch",
    "gradient_accumulation_steps": "loop.accumulation",
    "learning_rate": "optimiser.learning_rate",
    "mixed_precision": "precision.numbers",
    "seed": "loop.seed",
}
_PLACES = {
    "pretrained_model_name_or_path": "--start DIR",
    "train_data_dir": "--data DIR, written by: python run.py hands dataset",
    "output_dir": "--runs DIR, then: python run.py train export RUN --official FILE",
    "network_module": "always a LoRA",
    "xformers": "attention is fused always",
    "enable_bucket": "pictures are resized to data.height and data.width",
    "save_every_n_epochs": "--set loop.save_every=STEPS",
    "batch_size": "no flag of kohya's tools either (theirs is --train_batch_size); --batch N",
}


def translate(words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Flags as settings, and a line for each that says what became of it.

    Raises:
        UsageError: a flag that kohya's command in that README does not have.
    """
    settings: list[str] = []
    lines: list[str] = []
    left = [word.replace("–", "--").replace("—", "--").replace("----", "--") for word in words]
    while left:
        flag = left.pop(0)
        name, equals, value = flag.lstrip("-").partition("=")
        if not equals and left and not left[0].startswith("-"):
            value = left.pop(0)
        settings += _known(name, value, lines.append)
    return tuple(settings), lines


def _known(name: str, value: str, say: Callable[[str], None]) -> list[str]:
    if name in _SETTINGS:
        number = {"no": "fp32"}.get(value, value)
        say(f"--{name} {value}: {_SETTINGS[name]}={number}")
        return [f"{_SETTINGS[name]}={number}"]
    if name == "resolution":
        say(f"--resolution {value}: data.height={value}, data.width={value}")
        return [f"data.height={value}", f"data.width={value}"]
    if name == "gradient_checkpointing":
        say("--gradient_checkpointing: precision.recompute=true")
        return ["precision.recompute=true"]
    if name in _PLACES:
        say(f"--{name}: {_PLACES[name]}")
        return []
    raise UsageError(f"--{name}: no flag of the hand adapter's training", f"known: {', '.join(sorted({*_SETTINGS, *_PLACES}))}")
