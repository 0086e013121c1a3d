"""Pictures dropped into the page become inputs, or are refused with a reason; the grid writes who wears what."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from desk import Desk
from PIL import Image
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.demo.choice import PAIRS


def jpeg(size: tuple[int, int] = (128, 96)) -> bytes:
    return images.jpeg(np.random.default_rng(1).integers(0, 255, (*size, 3)).astype(np.uint8))


def upload(client: TestClient, name: str, data: bytes, kind: str = "person", **query: str):
    return client.post(f"/api/inputs/{kind}", params=query, files={"file": (name, io.BytesIO(data))})


def test_a_dropped_photo_is_an_input_at_once(desk: Desk, client: TestClient):
    answer = upload(client, "Zoë am Strand.JPG", jpeg())
    assert answer.status_code == 201 and answer.json()["ref"] == "inputs:person/Zoë_am_Strand.jpg"
    assert "Zoë_am_Strand" in [each["id"] for each in client.get("/api/inputs").json()["person"]]
    assert client.get("/api/items").json()["total"] == 18
    assert (desk.layout.inputs / "person" / "Zoë_am_Strand.jpg").read_bytes() == jpeg()


def test_a_garment_goes_to_its_category(desk: Desk, client: TestClient):
    assert upload(client, "kilt.png", images.png(np.full((80, 80, 3), 9, np.uint8)), "cloth", category="lower").status_code == 201
    assert (desk.layout.inputs / "cloth" / "lower" / "kilt.png").is_file()
    assert upload(client, "kilt.png", jpeg(), "cloth", category="hat").status_code == 422


def test_a_name_that_is_taken_gets_a_number(desk: Desk, client: TestClient):
    before = (desk.layout.inputs / "person" / "ann.jpg").read_bytes()
    assert upload(client, "ann.jpg", jpeg()).json()["ref"] == "inputs:person/ann-2.jpg"
    assert upload(client, "ann.jpg", jpeg()).json()["ref"] == "inputs:person/ann-3.jpg"
    assert (desk.layout.inputs / "person" / "ann.jpg").read_bytes() == before


@pytest.mark.parametrize("name", ["../../evil.jpg", "..\\..\\evil.jpg", "/etc/evil.jpg", "C:\\evil.jpg", "a/b/evil.jpg"])
def test_folders_in_a_name_are_ignored(desk: Desk, client: TestClient, name: str):
    assert upload(client, name, jpeg()).json()["ref"] == "inputs:person/evil.jpg"
    assert not list(desk.folder.parent.glob("evil*")) and not (desk.folder / "evil.jpg").exists()


@pytest.mark.parametrize(
    "name", [".jpg", "....jpg", "-rf.jpg", ".hidden.jpg", "%2e%2e%2f.jpg", "a" * 180 + ".jpg", "con:aux?.jpg"]
)
def test_odd_names_become_plain_ones(desk: Desk, client: TestClient, name: str):
    answer = upload(client, name, jpeg())
    assert answer.status_code in {201, 422}
    if answer.status_code == 201:
        stored = answer.json()["ref"].rpartition("/")[2]
        assert stored[0].isalnum() and not set(stored) & set("/\\:?%") and len(stored) < 90
    assert {each.suffix for each in (desk.layout.inputs / "person").iterdir()} == {".jpg"}


def enormous() -> bytes:
    """A small PNG that promises 40,000 × 40,000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    parts = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (head, data, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif_bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("P", (2000, 2000)).save(buffer, "GIF")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("page.html", b"<script>alert(1)</script>", "not a picture by its name"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture by its name"),
        ("page.jpg", b"<script>alert(1)</script>", "not a picture"),
        ("empty.jpg", b"", "empty"),
        ("torn.jpg", jpeg((300, 300))[:4000], "damaged"),
        ("enormous.png", enormous(), "megapixels"),
        ("wide.gif", gif_bomb(), "megapixels"),
        ("tiny.png", images.png(np.zeros((8, 8, 3), np.uint8)), "too small"),
        ("run.exe", b"MZ", "not a picture by its name"),
        ("none", b"x", "not a picture by its name"),
    ],
)
def test_what_is_no_usable_picture_is_refused_and_leaves_nothing(
    desk: Desk, client: TestClient, name: str, data: bytes, reason: str
):
    answer = upload(client, name, data)
    assert answer.status_code == 422 and reason in answer.json()["message"], answer.text
    assert str(desk.folder) not in answer.text, "paths of this machine are nobody's business"
    assert sorted(each.name for each in (desk.layout.inputs / "person").iterdir()) == ["ann.jpg", "bob.jpg"]


def test_a_file_beyond_the_limit_is_refused_before_it_is_stored(desk: Desk, client: TestClient):
    assert upload(client, "large.jpg", b"\xff\xd8" + b"\0" * 500_000).status_code == 413
    assert len(list((desk.layout.inputs / "person").iterdir())) == 2


def test_pairs_are_written_read_and_taken_away(desk: Desk, client: TestClient):
    shown = client.get("/api/pairs").json()
    assert shown["file"] is False and len(shown["pairs"]) == 4
    assert client.put("/api/pairs", json={"pairs": [["ann", "top"], ["bob", "tee"], ["ann", "top"]]}).json()["pairs"] == 2
    assert (desk.layout.inputs / "pairs.txt").read_text("utf-8").splitlines()[1:] == ["ann top", "bob tee"]
    assert client.get("/api/items").json()["total"] == 6
    assert [each["id"] for each in client.get("/api/inputs").json()["person"]] == ["ann", "bob"]
    assert client.delete("/api/pairs").json() == {"pairs": 4, "version": ""}


