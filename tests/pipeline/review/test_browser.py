"""The page as people use it: a real workspace, a real run, Chromium."""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import workspaces
from browsing import INSIDE, PHONE, WIDE, findings, go, keep, opened, overflows, small_targets, unnamed, until
from desk import Desk
from playwright.sync_api import Browser, Page, expect
from serving import Served

from pipeline.api import run
from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, FINAL, TRYON, VERDICTS

pytestmark = pytest.mark.slow
VIEWS = ("", "item/ann__tee__room", "placement/room", "masks/agnostic/ann", "pairs", "inputs", "runs")
MASK_IS_DRAWN = f"document.querySelector('.sheet canvas')?.width === 768 && ({INSIDE})() > 0"
"""The canvas has its size before the mask's picture arrives."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One person, one garment, one background, really made."""
    desk = Desk(tmp_path_factory.mktemp("work"), ("ann",), ("tee",), ("room",))
    workspaces.fill(desk.layout.inputs)
    assert run(desk.request).exit_code == 0
    return desk


@pytest.fixture(scope="module")
def served(work: Desk) -> Iterator[Served]:
    with Served(work, real=True) as found:
        yield found


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    with opened(browser, served.url) as found:
        yield found


def final(work: Desk) -> Path:
    return work.layout.path(FINAL.of("ann__tee__room", "preview"))


def job_of(page: Page, ask: Callable[[], None], state: str = "done") -> dict:
    """Do what queues a job, and wait until that job is over."""
    script = "async () => (await (await fetch('/api/jobs')).json()).jobs[0] ?? {id: ''}"
    before, end = page.evaluate(script)["id"], time.monotonic() + 240
    ask()
    while (job := page.evaluate(script))["id"] == before or job["state"] in {"queued", "running", "stopping"}:
        assert time.monotonic() < end, job
        page.wait_for_timeout(150)
    assert job["state"] == state, job
    return job


def test_the_gallery_is_driven_by_keys_alone(page: Page, work: Desk):
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".tile").first).to_have_class(re.compile("current"))
    until(page, "[...document.querySelectorAll('.tile img')].every(each => each.complete && each.naturalWidth)")
    page.keyboard.press("k")
    expect(page.locator(".tile .mark.keep")).to_have_count(1)
    expect(page.locator(".tile").nth(1)).to_have_class(re.compile("current"))
    page.keyboard.press("x")
    expect(page.locator(".tile.reject")).to_have_count(1)
    keep(page, "gallery")
    decided = [json.loads(line)["verdict"] for line in work.layout.path(VERDICTS).read_text().splitlines()]
    assert decided == ["keep", "reject"]
    page.keyboard.press("Control+z")
    expect(page.locator(".tile.reject")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("kept")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(1)
    page.keyboard.press("Backspace")
    expect(page.locator(".tile")).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("ann")
    assert page.title() == "ann, tee, room · Lookbook"
    page.keyboard.press("Escape")
    expect(page.get_by_role("list", name="Pictures")).to_be_visible()


def test_making_again_asks_for_the_next_attempts_seed(page: Page):
    go(page, "item/ann__tee__room")
    button = page.get_by_role("button", name="Make again")
    with page.expect_request(lambda sent: sent.method == "POST" and sent.url.endswith("/api/jobs")) as asked:
        job = job_of(page, button.click)
    wanted = {"steps": ["tryon", "compose"], "only": ["ann__tee"], "force": True, "another": True}
    assert asked.value.post_data_json == wanted and job["failed"] == 0


def test_before_and_after_slide_by_mouse_and_by_keys(page: Page):
    go(page, "item/ann__tee__original")
    slider = page.get_by_label("Before and after")
    expect(slider).to_have_value("50")
    until(
        page,
        "document.querySelector('.plane .before')?.naturalWidth > 0 && document.querySelector('.plane .after')?.naturalWidth > 0",
    )
    box = page.locator(".plane .after").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 100, steps=4)
    page.mouse.up()
    assert float(slider.input_value()) == pytest.approx(25, abs=1)
    clip = page.locator(".plane .before").evaluate("each => each.style.clipPath")
    assert float(re.findall(r"[\d.]+", clip)[1]) == pytest.approx(75, abs=1)
    page.keyboard.press(".")
    assert float(slider.input_value()) == pytest.approx(30, abs=1)
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > 30
    keep(page, "viewer")


