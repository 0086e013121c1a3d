"""Trees as other projects arrange them; what is not understood is named."""

import json
import shutil

import numpy as np
import pytest
from drawn_person import draw, keypoints
from PIL import Image
from published_trees import dresscode, index_of, viton_hd
from test_datasets_in import PARTS, folders, import_tree

from pipeline.core import images, layout
from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import discover
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import Category, Parse
from pipeline.datasets.dresscode_in import read_dresscode
from pipeline.datasets.viton_hd_in import read_viton_hd
from preprocess.person.body_parts import read_index
from preprocess.person.label_tables import CIHP_FROM_GP_VTON, converted, has_gp_vton_numbers

GP_VTON = {"cloth-mask": "cloth_mask-bytedance", "densepose": "densepose", "parse": "parse-bytedance"}
GP_VTON_OF = {Parse.PANTS: 9, Parse.NECK: 11, Parse.FACE: 14, Parse.LEFT_ARM: 15, Parse.RIGHT_ARM: 16}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return viton_hd(tmp_path_factory.mktemp("dialects") / "tree", 2)


def copied(published, tmp_path, names):
    tree = tmp_path / "tree"
    shutil.copytree(published, tree)
    for old, new in names.items():
        (tree / "test" / old).rename(tree / "test" / new)
    return tree


def test_gp_vtons_tree_is_read_with_its_list_and_strange_folders_are_named(published, tmp_path):
    names = {"cloth-mask": "cloth_mask-bytedance", "image-densepose": "densepose", "image-parse-v3": "parse-bytedance"}
    tree = copied(published, tmp_path, names)
    (tree / "test/cloth_parse-bytedance").mkdir()
    (tree / "test_pairs.txt").rename(tree / "test_pairs_unpaired_1018.txt")
    (tree / "test_pairs_unpaired_1018.txt").write_text("00000_00.png 00001_00.png unpaired\n00001_00.png 00000_00.png unpaired\n")
    (tree / "pairs_of_mine.txt").write_text("00000_00.jpg 00000_00.jpg\n")
    done = import_tree(tmp_path)
    assert done.exit_code == 0 and len(discover(folders(tmp_path), lambda _: "").pairs) == 2
    assert "not read: cloth_parse-bytedance" in done.output and "pairs_of_mine.txt" in done.output
    made = folders(tmp_path)
    assert all(made.path(kind.of("00001_00")).is_file() for kind in (layout.PARSE, layout.DENSEPOSE, layout.CLOTH_MASK))


def gp_vton_numbers(labels: np.ndarray, sleeves: bool) -> np.ndarray:
    numbers = labels.copy()
    for ours, theirs in GP_VTON_OF.items():
        numbers[labels == ours] = theirs
    if sleeves:
        upper = labels == Parse.UPPER_CLOTHES
        numbers[:, :300][upper[:, :300]] = 22
        numbers[:, 480:][upper[:, 480:]] = 21
    return numbers


@pytest.mark.parametrize("sleeves", [True, False])
def test_gp_vtons_label_numbers_and_raw_body_parts_are_converted(published, tmp_path, sleeves):
    tree = copied(published, tmp_path, {"image-densepose": "densepose", "image-parse-v3": "parse-bytedance"})
    labels = draw(upper=(200, 40, 40)).labels
    images_of = {"parse-bytedance": gp_vton_numbers(labels, sleeves), "densepose": index_of(labels)}
    for folder, content in images_of.items():
        shutil.rmtree(tree / "test" / folder)
        (tree / "test" / folder).mkdir()
        Image.fromarray(content).save(tree / "test" / folder / "00000_00.png")
    done = import_tree(tmp_path, "--pairs", "none")
    assert done.exit_code == 0 and "GP-VTON's parser" in done.output
    assert np.array_equal(images.read_labels(folders(tmp_path).path(layout.PARSE.of("00000_00"))), labels)
    assert np.array_equal(read_index(folders(tmp_path).path(layout.DENSEPOSE_IUV.of("00000_00"))), index_of(labels))


def test_cihp_numbers_are_never_taken_for_gp_vtons():
    labels = draw().labels
    assert not has_gp_vton_numbers(labels)
    for missing in (Parse.FACE, Parse.LEFT_ARM, Parse.NECK):
        assert not has_gp_vton_numbers(np.where(labels == missing, np.uint8(0), labels))
    theirs = gp_vton_numbers(labels, sleeves=False)
    assert has_gp_vton_numbers(theirs) and np.array_equal(converted(theirs, CIHP_FROM_GP_VTON), labels)


