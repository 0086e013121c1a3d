"""An outfit is one person in a lower and an upper garment, put on in two passes; every pass has items and names of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import Collection, discover, pair_lists, paired_only, select
from pipeline.core.inputs.existing import existing
from pipeline.core.items import Unit
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.records.attempts import Attempts

NAMES = ["person/ann.jpg", "person/bea.jpg", "cloth/upper/tee.jpg", "cloth/upper/polo.jpg", "cloth/lower/jeans.jpg"]
OUTFITS = "person,upper,lower\nann,tee,jeans\nann,polo,jeans\nbea,,jeans\n"


def collect(root: Path, names=NAMES, content: str = OUTFITS) -> Collection:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "pairs.csv").write_text(content)
    return discover(Layout(inputs=root), lambda category: f"engine-{category.value}", lambda engine: f"rule of {engine}")


def ids(items) -> list[str]:
    return [item.id for item in items]


def test_the_lower_garment_is_put_on_first_and_one_first_pass_serves_all_outfits(tmp_path):
    found = collect(tmp_path)
    assert ids(found.pairs) == ["bea__jeans", "ann__jeans+tee", "ann__jeans+polo"]
    assert ids(found.first_passes) == ["ann__jeans"] and ids(found.derived) == ["ann+jeans"]
    assert [each.engine for each in found.pairs[1].passes] == ["engine-lower", "engine-upper"]
    assert ids(scene.pair.person.original for scene in found.scenes()) == []
    assert found.pairs[1].parts == ("ann", "jeans", "ann__jeans", "ann+jeans", "tee", "ann__jeans+tee")


def test_each_person_gets_the_masks_of_its_own_pass_only(tmp_path):
    found = collect(tmp_path)
    halfway = found.derived[0]
    assert halfway.categories == (Category.UPPER,) and halfway.recipes == ("rule of engine-upper",)
    assert halfway.original.categories == (Category.LOWER,) and halfway.original in found.persons


def test_the_order_of_the_columns_does_not_matter_and_a_line_counts_once(tmp_path):
    found = collect(tmp_path, content="person,lower,upper\nann,jeans,tee\nann,tee,jeans\n")
    assert ids(found.pairs) == ["ann__jeans+tee"] and not found.problems


def test_ids_of_outfits_are_short_enough_for_a_file_and_never_those_of_a_picture(tmp_path):
    long = [f"cloth/{category}/{'x' * 50}{category}.jpg" for category in ("upper", "lower")]
    line = ",".join(Path(name).stem for name in long)
    found = collect(tmp_path, [*NAMES, *long, "cloth/upper/jeans+tee.jpg"], f"{OUTFITS}bea,{line}\n")
    names = [pair.outfit for pair in found.pairs if pair.outfit]
    assert names[0].startswith("jeans+tee-") and names[1] == "jeans+polo" and len(names[2].encode()) <= 60
    assert len(set(ids(found.pairs))) == len(found.pairs)


@pytest.mark.parametrize(("only", "skip", "pairs", "garments"), [
    (["tee"], [], ["ann__jeans+tee"], ["jeans", "tee"]),
    (["ann__*"], [], ["ann__jeans+tee", "ann__jeans+polo"], ["jeans", "polo", "tee"]),
    (["ann__tee"], [], ["ann__jeans+tee"], ["jeans", "tee"]),
    ([], ["polo"], ["bea__jeans", "ann__jeans+tee"], ["jeans", "tee"]),
    (["polo"], ["jeans"], [], ["polo"]),
    (["bea"], [], ["bea__jeans"], ["jeans", "polo", "tee"]),
    ([], ["ann__polo"], ["bea__jeans", "ann__jeans+tee"], ["jeans", "polo", "tee"]),
])  # fmt: skip
def test_a_glob_on_one_garment_chooses_or_drops_the_whole_outfit(tmp_path, only, skip, pairs, garments):
    found = select(collect(tmp_path), only, skip)
    assert ids(found.pairs) == pairs and sorted(ids(found.garments)) == garments
    with pytest.raises(UsageError, match="matches no"):
        select(found, ["ann__socks"])


def test_only_what_outfits_need_is_worked_on(tmp_path):
    found = paired_only(collect(tmp_path, [*NAMES, "person/eve.jpg", "cloth/upper/coat.jpg"]), Layout(inputs=tmp_path))
    assert ids(found.persons) == ["ann", "bea"] and ids(found.garments) == ["jeans", "polo", "tee"]
    (note,) = found.notes
    assert note.startswith("nothing is made of eve, coat: no line of") and "pairs.csv" in note


def test_the_data_sets_lists_name_both_passes(tmp_path):
    lists = pair_lists(collect(tmp_path))
    assert lists["vitonhd/test_pairs_lower.txt"].splitlines() == ["ann.jpg jeans.jpg", "bea.jpg jeans.jpg"]
    assert lists["vitonhd/test_pairs.txt"].splitlines() == ["ann+jeans.jpg tee.jpg", "ann+jeans.jpg polo.jpg"]


def test_clean_keeps_what_belongs_to_an_outfit_of_the_list_and_nothing_of_another(tmp_path):
    there = existing(collect(tmp_path))
    assert "ann+jeans" in there[Unit.PERSON] and "ann__jeans+tee" in there[Unit.PAIR] and "ann__jeans" in there[Unit.PAIR]
    assert "bea+jeans" not in there[Unit.PERSON] and "ann__jeans+coat" not in there[Unit.PAIR]


def test_each_pass_is_at_its_own_attempt(tmp_path):
    found, attempts = collect(tmp_path), Attempts()
    for pair in (found.first_passes[0], found.first_passes[0], found.pairs[1]):
        attempts.move_on(pair)
    moved = attempts.apply(found)
    assert [[each.attempt for each in pair.passes] for pair in moved.pairs] == [[0], [2, 1], [2, 0]]
