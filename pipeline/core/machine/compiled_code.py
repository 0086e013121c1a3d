"""Code that numba compiles and keeps: whether this machine has it, and its compilation in a process of its own.

Compiling needs memory that a process does not give back. A child that compiles and ends leaves this process with the kept code,
which is small. Facts about numba's folders: docs/facts/mattes.md#compiled-code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

CHILD_SECONDS = 300
_IMPORT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(*sys.argv[1:])
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
"""


def is_kept(source: Path, environment: Mapping[str, str] = os.environ) -> bool | None:
    """Whether the compiled code of a file is kept for this Python; None = no folder can keep it.

    Args:
        source: the Python file.
        environment: the variables that name numba's folders.
    """
    place = next(filter(_takes_files, _places(source, environment)), None)
    if place is None:
        return None
    pattern = f"{source.stem}.*py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    return place.is_dir() and next(place.rglob(pattern), None) is not None


@contextmanager
def compiling_apart(name: str, source: Path) -> Iterator[None]:
    """Let a child import a file whose compiled code is not kept yet, beside what the block does; wait for it at the end.

    Where there can be no child, the import here compiles later.

    Args:
        name: of the module, under which numba finds the code again.
        source: the Python file.
    """
    if is_kept(source) is not False or getattr(sys, "frozen", False):  # a frozen program would start itself
        yield
        return
    command = [sys.executable, "-P", "-c", _IMPORT, name, os.fspath(source)]
    try:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        yield
        return
    try:
        yield
        with suppress(subprocess.TimeoutExpired):
            child.wait(CHILD_SECONDS)
    finally:
        child.kill()  # hung, or not wanted any more; nothing happens to one that has ended
        child.wait()


def compile_apart(name: str, source: Path) -> None:
    """The same, with nothing to do meanwhile."""
    with compiling_apart(name, source):
        pass


def _places(source: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """The folders in which numba keeps code, in the order in which it tries them."""
    if chosen := environment.get("NUMBA_CACHE_DIR"):
        yield Path(chosen)
    yield source.parent / "__pycache__"
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or "/")
    if sys.platform == "darwin":
        yield home / "Library" / "Caches" / "numba"
    elif sys.platform == "win32":
        yield Path(environment.get("LOCALAPPDATA") or home) / "numba" / "Cache"
    else:
        yield Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


def _takes_files(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the nearest one above it that exists; permission bits are not reliable."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False
