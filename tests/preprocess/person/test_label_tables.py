"""Label lists of different data sets meet in tables; what both lists know survives the way there and back."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.labels import Atr, Fashn, Lip, Parse
from preprocess.person.label_tables import (
    ATR_FROM_CIHP,
    CIHP_FROM_ATR,
    CIHP_FROM_FASHN,
    CIHP_FROM_LIP,
    FACE_FOR_NECK,
    FASHN_FROM_CIHP,
    LIP_FROM_CIHP,
    converted,
    with_garments_of_lip,
)

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


# The published lists side by side, by number: CIHP, LIP, ATR, FASHN; None = that list has no such label of its own.
ROWS = {
    "background": (0, 0, 0, 0), "hat": (1, 1, 1, 9), "hair": (2, 2, 2, 2), "glasses": (4, 4, 3, 11), "face": (13, 13, 11, 1),
    "neck": (10, None, 18, 16), "upper": (5, 5, 4, 3), "dress": (6, 6, 7, 4), "skirt": (12, 12, 5, 5), "pants": (9, 9, 6, 6),
    "left arm": (14, 14, 14, 12), "right arm": (15, 15, 15, None), "left leg": (16, 16, 12, 14), "right leg": (17, 17, 13, None),
    "left shoe": (18, 18, 9, 15), "right shoe": (19, 19, 10, None), "scarf": (11, 11, 17, 10),
    "glove": (3, 3, None, None), "coat": (7, 7, None, None), "socks": (8, 8, None, None),
}  # fmt: skip
LISTS = {
    1: (CIHP_FROM_LIP, LIP_FROM_CIHP, Lip),
    2: (CIHP_FROM_ATR, ATR_FROM_CIHP, Atr),
    3: (CIHP_FROM_FASHN, FASHN_FROM_CIHP, Fashn),
}


@pytest.mark.parametrize("column", LISTS)
@pytest.mark.parametrize("name", ROWS)
def test_every_label_that_two_lists_share_goes_there_and_back(name, column):
    there, back, _ = LISTS[column]
    cihp, other = ROWS[name][0], ROWS[name][column]
    if other is not None:
        assert (there[other], back[cihp]) == (cihp, other)


@pytest.mark.parametrize("column", LISTS)
def test_a_label_that_only_cihp_has_becomes_the_nearest_one_of_the_same_limb_or_garment(column):
    _, back, names = LISTS[column]
    nearest = {
        Lip: {Parse.NECK: Lip.BACKGROUND},
        Atr: {Parse.GLOVE: Atr.LEFT_ARM, Parse.COAT: Atr.UPPER_CLOTHES, Parse.SOCKS: Atr.LEFT_LEG},
        Fashn: {
            Parse.GLOVE: Fashn.HANDS, Parse.COAT: Fashn.TOP, Parse.SOCKS: Fashn.FEET,
            Parse.RIGHT_ARM: Fashn.ARMS, Parse.RIGHT_LEG: Fashn.LEGS, Parse.RIGHT_SHOE: Fashn.FEET,
        },
    }[names]  # fmt: skip
    lonely = {Parse(row[0]) for row in ROWS.values() if row[column] is None}
    assert {label: back[label] for label in lonely} == nearest


@pytest.mark.parametrize("column", LISTS)
def test_a_label_that_cihp_lacks_becomes_what_is_worn_or_seen_there(column):
    there, _, names = LISTS[column]
    expected = {
        Lip: {Lip.JUMPSUIT: Parse.DRESS},
        Atr: {Atr.BELT: Parse.PANTS, Atr.BAG: Parse.BACKGROUND},
        Fashn: {
            Fashn.BELT: Parse.PANTS, Fashn.BAG: Parse.BACKGROUND, Fashn.HANDS: Parse.LEFT_ARM, Fashn.JEWELRY: Parse.NECK,
        },
    }[names]  # fmt: skip
    shared = {row[column] for row in ROWS.values()}
    assert {label: there[label] for label in names if label not in shared} == expected


def test_coats_socks_and_gloves_of_lip_refine_what_atr_calls_tops_legs_and_arms():
    labels = np.array(
        [[Parse.UPPER_CLOTHES, Parse.RIGHT_LEG, Parse.LEFT_ARM, Parse.PANTS, Parse.BACKGROUND, Parse.LEFT_SHOE]], np.uint8
    )
    lip = np.array([[Lip.COAT, Lip.SOCKS, Lip.GLOVE, Lip.COAT, Lip.GLOVE, Lip.SOCKS]], np.uint8)
    found = with_garments_of_lip(labels, lip)
    assert found.tolist() == [[Parse.COAT, Parse.SOCKS, Parse.GLOVE, Parse.PANTS, Parse.BACKGROUND, Parse.LEFT_SHOE]]
    assert labels[0, 0] == Parse.UPPER_CLOTHES
