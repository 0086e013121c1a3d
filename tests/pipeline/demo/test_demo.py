"""The demo fills the inputs folder with believable material and never touches what the user put there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pipeline import demo
from pipeline.core.images import png, read_photo
from pipeline.core.labels import Category
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.outline import category_doubt, outline_doubts


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inputs = tmp_path_factory.mktemp("demo") / "inputs"
    assert demo.fill_inputs(inputs, full_body=True)
    return inputs


def names_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_brings_a_person_four_tops_and_two_backgrounds(filled: Path) -> None:
    names = names_below(filled)
    assert "person/astronaut.png" in names
    assert len([name for name in names if name.startswith("cloth/upper/")]) >= 4
    assert len([name for name in names if name.startswith("background/")]) == 2
    assert names == set(demo.DRAWN) | set(demo.DRAWN_FOR_FULL_BODY) | {demo.PORTRAIT}


def test_pictures_are_as_large_as_the_photo_that_comes_with_them_allows(filled: Path) -> None:
    for path in (filled / "background").iterdir():
        assert read_photo(path).rgb.shape == (800, 1200, 3)
    for path in (filled / "cloth").rglob("*.jpg"):
        assert read_photo(path).rgb.shape == (1200, 900, 3)


@pytest.mark.parametrize("category", list(Category))
def test_drawn_garments_have_clean_outlines_of_their_category(filled: Path, category: Category) -> None:
    for path in (filled / "cloth" / category.value).iterdir():
        mask = cut_garment(read_photo(path).rgb) > 127
        assert outline_doubts(mask, float(mask.mean())) == [], path.name
        assert category_doubt(mask, category) == "", path.name
        assert 0.12 < mask.mean() < 0.6, path.name


def test_a_second_fill_writes_nothing_and_changes_nothing(filled: Path) -> None:
    before = {name: hashlib.sha256((filled / name).read_bytes()).hexdigest() for name in names_below(filled)}
    assert demo.fill_inputs(filled, full_body=True) == []
    assert {name: hashlib.sha256((filled / name).read_bytes()).hexdigest() for name in names_below(filled)} == before


def test_the_users_own_files_of_the_same_name_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    own = tmp_path / "cloth/upper/printed_tee.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    written = demo.fill_inputs(tmp_path)
    assert own.read_bytes() == b"mine"
    assert own not in written and tmp_path / "cloth/upper/breton_top.jpg" in written
    assert not [name for name in names_below(tmp_path) if name.endswith(".part")]


def test_trousers_and_dress_come_only_with_a_full_body_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    demo.fill_inputs(tmp_path)
    assert not (tmp_path / "cloth/lower").exists()
    (tmp_path / "person/ann.png").write_bytes(png(np.full((300, 180, 3), 90, np.uint8)))
    (tmp_path / "person/broken.png").write_bytes(b"no picture")
    written = demo.fill_inputs(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == set(demo.DRAWN_FOR_FULL_BODY)


def test_the_same_seed_draws_the_same_bytes(filled: Path) -> None:
    name = "cloth/upper/printed_tee.jpg"
    assert demo.draw(demo.DRAWN[name]) == (filled / name).read_bytes()


def test_another_seed_draws_another_picture(filled: Path) -> None:
    name = "cloth/lower/trousers.jpg"
    assert demo.draw(demo.DRAWN_FOR_FULL_BODY[name], seed=1) != (filled / name).read_bytes()
