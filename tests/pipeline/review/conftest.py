"""The page over a drawn workspace, in process, with a stand-in for the command line."""

from __future__ import annotations

import re
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


class Editor(TestClient):
    """Says what a change is based on, as the page does: on what is there when nothing else is said."""

    def request(self, method: str, url: Any, **words: Any) -> Any:
        path, _, query = str(url).partition("?")
        body = words.get("json")
        changes = method in {"PUT", "DELETE"} or path.endswith("/undo")
        if not changes or not re.match(r"/api/(masks|placements|pairs)", path) or "base=" in query or "base" in (body or {}):
            return super().request(method, url, **words)
        shown = super().request("GET", path.removesuffix("/undo") + (f"?{query}" if query else ""))
        base = shown.json().get("version", "") if shown.status_code == 200 else ""
        if body is not None:
            return super().request(method, url, **{**words, "json": {**body, "base": base}})
        return super().request(method, f"{path}?{query}{'&' if query else ''}base={base}", **words)


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
    with Editor(app, base_url=LOCAL) as found:
        yield found


Wait = Callable[..., Any]


@pytest.fixture
def wait_for() -> Wait:
    """Asks again until an answer is true."""

    def wait(ask: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while not (found := ask()):
            assert time.monotonic() < end, f"still {found!r} after {seconds} s"
            time.sleep(0.03)
        return found

    return wait


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests that use the page as people do."""
    from browsing import chromium

    with chromium() as found:
        yield found
