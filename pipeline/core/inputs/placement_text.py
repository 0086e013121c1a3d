"""Writes a placement file, so that `read_placement_file` gives the same settings back."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipeline.core.inputs.placement_file import PLACEMENTS, PlacementSettings, ShadowSettings, Spot

HEAD = "# Where people stand in this background. Numbers up to 1 are fractions of the picture, larger ones pixels.\n"
DIGITS = 5
"""Of a fraction: a twentieth of a pixel in a picture of 5,000."""


def to_toml(placement_settings: PlacementSettings) -> str:
    """The file's text; what is automatic is left out."""
    lines = [HEAD]
    if placement_settings.horizon is not None:
        lines.append(f"horizon = {_number(placement_settings.horizon)}\n")
    if placement_settings.ground is not None:
        lines.append(f"ground = {_text(placement_settings.ground)}\n")
    for spot in placement_settings.spots:
        lines.append(f"\n[[{PLACEMENTS}]]\n")
        lines += [f"{line}\n" for line in _spot_lines(spot)]
    return "".join(lines)


def _spot_lines(spot: Spot) -> Iterator[str]:
    if spot.people != ["*"]:
        yield f"people = [{', '.join(_text(glob) for glob in spot.people)}]"
    if spot.wears is not None:
        yield f"wears = {_text(spot.wears)}"
    if spot.foot is not None:
        yield f"foot = [{_number(spot.foot[0])}, {_number(spot.foot[1])}]"
    if spot.height is not None:
        yield f"height = {_number(spot.height)}"
    if spot.flip:
        yield "flip = true"
    if spot.z:
        yield f"z = {spot.z}"
    if spot.shade != ShadowSettings():
        yield f"shadow = {_shadow(spot.shade)}"
    if spot.reflection is not None:
        yield f"reflection = {_number(spot.reflection)}"


def _shadow(shade: ShadowSettings) -> str:
    if not shade.on:
        return "false"
    parts = [f"opacity = {_number(shade.opacity)}"] if shade.opacity != 1 else []
    if shade.direction is not None:
        parts.append(f"direction = [{_number(shade.direction[0])}, {_number(shade.direction[1])}]")
    return f"{{ {', '.join(parts)} }}"


def _number(value: float) -> str:
    return repr(round(float(value), DIGITS))


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's, apart from DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
