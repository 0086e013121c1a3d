"""A request of a program or notebook takes what the command line takes, and refuses what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

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
        ({"retry_bad": -1}, "retry_bad"),
    ],
)
def test_a_mistake_is_refused_with_a_remedy_before_anything_is_read(options: dict[str, object], named: str):
    with pytest.raises(UsageError, match=named) as caught:
        Request(**options)  # type: ignore[arg-type]
    assert caught.value.remedy
