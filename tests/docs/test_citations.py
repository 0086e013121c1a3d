"""What a text of this project points to is there: pages, headings, files of the repository."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = {".py", ".md", ".toml", ".js", ".css", ".html", ".yml"}
OF_AN_EARLIER_STATE = ("tests/data/", "CHANGELOG.md")
"""These name files as they were called then."""
MADE_BY_TESTS = {"tests/failures"}

PATH = re.compile(
    r"(?<![\w./:<>{}*-])(?:pipeline|preprocess|tryon|compose|tests|docs|benchmarks)/[\w./-]*\w\.(?:py|md|toml|js|css|html)\b(?:#[\w-]+)?"
)
"""A file of the repository by its path from the root; `owner/repository:path` is somebody else's."""
FOLDER = re.compile(r"`((?:pipeline|preprocess|tryon|compose|tests|docs|benchmarks)/[\w./-]*)/`")
FILE = re.compile(r"`((?:\w+/)*\w+\.py)`")
MODULE = re.compile(r"`((?:pipeline|preprocess)(?:\.\w+)+|(?:tryon|compose)(?:\.\w+){2,})`|see `(\w+\.\w+)`")
"""By its dotted name, with or without what it defines; `compose.grain` is a setting."""
LINK = re.compile(r"\]\(([^()\s:]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ELSEWHERE = re.compile(
    r"\bissue,? (?:chapter )?\d+\.\d|\bissue chapter|\(issue\b|\bissue, [A-Z]|\bthe issue's\b|\bspec(?:ification)? chapters?\b|§",
    re.IGNORECASE,
)
"""Chapters of documents that are not in the repository."""


@functools.cache
def texts() -> dict[str, str]:
    """Every text that git knows, by its path from the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    kept = [name for name in listed if Path(name).suffix in WRITTEN and not name.startswith(OF_AN_EARLIER_STATE)]
    return {name: (ROOT / name).read_text("utf-8") for name in kept if (ROOT / name).is_file()}


def matches(pattern: re.Pattern[str], suffix: str = "") -> Iterator[tuple[str, str]]:
    """(file, match) in every text whose name ends so; of a pattern with groups the one that matched."""
    for name, text in texts().items():
        if name.endswith(suffix) and name != Path(__file__).relative_to(ROOT).as_posix():
            yield from ((name, match[match.lastindex or 0]) for match in pattern.finditer(text))


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings: lower case, no punctuation, a hyphen for each blank, a number for doubles."""
    seen: dict[str, int] = {}
    found = set()
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        seen[anchor] = seen.get(anchor, -1) + 1
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
    return found


def leads_somewhere(base: Path, target: str) -> bool:
    """Whether a path with or without `#anchor` is there, seen from a folder."""
    path, _, anchor = target.partition("#")
    page = base / path
    return page.exists() and (not anchor or anchor in anchors(page))


def is_defined(dotted: str) -> bool:
    """Whether a dotted name is a module or package, or a word in one; `unet.run_unet` may stand in any module `unet`."""
    path, _, word = dotted.rpartition(".")
    package, holder = (f"/{each.replace('.', '/')}" for each in (dotted, path))
    if any(f"/{name}" == f"{package}.py" or f"/{name}".startswith(f"{package}/") for name in texts()):
        return True
    holders = [text for name, text in texts().items() if f"/{name}".endswith((f"{holder}.py", f"{holder}/__init__.py"))]
    return any(re.search(rf"\b{word}\b", text) for text in holders)


def test_every_file_and_heading_of_the_repository_that_a_text_names_is_there():
    lost = {f"{name}: {target}" for name, target in matches(PATH) if not leads_somewhere(ROOT, target)}
    assert not lost, "\n".join(sorted(lost))


def test_every_folder_of_the_repository_that_a_text_names_is_there():
    cited = {(name, target) for name, target in matches(FOLDER) if target not in MADE_BY_TESTS}
    lost = {f"{name}: {target}" for name, target in cited if not (ROOT / target).is_dir()}
    assert not lost, "\n".join(sorted(lost))


def test_a_file_named_by_the_end_of_its_path_is_somewhere_in_the_repository():
    cited = {(name, target) for name, target in matches(FILE) if not name.startswith("docs/facts/")}
    lost = {f"{name}: {target}" for name, target in cited if not any(f"/{known}".endswith(f"/{target}") for known in texts())}
    assert not lost, "\n".join(sorted(lost))


def test_every_module_that_a_text_names_is_there_and_defines_what_is_named_with_it():
    lost = {f"{name}: {target}" for name, target in matches(MODULE, ".py") if not is_defined(target)}
    assert not lost, "\n".join(sorted(lost))


def test_every_link_between_pages_leads_to_a_page_and_a_heading():
    lost = set()
    for name, target in matches(LINK, ".md"):
        page = ROOT / name
        there = target[1:] in anchors(page) if target.startswith("#") else leads_somewhere(page.parent, target)
        lost |= set() if there else {f"{name}: {target}"}
    assert not lost, "\n".join(sorted(lost))


def test_no_text_cites_a_chapter_of_a_document_that_is_not_in_the_repository():
    lost = {f"{name}: {cited}" for name, cited in matches(ELSEWHERE)}
    assert not lost, "\n".join(sorted(lost))


def test_every_page_of_facts_is_listed_and_names_its_sources():
    facts = ROOT / "docs" / "facts"
    index = (facts / "README.md").read_text("utf-8")
    for page in facts.glob("*.md"):
        if page.name != "README.md":
            assert f"({page.name})" in index, page.name
            assert re.search(r"^\*\*Sources?\.\*\*", page.read_text("utf-8"), re.MULTILINE), page.name


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## OOTD", "ootd"),
        ("## One place for each kind of knowledge", "one-place-for-each-kind-of-knowledge"),
        ("## What goes wrong, and why?", "what-goes-wrong-and-why"),
        ("### `--step all`: 1 + 1", "--step-all-1--1"),
        ("## See [the page](page.md)", "see-the-page"),
    ],
)
def test_anchors_are_made_as_github_makes_them(tmp_path: Path, heading: str, anchor: str):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{heading}\n\n```\n# no heading\n```\n\n{heading}\n", "utf-8")
    assert anchors(page) == {"title", anchor, f"{anchor}-1"}