def test_a_cropped_picture_lies_on_the_part_it_shows(page: Page):
    go(page, "item/ann__tee__original")
    until(page, "document.querySelector('.plane .after')?.naturalWidth > 0")
    script = """async () => {
      const { Stage } = await import('/static/views/stage.js');
      const stage = new Stage();
      const url = document.querySelector('.plane .after').src;
      document.querySelector('.viewer').prepend(stage.element);
      stage.show({ label: 'after', url }, { label: 'before', url }, [0.25, 0, 0.75, 1]);
      await stage.after.decode();
      stage.fit();
      const [plane, before] = [stage.plane, stage.before].map((each) => each.getBoundingClientRect());
      const left = (plane.left - before.left) / before.width;
      return { share: before.width / plane.width, left, clip: stage.before.style.clipPath };
    }"""
    found = page.evaluate(script)
    assert found["share"] == pytest.approx(2, abs=0.01) and found["left"] == pytest.approx(0.25, abs=0.01)
    assert found["clip"] == "inset(0% 50% 0% 25%)", "half of the quarter to three quarters that are shown"


def test_every_stage_can_be_looked_at_down_to_pixels(page: Page):
    go(page, "item/ann__tee__room")
    strip = page.get_by_role("group", name="Stages").get_by_role("button")
    expect(strip.last).to_be_visible()
    labels = strip.all_inner_texts()
    assert {"photo", "pose", "densepose", "parse map", "agnostic", "mask", "cloth", "try-on", "final"} <= {
        each.strip() for each in labels
    }
    page.get_by_role("button", name="try-on").click()
    expect(page.get_by_role("button", name="try-on")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".plane .after")).to_have_js_property("naturalWidth", 768)
    page.get_by_label("Compare with").select_option("alone")
    page.keyboard.press("z")
    expect(page.get_by_role("group", name="Zoom").locator("output")).to_have_text("100 %")
    assert page.locator(".plane .after").bounding_box()["width"] == pytest.approx(768, abs=1)
    for _ in range(3):
        page.keyboard.press("+")
    expect(page.locator(".plane")).to_have_class(re.compile("pixels"))
    keep(page, "pixels")
    page.keyboard.press("z")
    expect(page.get_by_role("group", name="Zoom").locator("output")).to_have_text("fit")


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=8)
    page.mouse.up()


def composed(page: Page) -> None:
    """Wait for the real composite of what is shown."""
    page.wait_for_timeout(60)
    until(page, "!document.querySelector('.canvas.busy') && !document.querySelector('.scene.moving')")


def test_a_dragged_person_stands_there_in_the_file_and_in_the_next_picture(page: Page, work: Desk):
    go(page, "placement/room?pair=ann__tee")
    figure = page.get_by_role("group", name=re.compile("^Person 1"))
    expect(figure).to_be_visible()
    composed(page)
    before = page.evaluate("async () => (await (await fetch('/api/placements/room?pair=ann__tee')).json()).arrangement")
    image = page.locator(".scene > img").first
    shown = image.bounding_box()
    zoom = shown["height"] / before["size"][0]
    box = figure.bounding_box()
    first = image.get_attribute("src")
    drag(page, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 3), (-90, 12))
    composed(page)
    assert image.get_attribute("src") != first, "the composite was not made again"
    moved = figure.bounding_box()
    assert moved["x"] - box["x"] == pytest.approx(-90, abs=1.5)
    corner = page.locator(".figure.active .corner.left.upper").bounding_box()
    drag(page, (corner["x"] + 9, corner["y"] + 9), (0, 40))
    composed(page)
    keep(page, "placement")
    job_of(page, page.get_by_role("button", name="Save and make").click)
    spot = tomllib.loads((work.layout.inputs / "background" / "room.toml").read_text("utf-8"))["placements"][0]
    tall, wide = before["size"]
    foot_x = spot["foot"][0] * wide
    start = before["figures"][0]
    assert foot_x == pytest.approx(start["foot"][0] - 90 / zoom, abs=1)
    assert spot["height"] * tall == pytest.approx(start["height"] - 40 / zoom, abs=1.5)
    recipe = images.read_recipe(final(work))
    assert recipe is not None
    made = recipe["placements"][0]
    assert made["foot"][0] == pytest.approx(foot_x, abs=1) and made["height"] == pytest.approx(spot["height"] * tall, abs=1)


