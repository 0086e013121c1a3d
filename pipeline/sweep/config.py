"""A sweep's file: what is dressed or trained, and which settings are tried. Imports nothing heavy.

```toml
[dress]                                        # pictures by an engine, for every combination of the lists below
engine = "ootdiffusion_hd"
inputs = "inputs"
paired = true                                  # every garment is the one worn in the photo: measured against it
[dress.set]                                    # as --set; a list is tried value by value
"ootdiffusion_hd.guidance_scale" = [1.0, 1.5, 2.0]

[train]                                        # short trainings, likewise
recipe = "stableviton"
data = "zalando-hd-resized"
start = "VITONHD.ckpt"
presets = ["base", "atv"]
[train.set]
"loop.steps" = 500
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.catalog import ENGINES, TRAINERS
from pipeline.core.config import StepConfig, load_settings
from pipeline.core.errors import ConfigError, nearest

Axes = dict[str, Any]
"""`section.key` → a value, or a list of values to try."""


class DressConfig(StepConfig):
    """Pictures by one engine."""

    engine: str = ""
    """The engine; `auto` is refused, because a sweep compares settings of one."""
    inputs: str = "inputs"
    """Folder of people and garments, as --inputs."""
    only: list[str] = Field(default_factory=list)
    """Globs on people, garments, pairs, as --only."""
    limit: int | None = None
    """At most so many people."""
    paired: bool = False
    """Every garment is the one worn in its photo, so that the photo is the truth: measures are computed."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Settings, as --set; a list is tried value by value (a setting that is a list itself: a list of lists)."""


class TrainConfig(StepConfig):
    """Short trainings by one recipe."""

    recipe: str = ""
    """What is trained, as in `train RECIPE`."""
    data: str = ""
    """Root of a tree, as --data."""
    start: str = ""
    """Start weights, as --start; "" = new ones, where the recipe can."""
    presets: list[str] = Field(default_factory=lambda: [""], min_length=1)
    """Presets (arrangements) to try."""
    device: str = "auto"
    """auto, cpu or cuda."""
    skip_bad: bool = False
    """Leave out pairs with problems."""
    skip_incomplete: bool = False
    """Leave out pairs that lack a file, and no others."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Settings, as --set; a list is tried value by value."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A file that was read.

    Args:
        name: of the file, without its ending: the name of the results' folder.
        dress: pictures to make, or None.
        train: trainings to run, or None.
    """

    name: str
    dress: DressConfig | None
    train: TrainConfig | None


def read_sweep(file: Path) -> Sweep:
    """Read and check a sweep's file.

    Raises:
        ConfigError: no such file, no TOML, nothing to do, or an unknown section, key, engine or recipe, with the nearest one.
    """
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file", "docs/sweep.md shows one")
    read = load_settings({"dress": DressConfig, "train": TrainConfig}, file, environment={})
    dress, train = read["dress"], read["train"]
    assert isinstance(dress, DressConfig) and isinstance(train, TrainConfig)
    if not (dress.engine or train.recipe):
        raise ConfigError(f"{file}: neither dress.engine nor train.recipe is said: nothing to sweep", "docs/sweep.md shows both")
    if dress.engine and dress.engine not in ENGINES:
        raise ConfigError(f"{file}: dress.engine = {dress.engine!r} is no engine", nearest(dress.engine, ENGINES))
    if train.recipe and train.recipe not in TRAINERS:
        raise ConfigError(
            f"{file}: train.recipe = {train.recipe!r}: nothing of this name can be trained here", nearest(train.recipe, TRAINERS)
        )
    if train.recipe and not train.data:
        raise ConfigError(f"{file}: train.data is missing", "train.data = the root of a VITON-HD or DressCode tree")
    return Sweep(name=file.stem, dress=dress if dress.engine else None, train=train if train.recipe else None)


def flat(axes: Mapping[str, Any], where: str = "") -> Axes:
    """`section.key` → value, whether the file writes names in quotes or as tables."""
    found: Axes = {}
    for key, value in axes.items():
        name = f"{where}.{key}" if where else key
        found |= flat(value, name) if isinstance(value, Mapping) else {name: value}
    return found