@pytest.mark.parametrize("name", ["test_pairs_unpaired.txt", "test_pairs_unpaired_2032.txt", "test_pairs.csv"])
def test_lists_under_their_usual_names_are_found(published, tmp_path, name):
    tree = copied(published, tmp_path, {})
    (tree / "test_pairs.txt").rename(tree / name)
    (tree / "test_pairs_paired_2032.txt").write_text("00000_00.jpg 00000_00.jpg\n")
    found = read_viton_hd(tree)
    assert found.pairs == ((0, 1), (1, 0)) and not found.notes


@pytest.mark.parametrize("name", ["viton_test_pairs.txt", "pairs.txt", "test/unpaired pairs.csv"])
def test_a_list_of_another_name_is_named_with_the_command_that_cures_it(published, tmp_path, name):
    tree = copied(published, tmp_path, {})
    (tree / "test_pairs.txt").rename(tree / name)
    with pytest.raises(UsageError, match="not read: ") as refused:
        read_viton_hd(tree)
    assert f"mv '{tree / name}' '{tree / 'test_pairs.txt'}'" in refused.value.remedy


def test_without_any_list_the_choices_are_named(published, tmp_path):
    tree = copied(published, tmp_path, {})
    (tree / "test_pairs.txt").unlink()
    with pytest.raises(UsageError) as refused:
        read_viton_hd(tree)
    assert "not read" not in str(refused.value) and "--pairs paired" in refused.value.remedy


def test_two_lists_that_may_be_meant_are_refused_with_their_names(published, tmp_path):
    tree = copied(published, tmp_path, {})
    for number in (1, 2):
        (tree / f"test_pairs_unpaired_{number}.txt").write_text(f"00000_00.jpg 0000{number - 1}_00.jpg\n")
    assert len(read_viton_hd(tree).pairs) == 2  # test_pairs.txt is the data set's own name
    (tree / "test_pairs.txt").unlink()
    with pytest.raises(UsageError, match=r"unpaired_1\.txt.*unpaired_2\.txt"):
        read_viton_hd(tree)


@pytest.fixture(scope="module")
def three_parts(tmp_path_factory):
    return dresscode(tmp_path_factory.mktemp("parts") / "tree", PARTS)


SHORT = {"upper_body": "upper", "lower_body": "lower", "dresses": "dresses"}


def with_root_list(three_parts, tmp_path, lines, rename=True):
    tree = tmp_path / "tree"
    shutil.copytree(three_parts, tree)
    for part, short in SHORT.items():
        for file in (tree / part).glob("*.txt"):
            file.unlink()
        if rename:
            (tree / part).rename(tree / short)
    (tree / "test_pairs_unpaired.txt").write_text(lines)
    return tree


def test_short_part_names_and_a_root_list_with_a_category_column_are_read(three_parts, tmp_path):
    lines = "".join(f"{number}_0.jpg {number}_1.jpg {SHORT[part]}\n" for part, number in PARTS.items())
    with_root_list(three_parts, tmp_path, lines)
    done = import_tree(tmp_path, kind="dresscode")
    assert done.exit_code == 0 and "read for all parts" in done.output
    found = discover(folders(tmp_path), lambda _: "")
    assert [pair.garment.category for pair in found.pairs] == [Category.UPPER, Category.LOWER, Category.DRESS]


def test_a_line_of_a_root_list_that_no_part_has_costs_that_line(three_parts, tmp_path):
    lines = "".join(f"{number}_0.jpg {number}_1.jpg\n" for number in PARTS.values()) + "099999_0.jpg 099999_1.jpg\n"
    with_root_list(three_parts, tmp_path, lines, rename=False)
    tree = read_dresscode(tmp_path / "tree")
    assert len(tree.pairs) == 3
    assert [problem.path.rpartition(", ")[2] for problem in tree.problems] == ["line 4"]


def test_where_two_parts_have_the_same_number_the_category_decides(tmp_path):
    tree = dresscode(tmp_path / "tree", {"upper_body": "000001", "dresses": "000001"})
    for part in ("upper_body", "dresses"):
        (tree / part / "test_pairs_unpaired.txt").unlink()
    (tree / "test_pairs_unpaired.txt").write_text("000001_0.jpg 000001_1.jpg dresses\n000001_0.jpg 000001_1.jpg\n")
    found = read_dresscode(tree)
    assert [found.garments[garment].category for _, garment in found.pairs] == [Category.DRESS]
    assert found.problems[0].reason == "its pictures are in upper_body and dresses"


