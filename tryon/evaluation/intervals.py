"""How sure a number is: bootstrap over people for measures of pairs, half-samples for measures of sets, Wilson for shares.

The ordinary bootstrap must not be used on FID and KID: duplicates push the estimate up (docs/facts/evaluation.md#intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
DRAWS = 2000
HALVES = 40
Z95 = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % score interval of a share, also near 0 and 1 and for few trials (E. B. Wilson, JASA 22, 1927); (0, 1) for none."""
    if trials <= 0:
        return 0.0, 1.0
    share, square = successes / trials, Z95**2 / trials
    middle = (share + square / 2) / (1 + square)
    half = Z95 / (1 + square) * float(np.sqrt(share * (1 - share) / trials + square / (4 * trials)))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_mean(values: F64, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean of (n,) values; values that are not finite are left out."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(0, len(known), (draws, len(known)))
    low, high = np.percentile(known[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def bootstrap_over_people(values: F64, people: Sequence[str], seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """The same with whole people drawn, where one occurs in several pairs: their pairs are no independent evidence."""
    names = sorted(set(people))
    if len(names) == len(values):
        return bootstrap_mean(values, seed, draws)
    finite = np.isfinite(values)
    index = np.array([names.index(person) for person in people])
    sums = np.bincount(index[finite], values[finite], len(names))
    counts = np.bincount(index[finite], minlength=len(names))
    if (counts > 0).sum() < 2:
        return float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    totals = counts[picks].sum(1)
    means = sums[picks].sum(1)[totals > 0] / totals[totals > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def half_sample_interval(
    measure: Callable[[F64, F64], float], x: F64, y: F64, value: float, seed: int = 0, halves: int = HALVES
) -> tuple[float, float]:
    """95 % interval of a measure of two sets: halves without replacement scatter as the full sets do (value ± 1.96 sd)."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(halves):
        one = random.choice(len(x), len(x) // 2, replace=False)
        found.append(measure(x[one], y[random.choice(len(y), len(y) // 2, replace=False)]))
    spread = 1.96 * float(np.std(found, ddof=1))
    return value - spread, value + spread


@dataclass(frozen=True, slots=True)
class Difference:
    """Two engines on the same pairs.

    Args:
        mean: of second minus first.
        low, high: 95 % interval.
        second_larger: share of draws in which the second is larger.
        n: pairs.
    """

    mean: float
    low: float
    high: float
    second_larger: float
    n: int


def paired_difference(first: F64, second: F64, seed: int = 0, draws: int = DRAWS) -> Difference:
    """Paired bootstrap of the mean difference; pairs where either is not finite are left out."""
    known = np.isfinite(first) & np.isfinite(second)
    apart = second[known] - first[known]
    if len(apart) < 2:
        return Difference(float("nan"), float("nan"), float("nan"), float("nan"), len(apart))
    means = apart[np.random.default_rng(seed).integers(0, len(apart), (draws, len(apart)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(apart.mean()), float(low), float(high), float((means > 0).mean()), len(apart))
