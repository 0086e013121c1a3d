"""The placement file of a background, `<background>.toml`: where people stand, how tall, with what shadow.

A wrong key is an error; it is never ignored.

horizon = 0.55                        # fraction of the height, or pixels
ground = "none"                       # nobody can stand here: people are cut at the thighs by the lower edge; "floor": they can
foot = [0.5, 0.95]                    # point between the feet; fractions (up to 1) or pixels
height = 0.8                          # of the visible body
shadow = { opacity = 0.6, direction = [-0.35, 0.18] }
reflection = 0.3                      # of a polished floor, 0..1

[[placements]]                        # several: what is missing is taken from above
people = ["ann*"]
foot = [0.3, 0.95]

[[placements]]                        # a group picture: Bob joins everybody else's picture
people = ["bob"]
wears = "tee"                         # garment of a pair that was dressed
foot = [0.7, 0.95]
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from pipeline.core.errors import InputError, nearest
from pipeline.core.inputs.written_text import written_text

Number = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]
"""x, y."""


class _Strict(BaseModel):
    """No unknown keys, no text where a number belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ShadowSettings(_Strict):
    """How a shadow differs from the automatic one.

    Args:
        on: whether there is one.
        opacity: factor on its darkness, 0..2.
        direction: where the head's shadow falls from the feet, in units of the person's height: right, away from the viewer.
    """

    on: bool = True
    opacity: Annotated[float, Field(ge=0, le=2)] = 1.0
    direction: Point | None = None


class Spot(_Strict):
    """One place to stand; whatever is missing is found automatically.

    Args:
        people: globs on person ids; everybody by default.
        foot: x, y of the point between the feet; fractions up to 1, else pixels.
        height: of the visible body; fraction up to 1, else pixels.
        flip: mirrored.
        shadow: true, false, or a table.
        reflection: of the floor, 0..1; None = as `compose.reflection` says.
        z: painter's order, larger = in front.
        wears: garment id; the one person whom `people` names joins everybody else's picture too, wearing it.
    """

    people: list[str] = ["*"]
    foot: Point | None = None
    height: Annotated[float, Field(gt=0)] | None = None
    flip: bool = False
    shadow: bool | ShadowSettings = True
    reflection: Annotated[float, Field(ge=0, le=1)] | None = None
    z: int = 0
    wears: Annotated[str, Field(min_length=1)] | None = None

    @field_validator("wears")
    @classmethod
    def _one_wearer(cls, wears: str | None, others: ValidationInfo) -> str | None:
        people = others.data.get("people", [])
        if wears and (len(people) != 1 or set("*?[") & set(people[0])):
            raise ValueError("who wears it must be one person in `people`, without * or ?")
        return wears

    def is_for(self, person_id: str) -> bool:
        """Whether one of the globs fits, whatever the case."""
        return any(fnmatch.fnmatchcase(person_id.casefold(), glob.casefold()) for glob in self.people)

    @property
    def shade(self) -> ShadowSettings:
        """The shadow as a table."""
        return self.shadow if isinstance(self.shadow, ShadowSettings) else ShadowSettings(on=self.shadow)

    def foot_px(self, size: tuple[int, int]) -> tuple[float, float] | None:
        """The foot point in pixels of a background of (height, width)."""
        return None if self.foot is None else (_pixels(self.foot[0], size[1]), _pixels(self.foot[1], size[0]))

    def height_px(self, size: tuple[int, int]) -> float | None:
        """The height in pixels."""
        return None if self.height is None else _pixels(self.height, size[0])


class PlacementSettings(_Strict):
    """The content of a placement file.

    Args:
        horizon: row of the ground line; fraction up to 1, else pixels.
        ground: "floor" = people can stand everywhere, "none" = nowhere, None = as seen in the picture.
        spots: at least one.
    """

    horizon: Annotated[float, Field(gt=0)] | None = None
    ground: Literal["floor", "none"] | None = None
    spots: Sequence[Spot] = [Spot()]

    def horizon_px(self, size: tuple[int, int]) -> float | None:
        """The row of the ground line in a background of (height, width)."""
        return None if self.horizon is None else _pixels(self.horizon, size[0])


def _pixels(value: float, full: int) -> float:
    return value * full if value <= 1 else value


PLACEMENTS = "placements"
WHOLE_PICTURE = ("horizon", "ground")
"""Keys that hold for the background and not for a place."""
FORM = (
    'for example: foot = [0.5, 0.95], height = 0.8, flip = false, z = 0, horizon = 0.55, ground = "floor" or "none", '
    "shadow = false or { opacity = 0.6, direction = [-0.35, 0.18] }, reflection = 0.3, "
    'people = ["bob"] with wears = "tee"; numbers up to 1 are fractions'
)


def read_placement_file(text: str, name: str) -> PlacementSettings:
    """Parse a `<background>.toml`.

    Args:
        text: its content.
        name: its path, for errors.

    Raises:
        InputError: not TOML, an unknown key (with the nearest known one), or a value that does not fit.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"{name}: not a TOML file ({problem})", "check quotes and brackets") from None
    _check_keys(content, {*Spot.model_fields, *WHOLE_PICTURE, PLACEMENTS}, name)
    entries = content.pop(PLACEMENTS, [{}])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{name}: {PLACEMENTS} must be tables", f"write each as [[{PLACEMENTS}]]")
    whole = {key: content.pop(key) for key in WHOLE_PICTURE if key in content}
    for entry in entries:
        for key in (key for key in WHOLE_PICTURE if key in entry):
            raise InputError(f"{name}: {key} stands in [[{PLACEMENTS}]]", f"write {key} above the first [[{PLACEMENTS}]]")
    for entry in (content, *entries):
        _check_keys(entry, Spot.model_fields, name)
        if isinstance(entry.get("shadow"), dict):
            _check_keys(entry["shadow"], ShadowSettings.model_fields, name, "shadow.")
    try:
        return PlacementSettings(**whole, spots=[Spot(**(content | entry)) for entry in entries])
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in {"bool", "ShadowSettings"})
        raise InputError(f"{name}: {where} = {first['input']!r}: {first['msg'].lower()}", FORM) from None


def read_placement_path(path: Path) -> PlacementSettings:
    """Read a `<background>.toml`.

    Raises:
        InputError: it cannot be read, is not UTF-8, or as above.
    """
    return read_placement_file(written_text(path), str(path))


def _check_keys(table: Mapping[str, Any], known: Iterable[str], name: str, prefix: str = "") -> None:
    for key in table:
        if key not in set(known):
            raise InputError(f"{name}: unknown key {prefix + key!r}", nearest(key, known, prefix))