def test_the_placement_editor_works_without_a_mouse_and_takes_everything_back(page: Page, work: Desk):
    file = work.layout.inputs / "background" / "room.toml"
    go(page, "placement/room?pair=ann__tee")
    composed(page)
    text = file.read_text() if file.exists() else ""
    page.get_by_role("group", name=re.compile("^Person 1")).focus()
    x = float(page.get_by_label("Foot x").input_value())
    for key in ("Shift+ArrowRight", "ArrowRight", "f", "]"):
        page.keyboard.press(key)
    composed(page)
    assert float(page.get_by_label("Foot x").input_value()) == pytest.approx(x + 11, abs=1)
    expect(page.get_by_label("Flipped")).to_be_checked()
    ground = page.get_by_role("slider", name="Ground line")
    ground.focus()
    row = int(ground.get_attribute("aria-valuenow"))
    page.keyboard.press("Shift+ArrowDown")
    composed(page)
    assert int(page.get_by_role("slider", name="Ground line").get_attribute("aria-valuenow")) == row + 10
    page.keyboard.press("Control+s")
    expect(page.locator(".toast")).to_contain_text("saved in room.toml")
    saved = tomllib.loads(file.read_text())
    assert saved["placements"][0]["flip"] is True and "direction" in saved["placements"][0]["shadow"] and "horizon" in saved
    for _ in range(5):
        page.keyboard.press("Control+z")
    expect(page.get_by_label("Flipped")).not_to_be_checked()
    page.get_by_role("button", name="Undo the save").click()
    expect(page.locator(".toast").last).to_contain_text("as before")
    assert (file.read_text() if file.exists() else "") == text


def test_somebody_joins_the_picture_on_a_polished_floor(browser: Browser, tmp_path: Path):
    work = Desk(tmp_path, backgrounds=("room",)).fill()
    with Served(work, real=True) as served, opened(browser, f"{served.url}/#/placement/room?pair=ann__tee") as page:
        _group_picture(page, work)


def _group_picture(page: Page, work: Desk) -> None:
    composed(page)
    image = page.locator(".scene > img").first
    dull = image.get_attribute("src")
    page.get_by_label("Floor reflection").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    composed(page)
    assert image.get_attribute("src") != dull, "the composite was not made again"
    page.get_by_label("Somebody joins").select_option("bob__tee")
    composed(page)
    guest = page.get_by_role("group", name=re.compile("^Person 2, bob"))
    expect(guest).to_have_class(re.compile("active"))
    expect(page.get_by_text("bob · tee joins")).to_be_visible()
    expect(page.get_by_label("Floor reflection")).to_have_value("0")
    page.get_by_label("Shadow strength").focus()
    first = page.get_by_role("group", name=re.compile("^Person 1")).bounding_box()
    page.mouse.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 3)
    expect(page.get_by_label("Floor reflection")).to_have_value("0.4")
    guest.click()
    expect(page.get_by_label("Floor reflection")).to_have_value("0")
    composed(page)
    box = guest.bounding_box()
    drag(page, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 3), (-40, -30))
    composed(page)
    keep(page, "group")
    final(work).unlink()  # drawn by hand, so a run would respect it
    job_of(page, page.get_by_role("button", name="Save and make").click)
    own, joins = tomllib.loads((work.layout.inputs / "background" / "room.toml").read_text("utf-8"))["placements"]
    assert own["reflection"] == pytest.approx(0.4) and "wears" not in own
    assert (joins["people"], joins["wears"]) == (["bob"], "tee")
    recipe = images.read_recipe(final(work))
    assert recipe is not None and recipe["guests"] == ["bob__tee"]
    ann, bob = recipe["placements"]
    assert ann["reflection"] == pytest.approx(0.4)
    assert bob["foot"][1] < ann["foot"][1] and bob["height"] < ann["height"], "who stands farther is smaller"
    (work.layout.inputs / "background" / "room.toml").write_text('[[placements]]\npeople = ["bob"]\nwears = "tee"\n', "utf-8")
    page.reload()
    composed(page)
    expect(page.get_by_role("button", name="Add another place")).to_be_visible()
    expect(page.get_by_role("button", name="Remove this one")).to_have_count(0)  # whose place is automatic has none to remove
    guest.click()
    page.get_by_role("button", name="Remove this one").click()
    composed(page)
    expect(guest).to_have_count(0)
    expect(page.get_by_role("group", name=re.compile("^Person 1"))).to_have_count(1)


