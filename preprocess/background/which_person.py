"""`<photo>.toml`: which person of a group photo to select."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pipeline.core.errors import InputError


def person_wanted(settings_file: Path) -> int | None:
    """`person = 2` of a photo's settings file, counted from 1 at the left; None without the file or the key.

    Raises:
        InputError: not TOML, an unknown key, or not a whole number from 1 on.
    """
    try:
        settings = tomllib.loads(settings_file.read_text("utf-8-sig"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise InputError(f"{settings_file}: cannot be read as TOML ({problem})", "write one line: person = 2") from None
    unknown = sorted(set(settings) - {"person"})
    if unknown:
        raise InputError(f"{settings_file}: unknown setting {unknown[0]!r}", "allowed: person = <number from the left>")
    wanted = settings.get("person")
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1):
        raise InputError(f"{settings_file}: person = {wanted!r} is not a whole number from 1 on", "person = 1 is the leftmost")
    return wanted
