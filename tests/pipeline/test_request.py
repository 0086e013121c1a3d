"""A request of a program or notebook takes what the command line takes, refuses what it refuses, and can be said in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.api import Request
from pipeline.catalog import STEPS
from pipeline.core.errors import UsageError


@pytest.mark.parametrize(
    ("steps", "meant"),
    [
        ("all", tuple(STEPS)),
        (("all",), tuple(STEPS)),
        ("step3", ("densepose",)),
        (["tryon", "3"], ("densepose", "tryon")),
        ("parsing,cloth", ("parsing", "cloth")),
        ((), ()),
    ],
)
def test_steps_are_named_as_on_the_command_line(steps: object, meant: tuple[str, ...]):
    assert Request(steps=steps).steps == meant  # type: ignore[arg-type]


def test_text_is_taken_for_paths_and_one_glob_for_a_list_of_one():
    request = Request(inputs="photos", outputs="made", config="my.toml", only="beach_*", overrides=["run.seed=3"])  # type: ignore[arg-type]
    assert (request.inputs, request.outputs, request.config) == (Path("photos"), Path("made"), Path("my.toml"))
    assert (request.only, request.overrides, request.skip) == (("beach_*",), ("run.seed=3",), ())
    assert request.layout.inputs == Path("photos")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"steps": ("parsin",)}, "parsin"),
        ({"steps": "8"}, "no step 8"),
        ({"limit": 0}, "limit"),
        ({"workers": 0}, "workers"),
        ({"workers": "many"}, "workers"),
        ({"workers": "-1"}, "workers"),
        ({"retry_bad": -1}, "retry_bad"),
        ({"retry_bad": 21}, "retry_bad"),
    ],
)
def test_a_mistake_is_refused_with_a_remedy_before_anything_is_read(options: dict[str, object], named: str):
    with pytest.raises(UsageError, match=named) as caught:
        Request(**options)  # type: ignore[arg-type]
    assert caught.value.remedy


class FakeSession:
    """Takes the place of the session, and keeps the request that the command line made."""

    request: Request

    def __init__(self, request: Request, *_: object) -> None:
        type(self).request = request

    def run(self, ask: bool) -> int:
        return 0


@contextmanager
def command_line() -> Iterator[Callable[[list[str]], Request]]:
    """The real parser: words in, the request of the session out."""
    from pipeline.cli import app, session

    def parse(words: list[str]) -> Request:
        with pytest.raises(SystemExit) as end:
            app.app(["--yes", *words])
        assert not end.value.code
        return FakeSession.request

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "Session", FakeSession)
        patch.setattr(app, "StatsAhead", lambda *_: nullcontext())
        yield parse


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TEXTS = st.lists(TEXT | st.sampled_from(["--force", "-y", "a b", "été*", "x=y", "=", "'", "--", "*.jpg"]), max_size=3).map(tuple)
VALUES = {
    "steps": st.lists(st.sampled_from(list(STEPS)), min_size=1).map(tuple),
    "inputs": TEXT.map(Path),
    "outputs": TEXT.map(Path),
    "weights": TEXT.map(Path),
    "config": st.none() | TEXT.map(Path),
    "overrides": TEXTS,
    "only": TEXTS,
    "skip": TEXTS,
    "limit": st.none() | st.integers(1, 10**9),
    "force": st.booleans(),
    "retry_failed": st.booleans(),
    "fail_fast": st.booleans(),
    "verify": st.booleans(),
    "workers": st.integers(1, 64) | st.just("auto"),
    "retry_bad": st.integers(0, 20),
    "another": st.booleans(),
    "invert_masks": st.booleans(),
}


def test_the_round_trip_below_knows_every_field():
    assert set(VALUES) == {each.name for each in fields(Request)}


@settings(deadline=None, max_examples=40)  # the first parse imports the command line: more than hypothesis' 200 ms
@given(st.fixed_dictionaries({}, optional=VALUES).map(lambda values: Request(**values)))
def test_the_words_of_a_request_are_parsed_into_the_same_request(request: Request):
    with command_line() as parse:
        assert parse(request.words()) == request


def test_what_has_its_default_is_not_said():
    assert Request().words() == []
    request = Request(steps="pose,cloth", only=("a", "--force"), retry_bad=2, another=True, overrides=("run.seed=1",))  # type: ignore[arg-type]
    words = {"--step=pose,cloth", "--only=a", "--only=--force", "--retry-bad=2", "--another", "--set=run.seed=1"}
    assert set(request.words()) == words
