"""The border of upper and lower garment, settled by looks and proportions: a mask of lower garments trusts no label there."""

import numpy as np
import pytest
from drawn_person import SIZE, draw, write_person

from pipeline.core import images, layout
from pipeline.core.flags import Flag
from pipeline.core.items import Person
from pipeline.core.labels import Category, Parse
from pipeline.core.step import Context
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.table import RULES
from preprocess.agnostic.step import AgnosticConfig, AgnosticStep, with_settled_waist
from preprocess.agnostic.waist import settled_waist

ROWS, COLUMNS = np.indices(SIZE)
BODY = (COLUMNS > 288) & (COLUMNS < 480)
HEM = 620
BELT = BODY & (ROWS >= HEM) & (ROWS < HEM + 32)


def spotted(picture, where):
    """Brown spots on tan, as a leopard print has them."""
    spots = ((ROWS // 9 + COLUMNS // 9) % 2 == 0)[..., None]
    return np.where(where[..., None], np.where(spots, (60, 40, 25), (190, 150, 100)), picture).astype(np.uint8)


def lower_mask(picture, labels, body, rule="hr-viton"):
    conditions = with_settled_waist(
        Conditions(labels, body), settled_waist(labels, picture, body), Category.LOWER, RULES[rule]
    )  # fmt: skip
    return RULES[rule].mask_of(Category.LOWER, conditions)


@pytest.mark.parametrize("rule", ["hr-viton", "ootd-dc"])
def test_a_belt_that_the_parser_gave_to_the_shirt_is_covered(rule):
    drawing = draw(hem_row=HEM)
    picture = np.where(BELT[..., None], (120, 70, 30), drawing.view.image).astype(np.uint8)
    labels = np.where(BELT, np.uint8(Parse.UPPER_CLOTHES), drawing.labels)
    assert not RULES[rule].mask_of(Category.LOWER, Conditions(labels, drawing.body))[HEM + 8, 384]
    mask = lower_mask(picture, labels, drawing.body, rule)
    assert mask[BELT & (labels == Parse.UPPER_CLOTHES)].mean() >= 0.99


def test_the_top_of_a_patterned_skirt_is_covered():
    drawing = draw(upper=(25, 22, 20), hem_row=560, skirt=True)
    skirt = (drawing.labels == Parse.SKIRT) | (BODY & (ROWS >= 560) & (ROWS < 690))
    picture = spotted(drawing.view.image, skirt)
    labels = np.where(skirt, np.uint8(Parse.SKIRT), drawing.labels)
    wrong = np.where(skirt & (ROWS < 650), np.uint8(Parse.UPPER_CLOTHES), labels)
    assert lower_mask(picture, wrong, drawing.body)[labels == Parse.SKIRT].mean() >= 0.99


def test_a_strip_of_the_skirt_beside_the_hips_is_covered():
    drawing = draw(hem_row=HEM, skirt=True)
    skirt = drawing.labels == Parse.SKIRT
    strip = skirt & (COLUMNS > 478) & (ROWS < 800)
    assert strip.sum() > 500
    wrong = np.where(strip, np.uint8(Parse.UPPER_CLOTHES), drawing.labels)
    assert lower_mask(drawing.view.image, wrong, drawing.body)[skirt].mean() >= 0.99


@pytest.mark.parametrize("hem", [670, 740])
def test_a_shirt_worn_over_the_trousers_stays(hem):
    drawing = draw(hem_row=hem)
    mask = lower_mask(drawing.view.image, drawing.labels, drawing.body)
    assert mask[drawing.labels == Parse.UPPER_CLOTHES].mean() < 0.03
    assert mask[drawing.labels == Parse.PANTS].mean() > 0.995


def test_a_print_near_the_hem_stays_with_the_shirt():
    drawing = draw(hem_row=740)
    badge = (abs(ROWS - 660) < 18) & (abs(COLUMNS - 384) < 30)
    picture = np.where(badge[..., None], (250, 220, 40), drawing.view.image).astype(np.uint8)
    assert not lower_mask(picture, drawing.labels, drawing.body)[badge].any()


def test_cuffs_beside_the_hips_stay_with_the_shirt():
    drawing = draw(long_sleeves=True)
    mask = lower_mask(drawing.view.image, drawing.labels, drawing.body)
    cuffs = (drawing.labels == Parse.UPPER_CLOTHES) & (abs(COLUMNS - 384) > 150)
    assert cuffs.any() and mask[cuffs].mean() < 0.02


def test_the_border_of_matching_garments_follows_the_body():
    drawing = draw(upper=(30, 30, 32), lower=(32, 31, 30), hem_row=690)
    waist = settled_waist(drawing.labels, drawing.view.image, drawing.body)
    assert waist.guessed
    torso = BODY & (drawing.labels == Parse.UPPER_CLOTHES)
    assert (waist.parse[torso & (ROWS > 590) & (abs(COLUMNS - 384) < 80)] == Parse.PANTS).all()
    assert (waist.parse[torso & (ROWS < 560)] == Parse.UPPER_CLOTHES).all()


def test_garments_of_two_colours_are_not_called_alike():
    drawing = draw()
    assert settled_waist(drawing.labels, drawing.view.image, drawing.body).alike < 0.05


def test_a_published_rule_reads_the_labels_as_they_are():
    drawing = draw(hem_row=HEM)
    labels = np.where(BELT, np.uint8(Parse.UPPER_CLOTHES), drawing.labels)
    waist = settled_waist(labels, drawing.view.image, drawing.body)
    conditions = Conditions(labels, drawing.body)
    assert with_settled_waist(conditions, waist, Category.LOWER, RULES["ootd-dc-compat"]) is conditions
    assert with_settled_waist(conditions, waist, Category.UPPER, RULES["hr-viton"]) is conditions


def test_nothing_is_settled_where_one_of_the_two_is_missing():
    drawing = draw()
    labels = np.where(drawing.labels == Parse.PANTS, np.uint8(0), drawing.labels)
    waist = settled_waist(labels, drawing.view.image, drawing.body)
    assert (waist.parse == labels).all() and not waist.guessed


@pytest.mark.parametrize(("lower", "flagged"), [((200, 40, 40), True), ((40, 60, 150), False)])
def test_the_step_flags_garments_that_look_alike(tmp_path, lower, flagged):
    item = Person("a", "inputs:person/a.jpg", (Category.LOWER,))
    folders = write_person(tmp_path, item)
    drawing = draw(lower=lower)
    folders.path(layout.IMAGE.of("a")).write_bytes(images.jpeg(drawing.view.image))
    path = folders.path(layout.PARSE.of("a"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.labels_png(drawing.labels))
    step = AgnosticStep(AgnosticConfig(), Context(folders))
    made = step.run([step.read(item)])[0]
    assert (Flag.GARMENTS_ALIKE in {notice.flag for notice in made.notices}) == flagged
