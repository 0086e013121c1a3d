"""Ids are readable, unique, and safe in file names and pair files."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.inputs.ids import MAX_ID_BYTES, slug, unique_ids


def test_a_plain_name_stays_as_it_is():
    assert unique_ids(["ann.jpg", "00055_00.jpg"]) == ["ann", "00055_00"]


def test_sub_folders_are_part_of_the_id():
    assert unique_ids(["beach/07.jpg", "city/07.jpg"]) == ["beach-07", "city-07"]


def test_spaces_newlines_and_leading_dashes_go_but_emoji_and_hangul_stay():
    assert unique_ids(["my photo.jpg", "--rm.jpg", "a\nb.png", "👗 dress.png", "한국.jpg"]) == [
        "my_photo",
        "rm",
        "a_b",
        "👗_dress",
        "한국",
    ]


def test_two_extensions_with_one_stem_get_two_ids():
    first, second = unique_ids(["a.jpg", "a.png"])
    assert first != second
    assert first.startswith("a-") and second.startswith("a-")


def test_twins_by_case_or_unicode_form_get_two_ids_on_any_file_system():
    nfd = unicodedata.normalize("NFD", "é.jpg")
    ids = unique_ids(["A.jpg", "a.jpg", "é.jpg", nfd])
    assert len({unicodedata.normalize("NFC", each).casefold() for each in ids}) == 4


def test_separators_of_pair_names_never_stand_in_an_id():
    assert slug("a__b.jpg") == "a_b"
    assert slug("_a_.jpg") == "a"


def test_a_reserved_id_is_never_given_away():
    assert unique_ids(["original.jpg"], taken=["original"]) != ["original"]


def test_a_name_of_250_characters_is_shortened_and_marked():
    first, second = unique_ids(["x" * 250 + "1.jpg", "x" * 250 + "2.jpg"])
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= MAX_ID_BYTES


def test_an_id_does_not_depend_on_the_order_of_the_folder():
    names = ["b.jpg", "a.png", "a.jpg"]
    forward = dict(zip(names, unique_ids(names), strict=True))
    backward = dict(zip(names[::-1], unique_ids(names[::-1]), strict=True))
    assert forward == backward


@settings(deadline=None)  # hypothesis' 200 ms are the machine's as much as ours, when it is busy
@given(
    st.sets(
        st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=90), max_size=12
    )
)
def test_any_set_of_names_gives_distinct_safe_ids(names: set[str]):
    relatives = [f"{name}.jpg" for name in sorted(names)]
    ids = unique_ids(relatives)
    assert len({unicodedata.normalize("NFKC", each).casefold() for each in ids}) == len(ids)
    for ident in ids:
        assert ident and "__" not in ident and not ident.startswith(("-", ".", "_"))
        assert not any(char.isspace() or char in '/\\:*?"<>|' for char in ident)
        assert len(ident.encode()) <= MAX_ID_BYTES
