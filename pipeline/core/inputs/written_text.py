"""Text that the user wrote: UTF-8, with or without the mark that some editors of Windows put at the beginning."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.errors import InputError

ENCODING = "utf-8-sig"
"""Leaves the mark out."""


def written_text(path: Path) -> str:
    """The content of a file.

    Raises:
        InputError: it is not UTF-8, or cannot be read.
    """
    try:
        return path.read_text(ENCODING)
    except UnicodeDecodeError as problem:
        raise InputError(f"{path}: not UTF-8 ({problem.reason} at byte {problem.start})", "save it as UTF-8") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror})", "check its permissions") from None
