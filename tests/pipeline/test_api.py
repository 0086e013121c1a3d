"""What programs get from `pipeline.api` besides what the runner's own tests show."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from pipeline.api import Request, run
from pipeline.core.layout import LEDGER


def test_each_run_is_noted_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    request = Request(steps="cloth,1", inputs=tmp_path / "inputs", outputs=tmp_path / "outputs", overrides=("run.seed=3",))  # type: ignore[arg-type]
    assert run(request).made == 0
    with sqlite3.connect(tmp_path / "outputs" / LEDGER / "driver.sqlite") as connection:
        [(command, settings)] = connection.execute("SELECT command, settings FROM runs").fetchall()
    assert command == "background cloth"
    assert json.loads(settings)["run"]["seed"] == 3 and "cloth" in json.loads(settings)
