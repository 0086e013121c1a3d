"""The page in a process of its own, as a browser meets it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from desk import FAKE_RUN, Desk

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from pipeline.api import Request
from pipeline.review import server
from pipeline.review.options import Serving
folder, port, *command = sys.argv[1:]
folder = Path(folder)
request = Request(inputs=folder / "inputs", outputs=folder / "outputs", weights=folder / "weights")
serving = Serving(request=request, port=int(port))
if command:
    make = server.make_app
    server.make_app = lambda serving: make(serving, command)
server.serve(serving)
"""


class Served:
    """Serves a desk while it is a context.

    Args:
        desk: what is served.
        real: run jobs with the real command line instead of the stand-in.
    """

    def __init__(self, desk: Desk, real: bool = False) -> None:
        self._desk = desk
        self._command = [] if real else [sys.executable, str(FAKE_RUN)]

    def __enter__(self) -> Served:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        words = [sys.executable, "-c", PROGRAM, str(self._desk.folder), str(self.port), *self._command]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
        self._log = (self._desk.folder / "server.log").open("w+")
        self._process = subprocess.Popen(words, env=environment, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)
        for _ in range(1200):
            try:
                self.get("/api/status")
                return self
            except OSError:
                assert self._process.poll() is None, self.log()
                time.sleep(0.1)
        raise AssertionError(f"the page did not come up: {self.log()}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
        self._log.close()

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=90) as answer:
            return answer.read()

    def memory_mb(self) -> float:
        return self._status_mb("VmRSS:")

    def peak_memory_mb(self) -> float:
        return self._status_mb("VmHWM:")

    def processor_seconds(self) -> float:
        """What the server and its threads took of the processor so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status_mb(self, line: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split(line)[1].split()[0]) / 1024

    async def follow(self, count: int) -> list[list[str]]:
        """Open so many streams, run one job, and return which events each stream heard."""
        streams = [await self._stream() for _ in range(count)]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = "POST /api/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        writer.write(f"{head}connection: close\r\n\r\n{{}}".encode())
        assert b"202" in await reader.readline()
        heard = await asyncio.gather(*(asyncio.wait_for(self._listen(each[0]), 60) for each in streams))
        for _, stream in streams:
            stream.close()
        writer.close()
        await asyncio.sleep(0.3)
        return heard

    async def _stream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert b"200" in await reader.readline()
        return reader, writer

    async def _listen(self, reader: asyncio.StreamReader) -> list[str]:
        heard: list[str] = []
        while True:
            line = (await reader.readline()).decode()
            assert line, f"the stream ended early, after {heard}"
            if line.startswith("event:"):
                heard.append(line.split()[1])
            if '"state": "done"' in line:
                return heard