def test_a_brushed_mask_is_kept_and_what_follows_is_made_again(page: Page, work: Desk):
    mask = work.layout.path(AGNOSTIC_MASK.of("ann", Category.UPPER))
    dressed = work.layout.path(TRYON.of("ann__tee", "preview"))
    before, worn = images.read_mask(mask), dressed.read_bytes()
    go(page, "masks/agnostic/ann")
    sheet = page.locator(".sheet")
    expect(page.get_by_role("button", name="Save", exact=False).first).to_be_disabled()
    until(page, MASK_IS_DRAWN)
    page.get_by_role("button", name="Erase").click()
    box = sheet.bounding_box()
    drag(page, (box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.75), (0, box["height"] * 0.2))
    keep(page, "mask")
    job = job_of(page, page.get_by_role("button", name="Save and make").click)
    assert {each["stage"] for each in job["stages"] if each["made"]} >= {"tryon", "compose"}
    after = images.read_mask(mask)
    grey = images.read_rgb(work.layout.path(AGNOSTIC.of("ann", Category.UPPER)))
    assert np.abs(grey[before & after].astype(int) - 128).mean() < 3, "the grey picture does not follow the mask"
    assert np.abs(grey[before & ~after].astype(int) - 128).mean() > 10
    gone = before & ~after
    assert gone.sum() > 500 and not (after & ~before).any()
    assert abs(float(np.flatnonzero(gone.any(0)).mean()) - 384) < 20
    assert dressed.read_bytes() != worn
    job_of(page, page.get_by_role("button", name="Automatic again").click)
    assert (images.read_mask(mask) == before).all() and dressed.read_bytes() == worn


def test_a_mask_can_be_brushed_with_keys(page: Page):
    go(page, "masks/cloth/tee")
    area = page.get_by_role("application")
    until(page, MASK_IS_DRAWN)
    area.focus()
    before = page.evaluate(INSIDE)
    page.keyboard.press("e")
    area.focus()
    page.keyboard.press("Space")
    assert page.evaluate(INSIDE) < before
    page.keyboard.press("Control+z")
    assert page.evaluate(INSIDE) == before


def test_pictures_are_brought_in_and_bad_ones_are_refused_with_a_reason(page: Page, work: Desk, tmp_path: Path):
    go(page, "inputs")
    people = page.get_by_role("region", name="People")
    expect(people.get_by_role("figure")).to_have_count(1)
    good, bad = tmp_path / "eve.png", tmp_path / "bad.jpg"
    good.write_bytes(images.png(np.full((90, 70, 3), 120, np.uint8)))
    bad.write_bytes(b"this is no picture")
    people.locator("input[type=file]").set_input_files([good, bad])
    expect(people.get_by_role("figure")).to_have_count(2)
    expect(page.locator(".toast.bad")).to_contain_text("not a picture")
    keep(page, "inputs")
    go(page, "pairs")
    box = page.get_by_role("checkbox", name="eve wears tee")
    expect(box).to_be_checked()
    box.uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("1 pairs")
    keep(page, "pairs")
    assert (work.layout.inputs / "pairs.txt").read_text().splitlines()[1:] == ["ann tee"]
    (work.layout.inputs / "person" / "eve.png").unlink()
    (work.layout.inputs / "pairs.txt").unlink()


