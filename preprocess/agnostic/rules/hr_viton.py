"""`hr-viton`: the shape StableVITON was trained with, proportional to the body and made safe.

Facts: docs/facts/agnostic_rules.md#hr-viton.
"""

from __future__ import annotations

from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from preprocess.agnostic.hr_viton_area import repaint_area
from preprocess.agnostic.rules.conditions import Conditions


def hr_viton(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint; lower garments and dresses follow the same idea, which HR-VITON itself does not have."""
    return repaint_area(category, conditions.parse, conditions.body, conditions.margins)
