"""What a network answers when its result does not show who or what is there, and what the user is told then.

Every real backend is watched by what the embedded ones know of the picture. Where it fails, the embedded result is used for that
item alone, and the item carries a flag: an approximation is never passed off as a network's work.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.flags import Flag, Notice


@dataclass(frozen=True, slots=True)
class NotFound:
    """A network's answer for one item that cannot be used.

    Args:
        why: who says it and the figures behind it, e.g. `segformer labels 12 % of the person`.
    """

    why: str

    @property
    def notice(self) -> Notice:
        """The flag of the item, for which the embedded backend answers instead."""
        return Notice(Flag.EMBEDDED_USED, self.why)
