"""What programs rely on: typed answers, how access works, the same request twice, jobs that outlive the page, inputs by id."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from desk import FAKE_RUN, LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.review.jobs.store import FOLDER
from pipeline.review.replays import OtherRequestError, Replays
from pipeline.review.server import make_app

Wait = Callable[..., Any]
OVER = {"done", "failed", "cancelled"}


def opened(desk: Desk, **changes: Any) -> TestClient:
    return TestClient(make_app(desk.serving(**changes), (sys.executable, str(FAKE_RUN))), base_url=LOCAL)


def jpeg(value: int = 90) -> bytes:
    return images.jpeg(np.full((128, 96, 3), value, np.uint8))


def files(name: str, data: bytes) -> dict[str, Any]:
    return {"file": (name, io.BytesIO(data))}


# ---- the description ------------------------------------------------------------------------------------------------------


def described(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").json()
    return found


def test_every_operation_says_what_it_answers(client: TestClient):
    description = described(client)
    untyped = []
    for path, methods in description["paths"].items():
        for method, facts in methods.items():
            good = next(answer for status, answer in facts["responses"].items() if status.startswith("2"))
            schemas = [content.get("schema", {}) for kind, content in good.get("content", {}).items() if "json" in kind]
            untyped += [f"{method} {path}" for schema in schemas if not ({"$ref", "additionalProperties"} & set(schema))]
    assert untyped == []


def test_every_field_of_an_answer_has_a_type(client: TestClient):
    schemas = described(client)["components"]["schemas"]
    free = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, each in schema.get("properties", {}).items()
        if not ({"type", "$ref", "anyOf", "enum", "const", "allOf"} & set(each))
    ]
    assert set(free) <= {"ValidationError.input", "ValidationError.ctx"}, free


def test_the_description_says_how_the_token_is_sent(desk: Desk, client: TestClient):
    description = described(client)
    assert set(description["components"]["securitySchemes"]) == {"bearer", "cookie"}
    assert {} in description["security"], "on this machine none is needed"
    with opened(desk, token="open-sesame") as far:
        with_token = far.get("/api/openapi.json", headers={"authorization": "Bearer open-sesame"}).json()
        assert {} not in with_token["security"]


def test_refusals_are_part_of_the_description(client: TestClient):
    for path, methods in described(client)["paths"].items():
        for method, facts in methods.items():
            assert {"401", "422", "503"} <= set(facts["responses"]), (method, path)


# ---- the same request twice -----------------------------------------------------------------------------------------------


def test_a_job_sent_twice_with_one_key_is_one_job(client: TestClient):
    send = lambda key, **body: client.post("/api/jobs", json=body, headers={"idempotency-key": key})  # noqa: E731
    first, again = send("order-7", only=["ann"]), send("order-7", only=["ann"])
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])
    assert send("order-8", only=["ann"]).json()["id"] != first.json()["id"]
    other = send("order-7", only=["bob"])
    assert other.status_code == 422 and "order-7" in other.json()["message"] and "new key" in other.json()["remedy"]
    assert send("a\tb", only=["ann"]).status_code == 422 and send("x" * 201).status_code == 422


def test_an_upload_sent_twice_with_one_key_is_stored_once(client: TestClient):
    send = lambda data: client.post("/api/inputs/person", files=files("zoe.jpg", data), headers={"idempotency-key": "k"})  # noqa: E731
    first, again = send(jpeg()), send(jpeg())
    assert first.json() == again.json() and first.status_code == again.status_code == 201
    assert send(jpeg(200)).status_code == 422, "another picture under the same key"
    assert client.post("/api/inputs/person", files=files("zoe.jpg", jpeg())).json()["id"] == "zoe-2", (
        "without a key, stored again"
    )


def test_requests_with_one_key_that_meet_are_carried_out_once():
    replays, calls = Replays(), []

    def work() -> int:
        calls.append(1)
        time.sleep(0.02)
        return len(calls)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: replays.once("k", "a", work), range(16))) == {1}
    with pytest.raises(OtherRequestError):
        replays.once("k", "b", work)


def test_what_failed_may_be_sent_again_and_memory_is_bounded():
    replays = Replays(most=3)

    def fails() -> int:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        replays.once("k", "a", fails)
    assert replays.once("k", "a", lambda: 5) == 5
    for name in "xyz":
        replays.once(name, "a", lambda: 1)
    assert replays.once("k", "b", lambda: 6) == 6, "the oldest is forgotten"


# ---- jobs outlive the page ------------------------------------------------------------------------------------------------


def test_a_job_that_ended_is_there_after_a_restart_with_what_it_made(desk: Desk, wait_for: Wait):
    with opened(desk) as page:
        job = page.post("/api/jobs", json={"only": ["ann"]}, headers={"idempotency-key": "order-7"}).json()["id"]
        wait_for(lambda: page.get(f"/api/jobs/{job}").json()["state"] in OVER)
        before, results = page.get(f"/api/jobs/{job}").json(), page.get(f"/api/jobs/{job}/results").json()
    with opened(desk) as page:
        assert page.get(f"/api/jobs/{job}").json() == before
        assert page.get(f"/api/jobs/{job}/results").json() == results
        again = page.post("/api/jobs", json={"only": ["ann"]}, headers={"idempotency-key": "order-7"})
        assert again.json()["id"] == job, "the key outlives the page too"
        other = page.post("/api/jobs", json={"only": ["bob"]}, headers={"idempotency-key": "order-7"})
        assert other.status_code == 422


def test_jobs_that_were_at_work_or_waiting_go_on_in_their_order(desk: Desk, wait_for: Wait):
    with opened(desk) as page:
        ids = [page.post("/api/jobs", json={"only": words}).json()["id"] for words in (["slow"], ["ann"], ["bob"])]
        wait_for(lambda: page.get(f"/api/jobs/{ids[0]}").json()["made"] > 1)
        page.post(f"/api/jobs/{ids[2]}/cancel")
    with opened(desk) as page:
        assert [each["id"] for each in page.get("/api/jobs").json()["jobs"]] == ids[::-1]
        wait_for(lambda: page.get(f"/api/jobs/{ids[0]}").json()["state"] == "running")
        assert page.get(f"/api/jobs/{ids[1]}").json()["state"] == "queued"
        assert page.get(f"/api/jobs/{ids[2]}").json()["state"] == "cancelled"
        assert page.get(f"/api/jobs/{ids[0]}/results").json()["made"], "what was made before the restart"
        page.post(f"/api/jobs/{ids[0]}/cancel")
        wait_for(lambda: page.get(f"/api/jobs/{ids[1]}").json()["state"] == "done")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": "x"}', b"\xff\xfe"])
def test_a_spoilt_file_of_a_job_stops_nothing(desk: Desk, content: bytes):
    folder = desk.layout.path(FOLDER)
    folder.mkdir(parents=True)
    (folder / "abc.json").write_bytes(content)
    with opened(desk) as page:
        assert page.get("/api/jobs").json() == {"jobs": []}
        assert page.post("/api/jobs", json={}).status_code == 202


def test_files_of_jobs_are_deleted_with_them(desk: Desk, wait_for: Wait):
    with opened(desk, limits=replace(desk.small_limits, remembered_jobs=2)) as page:
        for _ in range(5):
            job = page.post("/api/jobs", json={}).json()["id"]
            wait_for(lambda job=job: page.get(f"/api/jobs/{job}").json()["state"] in OVER)
    assert len(list(desk.layout.path(FOLDER).glob("*.json"))) <= 3


def test_a_job_says_what_it_found_made(client: TestClient, wait_for: Wait):
    job = client.post("/api/jobs", json={"only": ["found"]}).json()["id"]
    found = wait_for(lambda: (each := client.get(f"/api/jobs/{job}").json())["state"] in OVER and each)
    assert (found["made"], found["found"]) == (3, 40)


# ---- inputs by id ---------------------------------------------------------------------------------------------------------


def test_an_added_picture_says_the_id_that_a_job_takes(client: TestClient):
    added = client.post("/api/inputs/cloth?category=lower", files=files("Blue Jeans.jpg", jpeg())).json()
    assert added == {
        "id": "Blue_Jeans",
        "ref": "inputs:cloth/lower/Blue_Jeans.jpg",
        "version": added["version"],
        "category": "lower",
    }
    assert added in client.get("/api/inputs").json()["cloth"]


def listed(client: TestClient, ident: str) -> dict[str, Any] | None:
    return next((each for each in client.get("/api/inputs").json()["person"] if each["id"] == ident), None)


def test_a_picture_is_replaced_under_its_id(desk: Desk, client: TestClient):
    before = listed(client, "ann")
    assert before is not None
    png = images.png(np.full((128, 96, 3), 30, np.uint8))
    put = lambda base: client.put(f"/api/inputs/person/ann?base={base}", files=files("new.png", png))  # noqa: E731
    assert put("stale").status_code == 409
    answer = put(before["version"])
    assert answer.status_code == 200 and answer.json()["id"] == "ann" and answer.json()["ref"] == "inputs:person/ann.png"
    assert sorted(path.name for path in (desk.layout.inputs / "person").iterdir()) == ["ann.png", "bob.jpg"]
    broken = client.put(f"/api/inputs/person/ann?base={answer.json()['version']}", files=files("new.png", png[:60]))
    assert broken.status_code == 422 and (desk.layout.inputs / "person" / "ann.png").read_bytes() == png


def test_a_replacement_never_takes_another_file_s_place(desk: Desk, client: TestClient):
    other = desk.layout.inputs / "person" / "ann.png"
    other.write_bytes(images.png(np.full((128, 96, 3), 30, np.uint8)))
    kept = other.read_bytes()
    row = next(each for each in client.get("/api/inputs").json()["person"] if each["ref"] == "inputs:person/ann.jpg")
    path = f"/api/inputs/person/{row['id']}?base={row['version']}"
    answer = client.put(path, files=files("x.png", images.png(np.zeros((128, 96, 3), np.uint8))))
    assert answer.status_code == 409 and "ann.png" in answer.json()["message"]
    assert other.read_bytes() == kept


def test_a_picture_is_removed_once(desk: Desk, client: TestClient):
    before = listed(client, "ann")
    assert before is not None
    remove = lambda base, ident="ann": client.delete(f"/api/inputs/person/{ident}?base={base}")  # noqa: E731
    assert remove("stale").status_code == 409
    assert remove(before["version"], "nobody").status_code == 404
    assert remove(before["version"]).status_code == 204
    assert listed(client, "ann") is None and not (desk.layout.inputs / "person" / "ann.jpg").exists()
    assert remove(before["version"]).status_code == 404


def test_a_link_is_not_followed_to_be_removed(desk: Desk, client: TestClient):
    outside = desk.folder / "treasure.jpg"
    outside.write_bytes(jpeg())
    (desk.layout.inputs / "person" / "linked.jpg").symlink_to(outside)
    row = listed(client, "linked")
    if row is not None:
        assert client.delete(f"/api/inputs/person/linked?base={row['version']}").status_code == 404
    assert outside.exists()


def test_a_picture_is_stored_even_where_a_setting_keeps_the_inputs_from_being_read(desk: Desk, client: TestClient):
    (desk.layout.inputs.parent / "lookbook.toml").write_text("nonsense = 1\n")
    answer = client.post("/api/inputs/person", files=files("zoe.jpg", jpeg()))
    assert answer.status_code == 201 and answer.json()["id"] == "zoe"


def test_events_are_json_that_a_program_can_follow(client: TestClient, wait_for: Wait):
    job = client.post("/api/jobs", json={}).json()["id"]
    wait_for(lambda: client.get(f"/api/jobs/{job}").json()["state"] in OVER)
    events = client.get(f"/api/jobs/{job}/events").json()["events"]
    assert [each["number"] for each in events] == list(range(1, len(events) + 1))
    assert json.dumps(events)
