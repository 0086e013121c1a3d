"""A coat over something else is named, wherever it makes a difference to the picture."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_person import draw

from pipeline.core.flags import Flag
from pipeline.core.labels import Category, Joint, Parse
from preprocess.agnostic.layers import layer_notices
from preprocess.agnostic.rules.table import RULES

UPPER, LOWER = (Category.UPPER, RULES["hr-viton"]), (Category.LOWER, RULES["hr-viton"])
DRAWING = draw()
rows, columns = np.indices(DRAWING.labels.shape)
TOP = DRAWING.labels == Parse.UPPER_CLOTHES
off_middle = abs(columns - DRAWING.body.at(Joint.NECK)[0])
OPEN = TOP & (off_middle > 0.5 * off_middle[TOP].max())
LONG = OPEN | ((DRAWING.labels == Parse.PANTS) & (rows < DRAWING.body.at(Joint.RIGHT_KNEE)[1]))


def with_coat(where: np.ndarray) -> np.ndarray:
    return np.where(where, np.uint8(Parse.COAT), DRAWING.labels)


def flagged(labels: np.ndarray, *rules) -> list[str]:
    notices = layer_notices(rules, labels, DRAWING.body)
    assert {notice.flag for notice in notices} <= {Flag.LAYERS_WORN}
    return [notice.detail.partition(":")[0] for notice in notices]


def test_an_open_coat_is_replaced_with_the_shirt_and_flagged():
    assert flagged(with_coat(OPEN), UPPER, LOWER) == ["upper"]


@pytest.mark.parametrize("rule", ["catvton-inner", "catvton-outer"])
def test_a_rule_for_one_layer_is_no_reason_for_a_flag(rule: str):
    assert flagged(with_coat(OPEN), (Category.UPPER, RULES[rule])) == []


def test_a_long_coat_hangs_over_the_new_trousers_and_is_flagged_there_too():
    assert flagged(with_coat(LONG), UPPER, LOWER) == ["upper", "lower"]


@pytest.mark.parametrize(
    "coat",
    [np.zeros_like(TOP), TOP, TOP & (rows < np.quantile(rows[TOP], 0.05))],
    ids=["no coat", "a closed jacket alone", "a collar"],
)
def test_one_layer_is_not_flagged(coat: np.ndarray):
    assert flagged(with_coat(coat), UPPER, LOWER) == []


def test_a_dress_replaces_everything_so_that_nothing_has_to_be_said():
    assert flagged(with_coat(LONG), (Category.DRESS, RULES["hr-viton"])) == []
