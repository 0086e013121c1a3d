"""What a check before the first step finds: each problem with its count, its pair and a cure."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from training_trees import training_tree, write_pair

from pipeline.core import images
from pipeline.core.errors import UsageError
from pipeline.core.labels import Parse
from tryon.training.data.checks import CURES, Findings, Memory, check, leave_out
from tryon.training.data.tree import WANTED, Kind, TreeKind, find_tree

BENT = (Kind.WARPED, Kind.WARPED_MASK, Kind.PLACED, Kind.PLACED_MASK)
KINDS = (*WANTED[TreeKind.VITON_HD], Kind.WORN, Kind.PARSE, Kind.PARSE_AGNOSTIC, *BENT)


@pytest.fixture
def root(tmp_path):
    return whole_tree(tmp_path, pairs=3)


def whole_tree(folder, pairs):
    """A tree with all that any engine trains on; both ways of bending garments left their folders."""
    made = training_tree(folder, pairs=pairs, size=(64, 64))
    for name in ("cloth-warp", "cloth-warp-mask"):
        shutil.copytree(made / "train" / name, made / "train" / name.replace("cloth-warp", "warped_cloth"))
    return made


def checked(root) -> Findings:
    tree = find_tree(root)
    return check(tree.pairs("train"), KINDS, tree.pairs("test", paired=False))


def test_a_whole_tree_has_no_problem(root):
    findings = checked(root)
    assert (findings.count, len(findings.pairs), findings.problems, findings.lines()) == (3, 3, {}, [])


def broken(root, how):
    base, name = root / "train", "00001_00.jpg"
    if how == "missing":
        (base / "image-densepose" / name).unlink()
    elif how == "no warped mask":
        (base / "gt_cloth_warped_mask" / name).unlink()
    elif how == "no warped garment":
        (base / "cloth-warp" / name).unlink()
    elif how == "no bent garment":
        (base / "warped_cloth" / name).unlink()
    elif how in {"labels", "nothing worn"}:
        labels = np.full((64, 64), 20 if how == "labels" else Parse.FACE, np.uint8)
        (base / "image-parse-v3" / "00001_00.png").write_bytes(images.labels_png(labels))
    elif how == "cloth mask":
        (base / "cloth-mask" / name).write_bytes(images.mask_png(np.zeros((64, 64), bool)))
    elif how == "unreadable":
        path = base / "cloth" / name
        path.write_bytes(path.read_bytes()[:200])
    elif how == "sizes differ":
        (base / "agnostic-mask" / "00001_00_mask.png").write_bytes(images.mask_png(np.eye(32, dtype=bool).repeat(2, 1)))
    elif how == "mask":
        (base / "agnostic-mask" / "00001_00_mask.png").write_bytes(images.mask_png(np.ones((64, 64), bool)))
    elif how == "duplicate":
        for folder in ("image", "cloth"):
            shutil.copy(base / folder / "00000_00.jpg", base / folder / name)
    elif how == "test person":
        (root / "test_pairs.txt").write_text(f"{name} {name}\n", "utf-8")
    elif how == "test picture":
        shutil.copy(base / "image" / name, root / "test" / "image" / "00050_00.jpg")


@pytest.mark.parametrize("how", list(CURES))
def test_a_problem_is_found_at_its_pair_and_told_with_a_cure(root, how):
    broken(root, how)
    findings = checked(root)
    assert list(findings.problems) == [how] and list(findings.problems[how]) == ["00001_00.jpg"]
    assert [pair.person for pair in findings.pairs] == ["00000_00.jpg", "00002_00.jpg"]
    (line,) = findings.lines()
    assert line.startswith(f"1 × {how}: 00001_00.jpg") and CURES[how] in line and leave_out([how]) in line


def test_many_of_a_kind_are_counted_and_three_named(tmp_path):
    root = whole_tree(tmp_path, pairs=6)
    shutil.rmtree(root / "train" / "cloth-mask")
    (line,) = checked(root).lines()
    assert line.startswith("6 × missing") and "and 3 more" in line


def test_the_fingerprint_is_that_of_the_good_pairs_contents(root):
    before = checked(root).fingerprint
    assert checked(root).fingerprint == before
    write_pair(root / "train", "00001_00.jpg", 17, (64, 64))
    assert checked(root).fingerprint != before


def test_files_that_did_not_change_are_not_read_again(root, tmp_path, monkeypatch):
    file, tree = tmp_path / "kept" / "checked.json", find_tree(root)
    first = check(tree.pairs("train"), KINDS, memory=Memory(file))
    monkeypatch.setattr("tryon.training.data.checks.look", lambda path, mask: pytest.fail(f"{path} was read again"))
    assert check(tree.pairs("train"), KINDS, memory=Memory(file)).fingerprint == first.fingerprint
    file.write_text("damaged", "utf-8")
    monkeypatch.undo()
    assert check(tree.pairs("train"), KINDS, memory=Memory(file)).fingerprint == first.fingerprint


def test_a_pair_list_with_half_a_pair_is_refused(root):
    (root / "train_pairs.txt").write_text("00000_00.jpg 00000_00.jpg\n00001_00.jpg\n", "utf-8")
    with pytest.raises(UsageError, match="pair 2 has one name"):
        checked(root)
