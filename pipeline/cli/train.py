"""The commands `train ENGINE`, `train list | report | stop | export | prepare`; what they call is imported when one runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.catalog import TRAINERS, TRAINING, resolve
from pipeline.cli.options import WEIGHTS

BEGIN = "begin"
"""The command that an engine's name means."""
TYPED = f"{__name__}.typed"
"""In what click hands down: the words as they were typed."""
RUNS = Path("runs")
PLACED_FOR = "viton-hd"
"""Whose generator learns from garments that its warp network bent."""


class Trainings(TyperGroup):
    """`train ENGINE …` is `train begin ENGINE …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command where an engine's name stands; `ctx` is click's, of which some releases of typer have their own."""
        ctx.meta[TYPED] = tuple(args)
        named = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if named else [BEGIN, *args])


app = typer.Typer(
    cls=Trainings,
    help=f"Train: python run.py train ENGINE --data DIR --preset NAME --start FILE. ENGINE: {', '.join(TRAINERS)}.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of all runs.")]
Name = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, see `train list`.")]
Stage = Annotated[
    str, typer.Option("--stage", "--train_model", metavar="STAGE", help="Of an engine with several: seg, gmm or alias.")
]
Category = Annotated[str, typer.Option(metavar="CATEGORY", help="viton-hd: garments that are exchanged, upper or lower.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Root of a VITON-HD or DressCode tree.")]


@app.command(BEGIN, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def begin(
    context: typer.Context,
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="What is trained.")],
    stage: Stage = "",
    data: Data = None,
    preset: Annotated[
        str, typer.Option("--preset", "--arrangement", metavar="NAME", help="Name of a preset; see docs/training.md.")
    ] = "",
    start: Annotated[
        Path | None, typer.Option("--start", metavar="PATH", help="Start weights: a checkpoint, a converted folder, a run.")
    ] = None,
    vae: Annotated[Path | None, typer.Option("--vae", metavar="FILE", help="A fine-tuned VAE, for the one inside.")] = None,
    runs: Runs = RUNS,
    run: Annotated[str, typer.Option("--run", metavar="NAME", help="The run's name; default engine and preset.")] = "",
    overrides: Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting; repeatable.")] = [],  # noqa: B006
    batch: Annotated[str, typer.Option(metavar="N|auto", help="Pairs per process; auto = as many as fit.")] = "",
    unlock: Annotated[list[str], typer.Option(metavar="PART", help="decoder, all, encoder or clip: trained too.")] = [],  # noqa: B006
    category: Category = "",
    precision: Annotated[str, typer.Option(metavar="FORMAT", help="bf16, fp16 or fp32.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, plan, try three steps; nothing is saved.")] = False,
    show_data: Annotated[
        Path | None, typer.Option("--show-data", metavar="FILE", help="Write a sheet of augmented pairs (PNG) and end.")
    ] = None,
    weights: Annotated[Path, typer.Option(metavar="DIR", help="Model files, for the networks that measure pictures.")] = WEIGHTS,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out pairs with problems.")] = False,
    skip_incomplete: Annotated[
        bool, typer.Option("--skip-incomplete", help="Leave out pairs that lack a file, and no others.")
    ] = False,
    changed: Annotated[bool, typer.Option("--changed", help="Go on although settings or data are others.")] = False,
    resume: Annotated[bool, typer.Option("--continue", "--continue_train", help="Go on; an error where nothing began.")] = False,
) -> None:
    """Begin or go on: the same command again resumes. Flags of the published script are understood and mapped."""
    from pipeline.core.console import Console

    console = Console()
    options = resolve(TRAINING["options"])(
        data=data,
        preset=preset,
        preset_option=_typed(context, "--preset", "--arrangement"),
        start=start,
        vae=vae,
        runs=runs,
        run=run,
        overrides=(*_as_settings(batch, precision, unlock, category), *overrides),
        published=tuple(context.args),
        device=device,
        dry_run=dry_run,
        show_data=show_data,
        skip_bad=skip_bad,
        skip_incomplete=skip_incomplete,
        changed=changed,
        resume=resume,
        resume_option=_typed(context, "--continue", "--continue_train"),
        weights=weights,
        identify=resolve(TRAINING["identify"]),
    )
    raise typer.Exit(
        resolve(TRAINING["start"])(_recipe(engine, stage, _typed(context, "--stage", "--train_model")), options, console.say)
    )


