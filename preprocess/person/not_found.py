"""The answer of a backend whose network did not find the person or the garment, and the flag that follows.

Each network's result is checked against what the embedded backends found in the picture. Where the network missed the person or
the garment, the embedded result is used for that item alone, and the item gets a flag, so that no approximation looks like a
network's result.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.flags import Flag, Notice


@dataclass(frozen=True, slots=True)
class NotFound:
    """A network's result for one item that cannot be used.

    Args:
        why: the backend and the measured value, e.g. `segformer labels 12 % of the person`.
    """

    why: str

    @property
    def notice(self) -> Notice:
        """The flag of the item, whose result is the embedded backend's."""
        return Notice(Flag.EMBEDDED_USED, self.why)
