"""What a run says at its end."""

from __future__ import annotations

import json

import pytest

from pipeline.cli.progress import Progress, say_failures, say_problems, say_summary
from pipeline.core.console import Console
from pipeline.core.inputs.scan import Problem
from pipeline.planning.reasons import output_missing
from pipeline.running.summary import ItemEvent, ItemFailure, RunSummary, StageResult


def test_a_broken_background_is_one_row_however_many_pairs_it_fails(capsys: pytest.CaptureFixture[str]):
    same = [ItemFailure("compose", f"p{number}__tee__sea", "sea.png: too small", "use a larger picture") for number in range(200)]
    say_failures(Console(), [ItemFailure("cloth", "wide", "no garment found"), *same])
    said = "".join(capsys.readouterr())
    assert "201 failed" in said and said.count("sea.png: too small") == 1
    assert "p0__tee__sea and 199 more" in said and "no garment found" in said


def test_a_cause_that_fails_every_pair_is_said_three_times_while_it_happens(capsys: pytest.CaptureFixture[str]):
    progress = Progress(Console())
    for number in range(50):
        progress.item_finished(ItemEvent("compose", f"p{number}", True, message="sea.png: too small"))
    progress.item_finished(ItemEvent("compose", "q", True, message="room.png: too small"))
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split()[1] for line in said] == ["p0", "p1", "p2", "and", "q"]


def test_a_name_with_a_line_break_or_a_terminal_code_stays_on_its_line(capsys: pytest.CaptureFixture[str]):
    message = "inputs/person/new\nline\x1b[31m.jpg: the file is empty"
    Progress(Console()).item_finished(ItemEvent("background", "new_line", True, message=message))
    say_failures(Console(), [ItemFailure("background", "new_line", message, "mv 'new\nline' x")])
    say_problems(Console(), [Problem("pairs.txt", "unknown person 'a\nb'", "ls 'a\nb'")])
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 6 and "\x1b" not in said
    assert said.count(r"new\nline\x1b[31m.jpg: the file is empty") == 2


def test_a_missing_output_is_called_by_its_kind_and_not_by_its_engine():
    assert output_missing("final/preview/ann__tee__sea.png").text == "output missing: final"
    assert output_missing("vitonhd/test/image-densepose/ann.jpg").text == "output missing: image-densepose"


def finished(seconds: float, pictures: int) -> RunSummary:
    made = {f"final/preview/{number}.png" for number in range(pictures)}
    return RunSummary([StageResult("restore", pictures=made), StageResult("restore", pictures=set(made))], seconds=seconds)


def test_a_thousand_pictures_cost_this_runs_time_for_each_at_the_machines_price(capsys: pytest.CaptureFixture[str]):
    summary = finished(seconds=30, pictures=10)
    assert summary.pictures == 10 and summary.cost_of_thousand(2.4) == pytest.approx(2.0)
    say_summary(Console(), summary, "report", price_per_hour=2.4)
    assert "3.00 s a picture in this run: 1,000 pictures cost about 2.00 at 2.40 an hour" in "".join(capsys.readouterr())


def test_nothing_is_said_about_costs_without_a_price_or_without_a_picture(capsys: pytest.CaptureFixture[str]):
    say_summary(Console(), finished(30, 10), "report")
    say_summary(Console(), finished(30, 0), "report", price_per_hour=2.4)
    assert "cost" not in "".join(capsys.readouterr())
    assert finished(30, 0).cost_of_thousand(2.4) is None


def test_programs_read_pictures_seconds_and_cost(capsys: pytest.CaptureFixture[str]):
    say_summary(Console(json_events=True), finished(30, 10), "report", price_per_hour=2.4)
    event = json.loads(capsys.readouterr().out)
    assert (event["pictures"], event["seconds"], event["cost_per_1000"]) == (10, 30, pytest.approx(2.0))
