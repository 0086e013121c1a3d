"""Why an item runs, in words: compares what an artefact was made from with what it would be made from now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.core.errors import InputError
from pipeline.core.items import Garment, Item, Pair, Person, Scene
from pipeline.core.layout import INPUT_PREFIX, PER_ENGINE, SETTINGS_SUFFIX, Ref, maker, settings_file
from pipeline.core.records.fingerprint import ABSENT, Basis


class Code(StrEnum):
    """Kinds of reasons, for `--json`."""

    NEVER = "never-run"
    ADDED = "added"
    OUTPUT_MISSING = "output-missing"
    CHANGED = "changed"
    FORCED = "forced"
    RETRY = "retry"
    UPSTREAM = "upstream-will-run"
    REFUSED = "refused"
    INPUT_MISSING = "input-missing"
    UPSTREAM_FAILED = "upstream-failed"
    FAILED_BEFORE = "failed-before"
    HAND_EDIT = "by-hand"
    LOW_SCORE = "low-score"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why.

    Args:
        code: the kind.
        text: for people; the same for all items it can be counted with.
        many: what to say instead when a kind has many texts, with `{}` for their number: `{} backgrounds added`.
    """

    code: Code
    text: str
    many: str = ""


NEVER = Reason(Code.NEVER, "never run")
FORCED = Reason(Code.FORCED, "forced")
RETRY = Reason(Code.RETRY, "failed before, tried again")
HAND_EDIT = Reason(Code.HAND_EDIT, "given or edited by hand, respected")
FAILED_BEFORE = Reason(Code.FAILED_BEFORE, "failed before with the same input (--retry-failed tries again)")


def kind_of(ref: Ref) -> str:
    """The kind of an artefact in one word: the last folder of its path that is not an engine's."""
    folder = ref.rpartition("/")[0]
    per_engine = (kind.path for kind in PER_ENGINE if folder.startswith(f"{kind.path}/"))
    return next(per_engine, folder.rpartition("/")[2]) or ref


def output_missing(ref: Ref) -> Reason:
    """A file that was made is gone, or a new one is wanted."""
    return Reason(Code.OUTPUT_MISSING, f"output missing: {kind_of(ref)}", "{} kinds of output missing")


def refused(problem: InputError, step: str) -> Reason:
    """A step was not made for it, whatever its files hold."""
    cure = f" → {problem.remedy}"
    many = "refused for {} causes" + cure.replace("{", "{{").replace("}", "}}")
    return Reason(Code.REFUSED, problem.message.removeprefix(f"{step}: ") + cure, many)


def input_missing(ref: Ref) -> Reason:
    """A file the step must read is not there."""
    if ref.startswith(INPUT_PREFIX):
        return Reason(Code.INPUT_MISSING, "input picture is gone")
    text = f"{kind_of(ref)} is missing: python run.py --step {maker(ref)}"
    return Reason(Code.INPUT_MISSING, text, "{} kinds of input missing")


def upstream_will_run(step: str) -> Reason:
    """Something it reads will be made anew; it runs if that comes out different."""
    return Reason(Code.UPSTREAM, f"upstream {step} will run")


def upstream_failed(step: str) -> Reason:
    """Something it reads could not be made."""
    return Reason(Code.UPSTREAM_FAILED, f"upstream {step} has no result")


def failed_earlier(step: str, item: str, message: str) -> Reason:
    """Something it reads was never made, because of this failure in an earlier run."""
    text = f"{step} failed for {item}: {message.removeprefix(f'{step}: ')}"
    return Reason(Code.UPSTREAM_FAILED, text, "{} failures of earlier runs")


class KnownItems:
    """All items that a step ever worked on; built once per plan of a stage, because every added item is compared with it.

    Args:
        ids: of the items.
    """

    def __init__(self, ids: Set[str]) -> None:
        self.ids = ids
        self.parts = [set(column) for column in zip(*(name.split("__") for name in ids), strict=False)]
        """Ids of the persons, the garments and the backgrounds among them, as far as the step's items have such parts."""


