"""`python run.py watch`: runs when files are added. It polls the folder, which works on every disk and every system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pipeline.cli.session import Session
from pipeline.core.console import Colour, Console
from pipeline.core.errors import ExitCode, LookbookError
from pipeline.review.workspace import Workspace

Sleep = Callable[[float], None]


def settled(stamp: Callable[[], str], every_s: float, sleep: Sleep = time.sleep) -> Iterator[str]:
    """Each new state of a folder, once it is the same twice in a row, so that a file that is being copied is not used yet.

    Args:
        stamp: returns the present state, which changes with every file.
        every_s: seconds between two calls of it.
        sleep: replaced in tests.
    """
    seen, reported = "", ""
    while True:
        now = stamp()
        if now == seen and now != reported:
            reported = now
            yield now
        seen = now
        sleep(every_s)


def watch(session: Session, console: Console, every_s: float, sleep: Sleep = time.sleep) -> ExitCode:
    """Run whenever the inputs or the settings changed, until Ctrl-C. An error is printed, and the watch continues.

    Args:
        session: what to run.
        console: prints lines and events.
        every_s: seconds between two checks of the folder.
        sleep: replaced in tests.
    """
    workspace = Workspace(session.request)
    console.say(f"watching {workspace.layout.inputs}; Ctrl-C ends")
    try:
        for _ in settled(workspace.inputs_stamp, every_s, sleep):
            try:
                code = session.run(ask=False)
                if code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
                    return code
            except LookbookError as problem:
                console.event("error", {"message": problem.message, "remedy": problem.remedy})
                console.say(f"{problem}", Colour.WARN)
            console.say("waiting for new files", Colour.DIM)
    except KeyboardInterrupt:
        pass
    return ExitCode.INTERRUPTED
