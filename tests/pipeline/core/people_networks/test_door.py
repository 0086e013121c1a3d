"""Which runtime finds people, and what is said when there is none."""

import importlib.util
from types import SimpleNamespace

import pytest

from pipeline.core.card import Card
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.people_networks import FACE_OVAL, PACKAGES, door, people_networks, runtime_here
from pipeline.core.people_networks.door import Runtime
from pipeline.doctor.requirements import project_rules


@pytest.fixture
def packages(monkeypatch, tmp_path):
    """Pretend that exactly these packages are installed; `mediapipe` with or without its solutions."""
    runtime_here.cache_clear()

    def pretend(*names, solutions=False):
        if solutions:
            (tmp_path / "python" / "solutions").mkdir(parents=True)
            (tmp_path / "python" / "solutions" / "pose.py").touch()
        found = {name: SimpleNamespace(submodule_search_locations=[str(tmp_path)]) for name in names}
        monkeypatch.setattr(importlib.util, "find_spec", found.get)

    yield pretend
    runtime_here.cache_clear()


def test_mediapipes_own_graphs_come_first(packages):
    packages("mediapipe", "ai_edge_litert", solutions=True)
    assert runtime_here() is Runtime.SOLUTIONS


def test_a_mediapipe_without_solutions_leaves_it_to_litert(packages):
    packages("mediapipe", "ai_edge_litert")
    assert runtime_here() is Runtime.LITERT


def test_without_either_the_error_names_the_cure(packages):
    packages()
    people_networks.cache_clear()
    assert runtime_here() is None
    with pytest.raises(MissingPackageError, match="ai-edge-litert"):
        people_networks()


def test_litert_looks_for_its_files_in_the_weights_folder(packages, monkeypatch, tmp_path):
    packages("ai_edge_litert")
    people_networks.cache_clear()
    monkeypatch.setattr(door._Place, "weights", tmp_path / "elsewhere")
    with pytest.raises(WeightsError, match="elsewhere"):
        people_networks()


@pytest.mark.parametrize("here", ["mediapipe", "ai_edge_litert"])
def test_a_card_is_content_with_one_of_the_packages(packages, here):
    packages(here)
    assert Card(name="people", packages=(PACKAGES,)).missing_packages() == ()


def test_a_card_names_all_that_would_do(packages):
    packages()
    assert Card(name="people", packages=(PACKAGES, "json")).missing_packages() == ("mediapipe or ai_edge_litert", "json")


def test_the_outline_of_the_face_is_a_closed_ring_from_the_forehead():
    assert len(set(FACE_OVAL)) == 36
    assert FACE_OVAL[0] == 10


def test_the_wheel_that_the_project_installs_is_the_one_of_the_weights_table():
    base, _, _ = project_rules()
    assert [line.partition(";")[0].strip() for line in base if line.startswith("mediapipe")] == [door.wheel()]
