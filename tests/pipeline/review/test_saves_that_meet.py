"""Of saves that start from the same version exactly one wins; nothing is lost, mixed up, or answered with a server error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from desk import FAKE_RUN, LOCAL, Desk
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, REVIEW, Layout
from pipeline.core.records.store import Store
from pipeline.review.server import make_app

PNG = {"content-type": "image/png"}
WRITERS = 8
SIZE = (1024, 768)


@dataclass(frozen=True)
class Target:
    """Something that two editors may save at once.

    Args:
        get: its address.
        save: (client, writer, round, base) → the answer.
        holds: (layout, writer, round) → whether the file says what this writer saved in this round.
    """

    get: str
    save: Callable[[TestClient, int, int, str], Any]
    holds: Callable[[Layout, int, int], bool]


def drawn(writer: int, turn: int) -> np.ndarray:
    """A mask that nobody else draws: the writer's band, as wide as the round."""
    mask = np.zeros(SIZE, bool)
    mask[100 * writer : 100 * writer + 90, : turn + 1] = True
    return mask


def mask_of(person: str) -> Target:
    def save(client: TestClient, writer: int, turn: int, base: str) -> Any:
        content = images.mask_png(drawn(writer, turn))
        return client.put(f"/api/masks/agnostic/{person}?base={base}", content=content, headers=PNG)

    def holds(layout: Layout, writer: int, turn: int) -> bool:
        return np.array_equal(images.read_mask(layout.path(AGNOSTIC_MASK.of(person, Category.UPPER))), drawn(writer, turn))

    return Target(f"/api/masks/agnostic/{person}", save, holds)


def height(writer: int, turn: int) -> float:
    return round(0.2 + 0.05 * writer + 0.0001 * turn, 6)


def save_placement(client: TestClient, writer: int, turn: int, base: str) -> Any:
    settings = client.get("/api/placements").json()["automatic"]
    settings["spots"][0]["height"] = height(writer, turn)
    return client.put("/api/placements/room", json={"placement_settings": settings, "base": base})


def placement_holds(layout: Layout, writer: int, turn: int) -> bool:
    return f"height = {height(writer, turn)}\n" in (layout.inputs / "background/room.toml").read_text("utf-8")


def pairs_of(writer: int) -> list[tuple[str, str]]:
    """Eight subsets of the four pairs."""
    every = [(person, garment) for person in ("ann", "bob") for garment in ("tee", "top")]
    return [pair for place, pair in enumerate(every) if (writer + 1) >> place & 1]


def save_pairs(client: TestClient, writer: int, turn: int, base: str) -> Any:
    return client.put("/api/pairs", json={"pairs": pairs_of(writer), "base": base})


def pairs_hold(layout: Layout, writer: int, turn: int) -> bool:
    lines = (layout.inputs / "pairs.txt").read_text("utf-8").splitlines()[1:]
    return lines == [f"{person} {garment}" for person, garment in pairs_of(writer)]


TARGETS = {
    "mask": mask_of("ann"),
    "placement": Target("/api/placements/room", save_placement, placement_holds),
    "pairs": Target("/api/pairs", save_pairs, pairs_hold),
}


@pytest.fixture
def page(desk: Desk):
    """The application as it is: a change without a base is refused."""
    app = make_app(desk.serving(), (sys.executable, str(FAKE_RUN)))
    with TestClient(app, base_url=LOCAL) as client:
        yield client


def compete(page: TestClient, layout: Layout, target: Target, rounds: int) -> None:
    """Everybody reads, then everybody saves: one wins, the others get 409, and the file is the winner's, whole."""
    meet = threading.Barrier(WRITERS)
    base = ""

    def turn_of(writer: int, turn: int) -> Any:
        meet.wait()
        return target.save(page, writer, turn, base)

    with ThreadPoolExecutor(WRITERS) as pool:
        for turn in range(rounds):
            base = page.get(target.get).json()["version"]
            answers = list(pool.map(turn_of, range(WRITERS), [turn] * WRITERS))
            statuses = [answer.status_code for answer in answers]
            assert sorted(statuses) == [200, *[409] * (WRITERS - 1)], [answer.text for answer in answers]
            winner = statuses.index(200)
            assert target.holds(layout, winner, turn)
            assert answers[winner].json()["version"] == page.get(target.get).json()["version"]


