"""Settings: one frozen model per section, in the file of the code that it configures; unknown keys are errors.

See docs/architecture.md#settings-and-seeds.

Sources of a setting, each overriding the ones before: its default, `lookbook.toml`, the environment
(`LOOKBOOK_COMPOSE_GRAIN=0.5`), `--set`. A variable of the environment that is no setting is warned about and left out: it may
belong to another program, or another version.
"""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.core.console import LOG
from pipeline.core.errors import ConfigError, nearest

ENVIRONMENT_PREFIX = "LOOKBOOK_"
NOT_SETTINGS = frozenset({"OFFLINE", "MIRROR", "WEBHOOK_SECRET"})
"""Environment names that belong to the downloader, and to the review page."""

Values = dict[str, dict[str, Any]]
"""Section → key → value, before validation."""


class StepConfig(BaseModel):
    """Base of every section: frozen, unknown names are errors; the docstring below a field is its comment in the settings file.

    A field with `exclude=True` does not change pixels (memory, batch size) and is left out of fingerprints and recipes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    follows: ClassVar[str] = ""
    """Another section, whose values replace those that are None here; see `resolved`."""


Schema = Mapping[str, type[StepConfig]]


def resolved(settings: Mapping[str, StepConfig], section: str) -> StepConfig:
    """A section whose None values are replaced by those of the section it follows.

    Loading does not do this, so that a file written from the settings keeps the None values.
    """
    config = settings[section]
    model = settings.get(type(config).follows)
    if model is None:
        return config
    shared = [name for name in type(config).model_fields if name in type(model).model_fields]
    return config.model_copy(update={name: getattr(model, name) for name in shared if getattr(config, name) is None})


def load_settings(
    schema: Schema, file: Path | None = None, environment: Mapping[str, str] | None = None, overrides: Iterable[str] = ()
) -> dict[str, StepConfig]:
    """The resolved settings of every section.

    Args:
        schema: section name → model.
        file: a `lookbook.toml`; None or absent = defaults.
        environment: variables to look for `LOOKBOOK_<SECTION>_<KEY>` in; default: this process's.
        overrides: `section.key=value` from the command line.

    Raises:
        ConfigError: an unknown section or key of the file or the command line (with the nearest known one), a value that does not
            fit, a file that is not TOML.
    """
    values: Values = {}
    for origin, layer in (
        (str(file), _from_file(file)),
        ("the environment", _from_environment(schema, os.environ if environment is None else environment)),
        ("--set", _from_overrides(overrides)),
    ):
        _check_names(schema, layer, origin)
        for section, keys in layer.items():
            values.setdefault(section, {}).update(keys)
    return {section: _validate(model, section, values.get(section, {})) for section, model in schema.items()}


def _from_file(file: Path | None) -> Values:
    if file is None or not file.exists():
        return {}
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise ConfigError(f"{file}: not a TOML file ({problem})", "write a fresh one: python run.py config --init") from None
    loose = [key for key, value in content.items() if not isinstance(value, dict)]
    if loose:
        raise ConfigError(f"{file}: {loose[0]!r} is outside a section", "put it below a [section] line")
    return content


def _from_environment(schema: Schema, environment: Mapping[str, str]) -> Values:
    values: Values = {}
    known = {
        f"{ENVIRONMENT_PREFIX}{section}_{key}".upper(): (section, key)
        for section, model in schema.items()
        for key in model.model_fields
    }
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name[len(ENVIRONMENT_PREFIX) :] in NOT_SETTINGS:
            continue
        if name not in known:
            logging.getLogger(LOG).warning("%s is no setting and is left out: %s", name, nearest(name, known))
            continue
        section, key = known[name]
        values.setdefault(section, {})[key] = _parse(text)
    return values


def _from_overrides(overrides: Iterable[str]) -> Values:
    values: Values = {}
    for each in overrides:
        name, equals, text = each.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {each!r}: expected section.key=value", "for example: --set compose.cast_shadow=0.2")
        values.setdefault(section, {})[key] = _parse(text.strip())
    return values


def _parse(text: str) -> Any:
    """The TOML value of a text; a text that is none is taken as a string, so that strings need no quotes in a shell."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check_names(schema: Schema, layer: Values, origin: str) -> None:
    for section, keys in layer.items():
        if section not in schema:
            raise ConfigError(f"{origin}: unknown section [{section}]", nearest(section, schema))
        fields = schema[section].model_fields
        for key in keys:
            if key not in fields:
                raise ConfigError(f"{origin}: unknown setting {section}.{key}", nearest(key, fields, f"{section}."))


def _validate(model: type[StepConfig], section: str, values: Mapping[str, Any]) -> StepConfig:
    try:
        return model(**values)
    except ValidationError as problem:
        first, *others = problem.errors()
        place, said = first["loc"], [first["msg"].removeprefix("Value error, ")]
        if not place:  # it is the values together that do not fit
            raise ConfigError(f"{section}: {said[0]}", "see: python run.py config --show") from None
        if ways := [
            each["msg"] for each in others if len(place) > 1 and each["loc"][:-1] == place[:-1] and _is_a_way(each["loc"])
        ]:
            place, said = place[:-1], [*said, *ways]  # a value that fits none of several kinds
        where = ".".join(str(part) for part in place)
        raise ConfigError(
            f"{section}.{where} = {first['input']!r}: {', or '.join(said).lower()}", "see: python run.py config --show"
        ) from None


def _is_a_way(place: tuple[int | str, ...]) -> bool:
    """Whether a place that pydantic names ends with a kind of value, not with the number of an item."""
    return isinstance(place[-1], str)


def to_toml(settings: Mapping[str, StepConfig]) -> str:
    """Every setting with its comment, ready to be edited. Values that are None are commented out."""
    lines: list[str] = []
    for section, config in settings.items():
        lines += [f"[{section}]"]
        for key, info in type(config).model_fields.items():
            lines += [f"# {line}" for line in (info.description or "").splitlines()]
            value = getattr(config, key)
            lines.append(f"# {key} =" if value is None else f"{key} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)
