"""The commands `weights list | pull | verify | path | convert`; what they call is imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.core.console import Console
    from pipeline.core.weights.pull import Want
    from pipeline.core.weights.table import Weight
    from pipeline.core.weights.verify import Finding

app = typer.Typer(help="Model files: list, fetch, check, find.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, typer.Option("--weights", metavar="DIR", help="The weights folder.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Rows of the table, see `weights list`.")]
Filters = Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Part of a name, or step:backend; default all.")]
BusinessOnly = Annotated[bool, typer.Option("--commercial-only", help="Only models whose licence allows business use.")]


@app.command("list")
def list_rows(filters: Filters = None, weights: Folder = WEIGHTS, commercial_only: BusinessOnly = False) -> None:
    """Every model: size, business use, users, and whether it is here. `weights list NAME` of one row shows its licence."""
    from pipeline.core.console import Console
    from pipeline.core.weights.licence import licence_lines
    from pipeline.core.weights.table import Commercial

    console = Console()
    rows = [row for row in _select(filters or []) if not commercial_only or row.commercial is Commercial.YES]
    header = ("name", "size", "business", "here", "used by")
    console.table([header, *(_cells(row, weights) for row in rows)])
    if len(rows) == 1:
        for line in licence_lines(rows[0]):
            console.say(line)


def _select(filters: Sequence[str]) -> list[Weight]:
    """Rows whose name contains one of the words, or whose user (`step:backend`) is one of them."""
    from pipeline.core.weights.table import row, table

    if not filters:
        return list(table().values())
    chosen = [weight for weight in table().values() if any(word in weight.name or word in weight.used_by for word in filters)]
    exact = [weight for weight in chosen if weight.name in filters]
    if len(filters) == 1 and exact:
        return exact
    if not chosen:
        row(filters[0])  # raises, and says which names are near
    return chosen


def _cells(weight: Weight, root: Path) -> tuple[str, str, str, str, str]:
    from pipeline.core.weights import status_of
    from pipeline.core.weights.files import human_bytes

    states = list(dict.fromkeys(str(finding.state) for finding in status_of(weight.name, root)))
    here = "-" if states == ["missing"] else ", ".join(states)
    size = human_bytes(weight.bytes_expected) if weight.bytes_expected else "?"
    return weight.name, size, str(weight.commercial), here, ", ".join(weight.used_by) or "nothing here"


@app.command()
def pull(
    names: Names,
    weights: Folder = WEIGHTS,
    source: Annotated[Path | None, typer.Option("--from", metavar="PATH", help="A file or folder on this machine.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched, from where and how much.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the licences shown.")] = False,
    commercial_only: BusinessOnly = False,
    mirrors: Annotated[bool, typer.Option("--mirrors", help="Also try the table's other sources (same hash).")] = False,
    repin: Annotated[bool, typer.Option("--repin", help="Accept a new edition of a file whose hash nobody published.")] = False,
) -> None:
    """Fetch models, by row or by the engine that reads them: resumable, verified; the licence is shown and accepted once."""
    import os

    from pipeline.core.console import Colour, Console
    from pipeline.core.weights.copying import copy_files
    from pipeline.core.weights.download import network_from
    from pipeline.core.weights.licence import refuse_non_commercial
    from pipeline.core.weights.pull import plan_pull, pull_all, refuse_early, ways
    from pipeline.core.weights.table import rows_for

    console = Console()
    names = list(dict.fromkeys(name for word in names for name in rows_for(word)))
    if commercial_only:
        for name in names:
            refuse_non_commercial(name)
    wants = plan_pull(names, weights, repin=repin)
    for idle in {want.weight.name for want in wants if not want.weight.used_by}:
        console.say(f"{idle}: nothing in this version reads it", Colour.WARN)
    if not wants:
        console.say("everything is here and verified")
        return
    _agree(console, wants, yes=yes or dry_run, remember=not dry_run)
    network = network_from(os.environ)
    if dry_run:
        _show_plan(console, {want: [str(source)] if source else ways(want, network, mirrors=mirrors) for want in wants})
    elif source is not None:
        _show(console, [finding for name in names for finding in copy_files(name, source, weights, _Bar(console, name))])
    else:
        _tell_what_is_here(console, names, weights)
        refuse_early(wants, network, mirrors=mirrors)
        for finding in pull_all(wants, network, mirrors=mirrors, repin=repin, progress=lambda name: _Bar(console, name)):
            _show(console, [finding])


def _tell_what_is_here(console: Console, names: Sequence[str], root: Path) -> None:
    """Offer files that lie elsewhere on this machine, before they are fetched again."""
    from pipeline.core.console import Colour
    from pipeline.core.weights.elsewhere import Elsewhere, command

    places = Elsewhere(root)
    sighted = [each for name in names for each in places.of(name)]
    for each in sighted:
        console.say(each.line(), Colour.WARN)
    if sighted:
        console.say(f"instead of fetching: {command([each.weight.name for each in sighted], root)}", Colour.WARN)


def _agree(console: Console, wants: Sequence[Want], *, yes: bool, remember: bool) -> None:
    """Show each licence once; continue only when it is accepted."""
    import sys

    from pipeline.core.errors import WeightsError
    from pipeline.core.weights.licence import accept, is_accepted, licence_lines

    for weight, root in {want.weight.name: (want.weight, want.root) for want in wants}.values():
        if is_accepted(weight, root):
            continue
        for line in licence_lines(weight):
            console.say(line)
        asked = not any(file.package for file in weight.files)  # pip asks nobody about the same package's licence
        if asked and not yes and not (sys.stdin.isatty() and typer.confirm("Accept?")):
            message = f"weights: the licence of {weight.name} is not accepted"
            raise WeightsError(message, "the same command with --yes accepts what it shows")
        if remember:
            accept(weight, root)


def _show_plan(console: Console, places: Mapping[Want, Sequence[str]]) -> None:
    """Print one line per file: its size, and its addresses."""
    from pipeline.core.weights.files import human_bytes

    for want, urls in places.items():
        size = human_bytes(want.bytes_left) if want.file.bytes_expected else "size unknown"
        console.say(f"{want.path}: {size} from {' or '.join(urls) or f'{want.weight.home} (by hand)'}")
    console.say(f"{human_bytes(sum(want.bytes_left for want in places))} in {len(places)} files; nothing was fetched")


def _show(console: Console, findings: Sequence[Finding]) -> None:
    from pipeline.core.console import Colour

    for finding in findings:
        console.say(finding.line(), None if finding.usable else Colour.BAD)
        if finding.notice:
            console.say(f"  {finding.notice}", Colour.WARN)


class _Bar:
    """Prints the progress of one file: a line every five per cent, or every 500 MB of an unknown size."""

    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name, self._next = console, name, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        """Called with the bytes done and the total; a file below 20 MB prints no line."""
        from pipeline.core.weights.files import human_bytes

        step = max((total or 0) * 0.05, 20e6) if total else 500e6
        if done < self._next or not done:
            return
        if self._next:
            share = f" of {human_bytes(total)}" if total else ""
            self._console.say(f"  {self._name}: {human_bytes(done)}{share}")
        self._next = (done // step + 1) * step


@app.command()
def verify(
    filters: Filters = None,
    weights: Folder = WEIGHTS,
    rehash: Annotated[bool, typer.Option("--rehash", help="Read every file again.")] = False,
    repin: Annotated[bool, typer.Option("--repin", help="Accept what is here where nobody published a hash.")] = False,
) -> None:
    """Check the files that are here against the table; exit code 2 when one is wrong."""
    from pipeline.core.console import Console
    from pipeline.core.errors import ExitCode
    from pipeline.core.weights.access import forget_pins, status_of
    from pipeline.core.weights.access import verify as check
    from pipeline.core.weights.verify import FileState

    console = Console()
    rows = _select(filters or [])
    absent = {FileState.MISSING} if filters else {FileState.MISSING, FileState.INSTALLED}
    here = [row.name for row in rows if any(found.state not in absent for found in status_of(row.name, weights))]
    findings: list[Finding] = []
    for name in here:
        if repin:
            forget_pins(name, weights)
        findings += check(name, weights, rehash=rehash, progress=_Bar(console, name))
    _show(console, findings)
    bad = sum(not finding.usable for finding in findings)
    console.say(f"{len(findings) - bad} verified, {bad} missing or wrong" if findings else f"no model files in {weights}")
    raise typer.Exit(ExitCode.USAGE if bad else ExitCode.DONE)


@app.command()
def path(name: Annotated[str, typer.Argument(help="A row of the table.")], weights: Folder = WEIGHTS) -> None:
    """Print where a verified model is (the folder, when it has several files)."""
    from pipeline.core.console import Console
    from pipeline.core.weights import require

    Console().data(str(require(name, weights)))


@app.command()
def convert(
    engine: Annotated[
        list[str],
        typer.Argument(default_factory=list, metavar="ENGINE", show_default=False, help="Only where the file does not tell."),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The published checkpoint, or folder.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Default: beside the engine's weights, where it is found.")
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", help="fp32, bf16, fp16 or int8.")] = "bf16",
    vae: Annotated[
        Path | None, typer.Option("--vae", metavar="FILE", help="A fine-tuned VAE that replaces the one inside.")
    ] = None,
    lean: Annotated[bool, typer.Option("--lean", help="Leave out weights without effect; diffusers misses them.")] = False,
    variant: Annotated[
        str, typer.Option("--variant", metavar="v1|v2|hd|dc", help="Of DCI-VTON or OOTDiffusion, whose two models are alike.")
    ] = "",
    weights: Folder = WEIGHTS,
) -> None:
    """Turn a published checkpoint into a folder of safetensors that loads in seconds."""
    from pipeline.catalog import resolve
    from pipeline.core.console import Colour, Console
    from pipeline.core.errors import UsageError
    from pipeline.core.weights.access import adopt_converted
    from pipeline.core.weights.converted import converted_folder
    from pipeline.engine_of_file import reader_of

    if len(engine) > 1:
        given = " ".join((*engine, str(file)))
        raise UsageError(f"weights convert {given}: takes one file, and at most one engine", "python run.py weights convert FILE")
    console, reader = Console(), reader_of(file, "".join(engine), variant)
    if reader.about:
        console.say(f"{file}: {reader.about}, for engine {reader.engine}")
    folder = to or converted_folder(reader.weights, weights)
    resolve(reader.convert)(file, folder, dtype=dtype, vae_file=vae, lean=lean)
    if to is None and (notice := adopt_converted(reader.weights, weights)):
        console.say(notice, Colour.WARN)
    console.say(f"{folder}: ready")
