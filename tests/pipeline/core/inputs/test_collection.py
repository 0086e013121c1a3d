"""Folders become items; what cannot be used is reported, never skipped in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import Collection, discover, pair_lists, select
from pipeline.core.labels import Category
from pipeline.core.layout import Layout


def make_inputs(root: Path, names: list[str]) -> Layout:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return Layout(inputs=root)


def collect(root: Path, names: list[str]) -> Collection:
    return discover(make_inputs(root, names), lambda category: f"engine-{category.value}")


BASIC = ["person/ann.jpg", "person/beach/bob.png", "cloth/tee.jpg", "cloth/lower/jeans.jpg", "background/sea.jpg"]


def test_without_a_pairs_file_everybody_wears_everything(tmp_path: Path):
    found = collect(tmp_path, BASIC)
    assert {pair.id for pair in found.pairs} == {"ann__tee", "ann__jeans", "beach-bob__tee", "beach-bob__jeans"}


def test_the_folder_says_the_category_and_cloth_itself_counts_as_upper(tmp_path: Path):
    found = collect(tmp_path, [*BASIC, "cloth/dress/red.jpg"])
    assert {item.id: item.category for item in found.garments} == {
        "tee": Category.UPPER,
        "jeans": Category.LOWER,
        "red": Category.DRESS,
    }


def test_the_engine_is_chosen_by_the_garments_category(tmp_path: Path):
    assert {pair.engine for pair in collect(tmp_path, BASIC).pairs} == {"engine-upper", "engine-lower"}


def test_a_person_knows_which_masks_its_pairs_need(tmp_path: Path):
    (tmp_path / "pairs.txt").write_text("ann.jpg tee.jpg\nbeach/bob.png jeans\n")
    found = collect(tmp_path, BASIC)
    assert {item.id: item.categories for item in found.persons} == {"ann": (Category.UPPER,), "beach-bob": (Category.LOWER,)}


def test_pair_files_take_names_with_spaces_and_any_usual_spelling(tmp_path: Path):
    (tmp_path / "pairs.txt").write_text("# who wears what\nmy photo.jpg red tee.jpg\n\nmy photo\tred tee\n")
    (tmp_path / "pairs.csv").write_text("person,garment\nmy photo,red tee.jpg\n")
    found = collect(tmp_path, ["person/my photo.jpg", "cloth/red tee.jpg"])
    assert [pair.id for pair in found.pairs] == ["my_photo__red_tee"]
    assert found.problems == ()


def test_unknown_and_ambiguous_names_in_a_pairs_file_are_reported_with_their_line(tmp_path: Path):
    (tmp_path / "pairs.txt").write_text("ann.jpg tee.jpg\nnobody.jpg tee.jpg\n07 tee\nann.jpg\n")
    found = collect(tmp_path, [*BASIC, "person/x/07.jpg", "person/y/07.jpg"])
    assert [pair.id for pair in found.pairs] == ["ann__tee"]
    reasons = [f"{problem.path.rpartition('/')[2]}: {problem.reason}" for problem in found.problems]
    assert reasons == [
        "pairs.txt, line 2: unknown person 'nobody.jpg'",
        "pairs.txt, line 3: person '07' is ambiguous",
        "pairs.txt, line 4: no garment on this line",
    ]


def test_links_out_of_the_tree_loops_and_strangers_are_named_and_left_out(tmp_path: Path):
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"x")
    root = tmp_path / "inputs"
    layout = make_inputs(root, [*BASIC, "person/notes.doc", "person/.hidden.jpg", "person/ann.toml"])
    (root / "person" / "out.jpg").symlink_to(outside)
    (root / "person" / "loop").symlink_to(root / "person")
    (root / "person" / "gone.jpg").symlink_to(root / "nothing.jpg")
    os.mkfifo(root / "person" / "pipe.jpg")
    found = discover(layout, lambda _: "preview")
    assert [person.id for person in found.persons] == ["ann", "beach-bob"]
    reasons = {problem.path.rpartition("/")[2]: problem.reason for problem in found.problems}
    assert "leads out of the inputs" in reasons["out.jpg"]
    assert "circle" in reasons["loop"]
    assert "points to nothing" in reasons["gone.jpg"]
    assert "not a regular file" in reasons["pipe.jpg"]
    assert "not a picture by its name" in reasons["notes.doc"]
    assert ".hidden.jpg" not in reasons and "ann.toml" not in reasons


def test_a_link_to_a_folder_above_makes_nobody_of_garments(tmp_path: Path):
    layout = make_inputs(tmp_path, BASIC)
    (tmp_path / "person" / "up").symlink_to("..", target_is_directory=True)
    found = discover(layout, lambda _: "preview")
    assert [problem.path for problem in found.problems if "circle" in problem.reason] == [str(tmp_path / "person" / "up")]
    assert not [person.id for person in found.persons if person.id.startswith("up")]


def test_a_link_that_stays_inside_is_followed(tmp_path: Path):
    layout = make_inputs(tmp_path, BASIC)
    (tmp_path / "person" / "twin.jpg").symlink_to(tmp_path / "person" / "ann.jpg")
    assert "twin" in {person.id for person in discover(layout, lambda _: "preview").persons}


def test_empty_folders_give_an_empty_collection(tmp_path: Path):
    assert discover(Layout(inputs=tmp_path), lambda _: "preview") == Collection()


def test_a_background_called_original_does_not_hide_the_photos_own(tmp_path: Path):
    found = collect(tmp_path, ["background/original.jpg"])
    assert found.backgrounds[0].id.startswith("original-")


def test_only_restricts_the_kinds_it_matches(tmp_path: Path):
    found = select(collect(tmp_path, BASIC), only=["ANN*"])
    assert [person.id for person in found.persons] == ["ann"]
    assert len(found.garments) == 2 and len(found.backgrounds) == 1
    assert {pair.id for pair in found.pairs} == {"ann__tee", "ann__jeans"}


def test_only_with_a_pair_id_keeps_that_pair_alone(tmp_path: Path):
    found = select(collect(tmp_path, BASIC), only=["ann__tee"])
    assert [pair.id for pair in found.pairs] == ["ann__tee"]
    assert [person.id for person in found.persons] == ["ann"] and [item.id for item in found.garments] == ["tee"]


def test_skip_and_limit_leave_items_out(tmp_path: Path):
    found = select(collect(tmp_path, BASIC), skip=["jeans", "beach/*"], limit=1)
    assert [pair.id for pair in found.pairs] == ["ann__tee"]


def test_a_glob_that_matches_nothing_is_an_error_that_shows_real_names(tmp_path: Path):
    with pytest.raises(UsageError, match="matches no person") as caught:
        select(collect(tmp_path, BASIC), only=["beech_*"])
    assert "ann" in caught.value.remedy


def test_pair_lists_have_the_data_sets_form_one_file_per_category(tmp_path: Path):
    lists = pair_lists(collect(tmp_path, BASIC))
    assert lists["vitonhd/test_pairs.txt"] == "ann.jpg tee.jpg\nbeach-bob.jpg tee.jpg\n"
    assert lists["vitonhd/test_pairs_lower.txt"] == "ann.jpg jeans.jpg\nbeach-bob.jpg jeans.jpg\n"


def test_each_person_is_told_the_recipe_that_the_engine_of_each_category_names(tmp_path):
    layout = make_inputs(tmp_path, ["person/ann.jpg", "cloth/upper/tee.jpg", "cloth/dress/gown.jpg"])
    engine = {Category.UPPER: "plain", Category.DRESS: "special"}
    found = discover(layout, lambda category: engine[category], lambda name: "catvton" if name == "special" else "")
    assert found.persons[0].categories == (Category.UPPER, Category.DRESS)
    assert found.persons[0].recipes == ("", "catvton")
    assert discover(layout, lambda category: engine[category]).persons[0].recipes == ()


def test_an_id_means_its_own_item_even_where_it_is_another_pictures_file_name(tmp_path):
    layout = make_inputs(tmp_path, ["person/ann.jpg", "person/beach/ann.jpg", "cloth/upper/tee.jpg"])
    (layout.inputs / "pairs.txt").write_text("ann tee\nbeach-ann tee\n")
    found = discover(layout, lambda _: "preview")
    assert [pair.person.id for pair in found.pairs] == ["ann", "beach-ann"] and not found.problems


def test_a_spreadsheets_pairs_file_with_semicolons_a_mark_and_windows_lines_is_read(tmp_path):
    (tmp_path / "pairs.csv").write_bytes('\ufeffperson;cloth\r\n"ann";tee.jpg\r\n'.encode())
    found = collect(tmp_path, BASIC)
    assert [pair.id for pair in found.pairs] == ["ann__tee"] and found.problems == ()


def test_the_heading_of_a_spreadsheet_says_which_column_is_which(tmp_path):
    (tmp_path / "pairs.csv").write_text("Garment,Person\ntee,ann\n")
    found = collect(tmp_path, BASIC)
    assert [pair.id for pair in found.pairs] == ["ann__tee"] and found.problems == ()


def test_backgrounds_of_the_older_form_s_folder_count_too(tmp_path: Path):
    found = collect(tmp_path, [*BASIC, "bg_images/sea.jpg", "bg_images/town.png", "bg_images/town.txt", "bg_images/read.me"])
    assert [(item.id, item.source) for item in found.backgrounds] == [
        ("sea", "inputs:background/sea.jpg"),
        ("bg_images-sea", "inputs:bg_images/sea.jpg"),
        ("town", "inputs:bg_images/town.png"),
    ]
    assert [problem.path.rpartition("/")[2] for problem in found.problems] == ["read.me"]
