"""What people do on the page with many pictures, with an empty folder, and when they leave too early: one server, one browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from browsing import PHONE, findings, go, keep, opened, overflows, small_targets, until
from desk import ENGINE, Desk
from playwright.sync_api import Browser, Page, expect
from serving import Served

from pipeline.core import images
from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import FINAL, LEDGER, VERDICTS
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome, Status
from pipeline.review.verdicts import parse

pytestmark = pytest.mark.slow

CUT = """() => [...document.querySelectorAll('.tile .frame')].filter(frame => {
  const [outer, inner] = [frame, frame.querySelector('img') ?? frame].map(each => each.getBoundingClientRect());
  const below = inner.bottom > outer.bottom + 1 || inner.right > outer.right + 1;
  return below || inner.top < outer.top - 1 || inner.left < outer.left - 1;
}).map(frame => frame.parentElement.getAttribute('href'))"""
"""Pictures that their tile cuts off."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Twelve pictures: those in the own photo upright, the others wide; flags, a failure and three scores."""
    desk = Desk(tmp_path_factory.mktemp("use")).fill()
    for pair in ("ann__tee", "ann__top", "bob__tee", "bob__top"):
        desk.put(FINAL.of(f"{pair}__original", ENGINE), np.full((400, 240, 3), 170, np.uint8))
    flags = (Notice(Flag.SEVERAL_PEOPLE, "2 people"),)
    failed = Outcome(slot="a", step="compose", item="bob__tee__sea", status=Status.FAILED, message="no person", remedy="crop")
    scores = {"ann__tee__room": "0.31", "ann__top__sea": "0.66", "bob__top__room": "0.93"}
    ledger = Ledger(desk.layout.path(LEDGER), durable=False)
    ledger.settle(
        [],
        [
            Outcome(slot="cutout/ann.png", step="background", item="ann", status=Status.DONE, notices=flags),
            failed,
            *(
                Outcome(
                    slot=FINAL.of(item, ENGINE),
                    step="restore",
                    item=item,
                    status=Status.DONE,
                    facts={"score": score, "score_why": "outline torn: 5 teeth"},
                )
                for item, score in scores.items()
            ),
        ],
    )
    ledger.close()
    return desk


@pytest.fixture(scope="module")
def served(work: Desk) -> Iterator[Served]:
    with Served(work) as found:
        yield found


@pytest.fixture
def page(browser: Browser, served: Served, work: Desk) -> Iterator[Page]:
    work.layout.path(VERDICTS).unlink(missing_ok=True)
    with opened(browser, served.url) as found:
        expect(found.locator(".tile[data-id]")).to_have_count(12)
        yield found


def verdicts(work: Desk) -> list[tuple[str, str]]:
    file = work.layout.path(VERDICTS)
    return [(each.item, each.verdict.value) for each in parse(file.read_bytes())] if file.exists() else []


def tile(page: Page, item: str):
    return page.locator(f".tile[data-id={item}]")


def test_tiles_are_links_with_their_shape_flags_and_score(page: Page):
    upright, wide = (tile(page, item).bounding_box() for item in ("ann__tee__original", "ann__tee__room"))
    assert wide["width"] > 1.9 * upright["width"] and wide["height"] == pytest.approx(upright["height"])
    expect(tile(page, "ann__tee__room").get_by_role("link")).to_have_attribute("href", "#/item/ann__tee__room")
    expect(tile(page, "ann__tee__room").locator(".caption")).to_contain_text("several people")
    ranks = {"ann__tee__room": "low", "ann__top__sea": "fair", "bob__top__room": "high"}
    for item, rank in ranks.items():
        expect(tile(page, item).locator(f".score.{rank}")).to_have_attribute("title", re.compile("measure"))
    boxes = [each.bounding_box() for each in page.locator(".tile").all()]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one["x"] + one["width"] <= other["x"] + 1 or other["x"] + other["width"] <= one["x"] + 1
            assert apart or one["y"] + one["height"] <= other["y"] + 1 or other["y"] + other["height"] <= one["y"] + 1
    page.keyboard.press("ArrowDown")
    below = page.locator(".tile.current").bounding_box()
    assert below["y"] > upright["y"] and abs(below["x"] - upright["x"]) < 2
    keep(page, "use-gallery")


