"""Flags of masks that the user edited or gave, judged once per content, instead of those of the masks that we would have made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import GIVEN_MASKS, Layout, Ref
from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.records.store import Store

JUDGED = frozenset({
    Flag.MASK_TOO_SMALL, Flag.MASK_TOO_LARGE, Flag.AGNOSTIC_MISMATCH, Flag.CLOTH_MASK_SUSPECT, Flag.GARMENT_TURNED,
    Flag.CATEGORY_SUSPECT,
})  # fmt: skip
"""Flags that speak of a mask."""


@dataclass(frozen=True)
class GivenMask:
    """What is known of one given mask.

    Args:
        content: sha256 of the file that was judged, and of the grey picture that it was held against.
        scope: how the details of flags about it begin: `upper:`; "" = every flag of its item is about it.
        notices: its flags.
        recorded: whether the outcome of its item has them; a run of other steps only judges the mask.
    """

    content: str
    scope: str = ""
    notices: tuple[Notice, ...] = ()
    recorded: bool = False


@dataclass
class GivenMasks:
    """The given masks of an outputs folder.

    Args:
        masks: by ref.
        gone: masks that are no hand edits any more.
    """

    masks: dict[Ref, GivenMask] = field(default_factory=dict)
    gone: set[Ref] = field(default_factory=set)

    @property
    def fresh(self) -> set[Ref]:
        """The masks whose items' outcomes must be recorded anew."""
        return self.gone | {ref for ref, mask in self.masks.items() if not mask.recorded}

    def note_recorded(self, refs: Iterable[Ref]) -> None:
        """The outcomes of these masks' items have been recorded."""
        self.masks |= {ref: replace(self.masks[ref], recorded=True) for ref in refs if ref in self.masks}

    def applied(self, outcome: Outcome) -> Outcome:
        """An outcome whose flags speak of the masks that are there: those of its given masks replace ours."""
        notices = list(outcome.notices)
        for given in filter(None, map(self.masks.get, outcome.kept)):
            notices = [each for each in notices if each.flag not in JUDGED or not each.detail.startswith(given.scope)]
            notices += given.notices
        return replace(outcome, notices=tuple(notices))

    def to_judge(self, there: Mapping[Ref, str | None], again: bool = False) -> list[Ref]:
        """The given masks that are new or changed; those that are given no more are forgotten.

        Args:
            there: mask → its content where it is a hand edit, None where it is not.
            again: all of them.
        """
        gone = [ref for ref, content in there.items() if content is None and self.masks.pop(ref, None) is not None]
        known = {ref: mask.content for ref, mask in self.masks.items()}
        changed = [ref for ref, content in there.items() if content is not None and (again or known.get(ref) != content)]
        self.gone.update(gone)
        return changed

    def save(self, store: Store) -> None:
        """Store what was judged; call it once the outcomes are recorded."""
        rows = {
            ref: [mask.content, mask.scope, [[notice.flag.value, notice.detail] for notice in mask.notices], mask.recorded]
            for ref, mask in sorted(self.masks.items())
        }
        if rows or self.gone:
            store.write_if_changed(GIVEN_MASKS, json.dumps(rows, indent=0).encode())
        self.gone.clear()


def read_given_masks(layout: Layout) -> GivenMasks:
    """What earlier runs judged; nothing where the file is missing or damaged, so that all is judged again."""
    try:
        rows = json.loads(layout.path(GIVEN_MASKS).read_text("utf-8"))
        return GivenMasks({ref: GivenMask(row[0], row[1], _notices(row[2]), row[3]) for ref, row in rows.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return GivenMasks()


def _notices(rows: list[list[str]]) -> tuple[Notice, ...]:
    return tuple(Notice(Flag(flag), detail) for flag, detail in rows)
