"""Whatever is sent within, or outside of, the API's own description: never an internal error."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from desk import FAKE_RUN, LOCAL, Desk
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode

from pipeline.review.server import make_app

STREAM = "/api/events"
"""Never ends by itself; `test_events` listens to it."""
KNOWN = {"background": "room", "item": "ann__tee__room", "ref": "inputs:person/ann.jpg"}
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def answers_of(cases: SearchStrategy[schemathesis.Case]) -> Counter[int]:
    """Send examples of one operation; how often each status came back."""
    seen: Counter[int] = Counter()

    @EXAMPLES
    @given(case=cases, known=st.booleans())
    def send(case: schemathesis.Case, known: bool) -> None:
        if known:  # guessed names lead to 404 before the interesting part
            case.path_parameters = {key: KNOWN.get(key, value) for key, value in case.path_parameters.items()}
            if case.path.startswith("/api/masks"):
                case.path_parameters["item"] = "ann"
        answer = case.call(base_url=LOCAL, headers={"host": "127.0.0.1"})
        seen[answer.status_code] += 1
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
        if answer.status_code >= 400 and answer.headers.get("content-type") == ["application/json"]:
            assert answer.json()["message"]

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
        send()
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_makes_the_page_fail(drawn: Path, tmp_path: Path, mode: GenerationMode):
    """Every operation of the app's own description gets requests that fit it, and requests that do not."""
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    app = make_app(Desk(tmp_path).serving(), (sys.executable, str(FAKE_RUN)))
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers={"host": "127.0.0.1"})
    answers: dict[str, Counter[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == STREAM:
            continue
        name = f"{operation.method} {operation.path}"
        answers[name] = answers_of(operation.as_strategy(generation_mode=mode))
    assert len(answers) >= 25
    if mode is GenerationMode.POSITIVE:
        refused = [name for name, seen in answers.items() if not seen.keys() & {200, 201, 202, 404, 409, 422}]
        assert not refused, f"never got as far as an answer of the operation itself: {refused}"
