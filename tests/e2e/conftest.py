"""One finished run, made once; tests copy it before they change anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from workspaces import Workspace, fill


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One finished run."""
    workspace = Workspace(tmp_path_factory.mktemp("finished"))
    fill(workspace.inputs)
    done = workspace.cli("--step", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


@pytest.fixture
def workspace(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run; mtimes are kept, so nothing needs to be done in it."""
    shutil.copytree(finished.folder, tmp_path / "work", symlinks=True)
    return Workspace(tmp_path / "work")