def _typed(context: typer.Context, *names: str) -> str:
    """Which of an option's names was typed, last; the first where none was."""
    words = [word.partition("=")[0] for word in context.meta[TYPED]]
    return next((word for word in reversed(words) if word in names), names[0])


def _as_settings(batch: str, precision: str, unlock: Sequence[str], category: str) -> list[str]:
    """Options that are another word for a setting, as `--set` would say it."""
    listed = ", ".join(f'"{part}"' for part in unlock)
    return [
        *([f"loop.batch={batch}"] if batch else []),
        *([f"precision.numbers={precision}"] if precision else []),
        *([f"stableviton.unlock=[{listed}]"] if unlock else []),
        *([f"viton_hd.category={category}"] if category else []),
    ]


@app.command("list")
def list_runs(runs: Runs = RUNS) -> None:
    """Every run: steps, loss, checkpoint, state."""
    from pipeline.core.console import Console

    Console().table(resolve(TRAINING["list"])(runs))


@app.command()
def report(run: Name, runs: Runs = RUNS) -> None:
    """How a run went, with its curves as a picture."""
    from pipeline.core.console import Console

    resolve(TRAINING["report"])(runs, run, Console().say)


@app.command()
def stop(run: Name, runs: Runs = RUNS) -> None:
    """Let a run save and end after its present step."""
    from pipeline.core.console import Console

    resolve(TRAINING["stop"])(runs, run, Console().say)


@app.command()
def export(
    run: Name,
    runs: Runs = RUNS,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="A folder that this project loads.")] = None,
    official: Annotated[Path | None, typer.Option("--official", metavar="FILE", help="A file for the published code.")] = None,
    install: Annotated[str, typer.Option("--install", metavar="ENGINE", help="The folder where an engine finds it.")] = "",
    weights: Annotated[Path, typer.Option("--weights", metavar="DIR", help="The weights folder, for --install.")] = WEIGHTS,
    average: Annotated[bool, typer.Option("--average", help="The moving average instead of the weights.")] = False,
    step: Annotated[int | None, typer.Option(help="Of which checkpoint; default the newest.")] = None,
) -> None:
    """Write a run's weights as model files."""
    from pipeline.catalog import TRAINED_FILES
    from pipeline.core.console import Console
    from pipeline.core.weights.access import adopt_converted
    from pipeline.core.weights.chosen import use_file
    from pipeline.core.weights.converted import converted_folder

    console, (folder, trained) = Console(), resolve(TRAINING["find"])(runs, run)
    row, new = _row_to_install(install, trained) if install else "", None
    if row and trained in TRAINED_FILES:
        new = _new_file(row, weights)
        official = official or new
    elif row:
        to = to or converted_folder(row, weights)
    wanted = resolve(TRAINING["wanted"])(to=to, official=official, average=average, step=step)
    resolve(TRAINING["export"])(_recipe(trained), folder, wanted, console.say)
    if new is not None and official is not None:
        console.say(use_file(row, official, weights).line())
    elif row and (notice := adopt_converted(row, weights)):
        console.say(notice)


