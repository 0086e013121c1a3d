"""A job's webhook: told once it is over, only where the command allows it, and never to what a name is bent to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from desk import FAKE_RUN, LOCAL, Desk
from pydantic import ValidationError
from starlette.testclient import TestClient

from pipeline.cli import review as commands
from pipeline.core.errors import UsageError
from pipeline.review import server
from pipeline.review.jobs.webhook import SECRET_VARIABLE, WebhookOptions, Webhooks, webhook_secret
from pipeline.review.jobs.webhook_address import Receiver, check_addresses, read_webhook, webhook_receivers
from pipeline.review.models import NewJob
from pipeline.review.options import Serving
from pipeline.review.server import make_app
from pipeline.settings import read_settings

SECRET = b"a secret of the shop"
OVER = {"done", "failed", "cancelled"}
Wait = Callable[..., Any]


class Shop(HTTPServer):
    """Takes messages; answers with the codes that it is given, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes: list[int] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/told?shop=7"

    @property
    def listed(self) -> tuple[Receiver, ...]:
        return webhook_receivers([f"127.0.0.1:{self.server_port}"])


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Shop)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, self.rfile.read(int(headers["content-length"]))))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.send_header("location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    threading.Thread(target=lambda: found.serve_forever(0.02), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def opened(desk: Desk, options: WebhookOptions) -> TestClient:
    return TestClient(make_app(desk.serving(webhooks=options), (sys.executable, str(FAKE_RUN))), base_url=LOCAL)


def ended(page: TestClient, wait_for: Wait, webhook: str, *only: str) -> dict[str, Any]:
    """A job that is over, with its webhook told or given up."""
    job = page.post("/api/jobs", json={"only": list(only), "webhook": webhook}).json()
    assert job["webhook"] == "waiting"
    found: dict[str, Any] = wait_for(lambda: (each := page.get(f"/api/jobs/{job['id']}").json())["webhook"] != "waiting" and each)
    assert found["state"] in OVER
    return found


# ---- who may be told ------------------------------------------------------------------------------------------------------


def test_webhooks_are_off_by_default(client: TestClient):
    answer = client.post("/api/jobs", json={"webhook": "https://hooks.shop.example/told"})
    assert answer.status_code == 403 and "off" in answer.json()["message"] and "--webhook-to" in answer.json()["remedy"]
    assert client.get("/api/jobs").json()["jobs"] == []


def test_only_listed_hosts_and_ports_are_taken(desk: Desk):
    with opened(desk, WebhookOptions(allowed=webhook_receivers(["hooks.shop.example", "[::1]:9000"]))) as page:
        send = lambda address: page.post("/api/jobs", json={"only": ["refuse"], "webhook": address}).status_code  # noqa: E731
        assert send("https://evil.example/") == send("https://hooks.shop.example:8443/") == send("https://shop.example/") == 403
        assert send("https://hooks.shop.example.evil.example/") == send("http://127.0.0.1:9000/") == 403
        assert send("http://[::1]:9000/x") == send("https://HOOKS.shop.example.:443/told?a=1") == 202


@pytest.mark.parametrize(
    "address",
    [
        *("hooks.shop.example", "ftp://hooks.shop.example/", "https://", "https:///x", "file:///etc/passwd", "https://a:99999/"),
        *("http://hooks.shop.example/", "https://me:word@hooks.shop.example/", "https://hooks.shop.example\\@evil.example/"),
        *("https://hooks.shop.example/\r\nx: y", "https://hooks.shop.example/#part", "https://hööks.example/", "https://[::1"),
        *("https://hooks.shop.example/ a", "https://[fe80::1%25eth0]/", "https://a:0/", f"https://a/{'x' * 2000}"),
    ],
)
def test_what_is_no_webhook_is_a_value_that_does_not_fit(address: str):
    with pytest.raises(ValidationError, match="webhook"):
        NewJob(webhook=address)


def test_a_misfit_is_named_to_the_caller(client: TestClient):
    answer = client.post("/api/jobs", json={"webhook": "http://hooks.shop.example/"})
    assert answer.status_code == 422 and "body.webhook" in answer.json()["message"] and "https" in answer.json()["message"]


INNER = (
    *("10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fd00::1", "ff02::1", "fec0::1", "::ffff:10.0.0.5", "2002:7f00:1::", "64:ff9b::a00:5"),
)


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_stands_for_an_inner_address_is_refused(address: str):
    webhook, listed = read_webhook("https://hooks.shop.example/"), webhook_receivers(["hooks.shop.example"])
    public = ipaddress.ip_address("93.184.215.14")
    with pytest.raises(Exception, match="inner network") as caught:
        check_addresses(webhook, [public, ipaddress.ip_address(address)], listed)
    assert address not in str(caught.value)
    named = (*listed, Receiver(str(ipaddress.ip_address(address)), 443))
    check_addresses(webhook, [public, ipaddress.ip_address(address)], named)
    with pytest.raises(Exception, match="inner network"):
        check_addresses(webhook, [ipaddress.ip_address(address)], (*listed, Receiver(address, 444)))


def test_public_addresses_of_both_kinds_are_asked():
    webhook, listed = read_webhook("https://hooks.shop.example/"), webhook_receivers(["hooks.shop.example"])
    check_addresses(webhook, map(ipaddress.ip_address, ("93.184.215.14", "2606:2800:21f::1", "::ffff:8.8.8.8")), listed)


def test_a_name_that_nobody_knows_is_an_answer_too():
    trouble: list[str] = []

    async def work() -> None:
        webhooks = Webhooks(WebhookOptions(allowed=webhook_receivers(["nobody.invalid", f"{'a' * 70}.invalid"]), waits_s=()))
        for host in ("nobody.invalid", f"{'a' * 70}.invalid"):
            webhooks.send(f"https://{host}/", "job", b"{}", trouble.append)
        await asyncio.gather(*webhooks._tasks)

    asyncio.run(work())
    assert len(trouble) == 2 and all(trouble)


@pytest.mark.parametrize("text", ["", "https://a.example", "a.example/x", "a.example:0", "a b", "10.0.0.0/24", "me@a.example"])
def test_a_receiver_is_a_host_and_a_port(text: str):
    with pytest.raises(UsageError, match="webhook-to") as caught:
        webhook_receivers([text])
    assert "hooks.shop.example" in caught.value.remedy
    assert [str(each) for each in webhook_receivers(["A.example", "::1", "10.0.0.5:8080"])] == [
        *("a.example:443", "[::1]:443", "10.0.0.5:8080")
    ]


# ---- what is told ---------------------------------------------------------------------------------------------------------


def test_a_shop_is_told_what_a_job_made_and_can_see_who_says_it(desk: Desk, shop: Shop, wait_for: Wait):
    with opened(desk, WebhookOptions(allowed=shop.listed, secret=SECRET)) as page:
        job = ended(page, wait_for, shop.address)
        description = page.get("/api/openapi.json").json()
    ((path, headers, body),) = shop.got
    told = json.loads(body)
    assert path == "/told?shop=7" and headers["content-type"] == "application/json" and job["webhook"] == "delivered"
    assert (told["id"], told["state"], told["made"], told["exit_code"]) == (job["id"], "done", 3, 0)
    assert told["items"][0] == {"stage": "compose", "item": "ann__tee__room"}
    assert told["results"] == f"/api/jobs/{job['id']}/results"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    submit = description["paths"]["/api/jobs"]["post"]
    ((asked, called),) = submit["callbacks"]["job_over"].items()
    assert asked == "{$request.body#/webhook}" and "JobNotice" in json.dumps(called) and "403" in submit["responses"]
    assert set(told) == set(description["components"]["schemas"]["JobNotice"]["properties"])


def test_a_job_that_fails_or_is_cancelled_is_told_once_and_unsigned_without_a_secret(desk: Desk, shop: Shop, wait_for: Wait):
    with opened(desk, WebhookOptions(allowed=shop.listed)) as page:
        slow = page.post("/api/jobs", json={"only": ["slow"]}).json()["id"]
        waiting = page.post("/api/jobs", json={"webhook": shop.address}).json()["id"]
        for _ in range(3):
            page.post(f"/api/jobs/{waiting}/cancel")
        page.post(f"/api/jobs/{slow}/cancel")
        assert ended(page, wait_for, shop.address, "refuse")["state"] == "failed"
        wait_for(lambda: page.get(f"/api/jobs/{waiting}").json()["webhook"] == "delivered")
    assert sorted(json.loads(body)["state"] for _, _, body in shop.got) == ["cancelled", "failed"]
    assert not any("webhook-signature" in headers for _, headers, _ in shop.got)


def test_a_receiver_that_is_out_of_order_is_asked_again_with_the_same_id(desk: Desk, shop: Shop, wait_for: Wait):
    shop.codes = [503, 429]
    with opened(desk, WebhookOptions(allowed=shop.listed, waits_s=(0.01, 0.01))) as page:
        assert ended(page, wait_for, shop.address)["webhook"] == "delivered"
    assert len(shop.got) == 3 and len({headers["webhook-id"] for _, headers, _ in shop.got}) == 1


@pytest.mark.parametrize(("codes", "asked"), [([302], 1), ([307], 1), ([410], 1), ([500] * 9, 2)])
def test_what_is_not_taken_leaves_the_job_as_it_is(desk: Desk, shop: Shop, wait_for: Wait, codes: list[int], asked: int):
    shop.codes = list(codes)
    with opened(desk, WebhookOptions(allowed=shop.listed, waits_s=(0.01,))) as page:
        job = ended(page, wait_for, shop.address)
    assert (job["state"], job["webhook"]) == ("done", "failed") and f"answered {codes[0]}" in job["webhook_message"]
    assert [path for path, _, _ in shop.got] == ["/told?shop=7"] * asked, "redirects are not followed"


def test_what_the_page_could_not_say_before_it_ended_is_said_by_the_next(desk: Desk, shop: Shop, wait_for: Wait):
    shop.codes = [503]
    options = WebhookOptions(allowed=shop.listed, waits_s=(600,))
    with opened(desk, options) as page:
        job = page.post("/api/jobs", json={"webhook": shop.address}).json()["id"]
        wait_for(lambda: shop.got)
    with opened(desk, options) as page:
        wait_for(lambda: page.get(f"/api/jobs/{job}").json()["webhook"] == "delivered")
    with opened(desk, options) as page:
        assert page.get(f"/api/jobs/{job}").json()["webhook"] == "delivered"
    assert len(shop.got) == 2


def test_a_receiver_that_left_the_list_is_not_told(desk: Desk, shop: Shop, wait_for: Wait):
    shop.codes = [503]
    with opened(desk, WebhookOptions(allowed=shop.listed, waits_s=(600,))) as page:
        job = page.post("/api/jobs", json={"webhook": shop.address}).json()["id"]
        wait_for(lambda: shop.got)
    with opened(desk, WebhookOptions()) as page:
        wait_for(lambda: page.get(f"/api/jobs/{job}").json()["webhook"] == "failed")
        assert "off" in page.get(f"/api/jobs/{job}").json()["webhook_message"]
    assert len(shop.got) == 1


# ---- on the wire ----------------------------------------------------------------------------------------------------------


def said(options: WebhookOptions, address: str, *answers: str) -> tuple[str, list[str]]:
    """Why a message was not taken, and the names that were looked up; each look-up has the next answer."""
    asked: list[str] = []
    told: list[str] = []

    async def resolve(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [ipaddress.ip_address(answers[min(len(asked), len(answers)) - 1])]

    async def work() -> None:
        webhooks = Webhooks(options, resolve)
        webhooks.send(address, "job", b"{}", told.append)
        await asyncio.gather(*webhooks._tasks)

    asyncio.run(work())
    assert len(told) == 1
    return told[0], asked


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(shop: Shop):
    port = shop.server_port
    options = WebhookOptions(allowed=(Receiver("localhost", port), Receiver("127.0.0.1", port)), waits_s=())
    assert said(options, f"http://localhost:{port}/", "127.0.0.1", "10.0.0.5") == ("", ["localhost"])
    assert shop.got[0][1]["host"] == f"localhost:{port}"
    without = replace(options, allowed=options.allowed[:1])
    assert "inner network" in said(without, f"http://localhost:{port}/", "127.0.0.1")[0]
    assert "needs https" in said(options, f"http://localhost:{port}/", "93.184.215.14")[0]
    assert len(shop.got) == 1


def test_every_try_looks_the_name_up_and_judges_it_again(shop: Shop):
    shop.codes = [503]
    port = shop.server_port
    options = WebhookOptions(allowed=(Receiver("localhost", port), Receiver("127.0.0.1", port)), waits_s=(0.01, 0.01))
    trouble, asked = said(options, f"http://localhost:{port}/", "127.0.0.1", "169.254.169.254")
    assert "needs https" in trouble and len(asked) == 2 and len(shop.got) == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH 9\r\n", b"x" * 100_000])
def test_who_speaks_no_http_or_nothing_is_given_up_in_time(answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                connection.recv(10)
                threading.Event().wait(0.4)

        threading.Thread(target=speak, daemon=True).start()
        options = WebhookOptions(allowed=webhook_receivers([f"127.0.0.1:{port}"]), waits_s=(), limit_s=0.2)
        trouble, _ = said(options, f"http://127.0.0.1:{port}/", "127.0.0.1")
        assert "answer" in trouble


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of hooks.shop.example, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, own = folder / "key.pem", folder / "own.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=hooks.shop.example", "-addext", "subjectAltName=DNS:hooks.shop.example"]
    try:
        subprocess.run([*words, *names, "-keyout", str(key), "-out", str(own)], check=True, capture_output=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("needs openssl")
    return key, own


def test_the_certificate_must_be_the_name_s_though_the_address_is_asked(shop: Shop, certificate: tuple[Path, Path]):
    key, own = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    shop.socket = context.wrap_socket(shop.socket, server_side=True)
    port = shop.server_port
    hosts = ("hooks.shop.example", "other.example", "127.0.0.1")
    options = WebhookOptions(allowed=tuple(Receiver(host, port) for host in hosts), waits_s=())
    trusting = replace(options, tls=ssl.create_default_context(cafile=str(own)))
    assert "certificate" in said(options, f"https://hooks.shop.example:{port}/", "127.0.0.1")[0], "nobody vouches for it"
    assert "certificate" in said(trusting, f"https://other.example:{port}/", "127.0.0.1")[0], "another name"
    assert shop.got == []
    assert said(trusting, f"https://hooks.shop.example:{port}/", "127.0.0.1")[0] == ""
    assert names[-1] == "hooks.shop.example" and len(shop.got) == 1


# ---- at the command -------------------------------------------------------------------------------------------------------


def test_the_command_names_receivers_and_reads_the_secret(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    served: list[Serving] = []
    monkeypatch.setattr(server, "serve", served.append)
    monkeypatch.setenv(SECRET_VARIABLE, "whsec_" + base64.b64encode(SECRET).decode())
    with caplog.at_level(logging.WARNING):
        commands.review(host="127.0.0.1", port=8321, token="", webhook_to=["hooks.shop.example"])
        read_settings(Path("none"), None, ())
    assert SECRET_VARIABLE not in caplog.text, "it is not taken for a setting with a wrong name"
    assert served[0].webhooks.allowed == (Receiver("hooks.shop.example", 443),) and served[0].webhooks.secret == SECRET
    assert SECRET.decode() not in repr(served[0])


@pytest.mark.parametrize("text", ["whsec_not base64", "whsec_c2hvcnQ=", "tiny word"])
def test_a_secret_that_protects_nothing_is_refused(text: str):
    with pytest.raises(UsageError, match=SECRET_VARIABLE) as caught:
        webhook_secret({SECRET_VARIABLE: text})
    assert text not in str(caught.value)
    assert webhook_secret({}) == b"" and webhook_secret({SECRET_VARIABLE: "sixteen letters."}) == b"sixteen letters."


def test_the_process_of_a_job_does_not_know_the_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch, wait_for: Wait):
    monkeypatch.setenv(SECRET_VARIABLE, "sixteen letters.")
    command = (sys.executable, "-c", f"import os, sys; sys.exit(70 if {SECRET_VARIABLE!r} in os.environ else 0)")
    with TestClient(make_app(desk.serving(), command), base_url=LOCAL) as page:
        job = page.post("/api/jobs", json={}).json()["id"]
        assert wait_for(lambda: (each := page.get(f"/api/jobs/{job}").json())["state"] in OVER and each)["state"] == "done"
