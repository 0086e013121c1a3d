"""One start of a training run, from options to exit code: settings, data check, plan, weights, loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.config import StepConfig
from pipeline.core.errors import ExitCode, InputError, UsageError, nearest
from pipeline.core.records.lock import RunLock
from pipeline.core.records.whole_file import write_whole
from tryon.training import checkpoint as checkpoints
from tryon.training.config import SECTIONS, LoopConfig, as_facts, resolve_settings, write_settings
from tryon.training.data.augment import AugmentConfig
from tryon.training.data.checks import INCOMPLETE, Findings, Memory, check, leave_out
from tryon.training.data.sheet import augmentation_sheet
from tryon.training.data.tree import UPPER, Kind, TrainingPair, Tree, find_trees
from tryon.training.logs.run_folder import DATA, LOCK, RUN, named_path, read_run, write_json_files
from tryon.training.origin import Origin, find_origin, opened, refuse_other_variant
from tryon.training.protocol import DressesMore, Recipe, Trainee

if TYPE_CHECKING:
    from tryon.training.loop import Trainer

Say = Callable[[str], None]
Settings = dict[str, StepConfig]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says.

    Args:
        data: root of the tree; None = that of the run so far.
        preset: name of a preset; "" = none.
        preset_option: by which it was given; errors name it.
        start: where the start weights come from: a file, a converted folder, or another run; None = as before.
        vae: a fine-tuned VAE.
        runs: folder of all runs.
        run: name of this one; "" = engine and preset.
        overrides: `section.key=value`.
        published: flags of the published script.
        device: auto, cpu or cuda.
        dry_run: check, plan and try three steps; nothing is saved.
        show_data: write a sheet of augmented pairs there and end.
        skip_bad: leave out pairs with problems.
        skip_incomplete: leave out pairs that lack a file, and no others.
        changed: go on although settings or data are others.
        resume: go on with a run, and never begin one.
        resume_option: as `preset_option`.
        weights: folder of the networks that measure drawn pictures.
        identify: what a model file is, for the error where it cannot be a start; "" = not known.
    """

    data: Path | None = None
    preset: str = ""
    preset_option: str = "--preset"
    start: Path | None = None
    vae: Path | None = None
    runs: Path = Path("runs")
    run: str = ""
    overrides: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    device: str = "auto"
    dry_run: bool = False
    show_data: Path | None = None
    skip_bad: bool = False
    skip_incomplete: bool = False
    changed: bool = False
    resume: bool = False
    resume_option: str = "--continue"
    weights: Path = Path("weights")
    identify: Callable[[Path], str] = lambda file: ""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Everything a run begins with, checked.

    Args:
        recipe: of the engine.
        options: what the command line says.
        settings: all sections.
        findings: of the data check; the pairs to train on.
        test: pairs that are never trained.
        origin: of the start weights.
        folder: of the run.
        say: shows a line.
    """

    recipe: Recipe
    options: Options
    settings: Settings
    findings: Findings
    test: Untrained
    origin: Origin
    folder: Path
    say: Say

    def trainee(self, settings: Settings) -> Trainee:
        """The network with its start weights; what is to be known about it is said. Raises as `origin.opened`."""
        trainee = opened(self.recipe, settings, self.origin, self.options.identify)
        for line in trainee.about:
            self.say(line)
        return trainee


def start(recipe: Recipe, options: Options, say: Say) -> int:
    """Begin or go on with a run; the exit code.

    Raises:
        LookbookError: see the errors of the parts.
    """
    say = say if os.environ.get("RANK", "0") == "0" else _silent  # of several processes one speaks
    settings = settings_of(recipe, options, say)
    folder = options.runs / (options.run or "-".join(filter(None, (recipe.name, options.preset))))
    before = read_run(folder)
    if options.resume and before is None:
        typed = options.resume_option
        raise UsageError(f"{typed}: {folder} is no run", f"python run.py train list, or leave {typed} out to begin one")
    root = options.data or (Path(before["data"]) if before else None)
    if root is None:
        raise UsageError("train: which pictures? --data DIR is missing", "--data with the root of a VITON-HD or DressCode tree")
    findings, test = check_data(recipe, settings, root, options, say)
    if options.show_data is not None:
        return _show_data(recipe, findings, settings, options.show_data, say)
    if not findings.pairs:
        raise UsageError(f"{root}: no pair is left to train on", "see the problems above")
    chosen = options.start or (named_path(before, "start") if before else None)
    if chosen is None and not recipe.from_nothing:
        raise UsageError(
            "train: which weights to start from? --start FILE is missing", f"{recipe.starts}, or another run's folder"
        )
    origin = find_origin(recipe, chosen, options.vae or (named_path(before, "vae") if before else None), settings)
    refuse_other_variant(settings, chosen)
    begun = Beginning(
        recipe=recipe,
        options=options,
        settings=settings,
        findings=findings,
        test=test,
        origin=origin,
        folder=folder,
        say=say,
    )
    if options.dry_run:
        from tryon.training.probe import dry_run

        return dry_run(begun)
    return _train(begun)


def decided_by(recipe: Recipe, options: Options) -> dict[str, Any]:
    """What a run that begins with these options would follow from: settings, bytes of the data and of the start weights.

    Raises:
        LookbookError: as `start` before its first step.
    """
    settings = settings_of(recipe, options, _silent)
    if options.data is None:
        raise UsageError("train: which pictures? --data DIR is missing", "--data with the root of a VITON-HD or DressCode tree")
    findings, _ = check_data(recipe, settings, options.data, options, _silent)
    origin = find_origin(recipe, options.start, options.vae, settings)
    return {"recipe": recipe.name, "settings": as_facts(settings), "data": findings.fingerprint, **origin.facts}


def _silent(line: str) -> None:
    """Says nothing."""


def settings_of(recipe: Recipe, options: Options, say: Say) -> Settings:
    """Defaults, preset, published flags and overrides, each over the ones before.

    Raises:
        UsageError: an unknown preset or setting.
    """
    if options.preset and options.preset not in recipe.presets:
        said = f"{options.preset_option} {options.preset}: {recipe.name} has no such {options.preset_option.removeprefix('--')}"
        raise UsageError(said, nearest(options.preset, recipe.presets))
    published, lines = recipe.translate(options.published)
    for line in lines:
        say(line)
    preset = (*recipe.presets.get(options.preset, ()), *published)
    return resolve_settings({**SECTIONS, **recipe.sections}, preset, options.overrides)


def check_data(recipe: Recipe, settings: Settings, root: Path, options: Options, say: Say) -> tuple[Findings, Untrained]:
    """Look at every file before the first step.

    Raises:
        InputError: there are problems, and nobody said that such pairs are left out.
        UsageError: no pairs.
    """
    trees = find_trees(root, recipe.categories(settings) if isinstance(recipe, DressesMore) else UPPER)
    pairs = [pair for tree in trees for pair in tree.pairs("train")]
    if not pairs:
        lists = ", ".join(str(tree.pair_list("train")) for tree in trees)
        raise UsageError(f"{lists}: no training pairs", "a line has a person's and a garment's file name")
    test = _test_pairs(trees)
    remembered = Memory(options.runs / ".checked" / f"{root.resolve().as_posix().strip('/').replace('/', '_')}.json")
    findings = check(pairs, recipe.wanted(settings, trees[0]), test.listed, remembered)
    say(f"{root}: {findings.count} pairs, {len(findings.pairs)} without a problem")
    for line in findings.lines():
        say(line)
    left = {problem: pairs for problem, pairs in findings.problems.items() if not _left_out(problem, options)}
    if left and options.show_data is None:
        raise InputError(
            f"{root}: {findings.count - len(findings.pairs)} of {findings.count} pairs have problems: "
            + ", ".join(f"{len(pairs)} × {problem}" for problem, pairs in left.items()),
            f"cure them as said above, or leave them out: {leave_out(left)}",
        )
    return findings, test


def _left_out(problem: str, options: Options) -> bool:
    return options.skip_bad or (options.skip_incomplete and problem in INCOMPLETE)


@dataclass(frozen=True)
class Untrained:
    """The pairs of a tree that are never trained: as its list says, and each person in the garment worn."""

    listed: list[TrainingPair]
    worn: list[TrainingPair]


def _test_pairs(trees: Sequence[Tree]) -> Untrained:
    there = [tree for tree in trees if tree.pair_list("test").is_file()]
    listed, worn = ([tree.pairs("test", paired=paired) for tree in there] for paired in (False, True))
    return Untrained(_by_turns(listed), _by_turns(worn))


def _by_turns(lists: Sequence[Sequence[TrainingPair]]) -> list[TrainingPair]:
    """One of each list, then the next: so that a few pairs show every kind of garment."""
    return [pair for turn in zip_longest(*lists) for pair in turn if pair is not None]


def _show_data(recipe: Recipe, findings: Findings, settings: Settings, path: Path, say: Say) -> int:
    from pipeline.core import images

    loop, augment = settings["loop"], settings["augment"]
    assert isinstance(loop, LoopConfig) and isinstance(augment, AugmentConfig)
    items = [recipe.read(pair, settings["data"].size) for pair in findings.pairs[: loop.draw_pairs]]  # type: ignore[attr-defined]
    if not items:
        raise UsageError("no pair without a problem to show", "see the problems above")
    write_whole(path, images.png(augmentation_sheet(items, augment, loop.seed)))
    say(f"{path}: {len(items)} pairs as read, and as three epochs change them")
    return int(ExitCode.DONE)


def _train(begun: Beginning) -> int:
    from tryon.training.machine import make_accelerator
    from tryon.training.probe import announce, settled_batch

    recipe, folder = begun.recipe, begun.folder
    accelerator = make_accelerator(begun.settings["precision"], begun.options.device)  # type: ignore[arg-type]
    before = read_run(folder)
    tried = begun.settings["loop"].batch == "auto" and before is None  # type: ignore[attr-defined]
    settings = settled_batch(recipe, begun.settings, accelerator, begun.say, before)
    if before is None and accelerator.is_main_process:
        announce(recipe, settings, accelerator, len(begun.findings.pairs), folder, begun.say)
    lock = RunLock(folder / LOCK)
    if accelerator.is_main_process:
        lock.acquire()
    try:
        trainer = _trainer(begun, settings, accelerator, tried)
        done = trainer.resume()
        begun.say(f"{folder}: goes on from step {done}" if done else f"{folder}: begins")
        if accelerator.is_main_process:
            _write_run(begun, dict(trainer.job.settings))
            checkpoints.room_for(folder / checkpoints.FOLDER, trainer.checkpoint_bytes())
        accelerator.wait_for_everyone()
        return trainer.run()
    finally:
        lock.release()
        accelerator.end_training()


def _trainer(begun: Beginning, settings: Settings, accelerator: Any, tried: bool) -> Trainer:
    """The loop over the network; `tried` = its batch is halved until it fits."""
    from tryon.training.loop import Job, Trainer
    from tryon.training.probe import fitting

    trainee = begun.trainee(settings)
    findings, test, kinds = begun.findings, begun.test, begun.findings.wanted
    held_out = _held_out(test.worn if begun.recipe.own_garments else test.listed, kinds, findings, begun.say)
    job = Job(
        begun.folder,
        findings.pairs,
        held_out,
        settings,
        {"data": findings.fingerprint, **begun.origin.facts},
        begun.say,
        begun.options.changed,
        _whole(test.worn, kinds) or held_out,
        begun.options.weights,
        begun.recipe.read,
    )
    return fitting(trainee, job, accelerator) if tried else Trainer(trainee, job, accelerator)


def _held_out(test: list[TrainingPair], kinds: Sequence[Kind], findings: Findings, say: Say) -> list[TrainingPair]:
    """Pairs for sheets and validation: of the test list, else training pairs, which is said."""
    whole = _whole(test, kinds)
    if not whole:
        say("no whole test pairs: sheets, validation and measures show training pairs")
    return whole or findings.pairs


def _whole(pairs: Sequence[TrainingPair], kinds: Sequence[Kind]) -> list[TrainingPair]:
    """Those that can be drawn: the worn garment's mask is of the loss alone."""
    needed = [kind for kind in kinds if kind is not Kind.WORN]
    return [pair for pair in pairs if all(kind in pair.files for kind in needed)]


def _write_run(begun: Beginning, settings: Settings) -> None:
    options, origin = begun.options, begun.origin
    before = read_run(begun.folder) or {}
    chosen = options.start or named_path(before, "start")
    content = {
        "engine": begun.recipe.name,
        "preset": options.preset,
        "data": str((options.data or Path(before.get("data", "."))).absolute()),
        "start": str(chosen.absolute()) if chosen else "",
        "vae": str(origin.vae.absolute()) if origin.vae is not None else "",
        "facts": origin.facts,
        "settings": as_facts(settings),
    }
    write_json_files(begun.folder, {RUN: content, DATA: begun.findings.facts()})
    write_settings(begun.folder, settings)
