"""The table of agnostic recipes, and which one a garment gets."""

from __future__ import annotations

from pipeline.core import masks
from pipeline.core.errors import InputError, UsageError, nearest
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from preprocess.agnostic.hr_viton_area import SPECK_SHARE
from preprocess.agnostic.rules.catvton import catvton, catvton_inner, catvton_outer
from preprocess.agnostic.rules.conditions import Conditions, Recipe
from preprocess.agnostic.rules.dci_vton import dci_vton
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.rules.keep import Keepable, kept
from preprocess.agnostic.rules.ootd import ootd_dc, ootd_hd
from preprocess.agnostic.rules.ootd_compat import ootd_dc_compat, ootd_hd_compat
from preprocess.agnostic.rules.viton_hd import viton_hd

AUTO = "auto"
DEFAULT = "hr-viton"
"""What an engine that names no recipe gets."""

EVERY = frozenset(Category)
UPPER = frozenset({Category.UPPER})

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("hr-viton", hr_viton, EVERY, "strokes in proportion to the body, hands given back; StableVITON's shape"),
        Recipe("viton-hd", viton_hd, UPPER, "strokes of a fixed width, hands repainted; for half-body photos"),
        Recipe("ootd-hd", ootd_hd, EVERY, "worn garment and broad arms, for OOTDiffusion's half-body model"),
        Recipe("ootd-dc", ootd_dc, EVERY, "the same with narrower arms, for its full-body model"),
        Recipe("ootd-hd-compat", ootd_hd_compat, EVERY, "OOTDiffusion's own result for the half-body model, bugs included"),
        Recipe("ootd-dc-compat", ootd_dc_compat, EVERY, "OOTDiffusion's own result for the full-body model, bugs included"),
        Recipe("catvton", catvton, EVERY, "hulls round body parts and garments, without key-points", True, True),
        Recipe("catvton-inner", catvton_inner, UPPER, "the same for a shirt alone, a coat over it stays", True, True),
        Recipe("catvton-outer", catvton_outer, UPPER, "the same for a coat alone, the shirt under it stays", True, True),
        Recipe("dci-vton", dci_vton, UPPER, "DCI-VTON's strokes, drawn as its loaders draw them"),
    )
}


def recipe_named(name: str) -> Recipe:
    """A line of the table.

    Raises:
        UsageError: no such recipe.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown agnostic recipe {name!r}", nearest(name, [*RECIPES, AUTO]))
    return RECIPES[name]


def name_for(wanted: str, of_engine: str = "") -> str:
    """Which recipe is meant.

    Args:
        wanted: the setting; `auto` = the one the engine was trained with.
        of_engine: the engine's own, or "" when it names none.
    """
    return (of_engine or DEFAULT) if wanted == AUTO else wanted


def recipe_for(category: Category, name: str) -> Recipe:
    """The recipe of this name, if it can do this garment category.

    Raises:
        UsageError: no such recipe. InputError: it knows no rule for this category.
    """
    recipe = recipe_named(name)
    if category not in recipe.categories:
        able = ", ".join(name for name, each in RECIPES.items() if category in each.categories)
        raise InputError(
            f"agnostic recipe {recipe.name} has no rule for {category.value} garments",
            f"--set agnostic.recipe=auto, or one of: {able}",
        )
    return recipe


def agnostic_mask(recipe: Recipe, category: Category, given: Conditions, keep: tuple[Keepable, ...] = ()) -> Mask:
    """(h, w) bool, True = repaint: a recipe's mask without what the user wants kept.

    Args:
        recipe: a line of the table.
        category: the garment's.
        given: the person.
        keep: kinds to leave as they are.
    """
    area = recipe.mask_of(category, given)
    return masks.keep_larger(area & ~kept(given, keep), SPECK_SHARE * area.size) if keep else area
