"""Published trees become inputs and artefacts that every step respects."""

import json

import cv2
import numpy as np
import pytest
from drawn_person import draw, keypoints
from published_trees import VITON_HD_NAMES, dresscode, garment, index_of, viton_hd
from typer.testing import CliRunner
from workspaces import save

from pipeline.api import Request, prepare
from pipeline.cli.app import app
from pipeline.core import images, layout
from pipeline.core.engine import GarmentInputs, PersonInputs
from pipeline.core.errors import InputError, UsageError
from pipeline.core.frame import Frame
from pipeline.core.inputs.collection import discover
from pipeline.core.inputs.ids import unique_ids
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import Category, Parse
from pipeline.core.layout import Layout
from pipeline.core.records.transaction import open_records
from pipeline.datasets.conversions import grey_region
from pipeline.datasets.tree import first_people
from pipeline.datasets.viton_hd_in import read_viton_hd
from pipeline.planning.plan import Action
from preprocess.agnostic.picture import grey_out
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.densepose.colours import decode
from preprocess.person.body_parts import read_index


def run(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def import_tree(tmp_path, *words, kind="viton-hd", tree="tree"):
    return run("import", kind, tmp_path / tree, "--inputs", tmp_path / "in", "--outputs", tmp_path / "out", *words)


def folders(tmp_path) -> Layout:
    return Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")


def everything_below(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def to_do(tmp_path) -> dict[str, list[str]]:
    """Stage → ids that would run."""
    request = Request(inputs=tmp_path / "in", outputs=tmp_path / "out", weights=tmp_path / "weights")
    job = prepare(request)
    with open_records(request.layout, writable=False) as records:
        plan = job.plan(records)
    return {stage.stage: [each.item.id for each in stage.of(Action.RUN, Action.FOLLOW)] for stage in plan.stages}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return viton_hd(tmp_path_factory.mktemp("published") / "tree")


def test_with_a_complete_tree_only_the_matte_is_left_to_make(published):
    home = published.parent
    assert import_tree(home).exit_code == 0
    plan = to_do(home)
    assert plan["background"] == ["00000_00", "00001_00"]
    assert not any(plan[stage] for stage in ("pose", "densepose", "parsing", "agnostic", "cloth"))
    assert plan["tryon"] == ["00000_00__00001_00", "00001_00__00000_00"]


def test_a_second_import_finds_everything_there(published, tmp_path):
    home = published.parent
    import_tree(home)
    before = everything_below(home / "in") | everything_below(home / "out")
    again = import_tree(home)
    assert again.exit_code == 0 and "linked or copied: 0, converted: 0" in again.output
    assert everything_below(home / "in") | everything_below(home / "out") == before


def test_every_artefact_is_the_published_file_and_is_read_as_such(published, tmp_path):
    home = published.parent
    import_tree(home)
    found = discover(folders(home), lambda _: "preview")
    person, cloth = found.pairs[0].person, found.pairs[0].garment
    conditions = PersonInputs(person, Category.UPPER, folders(home))
    drawing = draw(upper=(200, 40, 40))
    mask = hr_viton(Category.UPPER, Conditions(drawing.labels, drawing.body))
    assert np.array_equal(conditions.image(), images.read_rgb(published / "test/image/00000_00.jpg"))
    assert np.array_equal(conditions.agnostic_mask(), mask)
    assert np.array_equal(conditions.parse(), drawing.labels)
    assert np.array_equal(
        conditions.keypoints().body,
        keypoints_from_json((published / "test/openpose_json/00000_00_keypoints.json").read_text()).body,
    )
    assert np.array_equal(GarmentInputs(cloth, folders(home)).cloth(), images.read_rgb(published / "test/cloth/00001_00.jpg"))
    frame = Frame.from_json(folders(home).path(layout.FRAME.of(person.id)).read_text())
    assert np.array_equal(frame.to_canvas(conditions.image()), conditions.image())


def test_densepose_colours_give_their_indices_back(published):
    home = published.parent
    import_tree(home)
    index = read_index(folders(home).path(layout.DENSEPOSE_IUV.of("00000_00")))
    drawn = index_of(draw().labels)
    assert (index == drawn)[drawn > 0].mean() >= 0.995
    assert np.array_equal(index, decode(images.read_rgb(published / "test/image-densepose/00000_00.jpg")))


@pytest.mark.parametrize("names", [
    {"parse": "image-parse", "json": "openpose-json", "drawn": "openpose-img", "cloth-mask": "cloth_mask"},
    {"densepose": "image_densepose", "mask": "agnostic_mask", "reduced": "image-parse-agnostic", "image": "Image"},
    {"agnostic": "agnostic", "json": "openpose_json", "drawn": "openpose_image"},
])  # fmt: skip
@pytest.mark.slow
def test_all_spellings_of_folder_names_are_understood(tmp_path, names):
    viton_hd(tmp_path / "tree", 1, names)
    import_tree(tmp_path)
    artefacts = everything_below(tmp_path / "out")
    viton_hd(tmp_path / "plain", 1)
    import_tree(tmp_path, "--outputs", tmp_path / "out2", "--inputs", tmp_path / "in2", tree="plain")
    assert artefacts == everything_below(tmp_path / "out2") and len(artefacts) == len(VITON_HD_NAMES) + 2


def test_links_share_the_bytes_and_copies_do_not(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    picture = tmp_path / "tree/test/image/00000_00.jpg"
    import_tree(tmp_path)
    assert folders(tmp_path).path(layout.IMAGE.of("00000_00")).samefile(picture)
    run("import", "viton-hd", tmp_path / "tree", "--copy", "--inputs", tmp_path / "in2", "--outputs", tmp_path / "out2")
    assert not (tmp_path / "in2/person/00000_00.jpg").samefile(picture)


def test_a_dry_run_writes_nothing_and_counts_the_same(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    said = import_tree(tmp_path, "--dry-run").output
    assert not (tmp_path / "in").exists() and not (tmp_path / "out").exists()
    assert (
        said.count("would be")
        and said.replace("would be ", "").split("linked or")[1].split("\n")[0] in import_tree(tmp_path).output
    )


def test_nothing_that_is_there_is_overwritten(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    mine = folders(tmp_path).path(layout.PARSE.of("00000_00"))
    save(mine, np.full((1024, 768), 5, np.uint8))
    before = mine.read_bytes()
    done = import_tree(tmp_path)
    assert mine.read_bytes() == before
    assert f"left alone: {mine}" in done.output and "→" in done.output


def test_a_name_that_is_taken_gets_a_folder_and_keeps_both_ids(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    save(tmp_path / "in/person/00000_00.png", draw(upper=(9, 9, 9)).view.image)
    before = discover(folders(tmp_path), lambda _: "").persons[0].id
    import_tree(tmp_path)
    persons = {person.id: person.source for person in discover(folders(tmp_path), lambda _: "").persons}
    assert persons[before] == "inputs:person/00000_00.png"
    assert persons["viton-hd-00000_00"] == "inputs:person/viton-hd/00000_00.jpg" and "00001_00" in persons
    assert folders(tmp_path).path(layout.PARSE.of("viton-hd-00000_00")).is_file()
    assert not folders(tmp_path).path(layout.PARSE.of(before)).exists()


def test_pairs_are_added_below_those_that_are_there(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/pairs.txt").write_bytes(b"# mine\nann tee")
    import_tree(tmp_path)
    import_tree(tmp_path)
    assert (tmp_path / "in/pairs.txt").read_text().splitlines() == [
        "# mine", "ann tee", "00000_00 00001_00", "00001_00 00000_00",
    ]  # fmt: skip


def test_paired_takes_everybody_with_their_own_garment_and_none_says_nothing(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    tree = read_viton_hd(tmp_path / "tree", pairs="paired")
    assert tree.pairs == ((0, 0), (1, 1))
    assert read_viton_hd(tmp_path / "tree", pairs="none").pairs == ()


def test_a_limit_takes_the_first_people_and_what_they_wear(tmp_path):
    tree = first_people(read_viton_hd(viton_hd(tmp_path / "tree", 3)), 1)
    assert [person.name for person in tree.people] == ["00000_00.jpg"]
    assert [each.name for each in tree.garments] == ["00001_00.jpg"] and tree.pairs == ((0, 0),)


def test_a_mask_without_its_grey_picture_gets_one_and_the_other_way_round(tmp_path):
    viton_hd(tmp_path / "tree", 1, leave_out=("agnostic",))
    import_tree(tmp_path)
    inputs = PersonInputs(discover(folders(tmp_path), lambda _: "").persons[0], Category.UPPER, folders(tmp_path))
    inside = cv2.erode(inputs.agnostic_mask().astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert np.abs(inputs.agnostic()[inside].astype(int) - 128).max() <= 2
    viton_hd(tmp_path / "second", 1, leave_out=("mask",))
    import_tree(tmp_path, "--inputs", tmp_path / "in2", "--outputs", tmp_path / "out2", tree="second")
    derived = images.read_mask(tmp_path / "out2" / layout.AGNOSTIC_MASK.of("00000_00", Category.UPPER))
    assert (derived & inputs.agnostic_mask()).sum() / (derived | inputs.agnostic_mask()).sum() > 0.99


def test_a_grey_wall_is_no_agnostic_area():
    picture = draw().view.image.copy()
    picture[::7, ::5] = 128
    assert grey_region(picture).mean() < 0.01
    mask = np.zeros(picture.shape[:2], bool)
    mask[300:600, 250:500] = True
    assert (grey_region(grey_out(picture, mask)) == mask).mean() > 0.995


def test_without_body_parts_or_cloth_masks_the_steps_make_them(tmp_path):
    viton_hd(tmp_path / "tree", 1, leave_out=("densepose", "cloth-mask"))
    said = import_tree(tmp_path, "--pairs", "none").output
    assert "1 of 1 people have no body parts" in said
    assert not folders(tmp_path).path(layout.CLOTH.of("00000_00")).exists()
    plan = to_do(tmp_path)
    assert plan["densepose"] == plan["cloth"] == ["00000_00"] and not plan["pose"]


def test_key_points_of_eighteen_joints_are_written_as_twenty_five(samples, tmp_path):
    tree = samples / "vitonhd_like" / "tryyours_hrviton_set"
    run("import", "viton-hd", tree, "--pairs", "none", "--inputs", tmp_path / "in", "--outputs", tmp_path / "out")
    text = (tmp_path / "out" / layout.POSE_JSON.of("00001_00")).read_text()
    body = keypoints_from_json(text).body
    assert body.shape == (25, 3) and body[8, 2] > 0 and not body[19:].any()
    original = json.loads((tree / "test/openpose_json/00001_00_keypoints.json").read_text())["people"][0]["pose_keypoints_2d"]
    assert np.allclose(body[9, :2], np.reshape(original, (-1, 3))[8, :2], atol=0.01)


def test_a_damaged_companion_is_left_out_alone(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    (tmp_path / "tree/test/openpose_json/00000_00_keypoints.json").write_text('{"people": []}')
    done = import_tree(tmp_path)
    assert done.exit_code == 3 and "people is empty" in done.output
    assert not folders(tmp_path).path(layout.POSE_JSON.of("00000_00")).exists()
    assert folders(tmp_path).path(layout.POSE_JSON.of("00001_00")).is_file()


@pytest.mark.parametrize(
    "lines, match", [("00000_00.jpg\n", "line 1"), ("00000_00.jpg nobody.jpg\n", "unknown garment 'nobody.jpg'")]
)
def test_a_pair_list_that_cannot_be_meant_names_its_line(tmp_path, lines, match):
    viton_hd(tmp_path / "tree", 1)
    (tmp_path / "tree/test_pairs.txt").write_text(lines)
    with pytest.raises(UsageError, match=match):
        read_viton_hd(tmp_path / "tree")


def test_a_folder_that_is_no_tree_says_what_was_looked_for(tmp_path):
    with pytest.raises(UsageError, match="no VITON-HD tree") as caught:
        read_viton_hd(tmp_path)
    assert "test_pairs.txt" in caught.value.remedy


PARTS = {"upper_body": "000001", "lower_body": "013563", "dresses": "020714"}


@pytest.fixture(scope="module")
def dressed(tmp_path_factory):
    home = tmp_path_factory.mktemp("dressed")
    dresscode(home / "tree", PARTS)
    assert import_tree(home, kind="dresscode").exit_code == 0
    return home


def test_dresscode_parts_become_categories_with_their_pairs(dressed):
    found = discover(folders(dressed), lambda _: "preview")
    assert not found.problems
    assert [(pair.person.id, pair.garment.id, pair.garment.category) for pair in found.pairs] == [
        ("000001_0", "000001_1", Category.UPPER),
        ("013563_0", "013563_1", Category.LOWER),
        ("020714_0", "020714_1", Category.DRESS),
    ]


def test_dresscode_conditions_arrive_in_our_vocabulary(dressed):
    person = next(each for each in discover(folders(dressed), lambda _: "").persons if each.id == "020714_0")
    conditions = PersonInputs(person, Category.DRESS, folders(dressed))
    drawing = draw()
    labels = np.where(drawing.labels == Parse.NECK, np.uint8(Parse.FACE), drawing.labels)
    found = conditions.parse()
    assert np.array_equal(np.where(found == Parse.NECK, np.uint8(Parse.FACE), found), labels)
    neck = drawing.labels == Parse.NECK
    assert (found[neck] == Parse.NECK).mean() > 0.6 and (found[drawing.labels == Parse.FACE] == Parse.FACE).mean() > 0.85
    assert np.allclose(conditions.keypoints().body[2, :2], keypoints().body[2, :2], atol=0.02)
    assert np.allclose(conditions.keypoints().body[8, :2], keypoints().body[8, :2], atol=0.02)
    with np.load(folders(dressed).path(layout.DENSEPOSE_IUV.of(person.id))) as arrays:
        assert np.array_equal(arrays["I"], index_of(drawing.labels))
        assert arrays["U"].dtype == np.uint8 and arrays["U"].max() > 200
    assert (decode(conditions.densepose()) == index_of(drawing.labels))[drawing.labels > 0].mean() >= 0.995
    assert np.array_equal(images.read_mask(folders(dressed).path(layout.CLOTH_MASK.of("020714_1"))), garment(1)[1] > 127)


def test_two_dresscode_parts_with_the_same_number_stay_two_people(tmp_path):
    dresscode(tmp_path / "tree", {"upper_body": "000001", "dresses": "000001"})
    import_tree(tmp_path, kind="dresscode")
    found = discover(folders(tmp_path), lambda _: "")
    assert {person.id for person in found.persons} == {"000001_0", "dresses-000001_0"}
    assert len(found.pairs) == 2 and not found.problems
    assert {garment.category for garment in found.garments} == {Category.UPPER, Category.DRESS}


def test_an_unknown_dresscode_part_names_the_nearest(tmp_path):
    dresscode(tmp_path / "tree", {"upper_body": "000001"})
    with pytest.raises(UsageError, match="dress") as caught:
        import_tree(tmp_path, "--part", "dress", kind="dresscode")
    assert "dresses" in caught.value.remedy


def test_ids_of_the_import_are_those_of_the_run(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    import_tree(tmp_path)
    names = [person.source.removeprefix("inputs:person/") for person in discover(folders(tmp_path), lambda _: "").persons]
    for ident in unique_ids(names):
        assert folders(tmp_path).path(layout.FRAME.of(ident)).is_file()


@pytest.mark.parametrize("content", [b"no", b""])
def test_a_file_that_is_no_array_archive_is_an_input_error(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz"):
        read_index(path)
