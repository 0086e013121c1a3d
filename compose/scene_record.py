"""What is recorded of a finished scene: flags, facts for the ledger, and the recipe in the picture's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compose.painter import Figure
from compose.placement import Placement
from compose.scenery.horizon import Ground
from pipeline.core.config import StepConfig
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Scene


def figure_notices(figures: Sequence[Figure], enlarge_limit: float) -> list[Notice]:
    """Flags of the people in a finished picture.

    Args:
        figures: all people; the first is the picture's own person.
        enlarge_limit: a larger scale is flagged.
    """
    notices = []
    largest = max(figure.placement.scale(figure.body) for figure in figures)
    if largest > enlarge_limit:
        notices.append(Notice(Flag.PERSON_ENLARGED, f"{largest:.2f} times the photo's resolution"))
    for figure in figures:
        cuts = figure.body.cuts
        edges = [name for name in ("top", "left", "right") if getattr(cuts, name) not in (None, False)]
        if edges:  # a body cut at the bottom is an ordinary half-body photo, not a fault
            who = f"{figure.guest}: " if figure.guest else ""
            notices.append(Notice(Flag.PERSON_CUT, f"{who}cut at the {' and '.join(edges)} of the photo"))
        notices += figure.notices
    return notices


def figure_facts(figures: Sequence[Figure], ground: Ground) -> dict[str, str]:
    """Scale of each person, ground line, light, and the visible share of the picture's own person, as text for the ledger."""
    return {
        "scale": " ".join(f"{figure.placement.scale(figure.body):.2f}" for figure in figures),
        "ground_line": f"{ground.line:.3f}",
        "light": figures[0].light.words,
        "shown": f"{figures[0].body.shown:.2f}",
    }


def recipe_of(scene: Scene, figures: Sequence[Figure], ground: Ground, config: StepConfig) -> dict[str, Any]:
    """What is needed to make the picture again; no clock, no path."""
    return {
        "scene": scene.id,
        "engine": scene.pair.engine,
        "ground_line": round(ground.line, 4),
        "light": figures[0].light.words,
        "placements": [_describe(figure) for figure in figures],
        "settings": config.model_dump(mode="json"),
    }


def _describe(figure: Figure) -> dict[str, Any]:
    spot: Placement = figure.placement
    return {
        "foot": [round(spot.x, 2), round(spot.y, 2)],
        "height": round(spot.height, 2),
        "scale": round(spot.scale(figure.body), 4),
        "flip": spot.flip,
        "z": spot.z,
        "reflection": figure.reflection,
        "shadow": {"opacity": round(figure.shadow, 3), "direction": [round(part, 3) for part in figure.direction]},
    }