def test_coloured_body_parts_in_a_dresscode_tree_are_read(three_parts, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(three_parts / "upper_body", tree / "upper_body")
    shutil.rmtree(tree / "upper_body/dense")
    (tree / "upper_body/image-densepose").mkdir()
    (tree / "upper_body/strange").mkdir()
    from preprocess.densepose.colours import render

    (tree / "upper_body/image-densepose/000001_0.jpg").write_bytes(images.jpeg(render(index_of(draw().labels))))
    done = import_tree(tmp_path, kind="dresscode")
    assert done.exit_code == 0 and "not read: strange" in done.output
    assert folders(tmp_path).path(layout.DENSEPOSE.of("000001_0")).is_file()


def as_shares(people: list, size: tuple[int, int]) -> list:
    for person in people:
        for key in (key for key in person if key.endswith("2d") and person[key]):
            points = np.reshape(person[key], (-1, 3)) / (size[1], size[0], 1)
            person[key] = points.reshape(-1).tolist()
    return people


@pytest.mark.parametrize("form", ["shares in a list", "shares", "pixels of another canvas"])
def test_key_points_in_shares_or_of_another_canvas_are_scaled(published, tmp_path, form):
    tree = copied(published, tmp_path, {})
    file = tree / "test/openpose_json/00000_00_keypoints.json"
    record = json.loads(file.read_text())
    if form == "pixels of another canvas":
        record |= {"canvas_height": 2048, "canvas_width": 1536, "people": as_shares(record["people"], (0.5, 0.5))}
    else:
        record |= {"canvas_height": 512, "canvas_width": 384} if "list" in form else {}
        record["people"] = as_shares(record["people"], (1024, 768))
    file.write_text(json.dumps([record] if "list" in form else record))
    assert import_tree(tmp_path, "--pairs", "none").exit_code == 0
    made = keypoints_from_json(folders(tmp_path).path(layout.POSE_JSON.of("00000_00")).read_text())
    assert np.allclose(made.body[:, :2], keypoints().body[:, :2], atol=0.6)


def scaled(people: list) -> list:
    return as_shares(people, (4, 4))


def halved(people: list) -> list:
    return as_shares(people, (2, 2))


def columns_first(people: list) -> list:
    points = np.reshape(people[0]["pose_keypoints_2d"], (-1, 3))
    return [{"pose_keypoints_2d": points[:, [1, 0, 2]].reshape(-1).tolist()}]


def centred(people: list) -> list:
    """From -1 to 1, as graphics libraries count."""
    points = np.reshape(people[0]["pose_keypoints_2d"], (-1, 3))
    return [{"pose_keypoints_2d": (points / (384, 512, 1) - (1, 1, 0)).reshape(-1).tolist()}]


def unseen(people: list) -> list:
    return [{"pose_keypoints_2d": [0] * 75}]


REFUSED_POINTS = {
    "four times too large": (lambda people: as_shares(people, (0.25, 0.25)), "points lie outside the picture of 1024×768"),
    "a quarter of the size": (scaled, "its points reach"), "half the size": (halved, "its points reach"),
    "rows for columns": (columns_first, "lie beside the person"), "from -1 to 1": (centred, ""),
    "nobody seen": (unseen, "no point"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED_POINTS)
@pytest.mark.parametrize("leave_out", [(), ("image-parse-v3",)])
def test_key_points_that_are_not_those_of_the_picture_are_refused(published, tmp_path, kind, leave_out):
    change, reason = REFUSED_POINTS[kind]
    tree = copied(published, tmp_path, {})
    for folder in leave_out:
        shutil.rmtree(tree / "test" / folder)
    file = tree / "test/openpose_json/00000_00_keypoints.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({"people": change(record["people"])}))
    done = import_tree(tmp_path, "--pairs", "none")
    assert done.exit_code == 3 and reason in done.output and "→" in done.output
    assert not folders(tmp_path).path(layout.POSE_JSON.of("00000_00")).exists()
    assert folders(tmp_path).path(layout.POSE_JSON.of("00001_00")).is_file()


def test_the_first_person_with_points_counts(published, tmp_path):
    tree = copied(published, tmp_path, {})
    file = tree / "test/openpose_json/00000_00_keypoints.json"
    people = json.loads(file.read_text())["people"]
    file.write_text(json.dumps({"people": [*unseen(people), *people]}))
    assert import_tree(tmp_path, "--pairs", "none").exit_code == 0
    made = keypoints_from_json(folders(tmp_path).path(layout.POSE_JSON.of("00000_00")).read_text())
    assert np.allclose(made.body, keypoints().body, atol=0.1)
