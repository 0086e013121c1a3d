"""Settings of the run as a whole, and the schema of all sections together."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pipeline.catalog import ENGINES, STEPS, resolve
from pipeline.core.config import StepConfig, load_settings
from pipeline.core.errors import ConfigError
from pipeline.core.layout import CONFIG_FILE


class RunConfig(StepConfig):
    """Settings of every step."""

    seed: int = 0
    """Run seed; each pair derives its own from it, so its noise is the same in any batch, in any order, on any machine."""
    max_megapixels: float = Field(24.0, gt=0.05, le=178)
    """Larger photos are scaled down for work."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    engine: str = "auto"
    """Try-on engine; auto = per pair the best one whose weights and libraries are present."""
    commercial_only: bool = False
    """Refuse models whose licence forbids business use."""
    confirm_above: int = Field(5000, ge=0)
    """Ask before making more pictures than this (or --yes)."""
    price_per_hour: float | None = Field(None, gt=0, le=1e6)
    """Of the machine, in any currency; a run then ends with the cost of 1,000 pictures."""


class BackendsConfig(StepConfig):
    """The model of each preprocessing step; auto = the best one present."""

    background: str = "auto"
    pose: str = "auto"
    densepose: str = "auto"
    parsing: str = "auto"
    cloth: str = "auto"


def schema() -> dict[str, type[StepConfig]]:
    """Section → model, in the order of `lookbook.toml`."""
    sections: dict[str, type[StepConfig]] = {"run": RunConfig, "backends": BackendsConfig}
    sections |= {entry.section: resolve(entry.config) for entries in STEPS.values() for entry in entries}
    return sections | {name: resolve(entry.config) for name, entry in ENGINES.items()}


def sections_with(key: str) -> tuple[str, ...]:
    """Every section that has a setting of this name, for options of the command line that set all of them."""
    return tuple(section for section, model in schema().items() if key in model.model_fields)


def read_settings(inputs: Path, config: Path | None, overrides: tuple[str, ...]) -> dict[str, StepConfig]:
    """The resolved settings of a run.

    Args:
        inputs: the inputs folder; `lookbook.toml` is looked for beside it when `config` is None.
        config: an explicit settings file.
        overrides: `section.key=value`.

    Raises:
        ConfigError: the explicit file is not there; or what `load_settings` raises.
    """
    if config is not None and not config.is_file():
        raise ConfigError(f"--config: there is no file {config}", f"write one: python run.py config --init --config '{config}'")
    return load_settings(schema(), config or inputs.absolute().parent / CONFIG_FILE, overrides=overrides)
