"""Keeps the greetings of C++ libraries off the terminal; what is not known as such is passed on."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

NOISE = ("W0000", "I0000", "INFO: Created TensorFlow Lite", "WARNING: All log messages before absl")


@contextmanager
def filtered_native_stderr() -> Iterator[None]:
    """Hold back what C++ libraries write to file descriptor 2; lines that are not known greetings are passed on afterwards."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            kept = [line for line in held.read().decode("utf-8", "replace").splitlines() if not line.startswith(NOISE)]
            if any(line.strip() for line in kept):
                sys.stderr.write("\n".join(kept) + "\n")
