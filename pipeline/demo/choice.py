"""What the demo shows: who wears what, and who stands together on the street."""

from __future__ import annotations

PAIRS = (
    ("kofi", "sunrise_tee"),
    ("nora", "knitted_crew"),
    ("luca", "breton_top"),
    ("kofi", "trousers"),
    ("amara_half", "checked_shirt"),
    ("astronaut", "printed_tee"),
    ("amara", "flowered_dress"),
)
"""Person and garment; every pair is put on every background."""
GROUP_BACKGROUND = "street"

PAIRS_NOTE = """# Who wears what in the demo. Only what stands here is made: give a person or garment of your own
# a line, or delete this file, and every person wears every garment.
"""
GROUP = """# Kofi and Nora join every picture on this street.
[[placements]]
people = ["kofi"]
wears = "sunrise_tee"

[[placements]]
people = ["nora"]
wears = "knitted_crew"
"""


def pairs_file() -> str:
    """The text of `inputs/pairs.txt`."""
    wide = max(len(person) for person, _ in PAIRS)
    return PAIRS_NOTE + "".join(f"{person:{wide}} {garment}\n" for person, garment in PAIRS)


def group_file() -> str:
    """The text of `inputs/background/street.toml`."""
    return GROUP
