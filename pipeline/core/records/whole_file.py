"""Files that appear whole or not at all: written beside their place under a hidden name, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMP_PREFIX = ".lookbook-"
TEMP_SUFFIX = ".part"


def temporary_beside(target: Path) -> Path:
    """A free name in a file's folder that no listing of pictures or tables takes up; threads and programs get different ones."""
    return target.parent / f"{TEMP_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{TEMP_SUFFIX}"


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Hand out the hidden path at which a file is written; it gets its name when that went well, and is removed when not.

    Args:
        target: the file's place; its folder is made.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(target: Path, content: bytes | str) -> None:
    """Write a file at once.

    Args:
        target: as of `whole_file`; raises as that.
        content: text is written as UTF-8, its line ends as they are.
    """
    with whole_file(target) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
