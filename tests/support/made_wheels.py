"""Wheels made in a test, and a pip that hands them out."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiny_weights import PACKED


def make_wheel(folder: Path, files: Mapping[str, bytes] = PACKED, name: str = "thing-1.0-py3-none-any.whl") -> Path:
    """A wheel with files below `thing/nets/`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for file, body in files.items():
            archive.writestr(f"thing/nets/{file}", body)
    return folder / name


@dataclass
class FakePip:
    """Stands in for `wheel.run_command`: makes a wheel in the folder that the command names, or fails with a reason."""

    files: Mapping[str, bytes] = field(default_factory=lambda: dict(PACKED))
    failure: str = ""
    commands: list[list[str]] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    slow: threading.Event | None = None

    def __call__(self, command: Sequence[str], environment: Mapping[str, str]) -> str:
        self.commands.append(list(command))
        self.environment = environment
        if self.slow:
            self.slow.wait(0.3)
        if not self.failure:
            make_wheel(Path(command[command.index("--dest") + 1]), self.files)
        return self.failure
