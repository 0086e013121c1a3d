"""SHHQ-1.0: people without garments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from workspaces import save

from pipeline.core.errors import UsageError
from pipeline.core.layout import Layout
from pipeline.datasets.import_plan import plan_import
from pipeline.datasets.shhq_in import read_shhq


def shhq(root: Path) -> Path:
    for name in ("000000.png", "000001.png"):
        save(root / "no_segment" / name, np.full((64, 32, 3), 90, np.uint8))
        save(root / "segments" / name, np.full((64, 32, 3), 255, np.uint8))
    return root


@pytest.mark.parametrize("part", ["", "no_segment"])
def test_the_whole_photos_become_people_and_the_cut_ones_are_left(tmp_path: Path, part: str):
    tree = read_shhq(shhq(tmp_path / "SHHQ") / part)
    assert [person.name for person in tree.people] == ["000000.png", "000001.png"]
    assert not tree.garments and not tree.pairs
    plan = plan_import(tree, Layout(tmp_path / "inputs", tmp_path / "outputs"))
    assert [person.id for person, _ in plan.people] == ["000000", "000001"] and plan.pairs == ()


def test_a_folder_without_photos_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no pictures"):
        read_shhq(tmp_path)
