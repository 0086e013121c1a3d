"""Many large uploads at once: they take turns, what is too much is told to come again, and memory stays bounded."""

from __future__ import annotations

import http.client
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from desk import FAKE_RUN, LOCAL, Desk
from PIL import Image
from serving import Served
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.review import uploads
from pipeline.review.decoding import BusyError, Decoder
from pipeline.review.server import make_app

LARGE = (7680, 7680)  # 59 megapixels, (height, width)
MOST_MB = 1500


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    found = Decoder(waiting=3)
    yield found
    found.close()


def test_large_pictures_are_decoded_one_after_another_and_small_ones_beside_them(decoder: Decoder):
    inside, seen, guard = [], [], threading.Lock()

    def work(megapixels: float) -> float:
        with guard:
            inside.append(megapixels)
            seen.append(tuple(sorted(inside)))
        time.sleep(0.02)
        with guard:
            inside.remove(megapixels)
        return megapixels

    sizes = [1, 59, 1, 59, 1, 300, 1, 1]
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda size: decoder.run(size, lambda: work(size), refusable=False), sizes)
        assert list(answers) == sizes
    assert all(sum(size > 8 for size in each) <= 1 and len(each) <= 3 for each in seen), seen


def test_who_is_too_much_is_refused_and_those_who_wait_keep_their_order(decoder: Decoder, wait_for: Callable):
    order, held = [], threading.Event()
    work = lambda name: (order.append(name), held.wait(60))  # noqa: E731
    threads = []
    for name in range(3):
        threads.append(threading.Thread(target=decoder.run, args=(59, lambda name=name: work(name))))
        threads[-1].start()
        wait_for(lambda name=name: len(order) + decoder._heavy._work_queue.qsize() > name)
    with pytest.raises(BusyError):
        decoder.run(1, lambda: None)
    assert decoder.run(1, lambda: "thumbnail", refusable=False) == "thumbnail"
    held.set()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]
    assert decoder.run(59, lambda: "free again") == "free again"


def test_a_failed_decode_gives_its_place_back(decoder: Decoder):
    def damaged() -> None:
        raise ValueError("damaged")

    for _ in range(5):
        with pytest.raises(ValueError, match="damaged"):
            decoder.run(59, damaged)


def png(side: int) -> bytes:
    return images.png(np.full((side, side, 3), 120, np.uint8))


def test_uploads_beyond_what_may_wait_are_told_to_come_again(desk: Desk, monkeypatch: pytest.MonkeyPatch, wait_for: Callable):
    held, decode = threading.Event(), uploads.images.check_photo
    monkeypatch.setattr(uploads.images, "check_photo", lambda path: held.wait(60) and decode(path))
    app = make_app(desk.serving(limits=replace(desk.small_limits, waiting_decodes=3)), (sys.executable, str(FAKE_RUN)))
    with TestClient(app, base_url=LOCAL) as client, ThreadPoolExecutor(8) as threads:
        send = lambda name: client.post("/api/inputs/person", files={"file": (f"{name}.png", png(300))})  # noqa: E731
        answers = [threads.submit(send, f"guest{number}") for number in range(8)]
        wait_for(lambda: sum(each.done() for each in answers) == 5)
        held.set()
        statuses = [each.result() for each in answers]
        refused = [each for each in statuses if each.status_code == 503]
        assert sorted(each.status_code for each in statuses) == [201] * 3 + [503] * 5
        assert all(int(each.headers["retry-after"]) > 0 and "again" in each.json()["remedy"] for each in refused)
        assert send("later").status_code == 201
    assert not list((desk.layout.inputs / "person").glob(".*")), "nothing half-stored stays"


def test_bytes_on_their_way_are_counted_over_all_uploads(desk: Desk):
    limits = replace(desk.small_limits, uploads_bytes=1000)
    app = make_app(desk.serving(limits=limits), (sys.executable, str(FAKE_RUN)))
    with TestClient(app, base_url=LOCAL) as client:
        answer = client.post("/api/inputs/person", files={"file": ("large.png", png(300) + b" " * 2000)})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert client.post("/api/inputs/person", content=iter([b"x" * 600, b"x" * 600])).status_code in {422, 503}
        assert client.post("/api/inputs/person", content=iter([b"x" * 600])).status_code == 422, "what ended counts no more"


@pytest.mark.slow
def test_twelve_files_of_59_megapixels_at_once_stay_below_one_and_a_half_gigabytes(desk: Desk):
    file = io.BytesIO()
    Image.new("RGB", (LARGE[1], LARGE[0]), (120, 90, 60)).save(file, "PNG", compress_level=1)
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="large.png"\r\n\r\n'
    body = head + file.getvalue() + b"\r\n--b--\r\n"
    with Served(desk) as served:

        def send(number: int) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
            connection.request("POST", "/api/inputs/background", body, {"content-type": "multipart/form-data; boundary=b"})
            return connection.getresponse().status

        with ThreadPoolExecutor(12) as threads:
            statuses = list(threads.map(send, range(12)))
        assert set(statuses) == {201}, "one after another, none lost"
        assert served.peak_memory_mb() < MOST_MB
        assert len(json.loads(served.get("/api/inputs"))["background"]) >= 12
