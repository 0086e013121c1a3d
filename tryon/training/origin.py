"""Where the start weights of a run come from: new ones, a file, a converted folder, or another run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.core.config import StepConfig
from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.weights.files import digest_of
from tryon.training import checkpoint as checkpoints
from tryon.training.config import as_facts
from tryon.training.logs.run_folder import named_path, read_run
from tryon.training.parameters import Weights
from tryon.training.protocol import ManyFiles, Recipe, Trainee

Settings = dict[str, StepConfig]


@dataclass(frozen=True)
class Origin:
    """Where start weights come from.

    Args:
        file: a checkpoint or converted folder; None = new weights.
        vae: a fine-tuned VAE, or None.
        trained: weights of another run on top.
        facts: what must be the same when the run goes on.
    """

    file: Path | None
    vae: Path | None
    trained: Weights
    facts: dict[str, Any]


def find_origin(recipe: Recipe, chosen: Path | None, vae: Path | None, settings: Settings) -> Origin:
    """What a start path names; another run is followed to its own start, with its newest weights on top.

    Raises:
        UsageError: a run without a checkpoint.
    """
    if chosen is None:
        return Origin(None, vae, {}, {"start": "new weights"} | ({"vae": digest_of(vae).sha256} if vae is not None else {}))
    run = read_run(chosen) if chosen.is_dir() else None
    if run is None:
        facts = {"start": _identity(chosen, recipe, settings)} | ({"vae": digest_of(vae).sha256} if vae is not None else {})
        return Origin(chosen, vae, {}, facts)
    if run["engine"] not in recipe.continues:
        able = " or ".join(sorted(recipe.continues))
        raise UsageError(f"{chosen}: a run of {run['engine']}, whose weights {recipe.name} has no place for", f"a run of {able}")
    below = find_origin(recipe, named_path(run, "start"), named_path(run, "vae"), settings)
    newest = checkpoints.newest(chosen / checkpoints.FOLDER)
    if newest is None:
        raise UsageError(f"{chosen}: a run without a whole checkpoint", "let it run up to one: loop.save_every")
    weights = newest.tensors("weights")
    facts = below.facts | {"from run": [newest.step, digest_of(newest.path / "weights.safetensors").sha256]}
    return replace(below, trained={**below.trained, **weights}, vae=vae or below.vae, facts=facts)


def refuse_other_variant(settings: Settings, chosen: Path | None) -> None:
    """Refuse to start from a run of another model: what a setting called `variant` says.

    Raises:
        UsageError: the run's differs.
    """
    before = (read_run(chosen) or {}).get("settings", {}) if chosen is not None and chosen.is_dir() else {}
    for key, now in as_facts(settings).items():
        if key.endswith(".variant") and before.get(key, now) != now:
            raise UsageError(f"{chosen}: a run with {key}={before[key]}, this one has {now}", f"--set {key}={before[key]}")


def opened(recipe: Recipe, settings: Settings, origin: Origin, identify: Callable[[Path], str]) -> Trainee:
    """The network with its start weights.

    Args:
        recipe: of the engine.
        settings: all sections.
        origin: where the weights come from.
        identify: what a model file is, for the error where it cannot be a start; "" = not known.

    Raises:
        WeightsError: the start is another model, which is named where it is known.
    """
    try:
        return recipe.open(origin.file, settings, origin.trained, origin.vae)
    except WeightsError as problem:
        about = identify(origin.file) if origin.file is not None else ""
        if not about:
            raise
        raise WeightsError(f"{problem.message}\n  {origin.file} is {about}", f"{recipe.starts}; {problem.remedy}") from None


def _identity(path: Path, recipe: Recipe, settings: Settings) -> str:
    from pipeline.core.weights.converted import INDEX
    from pipeline.core.weights.files import read_json

    if path.is_file():
        return digest_of(path).sha256
    if isinstance(recipe, ManyFiles):
        return " ".join(digest_of(file).sha256 for file in recipe.start_files(path, settings))
    return str(read_json(path / INDEX).get("source_sha256", ""))
