"""Flags of masks that the user edited or gave, judged once per content, instead of those of the masks that we would have made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import GIVEN_MASKS, Layout, Ref
from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.records.store import Store

JUDGED = frozenset({Flag.MASK_TOO_SMALL, Flag.MASK_TOO_LARGE, Flag.CLOTH_MASK_SUSPECT, Flag.CATEGORY_SUSPECT})
"""Flags that speak of a mask."""


@dataclass(frozen=True)
class GivenMask:
    """What is known of one given mask.

    Args:
        content: sha256 of the file that was judged.
        scope: how the details of flags about it begin: `upper:`; "" = every flag of its item is about it.
        notices: its flags.
    """

    content: str
    scope: str = ""
    notices: tuple[Notice, ...] = ()


@dataclass
class GivenMasks:
    """The given masks of an outputs folder.

    Args:
        masks: by ref.
        fresh: refs that were judged, or are no hand edits any more, since outcomes were last recorded.
    """

    masks: dict[Ref, GivenMask] = field(default_factory=dict)
    fresh: set[Ref] = field(default_factory=set)

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
        self.fresh.update((*gone, *changed))
        return changed

    def save(self, store: Store) -> None:
        """Store what was judged; call it once the outcomes are recorded."""
        rows = {
            ref: [mask.content, mask.scope, [[notice.flag.value, notice.detail] for notice in mask.notices]]
            for ref, mask in sorted(self.masks.items())
        }
        if rows or self.fresh:
            store.write_if_changed(GIVEN_MASKS, json.dumps(rows, indent=0).encode())
        self.fresh.clear()


def read_given_masks(layout: Layout) -> GivenMasks:
    """What earlier runs judged; nothing where the file is missing or damaged, so that all is judged again."""
    try:
        rows = json.loads(layout.path(GIVEN_MASKS).read_text("utf-8"))
        return GivenMasks({ref: GivenMask(row[0], row[1], _notices(row[2])) for ref, row in rows.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return GivenMasks()


def _notices(rows: list[list[str]]) -> tuple[Notice, ...]:
    return tuple(Notice(Flag(flag), detail) for flag, detail in rows)
