"""The entries of a sweep: every combination of what its lists name."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.core.errors import ConfigError
from pipeline.sweep.config import DressConfig, Sweep, TrainConfig, flat

PRESET = "preset"
NAME_LETTERS = 60


@dataclass(frozen=True)
class Entry:
    """One combination.

    Args:
        kind: what is done with it.
        of: the engine or the recipe.
        changes: what differs from the other entries, by name.
        settings: all settings of the file for it.
        preset: of a training; "" = none.
    """

    kind: Literal["dress", "train"]
    of: str
    changes: Mapping[str, Any]
    settings: Mapping[str, Any]
    preset: str = ""

    @property
    def overrides(self) -> tuple[str, ...]:
        """As --set understands them."""
        return tuple(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.settings.items())

    @property
    def title(self) -> str:
        """What differs, for people: `guidance_scale=2.0, prompts=cloth`."""
        return ", ".join(f"{name.rpartition('.')[2]}={_plain(value)}" for name, value in self.changes.items()) or self.of

    @property
    def folder(self) -> str:
        """Name of its folder: another value makes another one, so that a longer list keeps what is done."""
        facts = json.dumps([self.kind, self.of, self.preset, dict(self.settings)], sort_keys=True)
        readable = re.sub(r"[^A-Za-z0-9.=]+", "-", f"{self.of}-{self.title}").strip("-")[:NAME_LETTERS]
        return f"{readable}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def entries(sweep: Sweep) -> list[Entry]:
    """All of them, dressing first.

    Raises:
        ConfigError: a list without values.
    """
    found: list[Entry] = []
    if sweep.dress is not None:
        found += _dressings(sweep.dress)
    if sweep.train is not None:
        found += _trainings(sweep.train)
    return found


def _dressings(config: DressConfig) -> Iterator[Entry]:
    for changes, settings in _combinations(flat(config.set), "dress.set"):
        yield Entry("dress", config.engine, changes, settings)


def _trainings(config: TrainConfig) -> Iterator[Entry]:
    for preset in config.presets:
        own = {PRESET: preset} if len(config.presets) > 1 else {}
        for changes, settings in _combinations(flat(config.set), "train.set"):
            yield Entry("train", config.recipe, own | changes, settings, preset)


def _combinations(axes: Mapping[str, Any], where: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(what differs, everything) of every combination; the last list changes fastest."""
    varied = {name: values for name, values in axes.items() if isinstance(values, list)}
    for name, values in varied.items():
        if not values:
            raise ConfigError(f"{where}: {name} = []: a list of values to try has none", "give a value, or a list of them")
    for chosen in itertools.product(*varied.values()):
        changes = dict(zip(varied, chosen, strict=True))
        yield changes, {name: changes.get(name, value) for name, value in axes.items()}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
