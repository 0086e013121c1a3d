"""The demo as somebody meets it first: what is to be looked at twice in it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from workspaces import Workspace

from pipeline.core.flags import Flag
from pipeline.core.layout import LEDGER
from pipeline.core.records.ledger import Ledger

pytestmark = pytest.mark.slow


def test_of_the_demo_s_previews_the_torn_sleeve_is_flagged_and_nothing_else(tmp_path: Path):
    """A helmet hides the astronaut's left arm, so a long sleeve ends in rags there."""
    workspace = Workspace(tmp_path)
    assert workspace.cli("demo").returncode == 0
    done = workspace.cli("--step", "all", "--only", "breton*", "--only", "checked*")
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = Ledger(workspace.outputs / LEDGER, writable=False)
    outcomes = list(ledger.outcomes())
    ledger.close()
    assert len([each for each in outcomes if each.step == "compose"]) == 4
    assert {notice.flag for each in outcomes for notice in each.all_notices} == {Flag.PREVIEW_ONLY, Flag.OUTLINE_TORN}
