"""The Python client drives a real page: a shop's whole way, photo in, dressed, pictures out."""

from __future__ import annotations

import io
import shutil
import sys
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import FAKE_RUN, LOCAL, Desk
from serving import Served
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.review.answers import JobState, PictureFile
from pipeline.review.client import Client, RefusedError
from pipeline.review.models import NewJob
from pipeline.review.server import make_app


@pytest.fixture(scope="module")
def served(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(drawn, folder, dirs_exist_ok=True)
    with Served(Desk(folder)) as found:
        yield found


@pytest.fixture
def shop(served: Served) -> Client:
    return Client(served.url, sleep=lambda seconds: threading.Event().wait(min(seconds, 0.05)) and None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "Zoë am Strand.jpg"
    path.write_bytes(images.jpeg(np.full((128, 96, 3), 90, np.uint8)))
    return path


@pytest.mark.slow
def test_a_photo_goes_in_and_finished_pictures_come_out(shop: Client, photo: Path, tmp_path: Path):
    guest, trousers = shop.add("person", photo), shop.add("cloth", photo, Category.LOWER)
    assert (guest.id, trousers.category) == ("Zoë_am_Strand", Category.LOWER)
    assert guest in shop.inputs().person and shop.status().people == 3
    told: list[int] = []
    job = shop.wait(shop.submit(NewJob(retry_failed=True), only=["ann"]).id, 0.05, lambda each: told.append(each.made))
    assert job.state is JobState.DONE and told[-1] == job.made == 3
    results = shop.results(job.id)
    files = [shop.download(each, tmp_path / "out") for each in results.pictures]
    assert files and all(images.read_photo(file, min_side=1).rgb.size for file in files)
    assert {each.found for each in results.pictures} == {True, False}
    assert shop.gallery(person="ann", limit=2).total == 9
    replaced = shop.replace("person", guest, photo)
    shop.remove("person", replaced)
    shop.remove("cloth", trousers)
    assert shop.status().people == 2


@pytest.mark.slow
def test_a_repeated_request_is_carried_out_once(shop: Client, photo: Path):
    assert shop.submit(only=["ann"], key="order 1").id == shop.submit(only=["ann"], key="order 1").id
    first = shop.add("background", photo, key="b")
    assert shop.add("background", photo, key="b") == first
    shop.remove("background", first)


@pytest.mark.slow
def test_a_refusal_carries_the_server_s_words(shop: Client, tmp_path: Path, photo: Path):
    (tmp_path / "notes.jpg").write_bytes(b"no picture")
    for ask, status in (
        (lambda: shop.add("person", tmp_path / "notes.jpg"), 422),
        (lambda: shop.job("nothing"), 404),
        (lambda: shop.submit(only=["bob"], key="order 1"), 422),
    ):
        with pytest.raises(RefusedError) as caught:
            ask()
        assert caught.value.status == status and caught.value.message


class InProcess(Client):
    """Asks a page in this process."""

    page: TestClient

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        answer = self.page.request(method, path, content=body, headers=headers)
        if answer.status_code >= 400:
            raise urllib.error.HTTPError(path, answer.status_code, "", answer.headers, io.BytesIO(answer.content))
        return answer.content


@pytest.fixture(scope="module")
def near(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, InProcess]]:
    folder = tmp_path_factory.mktemp("near")
    shutil.copytree(drawn, folder, dirs_exist_ok=True)
    desk = Desk(folder)
    with TestClient(make_app(desk.serving(), (sys.executable, str(FAKE_RUN))), base_url=LOCAL) as page:
        client = InProcess(LOCAL, sleep=lambda seconds: threading.Event().wait(0.03) and None)
        client.page = page
        yield desk, client


def test_sizes_and_layers_are_asked_for_and_stored_below_their_folders(near: tuple[Desk, InProcess], tmp_path: Path):
    desk, client = near
    desk.put("sizes/preview/1x1-1080/ann__tee__room.png", np.full((20, 20, 3), 90, np.uint8))
    job = client.wait(client.submit(NewJob(sizes=["1:1@1080"], format="png", layers=False), only=["ann"]).id)
    assert (job.state, job.sizes, job.format, job.layers) == (JobState.DONE, ["1:1@1080"], "png", False)
    picture = next(each for each in client.results(job.id).pictures if each.item == "ann__tee__room")
    files = [client.download(each, tmp_path) for each in (picture, *picture.further)]
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["ann__tee__room.png", "1x1-1080/ann__tee__room.png"]
    assert images.picture_size(files[1]) == (20, 20)


def test_a_picture_is_renamed_by_its_version(near: tuple[Desk, InProcess], photo: Path):
    _, client = near
    added = client.add("person", photo)
    renamed = client.rename("person", added, "Zoë 2")
    assert (renamed.id, renamed.ref) == ("Zoë_2", "inputs:person/Zoë_2.jpg") and renamed in client.inputs().person
    for refused, status in ((added, 404), (renamed.model_copy(update={"version": "stale"}), 409)):
        with pytest.raises(RefusedError) as caught:
            client.rename("person", refused, "other")
        assert caught.value.status == status
    client.remove("person", renamed)


def test_a_placement_file_with_a_mistake_is_read_and_taken_away(near: tuple[Desk, InProcess]):
    desk, client = near
    assert client.placement_file("room").text == ""
    file = desk.layout.inputs / "background" / client.placement_file("room").file
    file.write_text("spots = [oh dear\n")
    found = client.placement_file("room")
    assert found.text == "spots = [oh dear\n" and found.version
    with pytest.raises(RefusedError) as caught:
        client.reset_placement("room", found.model_copy(update={"version": "stale"}))
    assert caught.value.status == 409 and file.exists()
    taken = client.reset_placement("room", found)
    assert (taken.text, taken.undo) == ("", 1) and not file.exists()
    with pytest.raises(RefusedError) as caught:
        client.placement_file("no such/background")
    assert caught.value.status == 404


def test_a_settings_file_with_a_mistake_is_put_aside_and_brought_back(near: tuple[Desk, InProcess]):
    desk, client = near
    file = desk.layout.inputs / "person" / "ann.toml"
    file.write_text("person = 'left'\n")
    (broken,) = client.settings().broken
    assert (broken.name, broken.line, broken.text) == ("person/ann.toml", 1, "person = 'left'\n")
    with pytest.raises(RefusedError) as caught:
        client.put_aside(broken.model_copy(update={"version": "stale"}))
    assert caught.value.status == 409 and file.exists()
    aside = client.put_aside(broken)
    assert aside.kept_as == "ann.put-aside-1.toml" and not file.exists()
    assert client.bring_back(aside).broken == [broken] and client.settings().aside == []
    file.unlink()
    with pytest.raises(RefusedError) as caught:
        client.put_aside(broken.model_copy(update={"name": "../lookbook.toml"}))
    assert caught.value.status == 404


def test_the_demo_is_for_an_empty_folder_and_shapes_are_asked_for(
    near: tuple[Desk, InProcess], photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def one_photo(inputs: Path) -> None:  # the demo itself takes seconds, and is tried with the page
        (inputs / "person").mkdir(parents=True)
        shutil.copy(photo, inputs / "person" / "astronaut.jpg")

    monkeypatch.setattr("pipeline.review.routes.inputs.fill_inputs", one_photo)
    _, client = near
    with pytest.raises(RefusedError, match="already"):
        client.demo()
    assert client.gallery(limit=1).shapes is None and sum(client.gallery(limit=1, shapes=True).shapes or []) == 12
    empty = Desk(tmp_path / "empty")
    with TestClient(make_app(empty.serving(), (sys.executable, str(FAKE_RUN))), base_url=LOCAL) as page:
        client = InProcess(LOCAL)
        client.page = page
        brought = client.demo()
        assert [each.id for each in brought.person] == ["astronaut"] and brought == client.inputs()


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a//b.png", "..\\x.png", "c:x.png", "", "."])
def test_a_server_cannot_choose_where_a_picture_is_stored(near: tuple[Desk, InProcess], tmp_path: Path, name: str):
    with pytest.raises(RefusedError, match="no name of a picture"):
        near[1].download(PictureFile(name=name, ref="x", url="/files/x"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


class Busy(BaseHTTPRequestHandler):
    """Asks to come again twice, then answers; or says what is no JSON."""

    asked: list[str | None] = []  # noqa: RUF012 - of the class

    def do_GET(self) -> None:
        self.asked.append(self.headers["authorization"])
        code = 502 if "items" in self.path else 503 if len(self.asked) < 3 else 200
        body = b'{"id":"x","version":1,"total":0,"offset":0,"items":[]}' if code == 200 else b"<html>"
        self.send_response(code)
        self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def busy() -> Iterator[str]:
    Busy.asked = []
    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_while_the_server_is_busy_the_request_is_sent_again_after_the_time_it_asks_for(busy: str):
    slept: list[float] = []
    client = Client(busy, token="open-sesame", sleep=slept.append)
    with pytest.raises(ValueError, match="Status"):
        client.status()  # the stand-in answers with something else in the end
    assert slept == [7.0, 7.0] and Busy.asked == ["Bearer open-sesame"] * 3


def test_it_gives_up_after_the_tries_that_were_allowed(busy: str):
    with pytest.raises(RefusedError) as caught:
        Client(busy, tries=2, sleep=lambda seconds: None).status()
    assert caught.value.status == 503


def test_an_answer_of_something_else_and_none_at_all_are_told_apart(busy: str):
    with pytest.raises(RefusedError, match="answered 502"):
        Client(busy).gallery()
    with pytest.raises(RefusedError, match="does not answer") as caught:
        Client("http://127.0.0.1:9").status()
    assert caught.value.status == 0 and "review" in caught.value.remedy
