"""Results and photos are matched by a list or by equal names; everything that fits nothing is listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from workspaces import save

from pipeline.core.errors import UsageError
from tryon.evaluation.gathering import gather, read_pair_list, text_hash


def folder(root: Path, *names: str) -> Path:
    for name in names:
        save(root / name, np.full((16, 12, 3), 90, np.uint8))
    return root


def test_the_hash_of_a_pair_list_is_that_of_its_text_with_unix_line_ends(recorded):
    text = str(recorded["pairs_text"])
    assert text_hash(text) == str(recorded["pairs_sha256"]) == text_hash(text.replace("\n", "\r\n"))


@pytest.mark.parametrize("name", ["ann__tee.png", "ann_tee.png", "ann.png"])
def test_a_listed_pair_finds_its_result_under_each_usual_name(tmp_path: Path, name: str):
    results, truth = folder(tmp_path / "r", name), folder(tmp_path / "t", "ann.png", "bob.png")
    found = gather(results, truth, [("ann", "tee")])
    assert [pair.id for pair in found.pairs] == ["ann__tee"] and found.list_text == "ann tee\n"


def test_without_a_list_equal_names_belong_together(tmp_path: Path):
    found = gather(folder(tmp_path / "r", "ann.png", "bob__tee.png"), folder(tmp_path / "t", "ann.png", "bob.png"))
    assert [pair.id for pair in found.pairs] == ["ann", "bob__tee"]


def test_extra_results_missing_results_and_unknown_people_are_all_listed(tmp_path: Path):
    results, truth = folder(tmp_path / "r", "ann.png", "zoe.png"), folder(tmp_path / "t", "ann.png", "bob.png")
    with pytest.raises(UsageError) as caught:
        gather(results, truth, [("ann", ""), ("bob", ""), ("cid", "")])
    for part in ("1 without a photo", "cid", "1 without a result", "bob", "1 in", "zoe"):
        assert part in caught.value.message


def test_missing_results_may_be_allowed_and_are_counted(tmp_path: Path):
    results, truth = folder(tmp_path / "r", "ann.png"), folder(tmp_path / "t", "ann.png", "bob.png")
    assert gather(results, truth, [("ann", ""), ("bob", "")], allow_missing=1).missing == 1


def test_the_folder_of_a_run_may_hold_more_pairs_than_the_list(tmp_path: Path):
    results, truth = folder(tmp_path / "r", "ann__tee.png", "ann__top.png"), folder(tmp_path / "t", "ann.png")
    assert len(gather(results, truth, [("ann", "tee")], others_stay=True).pairs) == 1


def test_masks_and_garments_are_found_by_person_and_garment(tmp_path: Path):
    masks, cloth = folder(tmp_path / "m", "ann_mask.png"), folder(tmp_path / "c", "tee.jpg")
    results, truth = folder(tmp_path / "r", "ann__tee.png"), folder(tmp_path / "t", "ann.png")
    (pair,) = gather(results, truth, masks=masks, cloth=cloth).pairs
    assert pair.mask is not None and pair.mask.name == "ann_mask.png" and pair.cloth is not None


def test_each_garment_may_have_masks_of_its_own_category(tmp_path: Path):
    upper, lower = folder(tmp_path / "upper", "ann_mask.png"), folder(tmp_path / "lower", "ann_mask.png")
    results, truth = folder(tmp_path / "r", "ann__tee.png", "ann__jeans.png", "ann__hat.png"), folder(tmp_path / "t", "ann.png")
    found = gather(results, truth, masks={"tee": upper, "jeans": lower}).pairs
    where = {pair.garment: pair.mask.parent.name if pair.mask else "" for pair in found}
    assert where == {"tee": "upper", "jeans": "lower", "hat": ""}


@pytest.mark.parametrize(("text", "wanted"), [("a b\na b\n", "named twice: a b"), ("\n", "no pair"), ("a b c d\n", "is no pair")])
def test_a_list_with_mistakes_is_refused(tmp_path: Path, text: str, wanted: str):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(UsageError, match=wanted):
        read_pair_list(tmp_path / "pairs.txt")


def test_absent_empty_and_ambiguous_folders_are_refused(tmp_path: Path):
    truth = folder(tmp_path / "t", "ann.png")
    with pytest.raises(UsageError, match="there is no folder"):
        gather(tmp_path / "absent", truth)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no pictures"):
        gather(tmp_path / "empty", truth)
    with pytest.raises(UsageError, match="there twice"):
        gather(folder(tmp_path / "r", "ann.png", "ann.jpg"), truth)