def test_a_tile_shows_the_whole_picture_however_wide(page: Page):
    until(page, "[...document.querySelectorAll('.tile img')].every(each => each.complete && each.naturalWidth)")
    assert page.evaluate(CUT) == []


def test_beside_its_background_a_composite_is_shown_nearly_whole(page: Page, served: Served):
    page.goto(f"{served.url}#/item/ann__tee__room")
    expect(page.get_by_label("Before and after")).to_have_value("6")
    page.keyboard.press(".")
    expect(page.get_by_label("Before and after")).to_have_value("11")
    page.goto(f"{served.url}#/item/ann__tee__original")
    expect(page.get_by_label("Before and after")).to_have_value("50")


@pytest.mark.parametrize("size", [PHONE, (1024, 768)], ids=["phone", "1024"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_description_of_the_api_is_accessible_and_fits_its_width(
    browser: Browser, served: Served, size: tuple[int, int], scheme: str
):
    with opened(browser, f"{served.url}/api", size, scheme) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("HTTP API")
        assert findings(page) == [] and not overflows(page)


def test_a_picture_says_which_measure_decides_its_score(page: Page, served: Served):
    page.goto(f"{served.url}#/item/ann__tee__room")
    expect(page.locator(".score-line")).to_contain_text("0.31 Score, below 0.5")
    expect(page.locator(".score-line")).to_contain_text("What decides it: outline torn: 5 teeth.")
    page.goto(f"{served.url}#/item/ann__tee__sea")
    expect(page.locator(".score-line")).to_have_count(0)


def test_one_box_filters_by_whatever_is_typed(page: Page):
    box = page.get_by_role("combobox", name="Search and filter")
    box.click()
    assert findings(page) == [] and small_targets(page) == []
    keep(page, "use-search")
    box.fill("several")
    page.get_by_role("option", name=re.compile("Flag: several people")).click()
    expect(page.locator(".tile")).to_have_count(6)
    box.fill("score 0.7")
    page.get_by_role("option", name=re.compile("Score up to 0.7")).click()
    expect(page.locator(".tile")).to_have_count(2)
    keep(page, "use-chips")
    page.get_by_role("button", name="Remove filter Flag: several people").click()
    expect(page.get_by_role("button", name=re.compile("^Remove filter"))).to_have_count(1)
    box.fill("nobody of that name")
    expect(page.get_by_text("No picture fits")).to_be_visible()
    page.locator(".empty").get_by_role("button", name="Show all").click()
    expect(page.locator(".tile")).to_have_count(12)


def test_many_are_selected_decided_and_taken_back_at_once(page: Page, work: Desk):
    tile(page, "ann__tee__original").get_by_role("checkbox").check()
    tile(page, "ann__top__original").get_by_role("checkbox").click(modifiers=["Shift"])
    bulk = page.get_by_role("group", name="Selected pictures")
    expect(bulk).to_contain_text("4 selected")
    assert findings(page) == [] and small_targets(page) == []
    bulk.get_by_role("button", name="Keep").click()
    expect(page.locator(".mark.keep")).to_have_count(4)
    assert len(verdicts(work)) == 4
    keep(page, "use-selected")
    page.keyboard.press("Control+z")
    expect(page.locator(".mark.keep")).to_have_count(0)
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".mark.keep")).to_have_count(4)
    page.keyboard.press("Control+a")
    expect(bulk).to_contain_text("12 selected")
    page.keyboard.press("x")
    expect(page.locator(".tile.reject")).to_have_count(12)
    page.keyboard.press("Control+z")
    expect(page.locator(".mark.keep")).to_have_count(4)
    expect(page.locator(".tile.reject")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(bulk).to_be_hidden()


def test_keeping_what_is_kept_changes_nothing(page: Page, work: Desk):
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".mark.keep")).to_have_count(1)
    page.keyboard.press("k")
    expect(page.locator(".tile").nth(1)).to_have_class(re.compile("current"))
    expect(page.locator(".mark.keep")).to_have_count(1)
    assert verdicts(work) == [("ann__tee__original", "keep")]
    page.keyboard.press("x")
    page.keyboard.press("x")  # the next one, however fast the keys follow
    expect(page.locator(".tile.reject")).to_have_count(2)
    assert [item for item, _ in verdicts(work)[1:]] == ["ann__tee__room", "ann__tee__sea"]
    kept = work.layout.path(VERDICTS).read_text().splitlines(keepends=True)[0]
    shorter = work.layout.path(VERDICTS).with_suffix(".new")
    shorter.write_text(kept)
    shorter.replace(work.layout.path(VERDICTS))  # at once: a page that reads a file half written would believe it
    go(page, "item/ann__tee__original")
    expect(page.get_by_role("button", name="Keep")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("k")
    expect(page).to_have_title("ann, tee, room · Lookbook")
    assert verdicts(work) == [("ann__tee__original", "keep")]


def test_leaving_with_unsaved_work_asks_first(page: Page, work: Desk):
    file = work.layout.inputs / "background" / "room.toml"
    go(page, "placement/room?pair=ann__tee")
    page.get_by_role("group", name=re.compile("^Person 1")).focus()
    page.keyboard.press("f")
    until(page, "!document.querySelector('.canvas.busy')")
    dialog = page.get_by_role("dialog")
    page.get_by_role("link", name="Pairs").click()
    expect(dialog).to_contain_text("not saved")
    assert findings(page) == []
    keep(page, "use-leave")
    dialog.get_by_role("button", name="Stay here").click()
    expect(page.get_by_label("Flipped")).to_be_checked()
    assert "placement/room" in page.url
    page.get_by_role("combobox", name="Background").select_option("sea")
    dialog.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("combobox", name="Background")).to_have_value("room")  # what is shown is what is edited
    page.get_by_role("link", name="Masks").click()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_title(re.compile("^Mask of"))
    assert "flip = true" in file.read_text()
    area = page.get_by_role("application")
    until(page, "document.querySelector('.sheet canvas')?.width === 768")
    area.focus()
    page.keyboard.press("Space")
    masks = page.get_by_role("combobox", name="Mask")
    shown = masks.input_value()
    masks.select_option(index=1 if masks.locator("option").first.get_attribute("value") == shown else 0)
    dialog.get_by_role("button", name="Stay here").click()
    expect(masks).to_have_value(shown)
    page.evaluate("history.go(-2)")  # staying took a place in the history
    dialog.get_by_role("button", name="Do not save").click()
    expect(page).to_have_title(re.compile("^Placement on room"))
    file.unlink()


