"""OOTDiffusion's training on all of DressCode: each part with its own masks and its own word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_ootd_training import RECIPE
from training_runs import quiet
from training_trees import dresscode_training_tree, training_tree

from pipeline.core.errors import InputError, UsageError
from pipeline.core.labels import Category
from tryon.engines.ootdiffusion.words import FULL_BODY
from tryon.training.data.tree import TreeKind, find_trees
from tryon.training.randomness import SampleDraws
from tryon.training.session import Options, check_data, settings_of

SIZE = (64, 64)
PARTS = {"upper": (1, 2), "lower": (3,), "dress": (4, 1)}
"""Number 1 is in two parts."""
DC = ("ootd.model=dc", "data.height=64", "data.width=64")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return dresscode_training_tree(tmp_path_factory.mktemp("data"), PARTS)


def found(tree, runs, *overrides, **more):
    options = Options(data=tree, runs=runs, overrides=overrides, **more)
    settings = settings_of(RECIPE, options, quiet)
    return settings, *check_data(RECIPE, settings, tree, options, quiet)


def test_each_part_is_trained_with_its_own_mask_and_word(tree, tmp_path):
    settings, findings, test = found(tree, tmp_path, *DC)
    assert [(pair.category.value, pair.id) for pair in findings.pairs] == [
        ("upper", "000001_0.jpg+000001_1.jpg"),
        ("upper", "000002_0.jpg+000002_1.jpg"),
        ("lower", "lower 000003_0.jpg+000003_1.jpg"),
        ("dress", "dress 000001_0.jpg+000001_1.jpg"),
        ("dress", "dress 000004_0.jpg+000004_1.jpg"),
    ]
    assert [pair.category.value for pair in test.listed] == ["upper", "lower", "dress"], "a sheet of three shows every kind"
    items = [RECIPE.read(pair, SIZE) for pair in findings.pairs]
    holes = [np.flatnonzero(item.person.repaint.any(1))[[0, -1]].tolist() for item in items]
    assert holes == [[19, 37], [19, 37], [35, 59], [19, 59], [19, 59]]
    trainee = RECIPE.simulated(settings)[0]
    batch = trainee.batch(items, [SampleDraws(0, 0, item.id) for item in items], 0, 0)
    assert batch.words.tolist() == [list(FULL_BODY.ids[pair.category]) for pair in findings.pairs]
    assert torch.equal(batch.words, batch.garment_words)


def test_some_parts_alone_are_trained_where_others_are_missing_or_not_wanted(tree, tmp_path):
    for wanted, expected in (('["lower"]', {"lower"}), ('["dress", "upper"]', {"dress", "upper"})):
        _, findings, _ = found(tree, tmp_path, *DC, f"ootd.categories={wanted}")
        assert {pair.category.value for pair in findings.pairs} == expected
    legs = dresscode_training_tree(tmp_path / "legs", {"lower": (3,)})
    assert {pair.category for pair in found(legs, tmp_path, *DC)[1].pairs} == {Category.LOWER}
    with pytest.raises(UsageError, match=r"upper_body/train_pairs\.txt\); what is there is lower_body"):
        found(legs, tmp_path, "ootd.model=hd")


def test_the_half_body_model_trains_upper_garments_and_refuses_others(tree, tmp_path):
    assert {pair.category for pair in found(tree, tmp_path)[1].pairs} == {Category.UPPER}
    with pytest.raises(UsageError, match=r"dresses no lower; ootd\.model=dc"):
        found(tree, tmp_path, 'ootd.categories=["lower"]')


def test_a_viton_hd_tree_holds_what_the_setting_names(tmp_path):
    root = training_tree(tmp_path, pairs=1, size=SIZE)
    for overrides, category in ((DC, Category.UPPER), ((*DC, 'ootd.categories=["lower"]'), Category.LOWER)):
        (pair,) = found(root, tmp_path, *overrides)[1].pairs
        assert RECIPE.read(pair, SIZE).category is category
    (only,) = find_trees(root, (Category.DRESS, Category.UPPER))
    assert only == replace(only, kind=TreeKind.VITON_HD, category=Category.DRESS)


def test_a_person_tested_in_one_part_and_trained_in_another_is_found(tree, tmp_path):
    root = dresscode_training_tree(tmp_path / "data", {"upper": (1,), "dress": (7,)})
    (root / "upper_body" / "test_pairs_unpaired.txt").write_text("000007_0.jpg 000001_1.jpg\n", "utf-8")
    with pytest.raises(InputError, match="1 × test person"):
        found(root, tmp_path, *DC)


def of_all_parts(root, column: bool):
    """The parts' lists written as lists in the root, as DressCode's own download has them."""
    for name in ("train_pairs.txt", "test_pairs_unpaired.txt"):
        lines = []
        for part in sorted({"upper_body", "lower_body", "dresses"} & {each.name for each in root.iterdir()}):
            rows = (root / part / name).read_text("utf-8").splitlines()
            lines += [f"{row} {part}" if column else f"{row}\t7" for row in rows]
            (root / part / name).unlink()
        (root / name).write_text("\n".join(lines), "utf-8")
    return root


def test_a_list_in_the_root_for_all_parts_trains_the_same_pairs(tree, tmp_path):
    root = of_all_parts(dresscode_training_tree(tmp_path / "data", PARTS), column=True)
    for overrides in (DC, ()):
        (_, theirs, test), (_, ours, same_test) = found(tree, tmp_path, *overrides), found(root, tmp_path, *overrides)
        assert [pair.id for pair in ours.pairs] == [pair.id for pair in theirs.pairs] and ours.fingerprint == theirs.fingerprint
        assert [pair.id for pair in same_test.listed] == [pair.id for pair in test.listed]


def test_without_a_column_a_line_of_the_root_s_list_belongs_to_the_part_that_has_its_pictures(tree, tmp_path):
    root = of_all_parts(dresscode_training_tree(tmp_path / "data", {"upper": (1,), "dress": (4,), "lower": (3,)}), column=False)
    (root / "dresses" / "images" / "000004_1.jpg").unlink()
    with pytest.raises(InputError, match="1 × missing"):
        found(root, tmp_path, *DC)
    _, findings, _ = found(root, tmp_path, *DC, skip_incomplete=True)
    assert [pair.id for pair in findings.pairs] == ["000001_0.jpg+000001_1.jpg", "lower 000003_0.jpg+000003_1.jpg"]
    assert find_trees(tree, (Category.DRESS,))[0].pair_list("train").parent != tree, "a part's own list comes first"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("000001_0.jpg 000001_1.jpg", r"pair 5, 000001_0.jpg 000001_1.jpg: dress and upper have its pictures"),
        ("000099_0.jpg 000099_1.jpg", "no part has its pictures"),
        ("000001_0.jpg", "pair 5 has one name"),
    ],
)
def test_a_line_of_the_root_s_list_that_belongs_nowhere_is_named_with_its_cure(tmp_path, line, says):
    root = of_all_parts(dresscode_training_tree(tmp_path / "data", {"upper": (1, 2), "dress": (1, 4)}), column=True)
    list_of_all = root / "train_pairs.txt"
    list_of_all.write_text(list_of_all.read_text("utf-8") + f"\n{line}\n", "utf-8")
    with pytest.raises(UsageError, match=says):
        found(root, tmp_path, *DC)
