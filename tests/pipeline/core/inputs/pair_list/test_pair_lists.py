"""A pair list is read in every form that people and their programs write; what is assumed is said, what is unknown is named."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.core.inputs.collection import Collection, discover
from pipeline.core.inputs.pair_list.encoding import decodings
from pipeline.core.inputs.pair_list.form import Form
from pipeline.core.inputs.pair_list.reader import parse_pair_list
from pipeline.core.inputs.pairs import garment_names, person_names
from pipeline.core.layout import Layout

PEOPLE = ["person/ann.jpg", "person/bea.jpg", "person/ann lee.jpg"]
CLOTHES = ["cloth/upper/floral.jpg", "cloth/upper/buttons.jpg", "cloth/upper/floral top.jpg"]
BOTH = ["ann__floral", "bea__buttons"]
TWO_ONES = ["cloth/lower/1.jpg", "cloth/lower/other/1.jpg"]


def listed(root, content: str | bytes, names=(*PEOPLE, *CLOTHES), file="pairs.txt") -> Collection:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    return discover(Layout(inputs=root), lambda _: "preview")


def pairs(found: Collection) -> list[str]:
    return [pair.id for pair in found.pairs]


def reasons(found: Collection) -> list[str]:
    return [f"{problem.path.rpartition('/')[2]}: {problem.reason}" for problem in found.problems]


READ_SILENTLY = {
    "the plain form": "ann.jpg floral.jpg\nbea.jpg buttons.jpg\n",
    "commas": "ann.jpg,floral.jpg\nbea.jpg, buttons.jpg\n",
    "semicolons": "ann.jpg;floral.jpg\nbea.jpg;buttons.jpg\n",
    "bars": "ann.jpg | floral.jpg\nbea.jpg | buttons.jpg\n",
    "tabs and Windows lines": "ann.jpg\tfloral.jpg\r\nbea.jpg\tbuttons.jpg\r\n",
    "lines of an old Mac": "ann.jpg floral.jpg\rbea.jpg buttons.jpg\r",
    "lines of web pages": "ann.jpg floral.jpg\u2028bea.jpg buttons.jpg\u2028",
    "paragraphs of web pages": "ann.jpg,floral.jpg\u2029bea.jpg,buttons.jpg",
    "lines of a mainframe": "ann.jpg;floral.jpg\u0085bea.jpg;buttons.jpg\u0085",
    "a table of a text": "| person | cloth |\n|:---|---:|\n| ann.jpg | floral.jpg |\n| bea.jpg | buttons.jpg |\n",
    "a drawn table": "person  cloth\n------  -----\nann.jpg  floral.jpg\nbea.jpg  buttons.jpg\n",
    "backslashes": "person\\ann.jpg cloth\\upper\\floral.jpg\r\nperson\\bea.jpg cloth\\upper\\buttons.jpg\r\n",
    "paths from the project's folder": (
        "inputs/person/ann.jpg inputs/cloth/upper/floral.jpg\n./person/bea.jpg ./cloth/upper/buttons.jpg\n"
    ),
    "full paths": "/home/me/shop/inputs/person/ann.jpg C:\\shop\\inputs\\cloth\\upper\\floral.jpg\nbea buttons\n",
    "a separator line": "sep=;\r\nperson;garment\r\nann.jpg;floral.jpg\r\nbea.jpg;buttons.jpg\r\n",
    "a quoted separator line for tabs": '"sep=\t"\nann.jpg\tfloral.jpg\nbea.jpg\tbuttons.jpg\n',
    "an id column": "id,person,garment\n1,ann.jpg,floral.jpg\n2,bea.jpg,buttons.jpg\n",
    "other headings": "human_image,cloth_image\nann.jpg,floral.jpg\nbea.jpg,buttons.jpg\n",
    "headings in another order": "Cloth Name;Category;Model-Image\nfloral.jpg;upper;ann.jpg\nbuttons.jpg;upper;bea.jpg\n",
    "headings in a list with spaces": "id person cloth\n1 ann.jpg floral.jpg\n2 bea.jpg buttons.jpg\n",
    "quotation marks": "\"ann.jpg\" \"floral.jpg\"\n'bea.jpg' 'buttons.jpg'\n",
    "whole lines in quotation marks": '"ann.jpg,floral.jpg"\n"bea.jpg,buttons.jpg"\n',
    "cells in quotation marks": '"ann.jpg";"floral.jpg"\n"bea.jpg";"buttons.jpg";\n',
    "remarks": "# mine\nann floral # red\n\nbea buttons\n",
}  # fmt: skip


@pytest.mark.parametrize("file", ["pairs.txt", "pairs.csv"])
@pytest.mark.parametrize("form", READ_SILENTLY)
def test_forms_in_which_nothing_is_assumed(tmp_path, form, file):
    found = listed(tmp_path, READ_SILENTLY[form], file=file)
    assert (pairs(found), reasons(found), found.notes) == (BOTH, [], ())


READ_AND_SAID = {
    "ANN.JPG Floral.jpg\nBEA.jpg buttons.jpg\n": "3 names were found without regard to upper and lower case",
    "ann.png floral.webp\nbea.jpg buttons.jpg\n": "with another suffix, e.g. line 1: 'ann.png' is inputs/person/ann.jpg",
    "image/ann.jpg cloth/floral.jpg\nimage/bea.jpg cloth/buttons.jpg\n": "4 names were found without the folder written",
    "ann.jpg floral.jpg unpaired\nbea.jpg buttons.jpg unpaired\n": "what follows the two names ('unpaired') is not read",
    "1 ann.jpg floral.jpg\n2 bea.jpg buttons.jpg\n": "column 2 is the person and column 3 the garment",
    "floral.jpg ann.jpg\nbuttons.jpg bea.jpg\n": "column 2 is the person and column 1 the garment",
    "ann.jpg,upper_body,floral.jpg\nbea.jpg,upper_body,buttons.jpg\n": "column 1 is the person and column 3 the garment",
    "Kunde;Kleid\nann.jpg;floral.jpg\nbea.jpg;buttons.jpg\n": "its first line, 'Kunde;Kleid', is taken for headings",
    "ann.jpg,floral.jpg\nbea.jpg buttons.jpg\n": "line 2 is separated differently from the others",
}  # fmt: skip


@pytest.mark.parametrize(("content", "note"), READ_AND_SAID.items())
def test_what_is_assumed_is_said(tmp_path, content, note):
    found = listed(tmp_path, content)
    assert (pairs(found), reasons(found)) == (BOTH, [])
    assert any(note in line for line in found.notes), found.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", ["\t", ";", " "])
def test_every_unicode_encoding_is_recognised(tmp_path, encoding, delimiter):
    text = f"person{delimiter}garment\r\nänn.jpg{delimiter}꽃무늬.jpg\r\n"
    found = listed(tmp_path, text.encode(encoding), ["person/änn.jpg", "cloth/upper/꽃무늬.jpg"])
    assert (pairs(found), reasons(found), found.notes) == (["änn__꽃무늬"], [], ())


@pytest.mark.parametrize(("encoding", "name"), [
    ("cp1252", "Jörg"), ("cp1251", "Анна"), ("cp949", "민지"), ("cp932", "花子"), ("gb18030", "王芳"), ("cp850", "Zoë"),
    ("cp1250", "Łucja"),
])  # fmt: skip
def test_a_code_page_is_recognised_by_the_names_that_exist(tmp_path, encoding, name):
    found = listed(tmp_path, f"{name}.jpg tee.jpg\n".encode(encoding), [f"person/{name}.jpg", "cloth/upper/tee.jpg"])
    assert pairs(found) == [f"{name}__tee"] and not found.problems
    assert f"read as {encoding}" in found.notes[0]


def test_bytes_that_two_code_pages_read_as_two_people_are_refused(tmp_path):
    found = listed(tmp_path, "Zoé tee\n".encode("cp1252"), ["person/Zoé.jpg", "person/Zoй.jpg", "cloth/upper/tee.jpg"])
    assert not found.pairs and "its bytes name different files" in reasons(found)[0]


@pytest.mark.parametrize(("content", "kind"), [
    (b"PK\x03\x04rest", "workbook"), (b"\xd0\xcf\x11\xe0rest", "Excel"), (b"{\\rtf1 ann floral}", "RTF"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\1\2\3", "neither UTF-8"), (b"ann\0floral\n", "control characters"),
    (b"\xff\xfea", "damaged"),
])  # fmt: skip
def test_what_is_no_text_is_named(tmp_path, content, kind):
    found = listed(tmp_path, content)
    assert not found.pairs and kind.lower() in reasons(found)[0].lower()
    assert "UTF-8" in found.problems[0].remedy


@pytest.mark.parametrize("content", [
    "ann lee.jpg floral top.jpg\nann.jpg floral.jpg\n", "ann lee floral top\nann floral\n",
    "ann lee.jpg\tfloral top.jpg\nann.jpg\tfloral.jpg\n", '"ann lee.jpg" "floral top.jpg"\nann floral\n',
    "ann lee.jpg floral top.jpg unpaired\nann.jpg floral.jpg unpaired\n",
    "7 ann lee.jpg floral top.jpg\n8 ann.jpg floral.jpg\n", "floral top.jpg ann lee.jpg\nfloral.jpg ann.jpg\n",
    "person cloth\nann lee.jpg floral top.jpg\nann floral\n", "ann\u00a0lee.jpg  floral   top.jpg\nann floral\n",
    "ann_lee floral_top\nann floral\n", "IMAGE\\Ann Lee.JPG cloth/floral top.png\nann floral\n",
])  # fmt: skip
def test_names_with_spaces_are_taken_whole(tmp_path, content):
    found = listed(tmp_path, content)
    assert (pairs(found), reasons(found)) == (["ann_lee__floral_top", "ann__floral"], [])


def test_names_with_the_delimiter_in_them_are_taken_whole(tmp_path):
    names = ["person/a, b.jpg", "person/c.jpg", "cloth/upper/x;y.jpg", "cloth/upper/z.jpg"]
    found = listed(tmp_path, "a, b.jpg x;y.jpg\nc.jpg z.jpg\n", names)
    assert len(found.pairs) == 2 and not found.problems
    found = listed(tmp_path, '"a, b.jpg",x;y.jpg\nc.jpg,z.jpg\n', names, "pairs.txt")
    assert len(found.pairs) == 2 and not found.problems


def test_a_line_with_two_meanings_is_refused_with_both(tmp_path):
    names = ["person/a.jpg", "person/a b.jpg", "cloth/upper/b c.jpg", "cloth/upper/c.jpg"]
    found = listed(tmp_path, "a b c\n'a b' c\n", names)
    assert pairs(found) == ["a_b__c"]
    assert reasons(found) == ["pairs.txt, line 1: can be divided in several ways: 'a' with 'b c' or 'a b' with 'c'"]
    assert "quotation marks" in found.problems[0].remedy


@pytest.mark.parametrize("form", [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_are_the_same_name(tmp_path, form):
    on_disk, written = (unicodedata.normalize(each, "Zoë.jpg") for each in form)
    found = listed(tmp_path, f"{written} tee\n", [f"person/{on_disk}", "cloth/upper/tee.jpg"])
    assert pairs(found) == ["Zoë__tee"] and not found.problems and not found.notes


def test_an_exact_name_wins_over_one_in_another_case(tmp_path):
    found = listed(tmp_path, "Ann.jpg tee\nann.jpg tee\n", ["person/Ann.jpg", "person/ann.jpg", "cloth/upper/tee.jpg"])
    assert [pair.person.source for pair in found.pairs] == ["inputs:person/Ann.jpg", "inputs:person/ann.jpg"]
    found = listed(tmp_path, "ANN.jpg tee\n", ())
    assert not found.pairs and "person 'ANN.jpg' is ambiguous" in reasons(found)[0]


def test_a_name_without_suffix_or_with_another_one_is_taken_only_where_one_file_fits(tmp_path):
    names = ["person/ann.jpg", "person/ann.png", "cloth/upper/tee.jpg"]
    found = listed(tmp_path, "ann tee\nann.webp tee\nann.png tee\n", names)
    assert [pair.person.source for pair in found.pairs] == ["inputs:person/ann.png"]
    assert [each.partition(": ")[2] for each in reasons(found)] == ["person 'ann' is ambiguous", "person 'ann.webp' is ambiguous"]


def test_files_that_suffix_or_folder_tell_apart_are_not_taken_for_one(tmp_path):
    names = ["person/ann.jpg", "person/07.jpg", "cloth/upper/tee.jpg"]
    found = listed(tmp_path, "ann.jpg tee\nann.png tee\nbeach/07.jpg tee\ncity/07.jpg tee\n", names)
    assert pairs(found) == ["ann__tee"]
    assert reasons(found) == [
        "pairs.txt, line 2: person 'ann.png' and 'ann.jpg' would both be inputs/person/ann.jpg",
        "pairs.txt, line 3: person 'beach/07.jpg' and 'city/07.jpg' would both be inputs/person/07.jpg",
        "pairs.txt, line 4: person 'city/07.jpg' and 'beach/07.jpg' would both be inputs/person/07.jpg",
    ]


@pytest.mark.parametrize("name", ["beach/07.jpg", "beach\\07.jpg", "x/beach/07.jpg"])
def test_another_folder_s_file_of_the_same_name_is_not_taken(tmp_path, name):
    found = listed(tmp_path, f"{name} tee\n", ["person/city/07.jpg", "cloth/upper/tee.jpg"])
    assert not found.pairs and "unknown person" in reasons(found)[0]


@pytest.mark.parametrize(("name", "known"), [
    ("upper/tee.jpg", True), ("upper_body/tee.jpg", True), ("cloth/tee.jpg", True), ("lower/tee.jpg", False),
    ("dresses/images/tee.jpg", False), ("person/tee.jpg", False),
])  # fmt: skip
def test_the_folder_of_another_category_or_kind_is_another_file(tmp_path, name, known):
    found = listed(tmp_path, f"ann.jpg {name}\n", ["person/ann.jpg", "cloth/upper/tee.jpg"])
    assert bool(found.pairs) is known and bool(found.problems) is not known


def test_numbers_that_people_and_garments_share_keep_the_order_of_the_data_set(tmp_path):
    names = [f"{kind}/0000{number}_00.jpg" for kind in ("person", "cloth/upper") for number in (1, 2)]
    found = listed(tmp_path, "00001_00.jpg 00002_00.jpg\n00002_00.jpg 00001_00.jpg\n", names)
    assert pairs(found) == ["00001_00__00002_00", "00002_00__00001_00"] and not found.notes
    found = listed(tmp_path, "cloth/00001_00.jpg image/00002_00.jpg\n", ())
    assert pairs(found) == ["00002_00__00001_00"] and "column 2 is the person" in found.notes[0]


@pytest.mark.parametrize("content", [
    "person,upper,lower\nann,floral,jeans\nbea,,jeans\n", "person,garment,garment2\nann,floral,jeans\nbea,jeans\n",
])  # fmt: skip
def test_two_garments_under_their_headings_are_an_outfit_and_one_is_worn_alone(tmp_path, content):
    found = listed(tmp_path, content, [*PEOPLE, *CLOTHES, "cloth/lower/jeans.jpg"])
    assert pairs(found) == ["bea__jeans", "ann__jeans+floral"] and not found.problems


@pytest.mark.parametrize(("worn", "reason"), [
    ("floral,buttons", "an outfit is one upper and one lower garment, not floral (upper) and buttons (upper)"),
    ("jeans,shorts", "an outfit is one upper and one lower garment, not jeans (lower) and shorts (lower)"),
    ("tee,jeans", "an outfit is one upper and one lower garment, not tee (dress) and jeans (lower)"),
    ("loose,floral", "an outfit is one upper and one lower garment, not loose (upper, by its picture) and floral (upper)"),
    ("floral,jeens", "unknown garment 'jeens'"), ("floral,1.jpg", "garment '1.jpg' is ambiguous"),
])  # fmt: skip
def test_a_line_that_names_no_outfit_costs_that_line_and_says_why(tmp_path, worn, reason):
    clothes = ["cloth/lower/jeans.jpg", "cloth/lower/shorts.jpg", "cloth/dress/tee.jpg", "cloth/loose.jpg"]
    found = listed(tmp_path, f"person,upper,lower\nann,{worn}\nbea,buttons,jeans\n", [*PEOPLE, *CLOTHES, *clothes, *TWO_ONES])
    assert pairs(found) == ["bea__jeans+buttons"] and reasons(found) == [f"pairs.txt, line 2: {reason}"]
    assert found.problems[0].remedy


def test_without_headings_a_third_column_is_a_garment_only_where_every_value_names_one(tmp_path):
    names = [*PEOPLE, *CLOTHES, "cloth/lower/jeans.jpg", "cloth/upper/1.jpg"]
    outfits = listed(tmp_path, "ann floral jeans\nbea buttons jeans\n", names)
    assert pairs(outfits) == ["ann__jeans+floral", "bea__jeans+buttons"] and not outfits.problems
    for third in (("jeans", "unpaired"), ("1", "1"), ("ann", "bea")):
        found = listed(tmp_path, f"ann floral {third[0]}\nbea buttons {third[1]}\n", ())
        assert pairs(found) == BOTH and not found.problems and "is not read" in found.notes[-1]


def test_one_missing_picture_costs_its_line_and_a_slip_gets_a_proposal(tmp_path):
    found = listed(tmp_path, "ann.jpg floral.jpg\nnobody.jpg nothing.jpg\nbee.jpg buttons.jpg\nbea.jpg buttons.jpg\n")
    assert pairs(found) == BOTH
    assert reasons(found) == [
        "pairs.txt, line 2: unknown person 'nobody.jpg' and unknown garment 'nothing.jpg'",
        "pairs.txt, line 3: unknown person 'bee.jpg'",
    ]
    assert "did you mean bea.jpg?" in found.problems[1].remedy


def test_another_number_is_no_slip(tmp_path):
    found = listed(tmp_path, "00001_00.jpg tee.jpg\n", ["person/00002_00.jpg", "cloth/upper/tee.jpg"])
    assert "did you mean" not in found.problems[0].remedy


@pytest.mark.parametrize("file", ["Pairs.txt", "PAIRS.CSV", "pairs.csv.txt", "pairs.txt.txt"])
def test_a_list_whose_name_means_the_same_is_read_and_said(tmp_path, file):
    found = listed(tmp_path, "ann.jpg,floral.jpg\nbea.jpg,buttons.jpg\n", file=file)
    assert pairs(found) == BOTH and f"{tmp_path / file} is read as the pair list" in found.notes[0]


@pytest.mark.parametrize(
    "file",
    [
        "test_pairs.txt",
        "pairs (1).txt",
        "pairs_old.csv",
        "pair.txt",
        "pairs.xlsx",
        "pairs",
        "my pairs.tsv",
        "pairlist.txt",
        "pair_list.csv",
        "pairs.md",
    ],
)
def test_a_look_alike_is_named_and_not_read(tmp_path, file):
    found = listed(tmp_path, "ann.jpg floral.jpg\n", file=file)
    assert len(found.pairs) == 9
    assert [(problem.path, problem.harmless) for problem in found.problems] == [(str(tmp_path / file), True)]
    assert found.problems[0].remedy == f"mv '{tmp_path / file}' '{tmp_path / 'pairs.txt'}'"


@pytest.mark.parametrize("file", ["notes.txt", "repairs.txt", "impairs.csv", "pairlisting.txt", "repairlist.md"])
def test_other_files_beside_the_inputs_are_none_of_our_business(tmp_path, file):
    assert not listed(tmp_path, "ann.jpg floral.jpg\n", file=file).problems


def test_a_file_whose_name_begins_like_a_comment_is_a_name_where_it_exists(tmp_path):
    found = listed(tmp_path, "#1.jpg tee\n#ann tee\n", ["person/#1.jpg", "person/ann.jpg", "cloth/upper/tee.jpg"])
    assert [pair.person.source for pair in found.pairs] == ["inputs:person/#1.jpg"] and not found.problems


@pytest.mark.parametrize("content", [
    "ann.jpg floral.jpg", "ann.jpg,floral.jpg\r\n", "floral.jpg\tann.jpg\r\n", "garment;person\nfloral.jpg;ann.jpg\n",
    "id,person,garment\n1,ann.jpg,floral.jpg", "7 ann.jpg floral.jpg\n",
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_lines_are_added_in_the_form_of_the_list(tmp_path, content, encoding):
    before = content.encode(encoding)
    found = listed(tmp_path, before)
    people, clothes = person_names(found.persons), garment_names(found.garments)
    form = parse_pair_list(before, "pairs", people, clothes, "").form
    assert form is not None
    after = parse_pair_list(before + form.lines([("bea", "buttons")]), "pairs", people, clothes, "")
    assert [f"{person.id}__{garment.id}" for person, garment in after.pairs] == BOTH and not after.problems


def test_the_form_of_a_new_list_is_the_data_set_s():
    assert Form().lines([("ann", "tee"), ("bea", "tee")]) == b"ann tee\nbea tee\n"


def test_valid_utf_8_is_never_guessed():
    assert [found.certain for found in decodings("Zoë 한국".encode())] == [True]
