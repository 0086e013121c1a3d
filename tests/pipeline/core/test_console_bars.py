"""Where a progress bar is drawn: text on a terminal, a widget in a notebook that has them, and a plain line elsewhere."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from pipeline.core import console as consoles
from pipeline.core.console import Console


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


class Widget:
    """Stands in for tqdm's bar of widgets; keeps what it was told."""

    drawn: list[Widget]

    def __init__(self, total: int, desc: str, **settings: object) -> None:
        self.total, self.title, self.done, self.closed = total, desc, 0, False
        type(self).drawn.append(self)

    def set_postfix_str(self, note: str, refresh: bool) -> None:
        """Beside the bar."""

    def update(self, more: int) -> None:
        self.done += more

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def notebook(monkeypatch):
    """Pretend to be a cell of a notebook, in an environment with these packages."""
    Widget.drawn = []

    def pretend(*packages: str, config: str = "IPKernelApp") -> io.StringIO:
        said = io.StringIO()
        shell = SimpleNamespace(config={config: {}})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        monkeypatch.setitem(sys.modules, "tqdm.notebook", SimpleNamespace(tqdm=Widget))
        monkeypatch.setattr(consoles.importlib.util, "find_spec", lambda name: name if name in packages else None)
        monkeypatch.setattr(sys, "stdout", said)
        return said

    return pretend


def two_of_three(console: Console) -> None:
    console.start_bar("pose", 3)
    console.advance("ann")
    console.advance("bob")
    console.close_bar()


def test_a_notebook_with_widgets_gets_one_bar_of_them_per_step(notebook):
    said = notebook("ipywidgets")
    console = Console()
    two_of_three(console)
    two_of_three(console)
    assert [(bar.title, bar.total, bar.done, bar.closed) for bar in Widget.drawn] == [("pose", 3, 2, True)] * 2
    assert said.getvalue() == ""


def test_a_notebook_without_widgets_gets_a_line(notebook):
    said = notebook()
    two_of_three(Console())
    assert said.getvalue() == "pose: 3 to do\n" and Widget.drawn == []


def test_ipython_in_a_terminal_is_a_terminal(notebook, monkeypatch):
    notebook("ipywidgets", config="TerminalIPythonApp")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    two_of_three(Console())
    assert "pose" in terminal.getvalue() and "2/3" in terminal.getvalue() and Widget.drawn == []


@pytest.mark.parametrize("settings", [{"json_events": True}, {"stream": io.StringIO()}], ids=["events", "a file"])
def test_in_a_notebook_too_programs_and_files_get_lines(notebook, settings):
    notebook("ipywidgets")
    two_of_three(Console(**settings))
    assert Widget.drawn == []


def test_a_program_in_a_pipe_gets_a_line(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    two_of_three(Console())
    assert said.getvalue() == "pose: 3 to do\n"
