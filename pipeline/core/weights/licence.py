"""Licences of models: shown before a download, accepted once, refused in a run that allows business use only."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.weights.files import read_json, write_json
from pipeline.core.weights.part import write_refusal
from pipeline.core.weights.table import Commercial, Weight, row

ACCEPTED = ".accepted.json"
BUSINESS = {
    Commercial.YES: "yes",
    Commercial.NO: "NO: research and private use only",
    Commercial.CONDITIONAL: "only under a condition, counts as no until you decide",
}


def licence_lines(weight: Weight) -> list[str]:
    """What to read before accepting: the licence as tagged and as inherited, business use, safety, traps."""
    facts = {
        "licence": weight.licence,
        "inherited": weight.inherited,
        "business use": BUSINESS[weight.commercial],
        "condition": weight.condition,
        "opening it": weight.pickle,
        "note": weight.notes,
        "page": weight.home,
    }
    return [f"{weight.name}: {weight.title}", *(f"  {label:13}{text}" for label, text in facts.items() if text)]


def _terms(weight: Weight) -> str:
    return f"{weight.licence} | {weight.inherited} | {weight.commercial}"


def is_accepted(weight: Weight, root: Path) -> bool:
    """True when exactly these terms were accepted for this weights folder."""
    return read_json(root / ACCEPTED).get(weight.name) == _terms(weight)


def accept(weight: Weight, root: Path) -> None:
    """Record that the user accepted the terms; changed terms must be accepted again.

    Raises:
        WeightsError: the weights folder cannot be written.
    """
    try:
        write_json(root / ACCEPTED, {**read_json(root / ACCEPTED), weight.name: _terms(weight)})
    except OSError as error:
        raise write_refusal(f"{root} cannot be written", error) from error


def refuse_non_commercial(name: str, *, allow_conditional: bool = False) -> None:
    """Refuse a model that may not be used in a business.

    Args:
        name: row of the table.
        allow_conditional: also accept models under a condition, because the owner decided that it is met.

    Raises:
        WeightsError: not allowed; the remedy is the alternative.
    """
    weight = row(name)
    if weight.commercial is Commercial.YES or (allow_conditional and weight.commercial is Commercial.CONDITIONAL):
        return
    why = weight.condition or weight.inherited
    raise WeightsError(
        f"weights: {name} is not for business use ({weight.commercial}): {why}",
        f"use instead: {weight.alternative}" if weight.alternative else "there is no business-clean alternative in the table",
    )
