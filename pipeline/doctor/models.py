"""The doctor's checks of models: a line per backend or engine whose files are here, and one per step for the absent ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.core.card import Card
from pipeline.core.labels import Category
from pipeline.core.weights.access import pull_command
from pipeline.core.weights.elsewhere import command
from pipeline.core.weights.files import human_bytes
from pipeline.core.weights.table import Commercial, row
from pipeline.core.weights.verify import FileState
from pipeline.doctor.facts import REINSTALL, Check, Level, Machine

ENGINE = "tryon"
SHOWN = 4
"""So many misplaced files are named."""
MOST_NAMED = 7
"""Models of a step that one line names."""


def model_checks(machine: Machine) -> list[Check]:
    """The models in the weights folder, then the absent ones, each with the command that fetches it."""
    here = {user: rows for user, known in machine.users.items() if (rows := _rows_here(machine, known))}
    absent = {user: card for user, card in machine.cards.items() if user not in here and not _rows_here(machine, card.weights)}
    return [
        *_broken(machine),
        *_misplaced(machine),
        *(_user(machine, user, rows) for user, rows in here.items()),
        *_absent(machine, absent),
    ]


def _misplaced(machine: Machine) -> list[Check]:
    """Files that lie elsewhere on this machine, and the command that puts them in place."""
    if not machine.misplaced:
        return []
    lines = [sighting.line() for sighting in machine.misplaced]
    shown = "; ".join(lines[:SHOWN]) + (f"; and {len(lines) - SHOWN} more" if len(lines) > SHOWN else "")
    cure = command((sighting.weight.name for sighting in machine.misplaced), machine.weights_root)
    return [Check(Level.WARN, "model files", f"not where they belong: {shown}", cure)]


def _broken(machine: Machine) -> list[Check]:
    """The models that cannot be imported, a line per cause: one missing library can break many."""
    users: dict[str, list[str]] = {}
    for user, why in machine.broken_cards.items():
        users.setdefault(why, []).append(user)
    return [
        Check(Level.FAIL, "models", f"cannot be imported ({why}): {', '.join(same)}", REINSTALL) for why, same in users.items()
    ]


def _rows_here(machine: Machine, rows: Iterable[str]) -> list[str]:
    absent = {FileState.MISSING, FileState.INSTALLED}
    return [name for name in rows if any(finding.state not in absent for finding in machine.weights[name])]


def _user(machine: Machine, user: str, rows: Sequence[str]) -> Check:
    bad = [finding for name in rows for finding in machine.weights[name] if not finding.usable]
    if bad:
        names = list(dict.fromkeys(finding.weight.name for finding in bad))
        return Check(Level.WARN, user, "; ".join(finding.line() for finding in bad), pull_command(names, machine.weights_root))
    card = machine.cards.get(user)
    if card and (missing := card.missing_packages()):
        text = f"weights are here ({', '.join(rows)}), but {', '.join(missing)} is not installed"
        return Check(Level.WARN, user, text, f"pip install -e '.[{card.extra}]'")
    unread = [name for name in rows if any(finding.state is FileState.UNVERIFIED for finding in machine.weights[name])]
    note = "; hashed before first use" if unread else ""
    return Check(Level.OK, user, f"{', '.join(rows)}{note}")


def _absent(machine: Machine, cards: dict[str, Card]) -> list[Check]:
    """A line per step and one per engine whose models are absent; all of them are optional."""
    by_step: dict[str, dict[str, Card]] = {}
    for user, card in cards.items():
        step, _, name = user.partition(":")
        by_step.setdefault(user if step == ENGINE else step, {})[name] = card
    first = first_choices(machine.cards)
    return [_offer(machine, name, offered, first.get(name, [])) for name, offered in by_step.items()]


def first_choices(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    """Engine, as `tryon:<name>` → the garment categories for which it is the first of the catalogue."""
    first: dict[str, list[str]] = {}
    taken: set[str] = set()
    for user, card in cards.items():
        dresses = getattr(card, "categories", ())  # an engine's card; its class needs numpy, which may be what is missing
        if new := [each.value for each in Category if each in dresses and each.value not in taken]:
            first[user] = new
            taken.update(new)
    return first


def _offer(machine: Machine, name: str, offered: dict[str, Card], first: Sequence[str]) -> Check:
    """The offer of a step names its models, of many the first, and the command for the first, which `auto` would choose."""
    rows = next(iter(offered.values())).weights
    size = sum(finding.file.bytes_expected for row in rows for finding in machine.weights[row])
    engine = name.startswith(f"{ENGINE}:")
    chosen = f", the first choice for {', '.join(first)}; business use: {_business(rows)}" if first else ""
    named = [*list(offered)[:MOST_NAMED], *([f"and {len(offered) - MOST_NAMED} more"] if len(offered) > MOST_NAMED else [])]
    text = f"optional, not here{chosen}" if engine else f"optional, not here: {', '.join(named)}"
    others = "" if len(offered) == 1 else "; the others: python run.py weights list"
    return Check(Level.OK, name, text, f"{pull_command(rows, machine.weights_root)}   ({human_bytes(size)}{others})")


def _business(rows: Sequence[str]) -> str:
    return "yes" if all(row(name).commercial is Commercial.YES for name in rows) else "no"
