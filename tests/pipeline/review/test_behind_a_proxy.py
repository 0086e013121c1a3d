"""A proxy with TLS in front of the page: browsers are judged by the address that they see, and only that proxy is believed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from desk import FAKE_RUN, LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.cli import review as commands
from pipeline.core.errors import UsageError
from pipeline.review import server
from pipeline.review.options import Serving, proxy_networks
from pipeline.review.server import make_app

PROXY, STRANGER = "10.0.0.7", "10.0.1.7"
SHOP = "shop.example"
FORWARDED = {"host": "127.0.0.1:8321", "x-forwarded-proto": "https", "x-forwarded-host": SHOP}
PAGE = {"origin": f"https://{SHOP}", "sec-fetch-site": "same-origin"}

Ask = Callable[..., int]


@pytest.fixture
def ask(desk: Desk) -> Ask:
    """The status of a post from an address, with headers. Jobs outlive the page, so all that are asked for must find room."""
    serving = desk.serving(names=(SHOP,), proxies=proxy_networks(["10.0.0.0/24", "::1"]))

    def status(headers: dict[str, str], client: str = PROXY) -> int:
        app = make_app(serving, (sys.executable, str(FAKE_RUN)))
        with TestClient(app, base_url=LOCAL, client=(client, 40000)) as browser:
            return browser.post("/api/jobs", json={}, headers=headers).status_code

    return status


def test_the_page_s_own_post_through_the_proxy_is_accepted(ask: Ask):
    assert ask({**FORWARDED, **PAGE}) == 202
    assert ask({**FORWARDED, **PAGE, "origin": f"https://{SHOP}:443"}) == 202, "the usual port may be written out"
    assert ask({**FORWARDED, **PAGE, "host": SHOP}) == 202, "a proxy may pass the host on as it is"
    assert ask({**FORWARDED, **PAGE}, client=f"::ffff:{PROXY}") == 202, "the same address, as a socket of both kinds shows it"


def test_the_proxy_nearest_to_us_is_the_one_believed(ask: Ask):
    assert ask({**FORWARDED, **PAGE, "x-forwarded-proto": "http, https"}) == 202
    assert ask({**FORWARDED, **PAGE, "x-forwarded-proto": "https, http"}) == 403
    assert ask({**FORWARDED, **PAGE, "x-forwarded-host": f"evil.example, {SHOP}"}) == 202
    assert ask({**FORWARDED, **PAGE, "x-forwarded-host": f"{SHOP}, evil.example"}) == 421


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"http://{SHOP}", f"https://{SHOP}:8443", f"https://{SHOP}.evil.example", "null", "https://["],
)
def test_another_page_is_refused_through_the_proxy_too(ask: Ask, origin: str):
    assert ask({**FORWARDED, **PAGE, "origin": origin}) == 403


def test_nobody_else_can_claim_to_be_the_proxy(ask: Ask):
    assert ask({**FORWARDED, **PAGE}, client=STRANGER) == 403
    assert ask({**FORWARDED, "x-forwarded-host": "evil.example"}, client=STRANGER) == 202, "what a stranger forwards is not read"
    assert ask({"host": SHOP, "origin": f"http://{SHOP}", "x-forwarded-proto": "https"}, client=STRANGER) == 202


def test_what_the_proxy_says_must_make_sense(ask: Ask):
    assert ask({**FORWARDED, "x-forwarded-proto": "gopher"}) == 400
    assert ask({**FORWARDED, "x-forwarded-host": "evil.example"}) == 421


def test_the_cookie_of_a_page_with_tls_is_never_sent_without(desk: Desk):
    app = make_app(desk.serving(names=(SHOP,), token="open-sesame", proxies=proxy_networks([PROXY])))
    with TestClient(app, base_url=LOCAL, client=(PROXY, 1), follow_redirects=False) as browser:
        assert "secure" in browser.get("/?token=open-sesame", headers=FORWARDED).headers["set-cookie"].lower()
        assert "secure" not in browser.get("/?token=open-sesame").headers["set-cookie"].lower()


def test_behind_a_proxy_the_command_makes_a_token_up_and_names_the_outside_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    served: list[Serving] = []
    monkeypatch.setattr(server, "serve", served.append)
    commands.review(host="127.0.0.1", port=8321, token="", allow_host=[SHOP], trusted_proxy=["127.0.0.1"])
    assert len(served[0].token) >= 24, "the whole internet may stand behind a proxy on this machine"
    assert f"https://{SHOP}/?token={served[0].token}" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/33", "", "10.0.0.1:443"])
def test_a_proxy_is_named_by_its_address(text: str):
    with pytest.raises(UsageError, match="trusted-proxy") as caught:
        proxy_networks([text])
    assert "10.0.0.0/24" in caught.value.remedy


def test_without_the_option_no_forwarding_is_read(client: Any):
    headers = {"x-forwarded-proto": "https", "origin": LOCAL.replace("http:", "https:")}
    assert client.post("/api/jobs", json={}, headers=headers).status_code == 403
