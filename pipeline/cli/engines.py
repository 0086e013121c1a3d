"""The command `engines`: what dresses here, for whom, at what price, and which one `auto` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.choice import Chooser
    from pipeline.core.console import Console
    from pipeline.core.engine import EngineCard

HEADER = ("engine", "garments", "business", "size", "here", "seconds", "taken by auto for")
BusinessOnly = Annotated[bool, typer.Option("--commercial-only", help="Only engines whose licence allows business use.")]
Measure = Annotated[bool, typer.Option("--measure", help="Dress the demo's person with every engine that can run here.")]


def engines(
    weights: Annotated[Path, typer.Option("--weights", metavar="DIR", help="The weights folder.")] = WEIGHTS,
    commercial_only: BusinessOnly = False,
    measure: Measure = False,
) -> None:
    """Every try-on engine: garments, licence, size, what is here, seconds a picture, and what auto takes."""
    from pipeline.choice import Chooser
    from pipeline.core.console import Console

    console, chooser = Console(), Chooser(weights, commercial_only)
    cards = _cards()
    if measure:
        _measure(console, [card for card in cards if not chooser.lacks(card)], weights)
    from pipeline.engine_speed import measured_here

    taken, notes = _taken(chooser)
    seconds = measured_here(weights)
    console.table([HEADER, *(_cells(card, chooser, taken.get(card.name, []), seconds.get(card.name)) for card in cards)])
    for note in notes:
        console.say(note)
    if not seconds:
        console.say("seconds a picture on this machine: python run.py engines --measure")


def _cards() -> list[EngineCard]:
    from pipeline.catalog import ENGINES, resolve

    return [resolve(entry.engine).card for entry in ENGINES.values()]


def _measure(console: Console, cards: Sequence[EngineCard], weights: Path) -> None:
    from pipeline.engine_speed import measure

    for card in cards:
        console.say(f"measuring {card.name}")
        measure([card.name], weights)


def _taken(chooser: Chooser) -> tuple[dict[str, list[str]], list[str]]:
    """Engine → categories that `auto` gives it, and why better ones were passed over."""
    from pipeline.core.labels import Category

    taken: dict[str, list[str]] = {}
    notes: dict[str, None] = {}
    for category in Category:
        choice = chooser.engine(category)
        taken.setdefault(choice.card.name, []).append(category.value)
        notes |= dict.fromkeys(choice.notes)
    return taken, list(notes)


def _cells(card: EngineCard, chooser: Chooser, categories: Sequence[str], seconds: float | None) -> Sequence[str]:
    from pipeline.core.weights.files import human_bytes
    from pipeline.core.weights.table import Commercial, row

    rows = [row(name) for name in card.weights]
    kinds = {each.commercial for each in rows}
    worst = next((kind for kind in (Commercial.NO, Commercial.CONDITIONAL) if kind in kinds), None)
    return (
        card.name,
        " ".join(sorted(category.value for category in card.categories)),
        str(worst or Commercial.YES),
        human_bytes(sum(each.bytes_expected or 0 for each in rows)) if rows else "-",
        chooser.lacks(card) or "ready",
        f"{seconds:.3g}" if seconds is not None else "-",
        " ".join(categories) or "-",
    )
