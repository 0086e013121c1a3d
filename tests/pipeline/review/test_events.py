"""Everybody who looks hears what happens; nobody is waited for."""

from __future__ import annotations

import asyncio
import json

import pytest
from desk import Desk
from serving import Served

from pipeline.review.events import AFRESH, Hub, TooManyStreamsError


def kinds(queue: asyncio.Queue) -> list[str]:
    found = []
    while not queue.empty():
        found.append(queue.get_nowait().decode().split("event: ")[1].split("\n")[0])
    return found


def test_events_reach_every_stream_in_order_and_numbered():
    async def story() -> None:
        hub = Hub(streams=3, waiting=10)
        one, two = hub.join(), hub.join()
        hub.notify("job", {"id": "ä"})
        hub.notify("gallery", {"done": 1})
        assert kinds(one) == kinds(two) == ["hello", "job", "gallery"]

    asyncio.run(story())


def test_a_reader_that_falls_behind_is_told_to_start_afresh_and_memory_stays():
    async def story() -> None:
        hub = Hub(streams=3, waiting=10)
        slow = hub.join()
        for number in range(10_000):
            hub.notify("job", {"number": number})
            assert slow.qsize() <= 10
        assert AFRESH in kinds(slow)

    asyncio.run(story())


def test_streams_are_limited_and_a_reader_that_left_makes_room():
    async def story() -> None:
        hub = Hub(streams=1, waiting=10)
        stream = hub.stream(hub.join())
        assert b"hello" in await anext(stream)
        with pytest.raises(TooManyStreamsError):
            hub.join()
        await stream.aclose()
        assert hub.listeners == 0
        hub.join()
        hub.close()

    asyncio.run(story())


def test_closing_ends_every_stream():
    async def story() -> None:
        hub = Hub(streams=2, waiting=10)
        stream = hub.stream(hub.join())
        hub.close()
        assert len([part async for part in stream]) == 1

    asyncio.run(story())


@pytest.mark.slow
def test_fifty_pages_follow_a_job_and_memory_stays_flat(desk: Desk):
    with Served(desk) as served:
        follow = lambda count: asyncio.run(served.follow(count))  # noqa: E731
        follow(5)
        before = served.memory_mb()
        for _ in range(3):
            heard = follow(50)
            assert all("job" in each and each.count("job-event") >= 5 for each in heard)
        assert served.memory_mb() - before < 25
        assert json.loads(served.get("/api/status"))["streams"] == 0
