"""Settings files with a mistake: what is said about them, put aside without loss, brought back; nothing else can be named."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from desk import FAKE_RUN, LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.review.broken_line import broken_line
from pipeline.review.server import make_app

PLACES = {
    "lookbook.toml": "lookbook.toml",
    "person/ann.toml": "inputs/person/ann.toml",
    "background/room.toml": "inputs/background/room.toml",
}
MISTAKES = [
    ("lookbook.toml", b"[run]\nseeed = 3\n", "run.seeed", 2),
    ("lookbook.toml", b"[run]\nseed = 1\n\n[compose\n", "not a TOML file", 4),
    ("lookbook.toml", b"[compose]\ncast_shadow = 'dark'\n", "compose.cast_shadow", 2),
    ("lookbook.toml", b'[run]\nengine = "magic"\n', "unknown engine 'magic'", 2),
    ("lookbook.toml", b"\xff\xfe[\x00r\x00", "not a TOML file", None),
    ("person/ann.toml", b"# who\nperson = 'left'\n", "person = 'left'", 2),
    ("person/ann.toml", b"persn = 2\n", "'persn'", 1),
    ("background/room.toml", b"foot = [0.5, 0.9]\nhight = 0.5\n", "'hight'", 2),
    ("background/room.toml", b"height = 0.5 # gr\xf6\xdfer\n", "not UTF-8", None),
]


def place(desk: Desk, name: str) -> Path:
    return desk.folder / PLACES[name]


def state(client: TestClient) -> dict:
    answer = client.get("/api/settings")
    assert answer.status_code == 200, answer.text
    found: dict = answer.json()
    return found


def put_aside(client: TestClient, name: str, base: str):
    return client.delete(f"/api/settings/{quote(name)}", params={"base": base})


def bring_back(client: TestClient, name: str, base: str = ""):
    return client.post(f"/api/settings/{quote(name)}/undo", params={"base": base})


def test_a_workspace_without_a_mistake_has_nothing_to_put_aside(desk: Desk, client: TestClient):
    assert state(client) == {"broken": [], "aside": []}
    place(desk, "person/ann.toml").write_text("person = 1\n")
    place(desk, "lookbook.toml").write_text("[run]\nseed = 3\n")
    assert state(client) == {"broken": [], "aside": []}


@pytest.mark.parametrize(("name", "content", "complaint", "line"), MISTAKES)
def test_a_mistake_is_shown_put_aside_and_brought_back_to_the_byte(
    desk: Desk, client: TestClient, name: str, content: bytes, complaint: str, line: int | None
):
    place(desk, name).write_bytes(content)
    (broken,) = state(client)["broken"]
    assert (broken["name"], broken["line"]) == (name, line) and complaint in broken["message"]
    assert broken["text"] == content.decode("utf-8", "replace") and str(desk.folder) not in broken["message"]
    kept = put_aside(client, name, broken["version"])
    assert kept.status_code == 200, kept.text
    aside = place(desk, name).with_name(kept.json()["kept_as"])
    assert aside.name == f"{Path(name).stem}.put-aside-1.toml" and aside.read_bytes() == content
    assert not place(desk, name).exists() and client.get("/api/status").status_code == 200
    assert client.get("/api/placements/room").status_code == 200
    assert state(client) == {"broken": [], "aside": [kept.json()]}
    assert bring_back(client, name).json()["broken"][0]["message"] == broken["message"]
    assert place(desk, name).read_bytes() == content and not aside.exists()


def test_each_file_is_kept_under_a_name_of_its_own_and_the_last_comes_back_first(desk: Desk, client: TestClient):
    place(desk, "person/ann.toml").with_name("ann.put-aside-7.toml").write_text("persn = 7")
    for number in range(2):
        place(desk, "person/ann.toml").write_text(f"persn = {number}")
        assert put_aside(client, "person/ann.toml", state(client)["broken"][0]["version"]).status_code == 200
    names = ["ann.put-aside-9.toml", "ann.put-aside-8.toml", "ann.put-aside-7.toml"]
    assert [each["kept_as"] for each in state(client)["aside"]] == names
    assert bring_back(client, "person/ann.toml").status_code == 200
    assert place(desk, "person/ann.toml").read_text() == "persn = 1"


def test_what_was_changed_meanwhile_is_not_put_aside(desk: Desk, client: TestClient):
    place(desk, "lookbook.toml").write_text("[run]\nseeed = 3\n")
    seen = state(client)["broken"][0]["version"]
    place(desk, "lookbook.toml").write_text("[run]\nsead = 3333\n")
    assert put_aside(client, "lookbook.toml", seen).status_code == 409
    assert put_aside(client, "lookbook.toml", "").status_code == 409
    assert "sead" in place(desk, "lookbook.toml").read_text()


def test_a_file_without_a_mistake_stays(desk: Desk, client: TestClient):
    file = place(desk, "person/ann.toml")
    file.write_text("persn = 1\n")
    assert put_aside(client, "person/ann.toml", state(client)["broken"][0]["version"]).status_code == 200
    file.write_text("person = 1\n")
    version = state(client)["aside"][0]["version"]
    refused = put_aside(client, "person/ann.toml", version)
    assert refused.status_code == 409 and "no mistake" in refused.json()["message"]
    newer = bring_back(client, "person/ann.toml", version)
    assert newer.status_code == 409 and "ann.put-aside-1.toml" in newer.json()["remedy"], "the newer one is not overwritten"
    assert file.read_text() == "person = 1\n"


def test_of_two_who_put_the_same_aside_one_wins(desk: Desk, client: TestClient):
    place(desk, "lookbook.toml").write_text("[[[")
    version = state(client)["broken"][0]["version"]
    assert [put_aside(client, "lookbook.toml", version).status_code for _ in range(2)] == [200, 409]
    assert bring_back(client, "lookbook.toml").status_code == 200
    assert bring_back(client, "lookbook.toml").status_code == 409


@pytest.mark.parametrize(
    "name",
    ["../secret.toml", "person/../../secret.toml", "/etc/passwd", "person/nobody.toml", "cloth/upper/tee.toml", "pairs.txt",
     "person/ann.jpg", "person/ann.put-aside-1.toml", "person\\ann.toml", "inputs:person/ann.toml", "person//ann.toml", "\u0000"],
)  # fmt: skip
def test_nothing_but_settings_files_can_be_named(desk: Desk, client: TestClient, name: str):
    (desk.folder / "secret.toml").write_text("[[[")
    (desk.folder / "inputs" / "person" / "nobody.toml").write_text("[[[")
    (desk.folder / "inputs" / "cloth" / "upper" / "tee.toml").write_text("[[[")
    assert state(client)["broken"] == []
    assert put_aside(client, name, "").status_code in {404, 405}
    assert bring_back(client, name).status_code in {404, 405}
    assert (desk.folder / "secret.toml").exists() and (desk.folder / "inputs" / "person" / "nobody.toml").exists()


def test_links_are_neither_shown_nor_moved(desk: Desk, client: TestClient, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "ann.toml").write_text("password = 'hunter2'\n")
    (outside / "ann.jpg").write_bytes((desk.folder / "inputs" / "person" / "ann.jpg").read_bytes())
    for name in PLACES:
        place(desk, name).symlink_to(outside / "ann.toml")
    (desk.folder / "inputs" / "person" / "more").symlink_to(outside)
    assert "hunter2" not in client.get("/api/settings").text and state(client)["broken"] == []
    for name in (*PLACES, "person/more/ann.toml"):
        assert put_aside(client, name, "").status_code == 404
    assert sorted(path.name for path in outside.iterdir()) == ["ann.jpg", "ann.toml"]


def test_what_was_put_aside_is_brought_back_from_no_link(
    desk: Desk, client: TestClient, tmp_path_factory: pytest.TempPathFactory
):
    outside = tmp_path_factory.mktemp("outside") / "other.toml"
    outside.write_text("person = 1")
    place(desk, "person/ann.toml").with_name("ann.put-aside-1.toml").symlink_to(outside)
    assert state(client)["aside"] == [] and bring_back(client, "person/ann.toml").status_code == 409


def test_a_settings_file_of_the_command_line_is_left_empty(desk: Desk):
    named = desk.folder / "shop.toml"
    named.write_text("[run]\nseeed = 3\n")
    serving = replace(desk.serving(), request=replace(desk.request, config=named))
    with TestClient(make_app(serving, (sys.executable, str(FAKE_RUN))), base_url=LOCAL) as client:
        (broken,) = state(client)["broken"]
        kept = put_aside(client, "shop.toml", broken["version"]).json()
        assert named.read_text() == "" and client.get("/api/status").status_code == 200
        assert bring_back(client, "shop.toml", kept["version"]).status_code == 200 and "seeed" in named.read_text()


def test_a_mistake_elsewhere_is_not_blamed_on_the_settings_file(desk: Desk):
    place(desk, "lookbook.toml").write_text("[run]\nseed = 3\n")
    serving = replace(desk.serving(), request=replace(desk.request, overrides=("run.engine=magic",)))
    with TestClient(make_app(serving, (sys.executable, str(FAKE_RUN))), base_url=LOCAL) as client:
        assert client.get("/api/status").status_code == 409 and state(client)["broken"] == []


@pytest.mark.parametrize("name", PLACES)
def test_a_mark_of_the_byte_order_is_no_mistake(desk: Desk, client: TestClient, name: str):
    texts = {"lookbook.toml": "[run]\nseed = 1\n", "person/ann.toml": "person = 1\n", "background/room.toml": "height = 0.5\n"}
    place(desk, name).write_text(texts[name], "utf-8-sig")
    assert state(client)["broken"] == [] and client.get("/api/status").status_code == 200
    assert client.get("/api/placements/room").status_code == 200


def test_large_files_are_not_read(desk: Desk, client: TestClient):
    place(desk, "person/ann.toml").write_bytes(b"# " + b"x" * 1_200_000)
    (broken,) = state(client)["broken"]
    assert "larger than" in broken["message"] and len(broken["text"]) <= 20_000


@pytest.mark.parametrize(
    ("text", "complaint", "line"),
    [
        ("[a]\nkey = 1\n[b]\nkey = 2\n", "b.key = 2: too large", 4),
        ("[a]\nkey = 1\n[b]\nkey = 2\n", "key: too large", None),
        ("# key = 1\nkey = 2\n", "unknown key 'key'", 2),
        ("[a]\n", "unknown section [a]", 1),
        ("[[placements]]\nfoot = 1\n", "foot = 1: should be a list", 2),
        ("", "whatever", None),
    ],
)
def test_the_line_is_named_where_it_is_sure(text: str, complaint: str, line: int | None):
    assert broken_line(text, complaint) == line
