"""Debian's Chromium for the browser tests, and what they ask of every view."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PICTURES = Path(__file__).resolve().parents[1] / "failures" / "review"
"""Where every test leaves what it saw."""
WIDE, PHONE = (1440, 900), (390, 844)
PATIENCE_S = 60
"""What is waited for comes, on a busy machine late; only what never comes takes so long."""
expect.set_options(timeout=PATIENCE_S * 1000)

CONTROLS = "button, a[href], input, select, textarea, [role=slider], [role=option], [role=listbox], [tabindex='0']"
UNNAMED = """controls => [...document.querySelectorAll(controls)]
  .filter(each => each.getClientRects().length)
  .filter(each => {
    const label = each.labels && each.labels.length ? each.labels[0].textContent : '';
    return !(each.getAttribute('aria-label') || label || each.textContent || '').trim();
  }).map(each => each.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll('button, a[href], input, select, summary, [role=slider], [role=option]')]
  .filter(each => each.getClientRects().length && !each.matches('.skip, [type=file]'))
  .map(each => [each.matches('[type=checkbox]') ? each.closest('label') || each : each, each])
  .filter(([target]) => target.getBoundingClientRect().width < 43.5 || target.getBoundingClientRect().height < 43.5)
  .map(([, each]) => each.outerHTML.slice(0, 120))"""
INSIDE = """() => {
  const canvas = document.querySelector('.sheet canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.reduce((count, value, place) => count + (place % 4 === 3 && value > 127), 0);
}"""
"""How many pixels of the mask editor's sheet are inside."""


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: str = "light") -> Iterator[Page]:
    """A page that may not complain to the console, and that asks nobody but its own server."""
    complaints: list[str] = []
    own = ("/".join(url.split("/")[:3]), "data:", "blob:")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, has_touch=size == PHONE)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(own) else complaints.append(request.url))
    page.goto(url)
    yield page
    context.close()
    assert not complaints, complaints


def go(page: Page, view: str) -> None:
    """Show a view of the page that is open."""
    page.goto(f"{page.url.partition('#')[0]}#/{view}")


def keep(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def unnamed(page: Page) -> list[str]:
    """Controls that a screen reader could not name."""
    return page.evaluate(UNNAMED, CONTROLS)


def findings(page: Page) -> list[str]:
    """What axe-core finds: rule, how often, and the first element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here: pip install axe-playwright-python")
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [f"{each['id']} ×{len(each['nodes'])}: {each['nodes'][0]['html'][:160]}" for each in found["violations"]]


def small_targets(page: Page) -> list[str]:
    """Controls whose target, a label's included, is lower or narrower than 44 pixels."""
    return page.evaluate(SMALL)


def overflows(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")


def until(page: Page, condition: str, seconds: float = PATIENCE_S) -> None:
    """Ask until it is true. Playwright's own waiting needs eval, which the page's policy forbids, and rightly."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        page.wait_for_timeout(60)
