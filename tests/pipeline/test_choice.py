"""Which backend is taken, and how often the weights folder is asked about it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tiny_weights import BODY, OTHER, SHA, tiny_table

from pipeline import choice as choice_module
from pipeline.catalog import EngineEntry
from pipeline.choice import Chooser, EngineByCategory
from pipeline.core.card import Card
from pipeline.core.engine import EngineCard
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Category
from pipeline.core.weights import access
from pipeline.core.weights import table as weights_table
from pipeline.core.weights import verify as weights_verify


class Big:
    card = Card(name="big", weights=("several",))


class Small:
    card = Card(name="small", weights=("known",))


class Embedded:
    card = Card(name="embedded")


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = {"test:Big": Big, "test:Small": Small, "test:Embedded": Embedded}
    names = {"big": "test:Big", "small": "test:Small", "embedded": "test:Embedded"}
    monkeypatch.setattr(choice_module, "BACKENDS", {"pose": names, "cloth": names})
    monkeypatch.setattr(choice_module, "resolve", classes.__getitem__)
    monkeypatch.setattr(weights_table, "table", tiny_table)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was looked at, and how often it was hashed."""
    counts: Counter[str] = Counter()
    quick_check, digest_of = weights_verify.quick_check, weights_verify.digest_of

    def counted_check(weight, file, verified):
        counts[f"check {weight.name}/{file.name}"] += 1
        return quick_check(weight, file, verified)

    def counted_digest(path, progress):
        counts[f"hash {path.parent.name}/{path.name}"] += 1
        return digest_of(path, progress)

    monkeypatch.setattr(access, "quick_check", counted_check)
    monkeypatch.setattr(weights_verify, "digest_of", counted_digest)
    return counts


def place(root: Path, name: str, body: bytes = BODY) -> None:
    (root / name).mkdir(parents=True)
    (root / name / "model.ckpt").write_bytes(body)


def test_a_model_is_looked_at_once_and_hashed_once_in_a_run(tmp_path: Path, checked: Counter[str]):
    place(tmp_path, "known")
    chooser = Chooser(tmp_path)
    for kind in ("pose", "cloth"):
        assert chooser.backend(kind).card.name == "small"
        assert chooser.sha_of("known") == SHA
    looks = {"check several/unet/model.bin": 1, "check several/model.ckpt": 1, "check known/model.ckpt": 1}
    assert checked == looks | {"hash known/model.ckpt": 1}


def test_a_model_asked_for_by_name_is_looked_at_once_too(tmp_path: Path, checked: Counter[str]):
    place(tmp_path, "known")
    chooser = Chooser(tmp_path)
    assert chooser.backend("pose", "small").card.name == "small"
    assert chooser.sha_of("known") == SHA
    assert checked == {"check known/model.ckpt": 1, "hash known/model.ckpt": 1}


def test_the_automatic_choice_hashes_nothing(tmp_path: Path, checked: Counter[str]):
    place(tmp_path, "known")
    Chooser(tmp_path).backend("pose")
    assert not any(text.startswith("hash") for text in checked)


def test_the_next_run_looks_again(tmp_path: Path, checked: Counter[str]):
    assert Chooser(tmp_path).backend("pose").card.name == "embedded"
    place(tmp_path, "known")
    assert Chooser(tmp_path).backend("pose").card.name == "small"


def test_a_wrong_file_is_refused_when_its_identity_is_asked_for(tmp_path: Path):
    place(tmp_path, "known", OTHER)
    chooser = Chooser(tmp_path)
    assert chooser.backend("pose").card.name == "small"  # its size is right, and nobody has hashed it yet
    with pytest.raises(WeightsError, match="corrupt or altered"):
        chooser.sha_of("known")
    with pytest.raises(WeightsError, match="corrupt or altered"):
        Chooser(tmp_path).backend("pose", "small")


# ---- why a better one was passed over -----------------------------------------------------------------------------------------


def test_auto_says_that_a_better_models_file_is_broken(tmp_path: Path):
    place(tmp_path, "known", BODY[:-1])
    choice = Chooser(tmp_path).backend("pose")
    assert choice.card.name == "embedded"
    (note,) = choice.notes
    assert note.startswith("small is passed over") and "incomplete" in note and "weights pull known" in note


def test_auto_says_that_a_better_models_file_lies_one_folder_too_high(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "model.ckpt").write_bytes(BODY)
    choice = Chooser(tmp_path).backend("pose")
    assert choice.card.name == "embedded"
    assert any(
        "small is passed over" in note and f"weights find known --weights {tmp_path} --move" in note for note in choice.notes
    )


def test_auto_says_that_a_part_of_a_better_model_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place(tmp_path, "several")
    (note,) = Chooser(tmp_path).backend("pose").notes
    assert note.startswith("big is passed over") and "unet/model.bin: missing" in note


def test_auto_says_nothing_of_models_that_nobody_has_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Chooser(tmp_path).backend("pose").notes == ()


def test_the_engine_of_every_category_tells_what_it_passed_over_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Better:
        card = EngineCard(name="better", weights=("known",), categories=frozenset(Category), packages=("no_such_library",))

    class Plain:
        card = EngineCard(name="plain", categories=frozenset(Category))

    classes = {"test:Better": Better, "test:Plain": Plain}
    rows = {name: EngineEntry(f"test:{name.capitalize()}", "") for name in ("better", "plain")}
    monkeypatch.setattr(choice_module, "ENGINES", rows)
    monkeypatch.setattr(choice_module, "resolve", classes.__getitem__)
    place(tmp_path, "known")
    engines = EngineByCategory(Chooser(tmp_path))
    assert {engines(category) for category in Category} == {"plain"}
    (note,) = engines.notes
    assert "better" in note and "no_such_library" in note


def test_asked_for_by_name_a_misplaced_file_is_named_with_the_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    lies = tmp_path / "renamed.bin"
    lies.write_bytes(BODY)
    with pytest.raises(WeightsError) as caught:
        Chooser(tmp_path).backend("pose", "small")
    assert str(lies) in caught.value.message and "weights find known" in caught.value.remedy