def test_a_run_is_started_followed_live_and_its_pictures_appear(browser: Browser, served: Served, page: Page, work: Desk):
    final(work).unlink()
    with opened(browser, served.url) as gallery:
        expect(gallery.locator(".tile .absent")).to_have_count(1)
        keep(gallery, "gallery-missing")
        go(page, "runs")
        page.get_by_text("Choose what is made").click()
        for step in ("2 find their pose", "3 find the parts of the body"):
            page.get_by_label(step).uncheck()

        def start() -> None:
            page.get_by_role("button", name="Start").click()
            expect(page.locator(".job .state").first).to_have_text(re.compile("waiting|running"))
            expect(page.locator("#pill")).to_be_visible()
            keep(page, "run")

        job_of(page, start)
        expect(page.locator(".job .state").first).to_have_text("done")
        expect(gallery.locator(".tile .absent")).to_have_count(0)
        expect(gallery.locator(".tile img")).to_have_count(2)


def test_a_run_is_stopped_from_the_page(page: Page):
    go(page, "runs")
    page.get_by_text("Choose what is made").click()
    page.get_by_label("Make everything again").check()

    def start_and_stop() -> None:
        page.get_by_role("button", name="Start").click()
        page.get_by_role("button", name=re.compile("^Stop")).first.click()

    job_of(page, start_and_stop, "cancelled")
    expect(page.locator(".job .state").first).to_have_text("stopped")


def test_a_job_that_fails_says_why_on_the_page(page: Page, work: Desk):
    go(page, "runs")
    page.get_by_text("Choose what is made").click()
    page.get_by_label("Only these names").fill("nobody*")
    job_of(page, page.get_by_role("button", name="Start").click, "failed")
    expect(page.locator(".job .notice.bad").first).to_contain_text("matches no person")
    keep(page, "job-failed")


def test_a_spoilt_settings_file_is_said_where_it_is_needed(page: Page, work: Desk):
    file = work.layout.inputs / "background" / "room.toml"
    kept = file.read_text() if file.exists() else None
    file.write_text("hight = 0.5\n")
    go(page, "placement/room")
    expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
    expect(page.locator("main")).to_contain_text("did you mean height")
    expect(page.locator("main pre")).to_have_text("hight = 0.5\n")
    keep(page, "error")
    page.get_by_role("button", name="Reset room.toml").click()
    expect(page.get_by_role("group", name=re.compile("^Person 1"))).to_be_visible()
    assert not file.exists()
    if kept is not None:
        file.write_text(kept)


def test_a_broken_settings_file_of_the_workspace_is_put_aside_from_the_page_and_brought_back(page: Page, work: Desk):
    file = work.folder / "lookbook.toml"
    file.write_text("[run]\nseed = 1\nseeed = 3\n")
    go(page, "inputs")
    broken = page.get_by_role("region", name="lookbook.toml")
    expect(broken).to_contain_text("did you mean run.seed")
    expect(broken.locator(".here")).to_have_text("seeed = 3\n")
    assert findings(page) == [] and small_targets(page) == [] and not overflows(page)
    keep(page, "broken-settings")
    page.get_by_role("button", name="Put lookbook.toml aside").click()
    expect(page.get_by_role("region", name="People")).to_be_visible()
    expect(page.locator("main")).to_contain_text("lookbook.put-aside-1.toml")
    assert not file.exists()
    page.get_by_role("button", name="Bring it back").click()
    page.get_by_role("button", name="Put lookbook.toml aside").click()
    page.locator("#toasts").get_by_role("button", name="Undo").last.click()
    expect(broken).to_be_visible()
    assert file.read_text().endswith("seeed = 3\n")
    page.reload()
    expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
    file.unlink()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="People")).to_be_visible()


