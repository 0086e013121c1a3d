"""Whatever is sent within, or outside of, the API's own description: never an internal error."""

from __future__ import annotations

import shutil
import sys

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from review.desk import FAKE_RUN, LOCAL, Desk
from schemathesis.checks import not_a_server_error

from pipeline.review.app.server import make_app

STREAMS = "/api/events"
"""Never ends by itself; `test_events` listens to it."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def described(drawn, tmp_path_factory):
    """The app's own description, over a workspace that may be spoilt."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(drawn, folder, dirs_exist_ok=True)
    app = make_app(Desk(folder).serving(), (sys.executable, str(FAKE_RUN)))
    return schemathesis.openapi.from_asgi("/api/openapi.json", app, headers={"host": "127.0.0.1"})


schema = schemathesis.pytest.from_fixture("described").exclude(path=STREAMS)


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_no_request_makes_the_page_fail(case):
    case.call_and_validate(base_url=LOCAL, headers={"host": "127.0.0.1"}, checks=(not_a_server_error,))
