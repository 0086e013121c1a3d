"""What the base classes of steps give to every step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.card import Card
from pipeline.core.config import StepConfig
from pipeline.core.items import Item, Person, Unit
from pipeline.core.layout import Layout, Ref
from pipeline.core.step import BackendStep, Context

ANN = Person("ann", "inputs:person/ann.png")


class Recorder:
    """A backend that remembers where it was loaded."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.devices: list[str] = []

    def load(self, device: str) -> None:
        self.devices.append(device)


class AnyStep(BackendStep[Recorder]):
    name, unit = "any", Unit.PERSON

    def reads(self, item: Item) -> Sequence[Ref]:
        return (item.source,)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (f"image/{item.id}.jpg",)

    def read(self, item: Item) -> Any:
        return None

    def run(self, inputs: Sequence[Any]) -> Any:
        return []


def step(name: str = "some", version: int = 1, place: Path = Path("here")) -> AnyStep:
    context = Context(Layout(place, place, place), device="cuda:1")
    return AnyStep(StepConfig(), context, Recorder(Card(name=name, version=version)))


def test_the_signature_is_spelled_as_recorded_runs_have_it():
    assert step().signature(ANN) == {"backend": "some/1"}


@pytest.mark.parametrize("change", [{"name": "other"}, {"version": 2}])
def test_another_backend_or_another_version_is_another_signature(change):
    assert step(**change).signature(ANN) != step().signature(ANN)


def test_the_place_is_no_part_of_the_signature():
    assert step(place=Path("there")).signature(ANN) == step().signature(ANN)


def test_loading_brings_the_backend_up_on_the_run_s_device():
    loaded = step()
    assert loaded.backend.devices == []
    loaded.load()
    assert loaded.backend.devices == ["cuda:1"]
