"""Water that is no open sea: lakes, rivers and pools, each by evidence of its own; where that is thin there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compose.scenery.mirror import mirror_shore, mirroring
from compose.scenery.pool import pool
from compose.scenery.ripples import rippled, rippled_shore
from pipeline.core.arrays import Lab


@dataclass(frozen=True)
class Inland:
    """A lake, a river or a pool.

    Args:
        wet: (rows, columns) bool.
        shore: row of a lake's far shore; None for a pool, which has ground behind it.
    """

    wet: NDArray[np.bool_]
    shore: int | None = None


def inland_water(lab: Lab) -> Inland | None:
    """The water of a background at the working size of `small_lab`; None where none is certain."""
    shore = mirror_shore(lab)
    if shore is not None:
        return Inland(mirroring(lab, shore), shore)
    shore = rippled_shore(lab)
    if shore is not None:
        return Inland(rippled(lab, shore), shore)
    wet = pool(lab)
    return None if wet is None else Inland(wet)
