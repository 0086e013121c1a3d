"""An outfit from the command line, dressed by the preview: two passes, one picture, and what a rerun does."""

from __future__ import annotations

import numpy as np
import pytest
from workspaces import Workspace, save

from pipeline.core import images

pytestmark = pytest.mark.slow
FINAL = "final/preview/ann__trunks+tee__original.png"


def trunks() -> np.ndarray:
    """(640, 480, 3) uint8: green trunks on near-white."""
    sheet = np.full((640, 480, 3), 244, np.uint8)
    sheet[120:420, 110:370] = (30, 140, 60)
    sheet[240:420, 232:248] = 244
    return sheet


def test_an_outfit_is_dressed_in_two_passes_and_then_up_to_date(workspace: Workspace):
    save(workspace.inputs / "cloth" / "lower" / "trunks.png", trunks())
    (workspace.inputs / "pairs.csv").write_text("person,upper,lower\nann,tee,trunks\n")
    dry = workspace.cli("--step", "all", "--dry-run").stdout
    assert "0 pairs, 1 outfit" in dry and "1 tryon (first pass): " in dry and "1 tryon: outfit trunks+tee added" in dry
    code, events = workspace.run("--step", "all")
    assert code == 0, events
    items = [(event["stage"], event["item"]) for event in events if event["event"] == "done"]
    passes = [("tryon", "ann__trunks"), ("outfit", "ann+trunks"), ("tryon", "ann__trunks+tee")]
    assert [each for each in items if each in passes] == passes
    recipe = images.read_recipe(workspace.outputs / FINAL)
    assert recipe is not None and [each["garment"] for each in recipe["passes"]] == ["trunks", "tee"]
    single = images.read_rgb(workspace.outputs / "final/preview/ann__tee__original.png")
    assert images.read_rgb(workspace.outputs / FINAL).shape == single.shape
    assert "ann · trunks + tee" in (workspace.outputs / "report/index.html").read_text()
    code, events = workspace.run("--step", "all")
    assert code == 0 and not [event for event in events if event["event"] == "done"]
    (workspace.inputs / "pairs.csv").unlink()
    cleaned = workspace.cli("clean")
    assert "outfit/ann+trunks.png" in cleaned.stdout and "ann__tee" not in cleaned.stdout
