"""The page over a drawn workspace, in process, with a stand-in for the command line."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import FAKE_RUN, LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.review.server import make_app


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn once; tests work on copies."""
    return Desk(tmp_path_factory.mktemp("desk")).fill().folder


@pytest.fixture
def desk(tmp_path: Path, drawn: Path) -> Desk:
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A browser on the page, with small limits."""
    app = make_app(desk.serving(limits=desk.small_limits), (sys.executable, str(FAKE_RUN)))
    with TestClient(app, base_url=LOCAL) as found:
        yield found


Wait = Callable[..., Any]


@pytest.fixture
def wait_for() -> Wait:
    """Asks again until an answer is true."""

    def wait(ask: Callable[[], Any], seconds: float = 15) -> Any:
        end = time.monotonic() + seconds
        while not (found := ask()):
            assert time.monotonic() < end, f"still {found!r} after {seconds} s"
            time.sleep(0.03)
        return found

    return wait
