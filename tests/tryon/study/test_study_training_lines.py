"""The command that a study names for training is one that begins."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pipeline.catalog import ANATOMIES, resolve
from pipeline.cli.app import app
from pipeline.core.errors import UsageError

pytest.importorskip("torch")


@pytest.mark.parametrize("engine", ANATOMIES)
def test_the_training_that_a_study_names_is_known_and_asks_for_pictures(engine):
    anatomy = resolve(ANATOMIES[engine])
    assert bool(anatomy.training) is bool(anatomy.trained())
    if anatomy.training:
        problem = CliRunner().invoke(app, ["train", *anatomy.training.split()]).exception
        assert isinstance(problem, UsageError) and "--data DIR is missing" in problem.message, problem