def added(item: Item, known: KnownItems) -> Reason:
    """Why an item was never run."""
    if not known.ids:
        return NEVER
    if isinstance(item, Person):
        return Reason(Code.ADDED, "photo added" if item.after is None else "outfit added")
    if isinstance(item, Garment):
        return Reason(Code.ADDED, "garment added")
    pair, parts = item.pair if isinstance(item, Scene) else item, known.parts
    if pair.person.original.id not in parts[0]:
        return Reason(Code.ADDED, "photo added")
    if pair.outfit and pair.outfit not in parts[1]:
        return Reason(Code.ADDED, f"outfit {pair.outfit} added", "{} outfits added")
    if not pair.outfit and pair.garment.id not in parts[1]:
        return Reason(Code.ADDED, f"garment {_file_name(pair.garment.source)} added", "{} garments added")
    if isinstance(item, Scene) and item.background.id not in parts[2]:
        return Reason(Code.ADDED, f"background {_file_name(item.background.source)} added", "{} backgrounds added")
    return Reason(Code.ADDED, f"{'pair' if isinstance(item, Pair) else 'scene'} added")


def changed(step: str, item: Item, old: Basis | None, new: Basis, hand_edit: Callable[[Ref], bool]) -> Reason:
    """What differs between the basis of an artefact and the basis it would have now.

    Args:
        step: the step's name, which is also its section of the settings.
        item: whose artefact.
        old: None when it is not known any more.
        new: as things are now.
        hand_edit: whether a file is a hand edit.
    """
    if old is None:
        return Reason(Code.CHANGED, "made from something else")
    texts: list[str] = []
    if old.version != new.version:
        texts.append(f"step version {old.version} → {new.version}")
    if keys := _differences(old.settings, new.settings):
        texts.append(f"settings changed: {', '.join(f'{step}.{key}' for key in keys)}")
    for key in _differences(old.signature, new.signature):
        texts.append(_signature_text(key, str(old.signature.get(key, "none")), str(new.signature.get(key, "none"))))
    for ref in _differences(old.inputs, new.inputs):
        text = _input_text(item, ref, old.inputs.get(ref, ABSENT) == ABSENT, hand_edit)
        if text not in texts:
            texts.append(text)
    return Reason(Code.CHANGED, "; ".join(texts) or "made from something else", "changed in {} ways")


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [key for key in sorted({*old, *new}) if old.get(key, ABSENT) != new.get(key, ABSENT)]


def _signature_text(key: str, old: str, new: str) -> str:
    """Short values are named; long ones (settings of an engine, hashes) differ per item and only say that they changed."""
    word = key.replace("_", " ")
    return f"{word} changed: {old} → {new}" if max(len(old), len(new)) <= 16 and key != "seed" else f"{word} changed"


def _input_text(item: Item, ref: Ref, was_absent: bool, hand_edit: Callable[[Ref], bool]) -> str:
    if not ref.startswith(INPUT_PREFIX):
        how = "edited by hand" if hand_edit(ref) else "added" if was_absent else "changed"
        return f"{kind_of(ref)} {how}"
    if ref.endswith(SETTINGS_SUFFIX):
        return _settings_text(item, ref)
    pair = item.pair if isinstance(item, Scene) else item
    if isinstance(item, Scene) and ref == item.background.source:
        return f"background {_file_name(ref)} changed"
    person = pair.person if isinstance(pair, Pair) else pair
    return "photo changed" if isinstance(person, Person) and ref == person.source else f"{_owner(item, ref)} changed"


def _owner(item: Item, ref: Ref) -> str:
    """Whose picture an input is: of a garment alone the garment picture, in a pair the one of that name."""
    return "garment picture" if isinstance(item, Garment) else _file_name(ref)


def _settings_text(item: Item, ref: Ref) -> str:
    source = item.source if isinstance(item, Person | Garment) else ""
    return "settings beside the picture changed" if source and ref == settings_file(source) else f"{_file_name(ref)} changed"


def _file_name(ref: Ref) -> str:
    return ref.rpartition("/")[2]
