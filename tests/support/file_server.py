"""A small HTTP server on 127.0.0.1 whose misbehaviour a test chooses per path."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One path: its bytes and how badly they are delivered."""

    body: bytes
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes of the body sent by the 1st, 2nd … answer before the line is cut
    statuses: list[int] = field(default_factory=list)  # status of the 1st, 2nd … answer instead of the file
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    etag: bool = True
    announce_length: bool = True
    after_answer: Callable[[Served], None] | None = None


@dataclass
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]


class FileServer(ThreadingHTTPServer):
    """`files` maps paths to what is served; `asked` lists the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def put(self, path: str, body: bytes, **how: object) -> str:
        self.files[path] = Served(body, **how)  # type: ignore[arg-type]
        return self.url(path)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is what these tests are about."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(Asked(self.path, dict(self.headers.items())))
        served = self.server.files.get(self.path)
        if served is None:
            return self._short(404)
        if served.redirect:
            return self._short(302, {"Location": served.redirect, **served.headers})
        if served.statuses:
            return self._short(served.statuses.pop(0), served.headers)
        self._send(served)
        if served.after_answer:
            served.after_answer(served)
        return None

    def _short(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, served: Served) -> None:
        tag = f'"{hashlib.md5(served.body).hexdigest()}"'
        start = self._start(served, tag)
        if start >= len(served.body) > 0:
            return self._short(416, {"Content-Range": f"bytes */{len(served.body)}"})
        body = served.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        if served.etag:
            self.send_header("ETag", tag)
        for name, value in served.headers.items():
            self.send_header(name, value)
        if served.announce_length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: served.break_after.pop(0)] if served.break_after else body)
        self.close_connection = True
        return None

    def _start(self, served: Served, tag: str) -> int:
        wanted = self.headers.get("Range", "")
        if not served.ranges or not wanted.startswith("bytes=") or self.headers.get("If-Range", tag) != tag:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))
