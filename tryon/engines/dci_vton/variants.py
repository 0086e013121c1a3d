"""The two published models: one network, other weights, other inputs (docs/facts/dci_vton.md#first-model).

Their files have the same names and shapes, so a file says nothing about which it is: a known hash does, else the engine that the
user converts it for. A converted folder keeps the answer, and the other engine refuses it. Imports nothing heavy.
"""

from __future__ import annotations

from pipeline.core.errors import WeightsError
from pipeline.core.weights.table import row

FIRST, SECOND = "v1", "v2"
ROWS = {FIRST: "dci-vton", SECOND: "dci-vton-v2"}
"""Variant → row of the weights table."""
ENGINES = {FIRST: "dci_vton", SECOND: "dci_vton_v2"}
"""Variant → engine."""


def known_variant(sha256: str) -> str:
    """The variant of a published file by its hash; "" where no row lists the hash."""
    known = {digest: variant for variant, name in ROWS.items() for file in row(name).files for digest in file.sha256}
    return known.get(sha256, "")


def refuse_other_variant(where: object, found: str, wanted: str) -> None:
    """Refuse weights of the other model: its inputs are made another way, and the pictures would be wrong without an error.

    Args:
        where: the file or folder.
        found: its variant; "" = not known, which is not refused.
        wanted: the variant that it is to be.

    Raises:
        WeightsError: the other variant.
    """
    if found and found != wanted:
        raise WeightsError(
            f"{where}: these are the weights of DCI-VTON {found}, not {wanted}: the two are shown different holes and pictures",
            f"--engine {ENGINES[found]}, which reads them",
        )
