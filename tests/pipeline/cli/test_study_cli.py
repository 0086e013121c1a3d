"""The command `study`: light help, what is written, errors with a cure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_engines import TINY_FASHN
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core.errors import UsageError
from tryon.engines.fashn.study import FashnAnatomy

ROOT = Path(__file__).resolve().parents[3]


def invoke(*words: str):
    return CliRunner().invoke(app, ["study", *words])


def test_help_imports_nothing_heavy():
    code = """
import sys
sys.argv = ["run.py", "study", "--help"]
from pipeline.door import main
try:
    main()
except SystemExit:
    heavy = {"torch", "numpy", "cv2", "diffusers"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "stableviton" in done.stdout and "--extract" in done.stdout


def test_tables_are_printed_and_files_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tryon.engines.fashn.study.ANATOMY", FashnAnatomy(TINY_FASHN))
    done = invoke("fashn", "--report", str(tmp_path / "made"))
    assert done.exit_code == 0, done.output
    assert "joint blocks" in done.output and "GFLOP a run" in done.output and "training starts from" in done.output
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"study.md", "study.json", "flow.svg"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("preview",), "'preview' has no network"),
        (("stablevton",), "'stablevton' is unknown"),
        (("stableviton", "--height", "512"), "height and width go together"),
        (("stableviton", "--extract", "parts"), "--from FILE"),
    ],
)
def test_wrong_words_are_answered_with_a_cure(words, says):
    done = invoke(*words)
    assert isinstance(done.exception, UsageError) and says in str(done.exception)
