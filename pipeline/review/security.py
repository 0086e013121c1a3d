"""Access control: checks of host and origin, the token, size limits, and security headers for browsers.

A page on the internet must not control this one. It cannot read answers (no CORS header is ever sent), cannot post (`Origin` and
`Sec-Fetch-Site` are checked), and cannot rebind a name of its own to 127.0.0.1 (`Host` must be ours or an address).
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.review.decoding import RETRY_AFTER_S
from pipeline.review.options import Serving, is_loopback
from pipeline.review.outside import BadForwardingError, Outside, outside_address

COOKIE = "lookbook"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UPLOADS = ("/api/inputs/", "/api/masks/")
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}


class Guard:
    """The outermost layer: checks every request before the application receives it.

    Args:
        app: the application.
        serving: address, token and limits.
    """

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving
        self._receiving = 0
        """Bytes of the uploads that are being received or worked on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _hardened(send, refusal)(scope, receive, send)
            return
        await self._limited(scope, receive, send)

    def _limit(self, scope: Scope) -> int:
        """Bytes that the body of a request may have."""
        return self._serving.limits.upload_bytes if scope["path"].startswith(UPLOADS) else self._serving.limits.body_bytes

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count the bytes of its body, whatever its headers say."""
        limit, count = self._limit(scope), 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            received = len(message.get("body", b""))
            count += received
            self._receiving += received
            if count > limit:
                raise HTTPException(413, f"more than {limit / 1e6:g} MB")
            if self._receiving > self._serving.limits.uploads_bytes:
                raise HTTPException(503, "too much is being received", {"retry-after": str(RETRY_AFTER_S)})
            return message

        async def noted(message: Message) -> None:
            await send(_with_headers(message))

        try:
            await self._app(scope, counted, noted)
        finally:
            self._receiving -= count

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | RedirectResponse | None:
        """The refusal of a request; None when it is accepted."""
        try:
            outside = outside_address(scope, headers, self._serving.proxies)
        except BadForwardingError:
            return _refused(400, "x-forwarded-proto is neither http nor https", "mend the proxy's settings")
        if outside is None or not self._is_our_host(outside.host):
            return _refused(
                421, "this is not a host name of the page", "open it by its address, or name the host with --allow-host"
            )
        if not _same_site(scope, headers, outside):
            return _refused(403, "requests from other pages are refused", "open the page itself")
        limit = self._limit(scope)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return _refused(400, "content-length is not a number")
        if int(length) > limit:
            return _too_large(limit)
        if self._receiving + int(length) > self._serving.limits.uploads_bytes:
            return _refused(503, "too much is being received", "send it again in a moment", {"retry-after": str(RETRY_AFTER_S)})
        return self._token_refusal(scope, headers, outside)

    def _token_refusal(self, scope: Scope, headers: Headers, outside: Outside) -> JSONResponse | RedirectResponse | None:
        """Check the token, which comes in the header, in the cookie, or once in the address."""
        token = self._serving.token
        if not token:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and _equal(given, token):
            entrance = RedirectResponse("/", status_code=303)
            entrance.set_cookie(COOKIE, token, httponly=True, secure=outside.scheme == "https", samesite="strict", path="/")
            return entrance
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        if _equal(bearer, token) or _equal(_cookie(headers), token):
            return None
        return _refused(
            401, "a token is needed", "open the address that the command printed, or send Authorization: Bearer <token>"
        )

    def _is_our_host(self, text: str) -> bool:
        try:
            parts = urlsplit(f"//{text}")
            name, _ = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return False
        if is_loopback(name) or name in {each.lower() for each in self._serving.names}:
            return True
        return not self._serving.is_local and _is_address(name)


def _same_site(scope: Scope, headers: Headers, outside: Outside) -> bool:
    """Whether the request comes from our page or from no page. A link to the page itself may be followed from anywhere."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and not outside.is_origin(origin):
        return False
    if site in {"none", "same-origin"}:
        return True
    return scope["method"] in SAFE_METHODS and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"


def _is_address(name: str) -> bool:
    """Whether a host is an IP address, which, unlike a name, cannot be rebound to another machine."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _refused(status: int, message: str, remedy: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message, "remedy": remedy}, status_code=status, headers=headers)


def _too_large(limit: int) -> JSONResponse:
    return _refused(413, f"more than {limit / 1e6:g} MB", "send less, or a smaller picture")


def _with_headers(message: Message) -> Message:
    if message["type"] == "http.response.start":
        headers = MutableHeaders(raw=message.setdefault("headers", []))
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
    return message


def _hardened(send: Send, answer: ASGIApp) -> ASGIApp:
    """Our own answer, with the security headers."""

    async def respond(scope: Scope, receive: Receive, _: Send) -> None:
        async def noted(message: Message) -> None:
            await send(_with_headers(message))

        await answer(scope, receive, noted)

    return respond
