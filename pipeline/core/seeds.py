"""The seeds of one picture, the same in any batch, order or machine (docs/architecture.md#settings-and-seeds)."""

from __future__ import annotations

import hashlib
import json

SEED_BITS = 53
"""The noise's seed is exact as a float64, so any JSON reader gives the recipe's number back unchanged."""


def noise_seed(run_seed: int, person_id: str, garment_id: str, attempt: int = 0) -> int:
    """The seed that an engine draws one person in one garment from.

    Args:
        run_seed: `--seed` of the run.
        person_id: id of the person.
        garment_id: id of the garment.
        attempt: 0 for the first picture; a further attempt draws other noise.

    Returns:
        An integer in [0, 2**53): BLAKE2b of the four values as JSON, because Python's own `hash` changes from run to run and a
        plain concatenation would let ("a", "b1") and ("ab", "1") share their noise.
    """
    content = json.dumps([run_seed, person_id, garment_id, attempt], ensure_ascii=True).encode("ascii")
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS)


def grain_seed(run_seed: int, item_id: str) -> int:
    """The seed of the film grain that is painted onto one pair or scene.

    Args:
        run_seed: `--seed` of the run.
        item_id: id of the pair or scene.

    Returns:
        An integer in [0, 2**56): the first bytes of SHA-256.
    """
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{item_id}".encode()).digest()[:7], "big")
