"""Five thousand pictures: the gallery opens at once, scrolls, and the server's memory stays flat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browsing import chromium, keep, opened, until
from desk import ENGINE, Desk
from measured import processor_seconds, quiet_heap, slowness
from playwright.sync_api import expect
from serving import Served

from pipeline.core.layout import FINAL, LEDGER, ORIGINAL
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome, Status

pytestmark = pytest.mark.slow
PEOPLE, GARMENTS = 50, 50
SERVED_WITHIN_S = 2.0
"""Of the processor, for the gallery's first screen."""
READY = "() => [...document.querySelectorAll('.tile img')].filter(each => each.complete && each.naturalWidth).length"
ASKED = "() => performance.getEntriesByType('resource').map(each => new URL(each.name).pathname + new URL(each.name).search)"
DRAWN = """async () => {
  let count = 0;
  const steps = [];
  const watch = new MutationObserver(changes => { for (const each of changes) count += each.addedNodes.length; });
  watch.observe(document.querySelector('.grid'), { childList: true });
  for (let step = 0; step < 40; step++) {
    count = 0;
    scrollBy(0, -900);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    steps.push(count);
  }
  return steps;
}"""
"""How many tiles are drawn anew at each of forty steps of a wheel."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """50 people in 50 garments, in their photo and in one background: 5,000 pictures, written down like a run's."""
    small = Desk(tmp_path_factory.mktemp("crowd"), ("ann",), ("tee",), ("room",)).fill()
    layout = small.layout
    people, garments = [f"p{number:02}" for number in range(PEOPLE)], [f"g{number:02}" for number in range(GARMENTS)]
    for kind, source, names in (("person", "ann.jpg", people), ("cloth/upper", "tee.jpg", garments)):
        first = layout.inputs / kind / source
        for name in names:
            os.link(first, first.with_name(f"{name}.jpg"))
        first.unlink()
    picture = small.final().read_bytes()
    outcomes = []
    for pair in (f"{person}__{garment}" for person in people for garment in garments):
        for background in (ORIGINAL, "room"):
            ref = FINAL.of(f"{pair}__{background}", ENGINE)
            layout.path(ref).write_bytes(picture)
            outcomes.append(
                Outcome(slot=ref, step="compose", item=f"{pair}__{background}", status=Status.DONE, facts={"score": "0.8"})
            )
    ledger = Ledger(layout.path(LEDGER), durable=False)
    ledger.settle([], outcomes)
    ledger.close()
    return small


def test_five_thousand_pictures_open_at_once_and_scroll(crowd: Desk):
    with Served(crowd) as served, chromium() as browser:
        seconds = []
        for _ in range(3):
            begun = served.processor_seconds()
            with opened(browser, served.url) as page:
                until(page, f"({READY})() >= 10")
                seconds.append(served.processor_seconds() - begun)
                expect(page.get_by_text("5,000 pictures")).to_be_visible()
                assert page.locator(".tile").count() < 120, "only what the screen shows is drawn"
                asked = [path for path in page.evaluate(ASKED) if path.startswith("/api/items")]
                assert len(asked) <= 2, f"only what the screen shows is asked for: {asked}"
        assert min(seconds) <= SERVED_WITHIN_S * slowness(), seconds
        _scroll(browser, served)


def _scroll(browser, served: Served) -> None:
    with opened(browser, served.url) as page:
        expect(page.locator(".tile").first).to_be_visible()
        page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        expect(page.locator(".tile[data-id]").first).to_be_visible()
        page.keyboard.press("End")
        expect(page.locator(".tile.current")).to_have_attribute("data-id", "p49__g49__room")
        assert page.locator(".tile").count() < 120
        until(page, f"({READY})() > 8")
        keep(page, "five-thousand")
        drawn = page.evaluate(DRAWN)
        assert max(drawn) < 120, f"a step of the wheel draws only what it brings into sight: {drawn}"


def test_looking_for_long_costs_no_memory(crowd: Desk):
    def look_round(served: Served) -> None:
        for offset in range(0, 5000, 100):
            served.get(f"/api/items?offset={offset}")
        for number in range(20):
            served.get(f"/thumbs/final/{ENGINE}/p{number:02}__g00__room.png")
            served.get(f"/api/items?person=p{number:02}&sort=score")
        served.get("/api/facets")

    with Served(crowd) as served:
        look_round(served)
        look_round(served)
        before = served.memory_mb()
        for _ in range(4):
            look_round(served)
        assert served.memory_mb() - before < 15


def test_the_index_is_read_anew_in_a_small_share_of_the_time(crowd: Desk):
    from pipeline.review.export import open_gallery
    from pipeline.review.workspace import Workspace

    gallery = open_gallery(Workspace(crowd.request))
    with quiet_heap():
        first = processor_seconds(lambda: gallery.index())
    assert len(gallery.index().entries) == 5000 and first < 3.0 * slowness()
    version = gallery.index().version
    Path(crowd.final("p00", "g00", "room")).touch()
    assert gallery.index().version == version, "not read again at once"