def test_four_corners_scale_and_the_feet_or_the_head_stay(page: Page):
    go(page, "placement/room?pair=ann__tee")
    figure = page.get_by_role("group", name=re.compile("^Person 1"))
    expect(figure.locator(".corner")).to_have_count(4)
    until(page, "!document.querySelector('.canvas.busy')")
    for side, stays in (("upper", "below"), ("lower", "above")):
        before = figure.bounding_box()
        corner = figure.locator(f".corner.right.{side}").bounding_box()
        page.mouse.move(corner["x"] + 9, corner["y"] + 9)
        page.mouse.down()
        page.mouse.move(corner["x"] + 9, corner["y"] + 9 + (40 if side == "upper" else -40), steps=4)
        page.mouse.up()
        until(page, "!document.querySelector('.canvas.busy')")
        after = figure.bounding_box()
        assert after["height"] == pytest.approx(before["height"] - 40, abs=3), side
        edge = {"below": lambda box: box["y"] + box["height"], "above": lambda box: box["y"]}[stays]
        assert edge(after) == pytest.approx(edge(before), abs=3), side
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")


@pytest.mark.parametrize("size", [(1024, 700), PHONE])
@pytest.mark.parametrize("view", ["placement/room", "masks/agnostic/ann", "pairs"])
def test_save_is_in_sight_wherever_one_scrolls(browser: Browser, served: Served, view: str, size: tuple[int, int]):
    with opened(browser, f"{served.url}/#/{view}", size) as page:
        button = page.get_by_role("button", name=re.compile("^Save")).first
        expect(button).to_be_in_viewport(ratio=1)
        page.evaluate("() => { scrollTo(0, 9999); document.querySelector('aside')?.scrollTo(0, 9999); }")
        expect(button).to_be_in_viewport(ratio=1)


