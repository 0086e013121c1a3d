"""A garment's category from its outline: right on clear cases, upper and flagged on the others."""

import numpy as np
import pytest
from garment_outlines import FLARED_SKIRT, GOWN, JUMPSUIT, LONG_VEST, SHORTS, SIZE, STRAP_TOP, TEE, TROUSERS, on_paper

from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.images import Photo
from pipeline.core.items import Garment
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from preprocess.cloth.category import Guess, guess_category, guess_doubt
from preprocess.cloth.embedded import PlainBackground
from preprocess.cloth.quick_category import quick_category
from preprocess.cloth.step import ClothConfig, ClothStep, CutGarment, notices_of


@pytest.mark.parametrize("mask, category", [
    (TROUSERS, Category.LOWER), (SHORTS, Category.LOWER), (FLARED_SKIRT, Category.LOWER), (GOWN, Category.DRESS),
    (TEE, Category.UPPER), (STRAP_TOP, Category.UPPER),
])  # fmt: skip
def test_clear_outlines_get_their_category_with_confidence(mask, category):
    guess = guess_category(mask)
    assert guess.category is category and guess.sure


@pytest.mark.parametrize("mask", [JUMPSUIT, LONG_VEST])
def test_outlines_that_may_be_several_things_are_not_acted_upon(mask):
    guess = guess_category(mask)
    assert guess.category is Category.UPPER or not guess.sure


def test_an_unsure_guess_is_reported_with_its_confidence_and_the_folders():
    guess = guess_category(LONG_VEST)
    doubt = guess_doubt(LONG_VEST, Category.UPPER)
    assert f"{guess.confidence:.0%}" in doubt and "cloth/upper" in doubt and f"cloth/{guess.category.value}" in doubt


@pytest.mark.parametrize("mask, taken", [(TEE, Category.UPPER), (TROUSERS, Category.LOWER), (GOWN, Category.DRESS)])
def test_a_sure_guess_raises_no_doubt(mask, taken):
    assert guess_doubt(mask, taken) == ""


def test_an_empty_outline_is_an_upper_garment_without_a_crash():
    assert guess_category(np.zeros(SIZE, bool)).category is Category.UPPER


def test_a_quick_guess_finds_the_outline_itself():
    assert quick_category(Photo(on_paper(TROUSERS))).category is Category.LOWER
    assert quick_category(Photo(on_paper(TEE))).category is Category.UPPER


def test_a_quick_guess_uses_transparency():
    alpha = np.where(GOWN, np.uint8(255), np.uint8(0))
    assert quick_category(Photo(np.full((*SIZE, 3), 250, np.uint8), alpha)).category is Category.DRESS


@pytest.mark.samples
def test_real_garments_get_the_category_of_their_name(samples):
    wrong = {}
    for path in sorted((samples / "cloth").iterdir()):
        guess = quick_category(images.read_photo(path))
        said = guess.category if guess.sure else Category.UPPER
        if f"_{said.value}_" not in path.name:
            wrong[path.name] = guess
    assert wrong == {}


def test_a_worn_garment_counts_as_upper_without_confidence(samples):
    photo = images.read_photo(samples / "person" / "p08_woman_white_dress_full.jpg")
    assert quick_category(photo) == Guess(Category.UPPER, 0.0)


@pytest.mark.parametrize("mask, taken, flagged", [
    (TROUSERS, Category.LOWER, False), (TEE, Category.UPPER, False), (LONG_VEST, Category.UPPER, True),
])  # fmt: skip
def test_the_cloth_step_flags_only_doubtful_guesses(mask, taken, flagged):
    outline = np.where(mask, 255, 0).astype(np.uint8)
    cut = CutGarment(on_paper(mask), outline, 0.4)
    notices = notices_of(cut, outline, taken, given=False)
    assert [notice.flag for notice in notices] == [Flag.CATEGORY_SUSPECT] * flagged


def test_what_the_folder_says_is_doubted_as_before_and_never_guessed():
    outline = np.where(LONG_VEST, 255, 0).astype(np.uint8)
    cut = CutGarment(on_paper(LONG_VEST), outline, 0.4)
    assert notices_of(cut, outline, Category.DRESS) == ()
    assert "like a dress" in notices_of(cut, outline, Category.UPPER)[0].detail


def test_a_guessed_category_makes_another_signature_than_the_same_one_given(tmp_path):
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), PlainBackground())
    given, guessed = Garment("tee", "inputs:cloth/upper/tee.jpg"), Garment("tee", "inputs:cloth/tee.jpg", given=False)
    assert step.signature(given)["category"] == "upper" != step.signature(guessed)["category"]
