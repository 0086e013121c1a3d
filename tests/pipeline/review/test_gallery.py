"""The gallery shows what is there, filters it, remembers decisions, and exports what was kept."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from desk import ENGINE, Desk, scenery
from starlette.testclient import TestClient

from pipeline.api import run
from pipeline.core import images
from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import ATTENTION, LAYERS, LEDGER, SIZES, VERDICTS
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome, Status
from pipeline.review.verdicts import Mark, Verdict, Verdicts, parse


def listed(client: TestClient, **wanted: object) -> list[str]:
    return [each["id"] for each in client.get("/api/items", params=wanted).json()["items"]]


def note(desk: Desk, *outcomes: Outcome) -> None:
    ledger = Ledger(desk.layout.path(LEDGER), durable=False)
    ledger.settle([], outcomes)
    ledger.close()


def test_every_pair_in_front_of_every_background_and_its_own_photo_is_listed(client: TestClient):
    found = client.get("/api/items").json()
    assert found["total"] == 12
    assert found["items"][0]["id"] == "ann__tee__original"
    assert {each["state"] for each in found["items"]} == {"done"}


def test_filters_restrict_together(client: TestClient):
    assert listed(client, person="bob", background="sea") == ["bob__tee__sea", "bob__top__sea"]
    assert listed(client, q="TOP__Room") == ["ann__top__room", "bob__top__room"]
    assert listed(client, person="nobody") == []


def test_the_gallery_says_which_pictures_are_wider_than_high(desk: Desk, client: TestClient):
    assert client.get("/api/items").json()["shapes"] is None
    desk.final(background="original").unlink()  # not made yet: it will have the shape of the person's photo
    shapes = client.get("/api/items", params={"shapes": True, "limit": 1}).json()["shapes"]
    assert shapes == [1, 2, 1, 8]
    assert client.get("/api/items", params={"shapes": True, "background": "room"}).json()["shapes"] == [0, 4]
    assert client.get("/api/items", params={"shapes": True, "q": "nobody"}).json()["shapes"] == [0]


def test_pages_follow_each_other(client: TestClient):
    assert listed(client, offset=10, limit=5) == ["bob__top__room", "bob__top__sea"]


def test_flags_failures_and_scores_come_from_the_ledger(desk: Desk, client: TestClient):
    flag = (Notice(Flag.SEVERAL_PEOPLE, "2 people"),)
    note(
        desk,
        Outcome(slot="cutout/ann.png", step="background", item="ann", status=Status.DONE, notices=flag),
        Outcome(
            slot="a",
            step="compose",
            item="bob__tee__sea",
            status=Status.FAILED,
            message="the cut-out is empty",
            remedy="run again",
        ),
        *(
            Outcome(slot=f"final/{engine}/{item}.png", step="restore", item=item, status=Status.DONE, facts={"score": score})
            for engine, item, score in (
                ("preview", "bob__top__sea", "0.4"),
                ("preview", "bob__top__room", "0.9"),
                ("another", "bob__top__room", "0.1"),
            )
        ),
    )
    assert len(listed(client, flag="several-people")) == 6 and len(listed(client, flag="any")) == 6
    (failed,) = client.get("/api/items", params={"state": "failed"}).json()["items"]
    assert failed["id"] == "bob__tee__sea" and failed["remedy"] == "run again"
    assert listed(client, max_score=0.5) == ["bob__top__sea"]
    assert listed(client, sort="score", min_score=0) == ["bob__top__sea", "bob__top__room"]
    facets = client.get("/api/facets").json()
    assert ["several-people", 6] in facets["flag"] and ["failed", 1] in facets["state"]


def test_a_picture_that_is_gone_is_missing_and_a_new_input_appears(desk: Desk, client: TestClient, wait_for):
    client.get("/api/items")
    desk.final().unlink()
    desk.put("inputs:background/town.jpg", scenery())
    wait_for(lambda: len(listed(client, state="missing")) == 5)
    assert "ann__tee__room" in listed(client, state="missing")


def test_a_picture_that_is_taken_away_is_missing_although_nothing_else_changed(desk: Desk, client: TestClient, wait_for):
    assert listed(client, state="missing") == []
    desk.final().unlink()
    wait_for(lambda: listed(client, state="missing") == ["ann__tee__room"])


@pytest.fixture
def hardly_ever_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A page whose gallery was just read, and is read again for its own changes only, as in a very large folder."""
    monkeypatch.setattr("pipeline.review.gallery.PAUSE_FACTOR", 1e9)
    client.app.state.page.gallery._not_before = 0.0  # the client may have asked before
    assert client.get("/api/items").json()["total"] == 12
    return client