def test_a_save_of_somebody_else_loses_nothing(page: Page, work: Desk):
    go(page, "pairs")
    page.get_by_role("checkbox", name="ann wears tee").uncheck()
    (work.layout.inputs / "pairs.txt").write_text("bob tee\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast.bad")).to_contain_text("changed meanwhile")
    expect(page.get_by_role("checkbox", name="bob wears top")).not_to_be_checked()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("checkbox", name="bob wears top")).to_be_checked()
    expect(page.get_by_role("checkbox", name="ann wears tee")).not_to_be_checked()
    page.keyboard.press("Control+s")
    expect(page.locator(".toast").last).to_contain_text("3 pairs")
    (work.layout.inputs / "pairs.txt").unlink()


def test_inputs_are_renamed_and_deleted(page: Page, work: Desk):
    people = work.layout.inputs / "person"
    (people / "eve.png").write_bytes(images.png(np.full((90, 70, 3), 120, np.uint8)))
    go(page, "inputs")
    region = page.get_by_role("region", name="People")
    region.get_by_role("checkbox", name="Select eve").check()
    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New name").fill("Eva am Meer")
    assert findings(page) == []
    page.keyboard.press("Enter")
    expect(region.get_by_role("checkbox", name="Select Eva am Meer")).to_be_checked()
    assert (people / "Eva_am_Meer.png").is_file()
    keep(page, "use-inputs")
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Cancel").click()
    assert (people / "Eva_am_Meer.png").is_file()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(region.get_by_role("figure")).to_have_count(2)
    assert not (people / "Eva_am_Meer.png").exists()


def test_an_empty_folder_says_what_to_do_first(browser: Browser, tmp_path_factory: pytest.TempPathFactory):
    empty = Desk(tmp_path_factory.mktemp("empty"))
    empty.layout.inputs.mkdir()
    photo = empty.folder / "ann.png"
    photo.write_bytes(images.png(np.full((90, 70, 3), 120, np.uint8)))
    with Served(empty) as served, opened(browser, served.url) as page:
        first = page.get_by_role("region", name="First steps")
        expect(first.get_by_role("heading", level=2)).to_contain_text(["three steps", "People", "Garments", "Make the pictures"])
        expect(first.get_by_role("button", name=re.compile("demo"))).to_be_visible()
        expect(first.get_by_role("button", name="Make the pictures")).to_be_disabled()
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Gallery", "Inputs"])
        expect(page.get_by_role("combobox", name="Search and filter")).to_be_hidden()
        assert findings(page) == [] and small_targets(page) == []
        keep(page, "use-first")
        first.get_by_label("Add people").set_input_files(photo)
        expect(first).to_contain_text("1 there")
        first.get_by_label("Add garments").set_input_files(photo)
        expect(page.get_by_role("link", name="Pairs")).to_be_visible()
        expect(first.get_by_role("button", name=re.compile("demo"))).to_have_count(0)
        first.get_by_role("button", name="Make the pictures").click()
        expect(page).to_have_title("Runs · Lookbook")
        expect(page.locator(".job")).to_have_count(1)
        empty.put(FINAL.of("ann__ann__original", ENGINE), np.full((90, 70, 3), 120, np.uint8))
        go(page, "")
        expect(page.locator(".tile img")).to_have_count(1)
        expect(first).to_have_count(0)