@pytest.mark.parametrize("kind", TARGETS)
def test_of_eight_saves_from_one_version_exactly_one_wins(desk: Desk, page: TestClient, kind: str):
    compete(page, desk.layout, TARGETS[kind], rounds=5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TARGETS)
def test_eight_writers_meet_two_hundred_times(desk: Desk, page: TestClient, kind: str):
    compete(page, desk.layout, TARGETS[kind], rounds=200)


def meet_on_two(page: TestClient, layout: Layout, rounds: int) -> None:
    """Half of the writers draw ann's mask, half bob's, each on what they saw last: no answer is 5xx, no mask another's."""
    targets = [mask_of(person) for person in ("ann", "bob")]
    won: list[list[str]] = [[], []]
    last: list[tuple[int, int]] = [(0, 0), (0, 0)]
    guard = threading.Lock()

    def work(writer: int) -> None:
        place = writer % 2
        target = targets[place]
        for turn in range(rounds):
            base = page.get(target.get).json()["version"]
            answer = target.save(page, writer, turn, base)
            assert answer.status_code in {200, 409}, answer.text
            if answer.status_code == 200:
                with guard:
                    won[place].append(base)
                    if answer.json()["version"] == page.get(target.get).json()["version"]:
                        last[place] = writer, turn

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(work, writer) for writer in range(WRITERS)]:
            done.result()
    for place, target in enumerate(targets):
        assert len(won[place]) == len(set(won[place])) > 0  # no version was replaced twice, so no save was lost
        assert target.holds(layout, *last[place])


def test_masks_of_two_people_saved_at_once_stay_their_own(desk: Desk, page: TestClient):
    meet_on_two(page, desk.layout, rounds=4)
    assert not list(desk.layout.outputs.rglob("*.part"))


@pytest.mark.slow
def test_masks_of_two_people_stay_their_own_two_hundred_times(desk: Desk, page: TestClient):
    meet_on_two(page, desk.layout, rounds=200)
    assert not list(desk.layout.outputs.rglob("*.part"))


def test_of_two_undos_at_once_one_goes_back_one_step(desk: Desk, page: TestClient):
    for turn in range(4):
        save_placement(page, 0, turn, page.get("/api/placements/room").json()["version"])
    base = page.get("/api/placements/room").json()["version"]
    meet = threading.Barrier(2)

    def undo(_: int) -> int:
        meet.wait()
        return page.post(f"/api/placements/room/undo?base={base}").status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(undo, range(2))) == [200, 409]
    shown = page.get("/api/placements/room").json()
    assert shown["undo"] == 3 and placement_holds(desk.layout, 0, 2)


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/api/masks/agnostic/ann"), ("DELETE", "/api/masks/agnostic/ann"), ("PUT", "/api/placements/room"),
    ("POST", "/api/placements/room/undo"), ("PUT", "/api/pairs"), ("DELETE", "/api/pairs"),
])  # fmt: skip
def test_a_change_that_does_not_say_what_it_is_based_on_is_refused(page: TestClient, method: str, path: str):
    bodies = {"/api/placements/room": {"placement_settings": {}}, "/api/pairs": {"pairs": []}}
    words = {"json": bodies[path]} if method == "PUT" and path in bodies else {}
    words = words or ({"content": images.mask_png(drawn(0, 0)), "headers": PNG} if method == "PUT" else {})
    assert page.request(method, path, **words).status_code == 422
    late = page.request(
        method, f"{path}?base=older", **({"json": words["json"] | {"base": "older"}} if "json" in words else words)
    )
    assert late.status_code == 409


def test_two_stores_of_one_process_never_share_a_temporary_name(tmp_path):
    layout = Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")
    stores = [Store(layout, durable=False) for _ in range(2)]
    staged = [store.stage(f"{REVIEW}/mask.png", bytes([number])) for number in range(20) for store in stores]
    assert len({each.temp for each in staged}) == 40
    assert [each.temp.read_bytes() for each in staged] == [bytes([number]) for number in range(20) for _ in stores]
