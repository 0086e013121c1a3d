"""The table of mask rules, and which one a garment gets; the setting `agnostic.recipe` names a line of it."""

from __future__ import annotations

from pipeline.core import masks
from pipeline.core.errors import InputError, UsageError, nearest
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.catvton import catvton, catvton_inner, catvton_outer
from preprocess.agnostic.rules.conditions import Conditions, MaskRule
from preprocess.agnostic.rules.dci_vton import dci_vton
from preprocess.agnostic.rules.dci_vton_v1 import dci_vton_v1
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.rules.keep import Keepable, kept
from preprocess.agnostic.rules.ootd import ootd_dc, ootd_hd
from preprocess.agnostic.rules.ootd_compat import ootd_dc_compat, ootd_hd_compat
from preprocess.agnostic.rules.viton_hd import viton_hd
from preprocess.agnostic.rules.viton_hd_exact import gs_viton_exact, gs_viton_parse, viton_hd_exact, viton_hd_parse
from preprocess.agnostic.strokes import SPECK_SHARE

AUTO = "auto"
DEFAULT = "hr-viton"
"""The rule for an engine that names none."""

EVERY = frozenset(Category)
UPPER = frozenset({Category.UPPER})
UPPER_OR_LOWER = UPPER | {Category.LOWER}

RULES: dict[str, MaskRule] = {
    rule.name: rule
    for rule in (
        MaskRule("hr-viton", hr_viton, EVERY),
        MaskRule("viton-hd", viton_hd, UPPER),
        MaskRule("ootd-hd", ootd_hd, EVERY),
        MaskRule("ootd-dc", ootd_dc, EVERY),
        MaskRule("ootd-hd-compat", ootd_hd_compat, EVERY, as_published=True),
        MaskRule("ootd-dc-compat", ootd_dc_compat, EVERY, as_published=True),
        MaskRule("catvton", catvton, EVERY, needs_parts=True, weighs_opinions=True),
        MaskRule("catvton-inner", catvton_inner, UPPER, needs_parts=True, weighs_opinions=True, one_layer=True),
        MaskRule("catvton-outer", catvton_outer, UPPER, needs_parts=True, weighs_opinions=True, one_layer=True),
        MaskRule("dci-vton", dci_vton, UPPER),
        MaskRule("dci-vton-v1", dci_vton_v1, UPPER, as_published=True),
        MaskRule("viton-hd-exact", viton_hd_exact, UPPER_OR_LOWER, as_published=True, reduced_parse=viton_hd_parse),
        MaskRule("gs-viton-exact", gs_viton_exact, UPPER_OR_LOWER, as_published=True, reduced_parse=gs_viton_parse),
    )
}
"""docs/steps/mask-rules.md describes each rule."""


def rule_named(name: str) -> MaskRule:
    """A line of the table.

    Raises:
        UsageError: no such rule.
    """
    if name not in RULES:
        raise UsageError(f"unknown mask rule {name!r}", nearest(name, [*RULES, AUTO]))
    return RULES[name]


def name_for(wanted: str, of_engine: str = "") -> str:
    """The name of the rule to use.

    Args:
        wanted: the setting; `auto` = the rule with which the engine was trained.
        of_engine: the engine's rule, or "" when it names none.
    """
    return (of_engine or DEFAULT) if wanted == AUTO else wanted


def rule_for(category: Category, name: str) -> MaskRule:
    """The rule of this name, if it covers this garment category.

    Raises:
        UsageError: no such rule. InputError: it does not cover this category.
    """
    rule = rule_named(name)
    if category not in rule.categories:
        able = ", ".join(name for name, each in RULES.items() if category in each.categories)
        raise InputError(
            f"mask rule {rule.name} does not cover {category.value} garments",
            f"--set agnostic.recipe=auto, or one of: {able}",
        )
    return rule


def agnostic_mask(rule: MaskRule, category: Category, conditions: Conditions, keep: tuple[Keepable, ...] = ()) -> Mask:
    """(h, w) bool, True = repaint: the rule's mask without what the user wants to keep.

    Args:
        rule: a line of the table.
        category: the garment's.
        conditions: the person.
        keep: kinds to leave as they are.
    """
    area = rule.mask_of(category, conditions)
    return masks.keep_larger(area & ~kept(conditions, keep), SPECK_SHARE * area.size) if keep else area
