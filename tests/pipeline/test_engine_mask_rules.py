"""Which mask rule a pair gets: the one its engine was trained with, for a garment that the rule covers."""

import pytest

from pipeline.assembly import mask_rule_of
from pipeline.catalog import ENGINES, resolve
from preprocess.agnostic.rules.table import AUTO, RULES, name_for, rule_for


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_names_a_rule_that_knows_all_its_garments(engine):
    name = mask_rule_of(engine)
    assert name in RULES
    for category in resolve(ENGINES[engine].engine).card.categories:
        assert rule_for(category, name_for(AUTO, name)).name == name


@pytest.mark.parametrize(
    ("engine", "rule"),
    [
        ("fashn", "hr-viton"),
        ("stableviton", "hr-viton"),
        ("stableviton_1024", "hr-viton"),
        ("sift_vton", "hr-viton"),
        ("ootdiffusion_hd", "ootd-hd"),
        ("ootdiffusion_dc", "ootd-dc"),
        ("dci_vton", "dci-vton-v1"),
        ("dci_vton_v2", "dci-vton"),
        ("viton_hd", "viton-hd-exact"),
        ("gs_viton", "gs-viton-exact"),
        ("preview", "hr-viton"),
    ],
)
def test_engines_get_the_masks_they_were_trained_with(engine, rule):
    assert mask_rule_of(engine) == rule
