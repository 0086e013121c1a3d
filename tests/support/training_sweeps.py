"""The comparison of arrangements that the page of sweeps shows, for a small network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from training_runs import QUICK

PAGE = Path(__file__).parents[2] / "docs" / "sweep.md"
OWN = ("data.", "precision.")


def frozen_or_joint(folder: Path, data: Path, start: Path, steps: int, settings: Sequence[str]) -> Path:
    """Write the page's second example with other data, start weights and steps, and with what makes it quick.

    Args:
        folder: where it is written.
        data, start: of the training.
        steps: of each arrangement, at whose end it is validated and drawn.
        settings: `section.key=value`, besides those of the page.
    """
    example = next(
        text for text in re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "frozen_or_joint" in text
    )
    text = example.replace('"zalando-hd-resized"', f'"{data}"').replace('"weights"', f'"{start}"').replace("= 500", f"= {steps}")
    text = text.replace("[train.set]", 'device = "cpu"\n\n[train.set]')
    small = [each for each in QUICK if each.startswith(OWN)]
    pairs = (each.partition("=") for each in (*small, *settings))
    lines = [f'"{name}" = {value if value[0].isdigit() else repr(value)}' for name, _, value in pairs]
    file = folder / "frozen_or_joint.toml"
    file.write_text(text + "\n".join(lines) + "\n", "utf-8")
    return file
