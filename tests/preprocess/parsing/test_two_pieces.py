"""Top and trousers of one colour are two pieces where a hem shows; where nothing shows, a short dress is doubted aloud."""

import cv2
import numpy as np
import pytest
from drawn_person import JOINTS, SIZE, SKIN, draw

from pipeline.core import masks
from pipeline.core.flags import Flag
from pipeline.core.items import Person
from pipeline.core.labels import Category, Joint, Parse
from pipeline.core.pixels.colour import to_lab
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.step import waist_notices
from preprocess.agnostic.waist import settled_waist
from preprocess.parsing.embedded.hem_shadow import hem_shadow
from preprocess.parsing.embedded.label_places import regions_of
from preprocess.parsing.embedded.outfit import with_trousers_by_proportion
from preprocess.parsing.embedded.parser import parse_person

ROWS, COLUMNS = np.indices(SIZE)
WHITE, BEIGE = (232, 231, 229), (206, 168, 140)
HEM = 650


def outfit(colour, shorts=False):
    """Top and trousers of one colour; with shorts, legs of skin below the middle of the thigh. Also its labels, the drawing."""
    drawing = draw(upper=colour, lower=colour, hem_row=HEM)
    picture, labels = drawing.view.image.copy(), drawing.labels.copy()
    if shorts:
        bare = (labels == Parse.PANTS) & (ROWS > 760)
        noise = np.random.default_rng(2).normal(0, 4, picture.shape)
        picture = np.where(bare[..., None], np.clip(np.array(SKIN) + noise, 0, 255), picture).astype(np.uint8)
        labels[bare] = np.where(COLUMNS < 384, Parse.RIGHT_LEG, Parse.LEFT_LEG)[bare]
    return cv2.GaussianBlur(picture, (0, 0), 2), labels, drawing


def with_line(picture, row=HEM, where=None, strength=14):
    """A thin shadow across the body at a row."""
    across = (np.abs(ROWS - row) < 3) & (COLUMNS > 280) & (COLUMNS < 490) & (True if where is None else where)
    shadow = cv2.GaussianBlur(across.astype(np.float32), (0, 0), 1.2)[..., None] * strength
    return np.clip(picture - shadow, 0, 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(("colour", "shorts"), [(WHITE, True), (WHITE, False), (BEIGE, False)],
                         ids=["white vest, white shorts", "all white", "beige on beige"])  # fmt: skip
def test_a_hem_parts_two_garments_of_one_colour(colour, shorts):
    picture, labels, drawing = outfit(colour, shorts)
    found = parse_person(with_line(picture), drawing.view.person, drawing.body)
    assert not (found == Parse.DRESS).any()
    upper, lower = labels == Parse.UPPER_CLOTHES, labels == Parse.PANTS
    assert (found[upper] == Parse.UPPER_CLOTHES).mean() > 0.93
    assert masks.labelled(found, (Parse.PANTS, Parse.SKIRT))[lower].mean() > 0.9


def shadow_in(picture, drawing):
    worn = masks.labelled(drawing.labels, (Parse.UPPER_CLOTHES, Parse.PANTS))
    return hem_shadow(to_lab(picture), worn, regions_of(drawing.body, SIZE))


def test_the_hem_lies_where_its_shadow_is():
    picture, _, drawing = outfit(WHITE)
    down = (HEM - JOINTS[Joint.NECK][1]) / (JOINTS[Joint.MID_HIP][1] - JOINTS[Joint.NECK][1])
    assert shadow_in(with_line(picture), drawing) == pytest.approx(down, abs=0.03)


@pytest.mark.parametrize("lines", [
    [],
    [{"row": HEM, "where": COLUMNS < 360}],
    [{"row": row} for row in range(400, 900, 40)],
    [{"row": 480}],
], ids=["nothing", "a fold on one side", "stripes everywhere", "a line at the chest"])  # fmt: skip
def test_what_does_not_cross_the_hips_alone_is_no_hem(lines):
    picture, _, drawing = outfit(WHITE)
    for line in lines:
        picture = with_line(picture, **line)
    assert shadow_in(picture, drawing) is None


def test_an_upper_garment_over_both_legs_is_trousers_from_the_hips_down():
    drawing = draw()
    wrong = np.where(drawing.labels == Parse.PANTS, np.uint8(Parse.UPPER_CLOTHES), drawing.labels)
    found = with_trousers_by_proportion(wrong, regions_of(drawing.body, SIZE))
    assert (found[drawing.labels == Parse.PANTS] == Parse.PANTS).mean() > 0.9


def test_a_long_coat_or_dress_spans_the_legs_and_stays():
    drawing = draw(skirt=True)
    wrong = np.where(drawing.labels == Parse.SKIRT, np.uint8(Parse.UPPER_CLOTHES), drawing.labels)
    wrong[(np.abs(COLUMNS - 384) < 120) & (ROWS > 650) & (ROWS < 985)] = Parse.UPPER_CLOTHES
    assert np.array_equal(with_trousers_by_proportion(wrong, regions_of(drawing.body, SIZE)), wrong)


@pytest.mark.parametrize(("hem", "categories", "flags"), [
    (700, (Category.UPPER, Category.LOWER), [Flag.GARMENTS_ALIKE]),
    (860, (Category.UPPER, Category.LOWER), []),
    (700, (Category.DRESS,), []),
], ids=["to the top of the thigh", "to the knee", "a dress replaces both"])  # fmt: skip
def test_a_dress_as_short_as_shorts_is_doubted(hem, categories, flags):
    drawing = draw(skirt=True)
    dress = masks.labelled(drawing.labels, (Parse.UPPER_CLOTHES, Parse.SKIRT)) & (hem > ROWS)
    parse = np.where(dress, np.uint8(Parse.DRESS), 0).astype(np.uint8)
    waist = settled_waist(parse, drawing.view.image, drawing.body)
    person = Person("ann", "inputs:person/ann.png", categories=categories)
    assert [each.flag for each in waist_notices(person, waist, Conditions(parse, drawing.body))] == flags


@pytest.mark.parametrize(("unseen", "flags"), [(True, [Flag.GARMENTS_ALIKE]), (False, [])], ids=["shorts like skin", "shorts"])
def test_legs_on_which_nothing_is_worn_are_doubted(unseen, flags):
    drawing = draw()
    bare = (drawing.labels == Parse.PANTS) & (True if unseen else ROWS > 760)
    legs = np.where(COLUMNS < 384, Parse.RIGHT_LEG, Parse.LEFT_LEG)
    parse = np.where(bare, legs, drawing.labels).astype(np.uint8)
    waist = settled_waist(parse, drawing.view.image, drawing.body)
    person = Person("ann", "inputs:person/ann.png", categories=(Category.UPPER, Category.LOWER))
    assert [each.flag for each in waist_notices(person, waist, Conditions(parse, drawing.body))] == flags
