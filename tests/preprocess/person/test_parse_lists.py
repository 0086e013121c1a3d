"""LIP's and ATR's own labels beside the parse map: what they add, and when they no longer count."""

import io

import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.labels import Atr, Lip, Parse
from preprocess.person.parse_lists import ParseLists, read_opinions

SIZE = (6, 8)


def lists(lip, atr):
    return ParseLists(np.full(SIZE, lip, np.uint8), np.full(SIZE, atr, np.uint8))


def saved(path, given, parse):
    path.write_bytes(images.npz(given.arrays(parse)))
    return path


def test_each_network_speaks_in_the_projects_labels():
    by_lip, by_atr = lists(Lip.JUMPSUIT, Atr.PANTS).opinions
    assert (by_lip == Parse.DRESS).all() and (by_atr == Parse.PANTS).all()


def test_a_coat_in_the_eyes_of_lip_is_a_coat_for_both():
    by_lip, by_atr = lists(Lip.COAT, Atr.UPPER_CLOTHES).opinions
    assert (by_lip == Parse.COAT).all() and (by_atr == Parse.COAT).all()


def test_where_the_parse_map_was_retouched_it_speaks_for_both(tmp_path):
    made = np.full(SIZE, Parse.UPPER_CLOTHES, np.uint8)
    path = saved(tmp_path / "a.npz", lists(Lip.COAT, Atr.BAG), made)
    now = made.copy()
    now[:, 4:] = Parse.SCARF
    (by_lip, by_atr), bag = read_opinions(path, now)
    assert (by_lip[:, :4] == Parse.COAT).all() and bag[:, :4].all()
    assert (by_lip[:, 4:] == Parse.SCARF).all() and (by_atr[:, 4:] == Parse.SCARF).all() and not bag[:, 4:].any()


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_a_damaged_file_names_itself_and_the_cure(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz: no labels") as caught:
        read_opinions(path, np.zeros(SIZE, np.uint8))
    assert "--step parsing" in caught.value.remedy


@pytest.mark.parametrize(("lip", "size", "message"), [(20, SIZE, "labels up to 20"), (1, (3, 3), "parse map has")])
def test_labels_beyond_the_lists_and_other_sizes_are_refused(tmp_path, lip, size, message):
    buffer = io.BytesIO()
    np.savez(buffer, lip=np.full(size, lip, np.uint8), atr=np.zeros(size, np.uint8), parse=np.zeros(size, np.uint8))
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=message):
        read_opinions(tmp_path / "a.npz", np.zeros(SIZE, np.uint8))
