"""Runs on disk: what there is, how far each came, its curves, and what it made as model files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import UsageError, nearest
from pipeline.core.records.whole_file import write_whole
from tryon.training import checkpoint as checkpoints
from tryon.training.config import SECTIONS, resolve_settings
from tryon.training.logs.curves import draw_curves, smoothed
from tryon.training.logs.run_folder import FILE, named_path, read_run
from tryon.training.logs.run_logs import LOG, SPEED, VALIDATION, read_table
from tryon.training.origin import find_origin
from tryon.training.protocol import Recipe
from tryon.training.stopping import STOP_FILE

Say = Callable[[str], None]
CURVES = "curves.png"
ALIVE_SECONDS = 120
"""A log that was written to so long ago belongs to a run that is at work."""


def list_runs(runs: Path) -> list[tuple[str, ...]]:
    """A row per run, under a heading: name, engine, preset, steps, loss, checkpoint, state."""
    rows: list[tuple[str, ...]] = [("run", "engine", "preset", "step", "loss", "checkpoint", "state")]
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        run = read_run(folder)
        if run is not None:
            rows.append((folder.name, run["engine"], run["preset"] or "-", *_progress(folder, run)))
    return rows


def find_run(runs: Path, name: str) -> tuple[Path, str]:
    """The folder and the engine of a run, by its name or as a path.

    Raises:
        UsageError: there is none; the remedy names those that are there.
    """
    for folder in (runs / name, Path(name)):
        if (run := read_run(folder)) is not None:
            return folder, str(run["engine"])
    known = [folder.name for folder in sorted(runs.iterdir()) if read_run(folder) is not None] if runs.is_dir() else []
    raise UsageError(f"{name}: no such run in {runs}", nearest(name, known) if known else "python run.py train ENGINE --data DIR")


def stop(runs: Path, name: str, say: Say) -> None:
    """Ask a run to save and end after its present step."""
    folder, _ = find_run(runs, name)
    (folder / STOP_FILE).touch()
    say(f"{folder}: asked to save and stop after its present step")


def report(runs: Path, name: str, say: Say) -> None:
    """Tell how a run went, and draw its curves."""
    folder, _ = find_run(runs, name)
    run = read_run(folder) or {}
    rows = read_table(folder / LOG)
    if not rows:
        say(f"{folder}: no step done yet")
        return
    losses = [float(row["loss"]) for row in rows]
    means = smoothed(np.asarray(losses))
    say(f"{folder}: {run.get('engine')} {run.get('preset') or '(no preset)'}, {rows[-1]['step']} of {_steps(run)} steps")
    say(f"loss: first {losses[0]:.4f}, smoothed now {means[-1]:.4f}, lowest smoothed {means.min():.4f}")
    seconds = [float(row["seconds"]) for row in read_table(folder / SPEED)]
    if seconds:
        say(f"time: {sum(seconds) / 3600:.2f} h in steps, {np.median(seconds):.2f} s per step (median)")
    for row in read_table(folder / VALIDATION)[-1:]:
        figures = ", ".join(f"{key} {float(value):.4f}" for key, value in row.items() if key != "step")
        say(f"validation at step {row['step']}: {figures}")
    found = checkpoints.newest(folder / checkpoints.FOLDER)
    say(f"checkpoint: {found.path}" if found else "checkpoint: none yet")
    curves = draw_curves(folder)
    if curves is not None:
        write_whole(folder / CURVES, curves)
        say(f"curves: {folder / CURVES}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an export writes.

    Args:
        to: where a folder for this project appears.
        official: where a file for the published code appears.
        average: the moving average instead of the weights.
        step: of which checkpoint; None = the newest whole one.
    """

    to: Path | None = None
    official: Path | None = None
    average: bool = False
    step: int | None = None


def export(recipe: Recipe, folder: Path, wanted: Wanted, say: Say) -> None:
    """Write a run's weights as model files.

    Args:
        recipe: of the run's engine.
        folder: of the run.
        wanted: what is written.
        say: shows a line.

    Raises:
        UsageError: nowhere to write to, or no such checkpoint.
        WeightsError: start weights are not there any more, or a target exists.
    """
    if wanted.to is None and wanted.official is None:
        raise UsageError("train export: where to? --to DIR or --official FILE is missing", "--to for us, --official for them")
    run, found = read_run(folder) or {}, _checkpoint(folder, wanted.step)
    settings = resolve_settings({**SECTIONS, **recipe.sections}, (), (), folder / FILE)
    origin = find_origin(recipe, named_path(run, "start"), named_path(run, "vae"), settings)
    average = found.tensors("ema") if wanted.average else {}
    if wanted.average and not average:
        raise UsageError(f"{found.path}: has no moving average", "export the weights: leave --average out")
    trained = {**origin.trained, **found.tensors("weights"), **average}
    if wanted.to is not None:
        recipe.export_folder(origin.file, settings, trained, wanted.to, origin.vae)
        say(f"{wanted.to}: step {found.step}, for this project")
    if wanted.official is not None:
        recipe.export_official(origin.file, settings, trained, wanted.official, origin.vae)
        say(f"{wanted.official}: step {found.step}, for the published code")


def _checkpoint(folder: Path, step: int | None) -> checkpoints.Checkpoint:
    every = checkpoints.every(folder / checkpoints.FOLDER)
    if step is None:
        found = checkpoints.newest(folder / checkpoints.FOLDER)
    else:
        found = next((each for each in every if each.step == step and not each.damage()), None)
    if found is None:
        steps = ", ".join(str(each.step) for each in every) or "none"
        raise UsageError(f"{folder}: no whole checkpoint{f' of step {step}' if step else ''}", f"there are: {steps}")
    return found


def _progress(folder: Path, run: Mapping[str, Any]) -> tuple[str, str, str, str]:
    rows, newest = read_table(folder / LOG), checkpoints.every(folder / checkpoints.FOLDER)
    step = int(rows[-1]["step"]) if rows else 0
    loss = f"{float(rows[-1]['loss']):.4f}" if rows else "-"
    if step >= _steps(run):
        state = "done"
    else:
        log = folder / LOG
        state = "at work" if log.is_file() and time.time() - log.stat().st_mtime < ALIVE_SECONDS else "stopped"
    return f"{step}/{_steps(run)}", loss, str(newest[-1].step) if newest else "-", state


def _steps(run: Mapping[str, Any]) -> int:
    return int(run["settings"]["loop.steps"])
