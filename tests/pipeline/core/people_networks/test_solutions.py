"""mediapipe's own graphs are asked in silence: what protobuf says about mediapipe's code is nothing that a user can change."""

from __future__ import annotations

import os
import sys
import warnings
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.core.people_networks.solutions import MediapipeSolutions

PICTURE = np.zeros((8, 8, 3), np.uint8)
DEPRECATED = (
    "SymbolDatabase.GetPrototype() is deprecated. Please use message_factory.GetMessageClass() instead. "
    "SymbolDatabase.GetPrototype() will be removed soon."
)
Found = namedtuple("Found", "segmentation_mask")


class Talking:
    """Stands in for a graph: warns at every call as protobuf does inside mediapipe 0.10.14, and of something else."""

    def __init__(self, **settings: object) -> None:
        self.calls = 0

    def process(self, picture: np.ndarray) -> Found:
        self.calls += 1
        warnings.warn(DEPRECATED, UserWarning, stacklevel=2)
        warnings.warn(f"call {self.calls}: the picture is odd", UserWarning, stacklevel=2)
        return Found(np.zeros(picture.shape[:2], np.float32))


@pytest.fixture
def solutions(monkeypatch) -> MediapipeSolutions:
    fake = SimpleNamespace(SelfieSegmentation=Talking)
    monkeypatch.setitem(sys.modules, "mediapipe.python.solutions.selfie_segmentation", fake)
    return MediapipeSolutions()


def test_protobufs_warning_is_not_shown_at_the_first_call_nor_later(solutions) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        for _ in range(3):
            solutions.person_probability(PICTURE)
    assert [str(each.message) for each in shown] == [f"call {number}: the picture is odd" for number in (1, 2, 3, 4)]


def test_where_warnings_are_errors_it_is_none(solutions) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="SymbolDatabase")
        warnings.filterwarnings("ignore", message="call")
        assert solutions.person_probability(PICTURE).shape == (8, 8)


def test_the_same_warning_from_elsewhere_is_still_shown(solutions) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        solutions.person_probability(PICTURE)
        warnings.warn(DEPRECATED, UserWarning, stacklevel=1)
    assert str(shown[-1].message) == DEPRECATED


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ("module://no_such_package.backend_inline", None),
        ("module://json.tool", "module://json.tool"),
        ("agg", "agg"),
        (None, None),
    ],
)
def test_a_drawing_backend_of_another_environment_does_not_stop_mediapipe(solutions, monkeypatch, named, left) -> None:
    """A notebook names its own to every command that is started from a cell; mediapipe imports matplotlib, which refuses it."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    if named:
        monkeypatch.setenv("MPLBACKEND", named)
    solutions.person_probability(PICTURE)
    assert os.environ.get("MPLBACKEND") == left
