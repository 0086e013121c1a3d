"""What code far from the console logs is said by it: once, in the right place, also as an event."""

from __future__ import annotations

import io
import json
import logging

import pytest

from pipeline.core.console import LOG, Console, follow_log


@pytest.fixture(autouse=True)
def _restore():
    log = logging.getLogger(LOG)
    before, level = list(log.handlers), log.level
    yield
    log.handlers[:], log.level = before, level


def test_announcements_reach_the_person():
    said = io.StringIO()
    follow_log(Console(stream=said))
    logging.getLogger(LOG).info("compiling %s", "the network")
    logging.getLogger(LOG).warning("half of it failed")
    logging.getLogger(LOG).debug("inner life")
    assert said.getvalue() == "compiling the network\nhalf of it failed\n"


def test_only_the_last_console_speaks():
    first, second = io.StringIO(), io.StringIO()
    for stream in (first, second):
        follow_log(Console(stream=stream))
    logging.getLogger(LOG).info("once")
    assert (first.getvalue(), second.getvalue()) == ("", "once\n")


def test_a_remark_after_the_stream_was_closed_stops_nothing():
    gone = io.StringIO()
    follow_log(Console(stream=gone))
    gone.close()
    logging.getLogger(LOG).info("nobody hears it")


def test_programs_get_an_event(capsys):
    follow_log(Console(json_events=True, stream=io.StringIO()))
    logging.getLogger(LOG).info("compiled in 90 s")
    assert json.loads(capsys.readouterr().out) == {"event": "note", "text": "compiled in 90 s"}


@pytest.mark.parametrize(
    ("started_as", "shown"),
    [
        ("run.py", "missing → python run.py doctor, or pip install -e '.[web]', or pip install -e ."),
        ("/usr/local/bin/lookbook", "missing → lookbook doctor, or pip install 'lookbook[web]', or pip install lookbook"),
        ("C:/Scripts/lookbook.exe", "missing → lookbook doctor, or pip install 'lookbook[web]', or pip install lookbook"),
    ],
)
def test_commands_are_shown_as_the_user_started_the_program(monkeypatch, started_as: str, shown: str):
    monkeypatch.setattr("sys.argv", [started_as])
    stream = io.StringIO()
    Console(stream=stream).say("missing → python run.py doctor, or pip install -e '.[web]', or pip install -e .")
    assert stream.getvalue() == shown + "\n"
