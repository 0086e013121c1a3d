"""One http(s) request: byte ranges, a token that only its own host receives, clear refusals, and errors worth a new attempt."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from pipeline.core.errors import WeightsError
from pipeline.core.weights.table import HUB

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_WHOLE = re.compile(r"bytes \*/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Settings of the network.

    Args:
        offline: name of the variable that forbids it; empty = allowed.
        hub: address in place of https://huggingface.co.
        mirror: address of a served weights folder (`<mirror>/<row>/<file>`), asked instead of the table's; empty = none.
        token: Hugging Face token; sent to the hub's host only, over https (or to this machine).
        timeout_seconds: longest wait for the server.
        attempts: transfers without a single new byte before giving up.
        back_off_seconds: first wait; doubles each time.
    """

    offline: str = ""
    hub: str = HUB
    mirror: str = ""
    token: str = field(default="", repr=False)
    timeout_seconds: float = 30.0
    attempts: int = 5
    back_off_seconds: float = 1.0

    def with_hub(self, hub: str) -> Network:
        """The same with another hub; an empty address changes nothing."""
        return replace(self, hub=hub.rstrip("/")) if hub else self

    def may_send_token(self, url: str) -> bool:
        """True on the hub's own host, where the line is encrypted or does not leave the machine."""
        there, home = urlsplit(url), urlsplit(self.hub)
        same = (there.scheme, there.hostname, there.port) == (home.scheme, home.hostname, home.port)
        return bool(self.token) and same and (there.scheme == "https" or there.hostname in LOOPBACK)


class Broken(Exception):
    """The transfer failed in a way that a new attempt may cure; `wait_seconds` is what the server asks for."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class Beyond(Broken):
    """The request began after the end of the file; `total` is the size of the file, None when the server does not state it."""

    def __init__(self, total: int | None) -> None:
        super().__init__("the server has fewer bytes than are here already")
        self.total = total


class Reply:
    """An answer whose body is still to be read.

    Attributes:
        offset: first byte it brings; 0 = the whole file.
        length: bytes still to come, None when the server does not state it.
        total: size of the whole file, None when the server does not state it.
        validator: a strong ETag for resuming, or empty.
        sha256: hash of the content as the hub states it, or empty.
    """

    def __init__(self, response: http.client.HTTPResponse, redirect: Message | None) -> None:
        self._response = response
        headers = response.headers
        self.offset, total = _content_range(headers) if response.status == 206 else (0, None)
        length = headers.get("Content-Length", "")
        self.length = int(length) if length.isdecimal() else None
        self.total = total if total is not None or self.length is None else self.offset + self.length
        tag = headers.get("ETag", "")
        self.validator = tag if tag.startswith('"') else ""  # If-Range allows strong validators only
        self.sha256 = _stated_sha256(redirect) or _stated_sha256(headers)

    def read(self, count: int) -> bytes:
        """At most `count` further bytes; empty at the end.

        Raises:
            Broken: the connection failed.
        """
        try:
            return self._response.read(count)
        except (OSError, http.client.HTTPException) as error:
            raise Broken(str(error) or type(error).__name__) from error


def _content_range(headers: Message) -> tuple[int, int | None]:
    match = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if not match:
        raise Broken(f"the server sends a part without saying which ({headers.get('Content-Range')!r})")
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _stated_sha256(headers: Message | None) -> str:
    """The hub states the sha256 of a large file as the linked ETag (its Xet hash, in another header, is something else)."""
    tag = (headers.get("X-Linked-ETag", "") if headers else "").removeprefix("W/").strip('"')
    return tag if _SHA256.fullmatch(tag) else ""


class RedirectRule(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http(s) only, never from https to http, and sends the token to no other host."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.stated: Message | None = None

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The next request (signature of the standard library).

        Raises:
            WeightsError: the new address is not http(s), or gives up encryption.
        """
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in {"http", "https"} or (old == "https" and new == "http"):
            raise WeightsError(
                f"weights: {req.full_url} redirects to {newurl}, which is not safe", "choose another source: --mirrors"
            )
        if _stated_sha256(headers):
            self.stated = headers
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            _sign(following, self._network)
        return following


def _sign(request: urllib.request.Request, network: Network) -> None:
    if network.may_send_token(request.full_url):
        request.add_unredirected_header("Authorization", f"Bearer {network.token}")


@contextmanager
def ask(url: str, network: Network, offset: int = 0, validator: str = "") -> Iterator[Reply]:
    """Open an address, from byte `offset` on if the server can and the file is still the one that `validator` names.

    Raises:
        WeightsError: the server refuses for good.
        Broken: worth another attempt.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "lookbook", "Accept-Encoding": "identity"})
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        if validator:
            request.add_header("If-Range", validator)
    _sign(request, network)
    redirects = RedirectRule(network)
    response = _open(request, redirects, network)
    with response:
        reply = Reply(response, redirects.stated)
        if reply.offset not in {0, offset}:
            raise Broken(f"asked from byte {offset}, the server starts at {reply.offset}")
        yield reply


def _open(request: urllib.request.Request, redirects: RedirectRule, network: Network) -> http.client.HTTPResponse:
    opener = urllib.request.build_opener(redirects)
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=network.timeout_seconds)
    except urllib.error.HTTPError as error:
        with error:
            raise _error_of_status(request.full_url, error, network) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            host, why = urlsplit(request.full_url).hostname, error.reason.verify_message
            raise WeightsError(
                f"weights: the certificate of {host} is not trusted: {why}",
                "set SSL_CERT_FILE to your company's certificate bundle",
            ) from error
        raise Broken(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise Broken(str(error) or type(error).__name__) from error
    return response


def _error_of_status(url: str, error: urllib.error.HTTPError, network: Network) -> Exception:
    """The error that a status code stands for."""
    if error.code in TRY_AGAIN:
        wait = error.headers.get("Retry-After", "")
        return Broken(f"status {error.code}", float(wait) if wait.isdecimal() else 0.0)
    if error.code == 416:
        whole = _WHOLE.fullmatch(error.headers.get("Content-Range", ""))
        return Beyond(int(whole[1]) if whole else None)
    by_hand = "or bring the file: python run.py weights pull NAME --from FILE"
    if error.code in {401, 403}:
        # The hub answers 401 for a repository that no longer exists, so "log in" alone would send people the wrong way.
        hint = "the token in HF_TOKEN may lack access" if network.may_send_token(url) else "set HF_TOKEN if it needs a login"
        return WeightsError(f"weights: {url} is removed, private, or needs a login (status {error.code})", f"{hint}, {by_hand}")
    if error.code in {404, 410}:
        return WeightsError(f"weights: {url} does not exist (status {error.code})", f"the file moved: try --mirrors, {by_hand}")
    return WeightsError(f"weights: {url} is refused (status {error.code} {error.reason})", f"try --mirrors, {by_hand}")
