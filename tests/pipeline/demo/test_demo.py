"""The demo fills the inputs folder with believable material and never touches what the user put there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline import demo
from pipeline.cli.demo import _workers
from pipeline.core.images import read_photo
from pipeline.core.inputs.collection import discover, paired_only
from pipeline.core.inputs.placement_file import read_placement_file
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.demo.choice import PAIRS, group_file
from pipeline.executors.machine import Machine
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.outline import category_doubt, outline_doubts


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inputs = tmp_path_factory.mktemp("demo") / "inputs"
    assert demo.fill_inputs(inputs)
    return inputs


def names_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_brings_people_garments_of_all_kinds_three_backgrounds_and_who_wears_what(filled: Path) -> None:
    names = names_below(filled)
    pictures = {demo.PORTRAIT, *demo.PHOTOGRAPHED, *demo.DRAWN, *demo.DRAWN_FOR_FULL_BODY}
    assert names == pictures | {"pairs.txt", "background/street.toml"}
    assert len([name for name in names if name.startswith("person/")]) >= 5
    for kind, least in (("cloth/upper", 5), ("cloth/lower", 1), ("cloth/dress", 1), ("background", 3)):
        assert len([name for name in pictures if name.startswith(kind)]) >= least


def test_everybody_and_everything_that_is_brought_is_shown(filled: Path) -> None:
    layout = Layout(filled)
    found = discover(layout, lambda category: "preview")
    assert not found.problems
    assert paired_only(found, layout).notes == ()
    assert [(pair.person.id, pair.garment.id) for pair in found.pairs] == list(PAIRS)
    guests = [spot for spot in read_placement_file(group_file(), "street.toml").spots if spot.wears]
    assert len(guests) >= 2 and {(spot.people[0], spot.wears) for spot in guests} <= set(PAIRS)


def test_what_is_shipped_is_small_and_says_where_it_comes_from() -> None:
    photos = Path(demo.__file__).parent / "photos"
    shipped = {path.name for path in photos.iterdir()} - {"README.md"}
    assert shipped == {Path(name).name for name in (demo.PORTRAIT, *demo.PHOTOGRAPHED)}
    assert sum((photos / name).stat().st_size for name in shipped) <= 2_000_000
    readme = (photos / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in readme for name in shipped)


def test_pictures_are_as_large_as_the_photos_that_come_with_them_allow(filled: Path) -> None:
    for path in (filled / "background").glob("*.jpg"):
        assert read_photo(path).rgb.shape == (800, 1200, 3)
    for name in demo.PHOTOGRAPHED:
        assert read_photo(filled / name).rgb.shape == (800, 600, 3)
    for name in (*demo.DRAWN, *demo.DRAWN_FOR_FULL_BODY):
        if name.startswith("cloth/"):
            assert read_photo(filled / name).rgb.shape == (1200, 900, 3)


@pytest.mark.parametrize("category", list(Category))
def test_drawn_garments_have_clean_outlines_of_their_category(filled: Path, category: Category) -> None:
    for path in (filled / "cloth" / category.value).iterdir():
        mask = cut_garment(read_photo(path).rgb) > 127
        assert outline_doubts(mask, float(mask.mean())) == [], path.name
        assert category_doubt(mask, category) == "", path.name
        assert 0.12 < mask.mean() < 0.6, path.name


def test_a_second_fill_writes_nothing_and_changes_nothing(filled: Path) -> None:
    before = {name: hashlib.sha256((filled / name).read_bytes()).hexdigest() for name in names_below(filled)}
    assert demo.fill_inputs(filled) == []
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


@pytest.mark.parametrize("own", ["person/ann.jpg", "cloth/coat.png", "cloth/upper/deep/coat.png", "pairs.csv", "pairs.txt"])
def test_beside_own_pictures_or_an_own_list_no_list_of_pairs_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    """It would leave out whatever it does not name."""
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    (tmp_path / own).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / own).write_bytes(b"mine")
    written = demo.fill_inputs(tmp_path)
    assert tmp_path / "person/kofi.jpg" in written
    assert (tmp_path / own).read_bytes() == b"mine"
    assert not {"pairs.txt", "pairs.csv", "background/street.toml"} & (names_below(tmp_path) - {own})


def test_a_fill_that_was_cut_off_is_finished_with_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    (tmp_path / "person").mkdir()
    (tmp_path / "person/nora.jpg").write_bytes(b"from before")
    written = demo.fill_inputs(tmp_path)
    assert {tmp_path / "pairs.txt", tmp_path / "background/street.toml"} <= set(written)


def test_an_own_placement_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    (tmp_path / "background").mkdir()
    (tmp_path / "background/street.toml").write_text("height = 0.5")
    written = demo.fill_inputs(tmp_path)
    assert tmp_path / "pairs.txt" in written
    assert (tmp_path / "background/street.toml").read_text() == "height = 0.5"


def test_the_portrait_comes_alone_where_only_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "draw", lambda entry: entry.encode())
    demo.fill_inputs(tmp_path, full_body=False)
    assert names_below(tmp_path) == {demo.PORTRAIT, *demo.DRAWN}


def test_the_same_seed_draws_the_same_bytes(filled: Path) -> None:
    name = "cloth/upper/printed_tee.jpg"
    assert demo.draw(demo.DRAWN[name]) == (filled / name).read_bytes()


def test_another_seed_draws_another_picture(filled: Path) -> None:
    name = "cloth/lower/trousers.jpg"
    assert demo.draw(demo.DRAWN_FOR_FULL_BODY[name], seed=1) != (filled / name).read_bytes()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [(Machine(2, 8.0), 2), (Machine(16, 64.0), 2), (Machine(1, 8.0), 1), (Machine(4, 2.0), 1)],
    ids=["two cores", "a large machine", "one core", "little memory"],
)
def test_two_processes_make_the_pictures_where_they_fit(machine: Machine, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.executors.machine.this_machine", lambda: machine)
    assert _workers() == expected
