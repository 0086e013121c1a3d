"""Label lists of different data sets meet in tables; what both lists know survives the way there and back."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.labels import Atr, Parse
from preprocess.label_tables import ATR_FROM_CIHP, CIHP_FROM_ATR, FACE_FOR_NECK, converted

ONLY_CIHP = {Parse.GLOVE, Parse.SOCKS, Parse.COAT}


def test_every_label_has_a_place_in_the_tables():
    assert len(CIHP_FROM_ATR) == len(FACE_FOR_NECK) == len(Atr)
    assert len(ATR_FROM_CIHP) == len(Parse)


@pytest.mark.parametrize("label", sorted(set(Parse) - ONLY_CIHP))
def test_what_both_lists_know_has_the_same_name_in_both(label):
    assert ATR_FROM_CIHP[label].name == label.name
    assert CIHP_FROM_ATR[ATR_FROM_CIHP[label]] == label


def test_a_bag_is_no_garment_and_a_coat_is_upper_clothes():
    assert converted(np.array([[Atr.BAG]], np.uint8), CIHP_FROM_ATR)[0, 0] == Parse.BACKGROUND
    assert converted(np.array([[Parse.COAT]], np.uint8), ATR_FROM_CIHP)[0, 0] == Atr.UPPER_CLOTHES


def test_a_label_beyond_the_list_names_itself_and_the_file():
    with pytest.raises(InputError, match=r"a.png: label 25, allowed are 0..19"):
        converted(np.array([[25]], np.uint8), ATR_FROM_CIHP, "a.png")
