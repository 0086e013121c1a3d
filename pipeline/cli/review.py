"""The commands `review`, `watch`, `sheet`, and `export pictures`."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import INPUTS, OUTPUTS, WEIGHTS, Config, Inputs, JsonEvents, Outputs, Weights
from pipeline.core.console import Console
from pipeline.core.errors import MissingPackageError, UsageError
from pipeline.request import Request

if TYPE_CHECKING:
    from pipeline.core.items import Scene

Overrides = Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, for every job.")]

NEEDED = ("fastapi", "uvicorn", "python_multipart")


def add_commands(app: typer.Typer) -> None:
    """Add the commands `review`, `watch` and `sheet` to the command line."""
    app.command()(review)
    app.command()(watch)
    app.command()(sheet)


def review(
    host: Annotated[str, typer.Option(help="Address to listen on; anything but this machine needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8321,
    token: Annotated[str, typer.Option(help="Secret that callers need; generated when the address is not this machine.")] = "",
    allow_host: Annotated[list[str], typer.Option(metavar="NAME", help="Further host name of the page.")] = [],  # noqa: B006
    trusted_proxy: Annotated[
        list[str],
        typer.Option(metavar="ADDRESS", help="TLS proxy in front of the page: its X-Forwarded-Proto and -Host are believed."),
    ] = [],  # noqa: B006
    webhook_to: Annotated[
        list[str],
        typer.Option(metavar="HOST[:PORT]", help="Receiver that jobs may tell when they are over; without it webhooks are off."),
    ] = [],  # noqa: B006
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    weights: Weights = WEIGHTS,
    config: Config = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Open the local page to view, judge, place, retouch and rerun."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(f"the review page needs {', '.join(missing)}", "pip install -e '.[web]'")
    from pipeline.review.jobs.webhook import WebhookOptions, webhook_secret
    from pipeline.review.jobs.webhook_address import webhook_receivers
    from pipeline.review.options import Serving, is_loopback, proxy_networks
    from pipeline.review.server import new_token, serve

    request = Request(inputs=inputs, outputs=outputs, weights=weights, config=config, overrides=tuple(overrides))
    proxies = proxy_networks(trusted_proxy)
    secret = token or ("" if is_loopback(host) and not proxies else new_token())
    webhooks = WebhookOptions(allowed=webhook_receivers(webhook_to), secret=webhook_secret(os.environ))
    serving = Serving(
        request=request, host=host, port=port, token=secret, names=tuple(allow_host), proxies=proxies, webhooks=webhooks
    )
    console = Console()
    console.say(f"review page: http://{f'[{host}]' if ':' in host else host}:{port}/{f'?token={secret}' if secret else ''}")
    if proxies:
        query = f"?token={secret}" if secret else ""
        addresses = [f"https://{name}/{query}" for name in allow_host]
        console.say(f"behind the proxy: {', '.join(addresses) or 'name its host with --allow-host'}")
    console.say("Ctrl-C ends; what is finished is kept")
    serve(serving)


def watch(
    every: Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="Time between two checks of the folder.")] = 2.0,
    json_events: JsonEvents = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    weights: Weights = WEIGHTS,
    config: Config = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Do new photos, garments and backgrounds as they arrive."""
    from pipeline.cli.session import Session
    from pipeline.cli.watch import watch as keep_watch

    console = Console(json_events)
    request = Request(inputs=inputs, outputs=outputs, weights=weights, config=config, overrides=tuple(overrides))
    raise typer.Exit(keep_watch(Session(request, console), console, every))


def sheet(
    file: Annotated[Path | None, typer.Argument(help="The PDF [default: report/sheet.pdf in the outputs].")] = None,
    only_kept: Annotated[bool, typer.Option("--only-kept", help="Only pictures that are marked to keep.")] = False,
    columns: Annotated[int, typer.Option(min=1, max=10, help="Pictures side by side.")] = 4,
    title: Annotated[str, typer.Option(help="Above each page.")] = "Lookbook",
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    config: Config = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Print finished pictures on a contact sheet: PDF, A4, with names and page numbers."""
    from pipeline.core.layout import CONTACT_SHEET
    from pipeline.report.sheet import SheetPicture, write_sheet
    from pipeline.review.export import finished_entries, open_gallery
    from pipeline.review.workspace import Workspace

    if file is not None and file.is_dir():
        raise UsageError(f"{file} is a folder", f"name a file: {file / 'sheet.pdf'}")
    workspace = Workspace(Request(inputs=inputs, outputs=outputs, config=config, overrides=tuple(overrides)))
    entries = finished_entries(open_gallery(workspace), only_kept)
    if not entries:
        raise UsageError(
            "no finished picture to show", "mark some to keep: python run.py review" if only_kept else "python run.py --step all"
        )
    shown = [SheetPicture(workspace.layout.path(each.ref), _caption(each.scene)) for each in entries]
    target = file or workspace.layout.path(CONTACT_SHEET)
    pages = write_sheet(shown, target, title, columns)
    Console().say(f"{target}: {len(shown)} pictures on {pages} page{'' if pages == 1 else 's'}")


def _caption(scene: Scene) -> tuple[str, str, str]:
    garments = " + ".join(garment.id for garment in scene.pair.garments)
    return scene.pair.person.original.id, garments, scene.background.id


def export(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go; files of the same name are replaced.")],
    only_kept: Annotated[bool, typer.Option("--only-kept", help="Only pictures that are marked to keep.")] = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    config: Config = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Copy finished pictures out of the outputs folder."""
    from pipeline.review.export import export_files, finished_entries, open_gallery
    from pipeline.review.workspace import Workspace

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", "name a folder")
    request = Request(inputs=inputs, outputs=outputs, config=config, overrides=tuple(overrides))
    workspace = Workspace(request)
    count = export_files(workspace.layout, finished_entries(open_gallery(workspace), only_kept), folder)
    Console().say(f"{count} pictures copied to {folder}")
