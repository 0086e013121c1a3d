"""Jobs run one at a time in a process of their own; whatever happens to it, the page goes on."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pytest
from desk import Desk
from starlette.testclient import TestClient

from pipeline.api import Request
from pipeline.review.answers import JobState
from pipeline.review.jobs.job import ReviewJob
from pipeline.review.models import NewJob
from pipeline.settings import read_settings

OVER = {"done", "failed", "cancelled"}


def submit(client: TestClient, *words: str, **spec: object) -> str:
    answer = client.post("/api/jobs", json={"only": list(words), **spec})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def finished(client: TestClient, job: str, wait_for) -> dict:
    return wait_for(lambda: (found := client.get(f"/api/jobs/{job}").json())["state"] in OVER and found)


def test_a_job_is_followed_to_its_results(client: TestClient, wait_for):
    job = submit(client)
    done = finished(client, job, wait_for)
    assert done["state"] == "done" and done["made"] == 3 and done["to_do"] == 3 and done["exit_code"] == 0
    results = client.get(f"/api/jobs/{job}/results").json()
    place = "final/preview/ann__tee__room.png"
    made = [each for each in results["pictures"] if not each["found"]]
    assert made == [
        {"item": "ann__tee__room", "name": place[14:], "ref": place, "url": f"/files/{place}", "found": False, "further": []}
    ]
    assert len(results["pictures"]) == 12, "and those that were there already"
    assert client.get(results["pictures"][0]["url"]).status_code == 200
    events = client.get(f"/api/jobs/{job}/events").json()["events"]
    assert [event["kind"] for event in events[-2:]] == ["done", "finished"]
    assert client.get(f"/api/jobs/{job}/events", params={"after": events[-2]["number"]}).json()["events"] == events[-1:]


def test_the_steps_and_patterns_reach_the_command_line_and_cannot_become_options(client: TestClient, desk: Desk, wait_for):
    job = submit(client, "--force", "-y; rm *", steps=["tryon", "compose"], retry_failed=True)
    finished(client, job, wait_for)
    words = client.get(f"/api/jobs/{job}/events").json()["events"][0]["words"]
    assert "--step=tryon,compose" in words and "--only=--force" in words and "--only=-y; rm *" in words
    assert "--force" not in words and "--retry-failed" in words and f"--inputs={desk.layout.inputs}" in words
    assert not {"--another", "--retry-bad=0"} & set(words)


def test_another_picture_and_further_tries_reach_the_command_line(client: TestClient, wait_for):
    job = submit(client, steps=["tryon", "compose"], another=True, retry_bad=2)
    finished(client, job, wait_for)
    words = client.get(f"/api/jobs/{job}/events").json()["events"][0]["words"]
    assert "--another" in words and "--retry-bad=2" in words
    assert client.post("/api/jobs", json={"retry_bad": 21}).status_code == 422


def test_a_job_without_options_is_the_plain_request_of_the_page():
    page = Request(inputs=Path("in"), overrides=("run.seed=3",), workers=2)
    assert NewJob().request(page) == page


def test_a_job_changes_the_request_of_the_page_by_what_was_sent():
    sent = NewJob(steps=["tryon"], only=["--force"], skip=["b"], force=True, engine="preview", limit=4)
    made = sent.request(Request(overrides=("run.seed=3",)))
    assert made.words() == [
        *("--force", "--step=tryon", "--set=run.seed=3", "--set=run.engine=preview"),
        *("--only=--force", "--skip=b", "--limit=4"),
    ]


def test_a_stage_that_begins_again_adds_to_what_there_is_to_do():
    job = ReviewJob("x", NewJob(), Request(), deque())
    job.note("stage", {"stage": "tryon", "to_do": 2, "done": 0})
    for pair in ("a", "b"):
        job.note("done", {"stage": "tryon", "item": pair})
    job.note("stage", {"stage": "tryon", "to_do": 1, "done": 0})
    assert (job.stages["tryon"].to_do, job.stages["tryon"].left) == (3, 1)


def test_a_job_that_crashes_takes_nothing_down(client: TestClient, wait_for):
    job = finished(client, submit(client, "crash"), wait_for)
    assert job["state"] == "failed" and "ended with -6" in job["message"] and job["remedy"]
    assert finished(client, submit(client), wait_for)["state"] == "done"


def test_a_job_that_refuses_says_why_and_what_helps(client: TestClient, wait_for):
    job = finished(client, submit(client, "refuse"), wait_for)
    assert (job["state"], job["message"], job["remedy"]) == ("failed", "inputs/person is empty", "put photos there")


def test_items_that_fail_are_listed_and_the_job_counts_as_done(client: TestClient, wait_for):
    job = finished(client, submit(client, "fail"), wait_for)
    assert job["state"] == "done" and job["failed"] == 1 and job["exit_code"] == 3
    assert job["failures"][0]["message"] == "no person found"


def test_what_libraries_print_disturbs_nothing(client: TestClient, wait_for):
    job = finished(client, submit(client, "noise"), wait_for)
    assert job["state"] == "done" and job["made"] == 3


def test_a_job_stops_when_asked_and_the_next_one_begins(client: TestClient, wait_for):
    slow, waiting = submit(client, "slow"), submit(client)
    wait_for(lambda: client.get(f"/api/jobs/{slow}").json()["made"] > 1)
    assert client.get(f"/api/jobs/{slow}").json()["seconds_left"] > 1
    assert client.post(f"/api/jobs/{slow}/cancel").json()["state"] == "stopping"
    assert finished(client, slow, wait_for)["state"] == "cancelled"
    assert finished(client, waiting, wait_for)["state"] == "done"


def test_a_job_that_does_not_listen_is_killed_when_asked_again(client: TestClient, wait_for):
    job = submit(client, "slow", "stubborn")
    wait_for(lambda: client.get(f"/api/jobs/{job}").json()["made"] > 1)
    client.post(f"/api/jobs/{job}/cancel")
    client.post(f"/api/jobs/{job}/cancel")
    assert finished(client, job, wait_for)["state"] == "cancelled"


def test_the_queue_pushes_back_and_waiting_jobs_can_be_taken_out(client: TestClient, wait_for):
    running = submit(client, "slow")
    wait_for(lambda: client.get(f"/api/jobs/{running}").json()["state"] == "running")
    waiting = [submit(client), submit(client)]
    refused = client.post("/api/jobs", json={})
    assert refused.status_code == 429 and refused.headers["retry-after"]
    assert client.post(f"/api/jobs/{waiting[0]}/cancel").json()["state"] == "cancelled"
    assert client.post("/api/jobs", json={}).status_code == 202
    client.post(f"/api/jobs/{running}/cancel")
    assert finished(client, waiting[1], wait_for)["state"] == "done"


@pytest.mark.parametrize(
    "spec",
    [
        {"steps": []},
        {"steps": ["pars"]},
        {"steps": ["all", "pose"]},
        {"only": ["a\nb"]},
        {"only": ["\x00"]},
        {"engine": "../x"},
        {"limit": 0},
        {"nonsense": 1},
        [],
    ],
)
def test_a_job_that_makes_no_sense_is_refused(client: TestClient, spec: object):
    answer = client.post("/api/jobs", json=spec)
    assert answer.status_code in {409, 422} and answer.json()["message"]


def test_an_unknown_job_is_said_to_be_unknown(client: TestClient):
    for path in ("", "/events", "/results"):
        assert client.get(f"/api/jobs/nothing{path}").status_code == 404


def test_time_left_follows_the_pace_of_the_stage_and_the_guess_for_the_rest(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("pipeline.review.jobs.job.monotonic", lambda: now[0])
    job = ReviewJob("a", NewJob(), Request(), deque(maxlen=10))
    job.begin()
    assert job.seconds_left is None
    stages = [{"stage": "tryon", "to_do": 4, "seconds_each": 1.0}, {"stage": "compose", "to_do": 8, "seconds_each": 0.5}]
    job.note("estimate", {"stages": stages})
    assert job.seconds_left == 8.0
    job.note("stage", {"stage": "tryon", "to_do": 4})
    now[0] += 6
    job.note("done", {"stage": "tryon", "item": "a"})
    job.note("failed", {"stage": "tryon", "item": "b", "message": "", "remedy": ""})
    assert job.seconds_left == 2 * 3.0 + 8 * 0.5
    job.end(JobState.DONE)
    assert job.seconds_left is None


def test_sizes_format_and_layers_are_settings_of_one_job(client: TestClient, wait_for):
    job = submit(client, sizes=["1:1@1080", " @800 "], format="jpeg", layers=True)
    done = finished(client, job, wait_for)
    assert (done["sizes"], done["format"], done["layers"]) == (["1:1@1080", "@800"], "jpeg", True)
    words = client.get(f"/api/jobs/{job}/events").json()["events"][0]["words"]
    for section in ("compose", "restore"):
        assert f'--set={section}.sizes=["1:1@1080", "@800"]' in words and f"--set={section}.format=jpeg" in words
    assert "--set=compose.layers=true" in words
    plain = finished(client, submit(client), wait_for)
    assert (plain["sizes"], plain["format"], plain["layers"]) == (None, None, None)


def test_the_run_reads_what_a_job_says_over_the_settings_file(tmp_path: Path):
    file = tmp_path / "lookbook.toml"
    file.write_text('[compose]\nsizes = ["3:4"]\nlayers = true\n[restore]\nsizes = ["@500"]\nformat = "webp"\n')
    base = Request(config=file)
    read = lambda **asked: read_settings(base.inputs, file, NewJob(**asked).request(base).overrides)  # noqa: E731
    asked = read(sizes=["1:1@1080"], format="jpeg", layers=False)
    assert [asked[each].model_dump(include={"sizes", "format"}) for each in ("compose", "restore")] == [
        {"sizes": ("1:1@1080",), "format": "jpeg"}
    ] * 2
    assert asked["compose"].layers is False
    assert read(sizes=[])["restore"].sizes == () and read()["restore"].sizes == ("@500",) and read()["compose"].layers is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("sizes", each) for each in (["1:1@1080", "1:1@1080"], ["../x"], ["0:1"], ["@99999"], [""], "1:1", ["1:1", 3])),
        *(("format", each) for each in ("gif", "", "jpeg\n", "jpeg --force")),
        ("sizes", [f"@{100 + side}" for side in range(13)]),
        ("layers", "perhaps"),
    ],
)
def test_a_size_or_format_that_does_not_fit_is_named(client: TestClient, field: str, value: object):
    answer = client.post("/api/jobs", json={field: value})
    assert answer.status_code == 422 and answer.json()["message"].startswith(f"body.{field}")


def test_sizes_and_layers_of_a_picture_are_results_that_can_be_fetched(client: TestClient, desk: Desk, wait_for):
    for folder in ("sizes/preview/1x1-1080", "sizes/preview/800"):
        desk.put(f"{folder}/ann__tee__room.png", np.full((20, 20, 3), 90, np.uint8))
    desk.put("layers/preview/ann__tee__room-3-person.png", np.full((20, 20, 4), 90, np.uint8))
    job = submit(client)
    finished(client, job, wait_for)
    pictures = {each["item"]: each for each in client.get(f"/api/jobs/{job}/results").json()["pictures"]}
    further = pictures["ann__tee__room"]["further"]
    assert [each["name"] for each in further] == [
        *("1x1-1080/ann__tee__room.png", "800/ann__tee__room.png", "layers/ann__tee__room-3-person.png")
    ]
    assert all(client.get(each["url"]).status_code == 200 for each in further)
    assert pictures["bob__tee__room"]["further"] == []
    for path in ("sizes/preview/ann.png", "sizes/preview/800/deeper/ann__tee__room.png", "sizes/preview/../../x.png"):
        assert client.get(f"/files/{path}").status_code == 404