def _row_to_install(engine: str, trained: str) -> str:
    """The row of the weights table where an engine looks for what a training makes.

    Raises:
        UsageError: no such engine, or one that does not read what was trained.
    """
    from pipeline.catalog import ENGINES, TRAINED_FILES
    from pipeline.core.errors import UsageError, nearest
    from pipeline.core.weights.table import row

    if engine not in ENGINES or not resolve(ENGINES[engine].engine).card.weights:
        raise UsageError(f"--install {engine}: no engine of this name has weights", nearest(engine, ENGINES))
    if trained == "hand-lora":
        raise UsageError("--install: a LoRA is no engine's weights", "--to DIR, then --set repair.lora=DIR/hand-lora.safetensors")
    if trained not in TRAINED_FILES:
        name: str = resolve(ENGINES[engine].engine).card.weights[0]
        return name
    users = row(TRAINED_FILES[trained]).used_by
    if f"tryon:{engine}" not in users:
        able = ", ".join(user.partition(":")[2] for user in users)
        raise UsageError(f"--install {engine}: does not read what {trained} trains", f"--install with one of: {able}")
    return TRAINED_FILES[trained]


def _new_file(name: str, weights: Path) -> Path:
    """Where the one file of a row belongs.

    Raises:
        WeightsError: it is there.
    """
    from pipeline.core.errors import WeightsError
    from pipeline.core.weights.table import row
    from pipeline.core.weights.verify import path_of

    target = path_of(row(name), row(name).files[0], weights)
    if target.exists():
        raise WeightsError(
            f"{target}: exists already", f"remove it; or --official FILE, then: python run.py weights use {name} FILE"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


@app.command()
def prepare(
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="For which training.")],
    data: Data = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    widen: Annotated[
        Path | None, typer.Option("--widen", metavar="FILE", help="Paint-by-Example's model.ckpt, to be widened to 13 inputs.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where the widened file goes.")] = None,
    warper: Annotated[
        Path | None,
        typer.Option("--warper", metavar="FILE", help="warp_viton.pth, gmm_final.pth: with --data it makes warped garments."),
    ] = None,
    category: Category = "upper",
) -> None:
    """Make what training needs: masks of worn garments (--data), warped garments (--warper), or the start file (--widen)."""
    from pipeline.core.console import Console
    from pipeline.core.errors import ExitCode, UsageError

    console = Console()
    placing = engine == PLACED_FOR
    if not placing:
        _recipe(engine)
    if placing and (data is None or warper is None):
        raise UsageError(f"train prepare {engine}: --data DIR and --warper gmm_final.pth are wanted", "see docs/training.md")
    if data is None and widen is None:
        raise UsageError(
            "train prepare: nothing to do", "--data DIR makes gt_cloth_warped_mask; --widen FILE --to FILE a start file"
        )
    whole = True
    if placing:
        whole = resolve(TRAINING["place"])(data, split, warper, console.say, category)
    elif data is not None and warper is not None:
        whole = resolve(TRAINING["warp"])(data, split, warper, console.say)
    elif data is not None:
        whole = resolve(TRAINING["prepare"])(data, split, console.say)
    if widen is not None:
        if to is None:
            raise UsageError("train prepare --widen: where to? --to FILE is missing", "--to start.ckpt")
        resolve(TRAINING["widen"])(widen, to, console.say)
    raise typer.Exit(ExitCode.DONE if whole else ExitCode.ITEMS_FAILED)


def _recipe(name: str, stage: str = "", option: str = "--stage") -> Any:
    """The recipe of an engine.

    Args:
        name: as in the catalogue; of an engine with several stages what comes before theirs.
        stage: of such an engine.
        option: by which it was given.

    Raises:
        UsageError: it cannot be trained.
    """
    from pipeline.core.errors import UsageError, nearest

    stages = [each.removeprefix(f"{name}-") for each in TRAINERS if each.startswith(f"{name}-")]
    if stages and name not in TRAINERS:
        if stage not in stages:
            said = f"{option} {stage}: no stage" if stage else "--stage is missing"
            raise UsageError(f"train {name}: {said}", f"--stage {' | '.join(stages)}")
        name = f"{name}-{stage}"
    elif stage and not name.endswith(f"-{stage}"):
        raise UsageError(f"train {name} {option} {stage}: it is trained in one", f"leave {option} out")

    if name not in TRAINERS:
        raise UsageError(f"train {name}: nothing of this name can be trained", nearest(name, TRAINERS))
    return resolve(TRAINERS[name])
