"""Only the page itself, on this machine or with the token, may ask, and only for files of the workspace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from desk import LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.review.server import make_app

ELSEWHERE = "http://evil.example"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8321",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.4:8321",
        "8.8.8.8",
        "",
        "127.0.0.1@evil.example",
        "[::1",
        "127.0.0.1/evil",
        "127.0.0.1:port",
    ],
)
def test_a_host_name_that_is_not_ours_is_refused(client: TestClient, host: str):
    assert client.get("/api/status", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "LOCALHOST", "[::1]:8321", "127.0.0.1"])
def test_this_machine_by_any_of_its_names_is_answered(client: TestClient, host: str):
    assert client.get("/api/status", headers={"host": host}).status_code == 200


def test_two_host_headers_are_refused(client: TestClient):
    answer = client.get("/api/status", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": ELSEWHERE},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "https://127.0.0.1:8321"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": LOCAL, "sec-fetch-site": "cross-site"},
    ],
)
def test_another_page_can_change_nothing(client: TestClient, headers: dict[str, str]):
    for method, path in (("POST", "/api/jobs"), ("DELETE", "/api/pairs"), ("PUT", "/api/pairs"), ("POST", "/api/inputs/person")):
        assert client.request(method, path, headers=headers, json={}).status_code == 403, (method, path)


def test_another_page_cannot_embed_pictures_or_read_the_api(client: TestClient):
    for path in ("/api/items", "/files/inputs:person/ann.jpg", "/thumbs/inputs:person/ann.jpg"):
        assert client.get(path, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}).status_code == 403
        assert "access-control-allow-origin" not in client.get(path, headers={"origin": LOCAL}).headers


def test_a_form_of_another_kind_is_not_taken_for_json(client: TestClient):
    answer = client.post("/api/jobs", content='{"steps": ["all"]}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422


def test_our_own_page_and_a_program_may_post(client: TestClient):
    ours = {"origin": LOCAL, "sec-fetch-site": "same-origin"}
    assert client.post("/api/jobs", json={}, headers=ours).status_code == 202
    assert client.post("/api/jobs", json={}).status_code == 202


def test_a_link_from_elsewhere_may_open_the_page(client: TestClient):
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200


def raw_get(app: Any, raw_path: str) -> tuple[int, bytes]:
    """A request whose path is sent as it is: clients and test clients tidy `..` away before anything is tested."""
    messages: list[dict] = []

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict:
        for message in asked:
            return message
        await asyncio.Event().wait()  # a client that stays
        raise AssertionError

    async def send(message: dict) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8321")],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8321),
    }
    asyncio.run(app(scope, receive, send))
    return messages[0]["status"], b"".join(message.get("body", b"") for message in messages)


@pytest.mark.parametrize("route", ["/files/", "/thumbs/"])
@pytest.mark.parametrize(
    "ref",
    [
        "../secret.png",
        "..%2fsecret.png",
        "%2e%2e/secret.png",
        "..%5csecret.png",
        "%252e%252e%252fsecret.png",
        "inputs:../secret.png",
        "inputs:person/../../secret.png",
        "inputs:person/%2e%2e/%2e%2e/secret.png",
        "inputs:person/..%2f..%2fsecret.png",
        "final/preview/../../../secret.png",
        "/etc/passwd",
        "//etc/passwd",
        "inputs:/etc/passwd",
        "inputs:person//ann.jpg",
        "inputs:secret.png",
        "inputs:person/.hidden.png",
        "inputs:person/outside.png",
        "inputs:person/linked/secret.png",
        "inputs:person/ann.jpg%00.png",
        "inputs:person/ann.toml",
        "inputs:person",
        "inputs:person/",
        ".ledger/driver.sqlite",
        ".ledger/picture.png",
        "verdicts.jsonl",
        "final/preview",
        "final/a/b/c.png",
        "C:/windows/win.ini",
        "file:///etc/passwd",
        "report/index.html",
        "~/secret.png",
    ],
)
def test_nothing_outside_the_workspace_is_served(desk: Desk, client: TestClient, route: str, ref: str):
    picture = desk.final().read_bytes()
    for path in ("secret.png", "inputs/secret.png", "inputs/person/.hidden.png", "outputs/.ledger/picture.png", "far/secret.png"):
        (desk.folder / path).parent.mkdir(exist_ok=True)
        (desk.folder / path).write_bytes(picture)
    (desk.layout.inputs / "person" / "ann.toml").write_text("person = 1")
    for link, target in (("outside.png", desk.folder / "secret.png"), ("linked", desk.folder / "far")):
        if not (desk.layout.inputs / "person" / link).is_symlink():
            (desk.layout.inputs / "person" / link).symlink_to(target)
    for path in (route + ref, route + quote(ref, safe="/:"), route + quote(quote(ref, safe=""), safe="")):
        status, body = raw_get(client.app, path)
        assert status == 404, (path, body[:200])
        assert picture[:64] not in body


def test_the_way_these_attempts_are_sent_reaches_ordinary_files(client: TestClient):
    assert raw_get(client.app, "/files/inputs:person/ann.jpg")[0] == 200
    assert raw_get(client.app, "/files/inputs%3Aperson%2Fann.jpg")[0] == 200


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py", "/static//etc/passwd"]
)
def test_the_page_s_own_folder_holds_only_the_page(client: TestClient, path: str):
    assert raw_get(client.app, path)[0] == 404


def test_a_link_inside_the_inputs_folder_is_no_way_out(desk: Desk, client: TestClient):
    assert client.get("/files/inputs:person/ann.jpg").status_code == 200
    linked = desk.layout.inputs / "person" / "again.jpg"
    linked.symlink_to(desk.layout.inputs / "person" / "ann.jpg")
    assert client.get("/files/inputs:person/again.jpg").status_code == 404


def test_a_body_beyond_the_limit_is_refused_announced_or_not(client: TestClient):
    large = b"x" * 30_000
    assert client.post("/api/jobs", content=large, headers={"content-type": "application/json"}).status_code == 413

    def drip():
        for _ in range(30):
            yield b" " * 1000

    answer = client.post("/api/jobs", content=drip(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert client.get("/api/status", headers={"content-length": "-1"}).status_code == 400
    assert client.get("/api/status", headers={"content-length": "99999999999"}).status_code == 413


def test_answers_forbid_framing_sniffing_and_foreign_scripts(client: TestClient):
    for path in ("/", "/api", "/api/status", "/api/nothing", "/static/main.js", "/files/inputs:person/ann.jpg"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    refused = client.get("/api/status", headers={"host": "evil.example"})
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_nothing_from_elsewhere():
    folder = Path(__import__("pipeline.review", fromlist=["app"]).__file__).parent / "static"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {"main.js", "gallery.js"} <= {path.name for path in paths}
    for path in paths:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, path.name


@pytest.fixture
def far(desk: Desk) -> TestClient:
    """The page on another address, with a token."""
    app = make_app(desk.serving(host="0.0.0.0", token="open-sesame", names=("shop.example",)))
    return TestClient(app, base_url="http://192.168.1.4:8321", follow_redirects=False)


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "open-sesam"}, {"cookie": "lookbook=no"}, {"cookie": "\x00"}],
)
def test_another_address_needs_the_token(far: TestClient, headers: dict[str, str]):
    for path in ("/", "/api/status", "/files/inputs:person/ann.jpg", "/static/main.js", "/api/openapi.json"):
        assert far.get(path, headers=headers).status_code == 401
    assert far.get("/?token=wrong").status_code == 401
    assert far.get("/api/status?token=open-sesame").status_code == 401, "addresses end up in logs; only the entrance takes one"


def test_the_token_opens_the_page_once_by_address_and_then_by_cookie(far: TestClient):
    entrance = far.get("/?token=open-sesame")
    assert entrance.status_code == 303 and entrance.headers["location"] == "/"
    cookie = entrance.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert far.get("/api/status", headers={"cookie": cookie.partition(";")[0]}).status_code == 200
    assert (
        TestClient(far.app, base_url="http://10.0.0.1")
        .get("/api/status", headers={"authorization": "Bearer open-sesame"})
        .status_code
        == 200
    )


def test_a_foreign_name_cannot_be_rebound_to_another_address_either(far: TestClient):
    known = {"authorization": "Bearer open-sesame"}
    assert far.get("/api/status", headers={"host": "evil.example", **known}).status_code == 421
    assert far.get("/api/status", headers={"host": "shop.example", **known}).status_code == 200


def test_the_command_makes_a_token_up_for_another_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    from pipeline.cli.review import review
    from pipeline.review import server

    served = []
    monkeypatch.setattr(server, "serve", served.append)
    monkeypatch.chdir(tmp_path)
    review(host="0.0.0.0")
    review()
    assert len(served[0].token) >= 24 and served[0].token in capsys.readouterr().out
    assert served[1].token == "" and served[1].is_local
