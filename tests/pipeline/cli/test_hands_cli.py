"""The commands `hands …`: light help, figures on the screen, errors with a cure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core.errors import UsageError
from pipeline.core.hands.facts import GATE, Fate, HandFact, facts_of
from pipeline.core.layout import LEDGER
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome, Status

ROOT = Path(__file__).resolve().parents[3]


def invoke(*words: str):
    return CliRunner().invoke(app, ["hands", *words])


def test_help_imports_nothing_heavy():
    code = """
import sys
sys.argv = ["run.py", "hands", "report", "--help"]
from pipeline.door import main
try:
    main()
except SystemExit:
    heavy = {"torch", "numpy", "cv2", "mediapipe"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--outputs" in done.stdout and "intervals" in done.stdout


def test_shares_and_intervals_are_printed(tmp_path):
    facts = facts_of({"left": HandFact(Fate.KEPT, 0.8), "right": HandFact(Fate.DIFFERS, 0.1)})
    ledger = Ledger(tmp_path / LEDGER, durable=False)
    ledger.settle([], [Outcome(slot="final/preview/a__b.png", step=GATE, item="a__b", status=Status.DONE, facts=facts)])
    ledger.close()
    done = invoke("report", "--outputs", str(tmp_path), "--report", str(tmp_path / "made"))
    assert done.exit_code == 0, done.output
    assert "preview" in done.output and "1 of 2" in done.output and "9% to 91%" in done.output
    assert (tmp_path / "made/hands.csv").is_file()


def test_a_folder_that_no_run_wrote_to_is_named(tmp_path):
    done = invoke("report", "--outputs", str(tmp_path / "none"))
    assert isinstance(done.exception, UsageError) and "no run has written" in str(done.exception)


def test_a_rule_that_is_not_there_is_refused_before_anything_is_read(tmp_path):
    done = invoke("dataset", str(tmp_path / "made"), "--data", str(tmp_path), "--rule", "best")
    assert isinstance(done.exception, UsageError) and "ours" in done.exception.remedy


def test_data_that_are_no_tree_are_refused_with_what_is_missing(tmp_path):
    for command in ("dataset", "masks"):
        done = invoke(command, str(tmp_path / "made"), "--data", str(tmp_path))
        assert isinstance(done.exception, UsageError) and "no image/" in str(done.exception)