def test_nobody_wears_anything_is_possible_too(client: TestClient):
    assert client.put("/api/pairs", json={"pairs": []}).json()["pairs"] == 0
    assert client.get("/api/items").json()["total"] == 0


def test_a_table_of_pairs_is_not_contradicted(desk: Desk, client: TestClient):
    (desk.layout.inputs / "pairs.csv").write_text("ann,tee\n")
    assert client.put("/api/pairs", json={"pairs": []}).status_code == 409
    assert not (desk.layout.inputs / "pairs.txt").exists()


def test_pairs_of_unknown_people_are_refused(desk: Desk, client: TestClient):
    assert client.put("/api/pairs", json={"pairs": [["nobody", "tee"]]}).status_code == 404
    assert not (desk.layout.inputs / "pairs.txt").exists()


def rename(client: TestClient, kind: str, item: str, name: str):
    (version,) = [each["version"] for each in client.get("/api/inputs").json()[kind] if each["id"] == item]
    return client.post(f"/api/inputs/{kind}/{item}/rename", json={"name": name, "base": version})


def test_a_renamed_person_keeps_settings_and_pairs(desk: Desk, client: TestClient):
    (desk.layout.inputs / "person" / "ann.toml").write_text("person = 1\n")
    client.put("/api/pairs", json={"pairs": [["ann", "top"], ["bob", "tee"]]})
    renamed = rename(client, "person", "ann", "Anna am Meer").json()
    assert renamed["id"] == "Anna_am_Meer" and renamed["ref"] == "inputs:person/Anna_am_Meer.jpg"
    assert sorted(each.name for each in (desk.layout.inputs / "person").iterdir()) == [
        "Anna_am_Meer.jpg",
        "Anna_am_Meer.toml",
        "bob.jpg",
    ]
    assert client.get("/api/pairs").json()["pairs"] == [["Anna_am_Meer", "top"], ["bob", "tee"]]
    assert rename(client, "cloth", "top", "shirt").json()["category"] == "upper"
    assert (desk.layout.inputs / "pairs.txt").read_text("utf-8").splitlines()[1:] == ["Anna_am_Meer shirt", "bob tee"]
    assert rename(client, "background", "sea", "beach").json()["id"] == "beach"


@pytest.mark.parametrize(("name", "status"), [("bob", 409), ("..", 409), ("", 422), ("   ", 422), ("a\nb", 422), ("x" * 81, 422)])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_moved(desk: Desk, client: TestClient, name: str, status: int):
    before = sorted(path.name for path in desk.layout.inputs.rglob("*"))
    assert rename(client, "person", "ann", name).status_code == status
    assert sorted(path.name for path in desk.layout.inputs.rglob("*")) == before


def test_renaming_leads_out_of_no_folder_and_over_no_newer_picture(desk: Desk, client: TestClient):
    assert rename(client, "person", "ann", "../../evil").json()["ref"] == "inputs:person/evil.jpg"
    stale = client.post("/api/inputs/person/evil/rename", json={"name": "ann", "base": "older"})
    assert stale.status_code == 409 and stale.json()["remedy"] == "load it again"
    (desk.layout.inputs / "pairs.csv").write_text("bob,tee\n")
    assert rename(client, "person", "bob", "rob").status_code == 409, "the table would name nobody"
    assert (desk.layout.inputs / "person" / "bob.jpg").is_file()


def test_the_demo_fills_an_empty_folder_only(
    desk: Desk, client: TestClient, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    from pipeline.review.server import make_app

    assert client.post("/api/demo").status_code == 409
    empty = Desk(tmp_path_factory.mktemp("empty"))
    monkeypatch.setattr("pipeline.demo.draw", lambda entry: images.jpeg(np.full((32, 24, 3), 90, np.uint8)))
    page = TestClient(make_app(empty.serving()), base_url="http://127.0.0.1")
    brought = page.post("/api/demo")
    assert brought.status_code == 201
    assert {"astronaut", "kofi", "nora"} <= {each["id"] for each in brought.json()["person"]}
    assert page.get("/api/status").json()["garments"] == len({garment for _, garment in PAIRS})


def test_an_empty_workspace_is_no_error(desk: Desk, tmp_path_factory: pytest.TempPathFactory):
    from pipeline.review.server import make_app

    empty = Desk(tmp_path_factory.mktemp("empty"))
    page = TestClient(make_app(empty.serving()), base_url="http://127.0.0.1")
    assert page.get("/api/status").json()["pictures"] == 0
    for path in ("/api/items", "/api/facets", "/api/placements", "/api/masks", "/api/pairs", "/api/inputs"):
        assert page.get(path).status_code == 200, path


def test_a_broken_settings_file_is_said_and_cured_without_a_restart(desk: Desk, client: TestClient):
    settings = desk.folder / "lookbook.toml"
    settings.write_text("[run]\nseeed = 3\n")
    answer = client.get("/api/status")
    assert answer.status_code == 409 and "run.seed" in answer.json()["remedy"]
    settings.unlink()
    assert client.get("/api/status").status_code == 200
