"""What a run's folder says about the run: engine, data, start weights, settings; so that the same command goes on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.records.whole_file import write_whole

RUN, DATA, LOCK = "run.json", "data.json", ".lock"
FILE = "run.toml"


def read_run(folder: Path) -> dict[str, Any] | None:
    """What a run folder says about itself; None where there is no run."""
    file = folder / RUN
    if not file.is_file():
        return None
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content


def named_path(run: Mapping[str, Any], key: str) -> Path | None:
    """A path that a run's description names; None where it names none."""
    return Path(run[key]) if run.get(key) else None


def write_json_files(folder: Path, contents: Mapping[str, Any]) -> None:
    """Write what `read_run` reads, and what was found in the data; each file whole or not at all."""
    for name, content in contents.items():
        write_whole(folder / name, json.dumps(content, indent=1, ensure_ascii=False))