def test_a_broken_settings_file_beside_a_photo_is_put_aside_where_inputs_are_shown(page: Page, work: Desk):
    file = work.layout.inputs / "person" / "ann.toml"
    file.write_text("persn = 2\n")
    for view in ("runs", "inputs"):
        go(page, view)
        expect(page.get_by_role("region", name="person/ann.toml")).to_contain_text("unknown setting 'persn'")
        assert findings(page) == []
    page.get_by_role("button", name="Put person/ann.toml aside").click()
    expect(page.get_by_role("button", name="Bring it back")).to_be_visible()
    assert not file.exists() and file.with_name("ann.put-aside-1.toml").read_text() == "persn = 2\n"
    page.keyboard.press("Control+z")
    expect(page.get_by_role("region", name="person/ann.toml")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("button", name="Bring it back")).to_be_visible()
    file.with_name("ann.put-aside-1.toml").unlink()


def test_a_page_whose_server_is_gone_says_so_and_finds_it_again(browser: Browser, tmp_path: Path):
    desk = Desk(tmp_path, ("ann",), ("tee",), ("room",)).fill()
    with Served(desk) as served, opened(browser, served.url) as page:
        expect(page.locator(".tile").first).to_be_visible()
        served.__exit__(None, None, None)
        expect(page.locator("body")).to_have_class(re.compile("offline"))
        keep(page, "offline")
        page.keyboard.press("k")
        expect(page.locator(".toast.bad").first).to_contain_text("does not answer")


@pytest.mark.parametrize("shared", [True, False], ids=["one stream", "a stream each"])
def test_many_tabs_hear_what_happens_over_one_stream(browser: Browser, tmp_path: Path, shared: bool):
    """A browser opens six connections to a server at most; without shared workers the tabs beyond them wait."""
    desk, tabs = Desk(tmp_path, ("ann",), ("tee",), ("room",)).fill(), 12 if shared else 3
    with Served(desk) as served, opened(browser, served.url) as first:
        if not shared:
            first.context.add_init_script("delete window.SharedWorker")
            first.reload()
        pages = [first, *(first.context.new_page() for _ in range(tabs - 1))]
        for page in pages[1:]:
            page.goto(served.url)
            expect(page.locator(".tile").first).to_be_visible()
        streams = lambda: json.loads(served.get("/api/status"))["streams"]  # noqa: E731
        assert streams() == (1 if shared else tabs)
        first.evaluate("fetch('/api/jobs', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'})")
        for page in pages:
            expect(page.locator("#pill")).to_be_visible()
            expect(page.locator("body")).not_to_have_class(re.compile("offline"))
        if shared:
            first.goto("about:blank")  # the tab that came first is left; the others go on hearing
            assert streams() == 1
            pages[1].evaluate("fetch('/api/jobs', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'})")
            for page in pages[1:]:
                expect(page.locator("#pill")).to_be_visible()
            for page in pages[1:]:
                page.close()


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")])
def test_every_view_is_accessible_and_fits_its_width(browser: Browser, served: Served, size: tuple[int, int], scheme: str):
    with opened(browser, f"{served.url}/", size, scheme) as page:
        titles = set()
        for view in VIEWS:
            go(page, view)
            page.wait_for_timeout(700)
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            assert unnamed(page) == [] and findings(page) == [] and small_targets(page) == [], view
            assert not overflows(page)
            titles.add(page.title())
            keep(page, f"{'phone' if size == PHONE else 'wide'}-{scheme}-{view.partition('/')[0] or 'gallery'}")
            if size != PHONE:
                page.keyboard.press("Shift+Tab")
                assert page.evaluate("document.activeElement !== document.body"), "keys reach nothing"
        assert len(titles) == len(VIEWS), titles


def test_help_and_theme_are_reached_by_keys(page: Page):
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keep(page, "help")
    page.keyboard.press("Escape")
    page.get_by_label("Dark or light").press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(page.url.partition("#")[0] + "api")
    expect(page.get_by_role("heading", name="HTTP API")).to_be_visible()
    expect(page.locator("article").first).to_contain_text("/api/items")
    keep(page, "api")
