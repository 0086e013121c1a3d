"""The step names of a program whose folder was imported, as ours: after `import gs-viton` its `--step step4` is understood."""

from __future__ import annotations

from pipeline.core.errors import UsageError
from pipeline.core.layout import STEP_NAMES, Layout

GS_VITON = "gs-viton"
STEPS_OF: dict[str, dict[str, tuple[str, ...]]] = {
    GS_VITON: {
        "step1": ("background",),
        "step2": ("pose",),
        "step3": ("densepose", "parsing"),
        "step4": ("cloth", "tryon"),
        "step5": ("compose",),
    }
}
"""Per program: its step → ours, in our order (docs/gs_viton.md#steps)."""


def as_ours(spec: str, layout: Layout) -> str:
    """`step3` as `densepose,parsing` where a folder of the demo was imported; any other words as they are.

    Args:
        spec: the words of `--step`, apart by commas.
        layout: whose outputs say what was imported.

    Raises:
        UsageError: a step that the program does not have.
    """
    table = STEPS_OF.get(_imported(layout))
    if table is None:
        return spec
    words = (word.strip() for word in spec.split(","))
    return ",".join(name for word in words for name in _ours(word, table))


def _ours(word: str, table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not word.lower().startswith("step"):
        return (word,)
    found = table.get(word.lower().replace(" ", ""))
    if found is None:
        raise UsageError(f"GS-VITON has no {word}", f"known: {', '.join(table)}, or a name of ours: python run.py --help")
    return found


def _imported(layout: Layout) -> str:
    try:
        return layout.path(STEP_NAMES).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
