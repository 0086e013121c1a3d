"""A client of the review page's API for programs in Python: typed answers, nothing but the standard library on the wire.

from pipeline.review.client import Client
shop = Client("http://127.0.0.1:8321")
guest = shop.add("person", Path("guest.jpg"))
job = shop.wait(shop.submit(only=[guest.id]).id)
files = [shop.download(each, Path("out")) for each in shop.results(job.id).pictures]
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from pipeline.core.errors import LookbookError
from pipeline.core.labels import Category
from pipeline.core.records.whole_file import write_whole
from pipeline.review.answers import (
    BrokenFile,
    Cards,
    FileAside,
    Input,
    Inputs,
    Job,
    JobResults,
    PictureFile,
    PlacementText,
    SettingsState,
    Status,
)
from pipeline.review.jobs.job import OVER
from pipeline.review.models import NewJob, NewName

Kind = Literal["person", "cloth", "background"]
Typed = TypeVar("Typed", bound=BaseModel)
JSON = {"content-type": "application/json"}
BUSY = frozenset({429, 503})
"""The server asks to come again after `Retry-After` seconds."""


class RefusedError(LookbookError):
    """The server refused a request.

    Args:
        status: of HTTP; 0 = there was no answer.
        message: of the server.
        remedy: likewise.
    """

    def __init__(self, status: int, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.status = status


class Client:
    """Talks to one page. Repeats what the server is too busy for; everything that is sent twice is carried out once.

    Args:
        address: e.g. https://shop.example.
        token: that the command printed; "" where none is needed.
        timeout_s: of one request.
        tries: how often a request is sent while the server is busy.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8321",
        token: str = "",
        *,
        timeout_s: float = 60.0,
        tries: int = 10,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._timeout_s = timeout_s
        self._tries = tries
        self._sleep = sleep

    # ---- inputs -----------------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Counts, and the inputs that cannot be used."""
        return self._get(Status, "/api/status")

    def inputs(self) -> Inputs:
        """Photos, garments and backgrounds."""
        return self._get(Inputs, "/api/inputs")

    def add(self, kind: Kind, picture: Path, category: Category = Category.UPPER, key: str = "") -> Input:
        """Add one picture.

        Args:
            kind: what it shows.
            picture: its file.
            category: of a garment.
            key: `Idempotency-Key`; made up when empty.
        """
        return self._send_file(f"/api/inputs/{kind}?category={category.value}", "POST", picture, key or uuid.uuid4().hex)

    def replace(self, kind: Kind, old: Input, picture: Path) -> Input:
        """Put another picture in the place of one; it keeps its id."""
        return self._send_file(f"{_address_of(kind, old)}", "PUT", picture)

    def remove(self, kind: Kind, old: Input) -> None:
        """Delete one picture of the inputs folder."""
        self._ask("DELETE", _address_of(kind, old))

    def rename(self, kind: Kind, old: Input, name: str) -> Input:
        """Give one picture another name, and thereby another id; returns it as it is then.

        Args:
            kind: what it shows.
            old: as it was listed.
            name: without folder and ending.
        """
        body = NewName(name=name, base=old.version).model_dump_json().encode()
        path = f"/api/inputs/{kind}/{quote(old.id, safe='')}/rename"
        return Input.model_validate_json(self._ask("POST", path, body, JSON))

    def demo(self) -> Inputs:
        """Fill an empty inputs folder with the demo's pictures."""
        return Inputs.model_validate_json(self._ask("POST", "/api/demo"))

    # ---- placement --------------------------------------------------------------------------------------------------------

    def placement_file(self, background: str) -> PlacementText:
        """The placement file of a background as it is written, also where it has a mistake."""
        return self._get(PlacementText, f"/api/placements/{quote(background, safe='')}/file")

    def reset_placement(self, background: str, old: PlacementText) -> PlacementText:
        """Take the placement file of a background away, so that everything is found automatically."""
        path = f"/api/placements/{quote(background, safe='')}?base={quote(old.version)}"
        return PlacementText.model_validate_json(self._ask("DELETE", path))

    # ---- settings files ---------------------------------------------------------------------------------------------------

    def settings(self) -> SettingsState:
        """Settings files with a mistake, and those that were put aside."""
        return self._get(SettingsState, "/api/settings")

    def put_aside(self, broken: BrokenFile) -> FileAside:
        """Put a settings file with a mistake aside, under another name in its folder, so that defaults hold."""
        path = f"/api/settings/{quote(broken.name)}?base={quote(broken.version)}"
        return FileAside.model_validate_json(self._ask("DELETE", path))

    def bring_back(self, aside: FileAside) -> SettingsState:
        """Bring back what was put aside last of a settings file."""
        path = f"/api/settings/{quote(aside.name)}/undo?base={quote(aside.version)}"
        return SettingsState.model_validate_json(self._ask("POST", path))

    # ---- jobs -------------------------------------------------------------------------------------------------------------

    def submit(self, job: NewJob | None = None, *, only: Sequence[str] = (), key: str = "") -> Job:
        """Queue a job.

        Args:
            job: what it shall do; default: everything.
            only: for these people, garments, backgrounds or pairs.
            key: `Idempotency-Key`; made up when empty.
        """
        asked = (job or NewJob()).model_copy(update={"only": list(only)} if only else {})
        headers = {**JSON, "idempotency-key": key or uuid.uuid4().hex}
        return Job.model_validate_json(self._ask("POST", "/api/jobs", asked.model_dump_json().encode(), headers))

    def job(self, ident: str) -> Job:
        """State and progress of a job."""
        return self._get(Job, f"/api/jobs/{quote(ident)}")

    def wait(self, ident: str, every_s: float = 1.0, told: Callable[[Job], None] = lambda job: None) -> Job:
        """Ask until a job is over.

        Args:
            ident: of the job.
            every_s: seconds between two questions.
            told: called with every answer.
        """
        while True:
            job = self.job(ident)
            told(job)
            if job.state in OVER:
                return job
            self._sleep(every_s)

    def cancel(self, ident: str) -> Job:
        """Stop a job after its current item; asked again, at once."""
        return Job.model_validate_json(self._ask("POST", f"/api/jobs/{quote(ident)}/cancel"))

    def results(self, ident: str) -> JobResults:
        """What a job made, and the finished pictures it was asked for."""
        return self._get(JobResults, f"/api/jobs/{quote(ident)}/results")

    def gallery(self, **wanted: str | float) -> Cards:
        """Finished pictures that fit a filter: the names of the parameters of GET /api/items, `shapes=True` among them."""
        return self._get(Cards, f"/api/items?{urlencode(wanted)}")

    def download(self, picture: PictureFile, folder: Path) -> Path:
        """Store a finished picture, one of its sizes or one of its layers in a folder, whole or not at all; returns its file."""
        target = folder.joinpath(*_ordinary(picture.name))
        write_whole(target, self._ask("GET", quote(picture.url, safe="/:")))
        return target

    # ---- on the wire ------------------------------------------------------------------------------------------------------

    def _get(self, kind: type[Typed], path: str) -> Typed:
        return kind.model_validate_json(self._ask("GET", path))

    def _send_file(self, path: str, method: str, picture: Path, key: str = "") -> Input:
        boundary = uuid.uuid4().hex
        name = picture.name.replace('"', "_").encode("utf-8")
        head = b'--%s\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\n\r\n' % (boundary.encode(), name)
        body = head + picture.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"} | ({"idempotency-key": key} if key else {})
        return Input.model_validate_json(self._ask(method, path, body, headers))

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        for left in range(self._tries - 1, -1, -1):
            try:
                return self._once(method, path, body, headers or {})
            except urllib.error.HTTPError as problem:
                with problem:
                    refusal = _refusal(problem)
                if problem.code not in BUSY or not left:
                    raise refusal from None
                self._sleep(float(problem.headers.get("retry-after") or 1))
            except OSError as problem:
                raise RefusedError(0, f"{self._address} does not answer ({problem})", "python run.py review") from None
        raise AssertionError("tries is at least 1")

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(self._address + path, body, {**self._headers, **headers}, method=method)
        with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
            found: bytes = answer.read()
            return found


def _address_of(kind: Kind, old: Input) -> str:
    return f"/api/inputs/{kind}/{quote(old.id, safe='')}?base={quote(old.version)}"


def _ordinary(name: str) -> list[str]:
    """The parts of a file's name, none of which leads out of the folder that it is stored in."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} or set(part) & set("\\:") for part in parts):
        raise RefusedError(0, f"{name!r} is no name of a picture", "is this a page of this project?")
    return parts


def _refusal(problem: urllib.error.HTTPError) -> RefusedError:
    """The server's own words, where it is ours that answered."""
    try:
        words: dict[str, Any] = json.loads(problem.read())
        return RefusedError(problem.code, str(words["message"]), str(words.get("remedy", "")))
    except (ValueError, KeyError, TypeError):
        return RefusedError(problem.code, f"the server answered {problem.code} {problem.reason}")