def test_what_the_page_changed_itself_is_seen_by_whoever_asks_next(hardly_ever_read: TestClient, desk: Desk):
    client = hardly_ever_read
    desk.final(person="bob").unlink()
    assert listed(client, state="missing") == [], "what others change waits for its turn"

    files = {"file": ("kilt.png", io.BytesIO(images.png(np.full((80, 80, 3), 9, np.uint8))))}
    added = client.post("/api/inputs/cloth", params={"category": "lower"}, files=files).json()
    assert client.get("/api/items").json()["total"] == 18
    renamed = client.post("/api/inputs/cloth/kilt/rename", json={"name": "skirt", "base": added["version"]}).json()
    assert len(listed(client, q="skirt")) == 6 and listed(client, q="kilt") == []
    client.put("/api/pairs", json={"pairs": [["ann", "skirt"]], "base": ""})
    assert listed(client) == ["ann__skirt__original", "ann__skirt__room", "ann__skirt__sea"]
    client.delete("/api/pairs")
    assert client.get("/api/items").json()["total"] == 18
    client.delete("/api/inputs/cloth/skirt", params={"base": renamed["version"]})
    assert client.get("/api/items").json()["total"] == 12


def test_what_a_job_made_is_there_when_it_is_over(hardly_ever_read: TestClient, desk: Desk, wait_for):
    client = hardly_ever_read
    desk.final(background="sea").unlink()
    job = client.post("/api/jobs", json={"only": ["ann"]}).json()["id"]
    wait_for(lambda: client.get(f"/api/jobs/{job}").json()["state"] == "done")
    assert "ann__tee__sea" not in {each["item"] for each in client.get(f"/api/jobs/{job}/results").json()["pictures"]}
    assert listed(client, state="missing") == ["ann__tee__sea"]


def test_a_cropped_picture_says_which_part_of_its_background_it_shows(desk: Desk, client: TestClient):
    desk.final().unlink()
    run(replace(desk.request, steps=("compose",), only=("ann__tee", "room"), overrides=("compose.crop=1:1",)))
    windows = {each["label"]: each["window"] for each in client.get("/api/items/ann__tee__room").json()["stages"]}
    left, top, right, bottom = windows["final"]
    assert (top, bottom) == (0, 1) and right - left == pytest.approx(300 / 420, abs=0.005)
    whole, part = (images.read_rgb(path) for path in (desk.layout.inputs / "background" / "room.jpg", desk.final()))
    assert np.array_equal(part[:20], whole[:20, round(left * 420) : round(right * 420)]), "the wall above everybody"
    assert windows["background"] is None and windows["photo"] is None


def test_one_picture_shows_every_stage_it_was_made_of(desk: Desk, client: TestClient):
    desk.put(ATTENTION.of("ann__tee", ENGINE), scenery())
    shown = client.get("/api/items/ann__tee__room").json()
    labels = [each["label"] for each in shown["stages"]]
    assert labels == [
        "photo",
        "person",
        "agnostic",
        "mask",
        "garment",
        "cloth",
        "cloth mask",
        "try-on",
        "attention",
        "dressed cut-out",
        "own photo",
        "background",
        "final",
    ]
    for stage in shown["stages"]:
        served = client.get(f"/files/{stage['ref']}", params={"v": stage["version"]})
        assert served.status_code == 200 and "immutable" in served.headers["cache-control"]
    assert client.get("/api/items/nobody").status_code == 404


def test_a_thumbnail_is_made_once_and_follows_the_picture(desk: Desk, client: TestClient):
    ref = "inputs:background/room.jpg"
    first = client.get(f"/thumbs/{ref}")
    assert first.headers["content-type"] == "image/webp" and first.content[8:12] == b"WEBP"
    kept = list((desk.layout.outputs / "report" / "thumbs").glob("*.webp"))
    assert client.get(f"/thumbs/{ref}").content == first.content and len(kept) == 1
    desk.put(ref, 255 - scenery())
    assert client.get(f"/thumbs/{ref}").content != first.content


def test_a_broken_picture_has_no_thumbnail_and_breaks_nothing(desk: Desk, client: TestClient):
    (desk.layout.inputs / "person" / "ann.jpg").write_bytes(b"\xff\xd8\xff nothing")
    assert client.get("/thumbs/inputs:person/ann.jpg").status_code == 404
    assert client.get("/api/items/ann__tee__room").status_code == 200


def test_a_decision_is_written_down_and_can_be_taken_back(desk: Desk, client: TestClient):
    answer = client.post("/api/verdicts", json={"items": ["ann__tee__room"], "verdict": "keep"})
    assert answer.json()["items"][0]["verdict"] == "keep"
    (line,) = desk.layout.path(VERDICTS).read_text("utf-8").splitlines()
    assert json.loads(line)["item"] == "ann__tee__room" and json.loads(line)["engine"] == ENGINE
    assert listed(client, verdict="keep") == ["ann__tee__room"]
    client.post("/api/verdicts", json={"items": ["ann__tee__room"], "verdict": "none"})
    assert listed(client, verdict="keep") == [] and len(listed(client, verdict="none")) == 12
    assert len(desk.layout.path(VERDICTS).read_text("utf-8").splitlines()) == 2, "nothing is ever overwritten"


