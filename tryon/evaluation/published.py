"""Figures that papers print, and whether ours may stand beside them (docs/facts/evaluation.md#published-figures)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAIRS = 2032
"""Of VITON-HD's test list."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One method in one table.

    Args:
        method: as the table names it.
        table: whose.
        size: (height, width) of that table.
        figures: our name of a measure → the printed value, in the setting of the key's prefix `paired` or `unpaired`.
    """

    method: str
    table: str
    size: tuple[int, int]
    figures: Mapping[str, float]


UNPAIRED = ("unpaired fid_clean", "unpaired kid_x1000_clean")
CATVTON = ("paired ssim_rgb_full", "paired fid_clean", "paired kid_x1000_clean", "paired lpips_squeeze_full", *UNPAIRED)
FITDIT = ("paired ssim_rgb_full", "paired lpips_alex_full", "paired fid_clean", "paired kid_x1000_clean", *UNPAIRED)
"""Columns of the two tables."""


def _catvton(method: str, *values: float) -> PublishedRow:
    return PublishedRow(method, "CatVTON", (512, 384), dict(zip(CATVTON, values, strict=True)))


def _fitdit(method: str, *values: float) -> PublishedRow:
    return PublishedRow(method, "FitDiT", (1024, 768), dict(zip(FITDIT, values, strict=True)))


PUBLISHED = (
    _catvton("DCI-VTON", 0.8620, 9.408, 4.547, 0.0606, 12.531, 5.251),
    _catvton("StableVITON", 0.8543, 6.439, 0.942, 0.0905, 11.054, 3.914),
    _catvton("GP-VTON", 0.8701, 8.726, 3.944, 0.0585, 11.844, 4.310),
    _catvton("LaDI-VTON", 0.8603, 11.386, 7.248, 0.0733, 14.648, 8.754),
    _catvton("IDM-VTON", 0.8499, 5.762, 0.732, 0.0603, 9.842, 1.123),
    _catvton("OOTDiffusion", 0.8187, 9.305, 4.086, 0.0876, 12.408, 4.689),
    _catvton("CatVTON", 0.8704, 5.425, 0.411, 0.0565, 9.015, 1.091),
    _fitdit("StableVITON", 0.8665, 0.0835, 6.858, 1.255, 9.587, 1.451),
    _fitdit("IDM-VTON", 0.8806, 0.0789, 6.338, 1.322, 9.611, 1.639),
    _fitdit("OOTDiffusion", 0.8513, 0.0964, 6.519, 0.896, 9.673, 1.206),
    _fitdit("CatVTON", 0.8694, 0.0970, 6.139, 0.964, 9.143, 1.267),
)
UNKNOWN_NET = "which network its LPIPS asks is not known"


def difference(row: PublishedRow, name: str, size: tuple[int, int], pairs: int) -> str:
    """Why a printed figure is not comparable with ours, or empty.

    Args:
        row: the printed row.
        name: our name of the measure.
        size: (height, width) of our results.
        pairs: how many we have.
    """
    reasons = [] if size == row.size else [f"measured at {row.size[0]}×{row.size[1]}, not {size[0]}×{size[1]}"]
    if pairs != PAIRS:
        reasons.append(f"of {PAIRS} pairs, not {pairs}")
    if name.startswith("lpips") and row.table == "FitDiT":
        reasons.append(UNKNOWN_NET)
    return "; ".join(reasons)
