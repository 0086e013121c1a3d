"""What the demo shows: who wears what, and who stands together on the street."""

from __future__ import annotations

PAIRS = (
    ("kofi", "sunrise_tee"),
    ("nora", "breton_top"),
    ("kofi", "trousers"),
    ("luca", "knitted_crew"),
    ("amara_half", "printed_tee"),
    ("astronaut", "checked_shirt"),
    ("amara", "flowered_dress"),
)
"""Person and garment; every pair is put on every background."""
GROUP_BACKGROUND = "street"

PAIRS_NOTE = """# Who wears what in the demo. Only what stands here is made: give a person or garment of your own
# a line, or delete this file, and every person wears every garment.
"""
GROUP = """# Kofi and Nora join every picture on this street; whose photo ends at the hips stands in front of them.
[[placements]]
people = ["amara", "luca"]
foot = [0.38, 0.93]

[[placements]]
people = ["astronaut", "*_half"]
foot = [0.26, 1.0]
height = 0.72
z = 1

[[placements]]
people = ["kofi"]
wears = "sunrise_tee"
foot = [0.56, 0.92]

[[placements]]
people = ["nora"]
wears = "breton_top"
foot = [0.72, 0.93]
"""


def pairs_file() -> str:
    """The text of `inputs/pairs.txt`."""
    wide = max(len(person) for person, _ in PAIRS)
    return PAIRS_NOTE + "".join(f"{person:{wide}} {garment}\n" for person, garment in PAIRS)


def group_file() -> str:
    """The text of `inputs/background/street.toml`."""
    return GROUP
