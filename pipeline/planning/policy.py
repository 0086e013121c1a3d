"""When an item runs although a plan would leave it as it is. Imports nothing, so that the command line can start from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RerunPolicy:
    """What a plan runs besides the items that changed.

    Args:
        force: run every item, and overwrite hand edits.
        retry_failed: run again what failed with the same inputs.
    """

    force: bool = False
    retry_failed: bool = False