def test_decisions_of_others_are_seen_and_torn_lines_passed_over(desk: Desk, client: TestClient):
    path = desk.layout.path(VERDICTS)
    path.write_bytes(b'{"item": "ann__tee__sea", "engine": "preview", "verdict": "reject"}\nrubbish\n{"item": "ann__tee__ro')
    assert listed(client, verdict="reject") == ["ann__tee__sea"]
    client.post("/api/verdicts", json={"items": ["bob__tee__sea"], "verdict": "redo"})
    assert [each.item for each in parse(path.read_bytes())] == ["ann__tee__sea", "bob__tee__sea"]


def test_a_picture_made_anew_is_to_be_looked_at_again(tmp_path):
    verdicts = Verdicts(tmp_path / "verdicts.jsonl")
    verdicts.add(Verdict("a", "preview", Mark.KEEP, "hash-of-the-old-picture"))
    again = Verdicts(tmp_path / "verdicts.jsonl")
    again.refresh()
    assert again.of("a", "preview").picture == "hash-of-the-old-picture"


def test_an_unknown_picture_gets_no_decision(desk: Desk, client: TestClient):
    assert client.post("/api/verdicts", json={"items": ["ann__tee__room", "nobody"], "verdict": "keep"}).status_code == 404
    assert not desk.layout.path(VERDICTS).exists()


def test_only_what_was_kept_is_exported(desk: Desk, client: TestClient, tmp_path, monkeypatch, capsys):
    from pipeline.cli.review import export

    client.post("/api/verdicts", json={"items": ["ann__tee__room", "bob__top__sea"], "verdict": "keep"})
    archive = zipfile.ZipFile(io.BytesIO(client.get("/api/export.zip").content))
    assert archive.namelist() == ["ann__tee__room.png", "bob__top__sea.png"]
    assert archive.read("ann__tee__room.png") == desk.final().read_bytes()
    export(tmp_path / "chosen", only_kept=True, inputs=desk.layout.inputs, outputs=desk.layout.outputs)
    export(tmp_path / "all", inputs=desk.layout.inputs, outputs=desk.layout.outputs)
    assert len(list((tmp_path / "chosen").iterdir())) == 2 and len(list((tmp_path / "all").iterdir())) == 12


def test_a_picture_in_another_format_is_found_whatever_the_settings_say(desk: Desk, client: TestClient):
    png = desk.final()
    webp = desk.layout.path("final/preview/ann__tee__room.webp")
    webp.write_bytes(images.finished(scenery(), "webp"))
    png.unlink()
    found = client.get("/api/items/ann__tee__room").json()
    assert found["state"] == "done" and found["ref"].endswith(".webp")
    assert [stage["ref"] for stage in found["stages"] if stage["label"] == "final"] == [found["ref"]]
    assert client.get(f"/files/{found['ref']}").headers["content-type"] == "image/webp"


def test_an_export_takes_sizes_and_layers_along_in_folders(desk: Desk, tmp_path):
    from pipeline.cli.review import export

    size, layer = SIZES.of("1x1-800/ann__tee__room", ENGINE, "jpeg"), LAYERS[2].of("ann__tee__room", ENGINE)
    for ref in (size, layer):
        desk.put(ref, scenery())
    export(tmp_path / "all", inputs=desk.layout.inputs, outputs=desk.layout.outputs)
    below = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").glob("*/*"))
    assert below == ["1x1-800/ann__tee__room.jpg", "layers/ann__tee__room-3-person.png"]


def test_an_outfit_is_one_picture_that_either_garment_finds_and_whose_mask_can_be_edited(desk: Desk, client: TestClient):
    lower = desk.layout.inputs / "cloth" / "lower"
    lower.mkdir()
    shutil.copy(next((desk.layout.inputs / "cloth").rglob("tee.*")), lower / "jeans.png")
    (desk.layout.inputs / "pairs.csv").write_text("person,upper,lower\nann,tee,jeans\n")
    assert listed(client, garment="jeans", background="sea") == listed(client, garment="tee", background="sea")
    card = client.get("/api/items", params={"person": "ann", "background": "sea"}).json()["items"][0]
    named = {name: card[name] for name in ("id", "pair", "person", "wearer", "worn", "garment")}
    assert named == {
        "id": "ann__jeans+tee__sea",
        "pair": "ann__jeans+tee",
        "person": "ann",
        "wearer": "ann+jeans",
        "worn": "jeans+tee",
        "garment": "tee",
    }
    assert {"kind": "agnostic", "id": "ann+jeans", "category": "upper"} in client.get("/api/masks").json()["masks"]
    assert client.get("/api/masks/agnostic/ann+jeans").json()["only"] == "ann"
    assert client.put("/api/pairs", json={"pairs": []}).status_code == 409
