"""Writes the pages that repeat what the code knows, so that they cannot drift: `python docs/make_pages.py`.

`docs/folders.md` from `pipeline/core/layout.py`, `docs/licences.md` from the weights table, `docs/flags.md` from the flags.
A test (`tests/docs/test_pages.py`) fails while a page differs from what this writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.core.flags import ABOUT
from pipeline.core.labels import Category
from pipeline.core.layout import PER_CATEGORY, PER_ENGINE, PER_ITEM, Folder
from pipeline.core.weights.table import table

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/make_pages.py; edit the code it names instead. -->\n\n"


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *[list(row) for row in rows]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def folders_page() -> str:
    """What lies where below `outputs/`."""
    folders: list[Folder] = list(PER_ITEM)
    folders += [kind.folder(category) for kind in PER_CATEGORY for category in Category]
    folders += [Folder(f"{kind.path}/<engine>", kind.suffix, kind.step, kind.about) for kind in PER_ENGINE]
    rows = [
        (f"`{each.path}/`", f"`<id>{each.suffix}`", each.step, each.about) for each in sorted(folders, key=lambda each: each.path)
    ]
    return (
        NOTICE
        + "# Folders of `outputs/`\n\n"
        + "`vitonhd/` is a VITON-HD tree: other people's loaders can read it, and a downloaded one can be used in its place.\n"
        + "Masks: white = repaint. `<id>` is the person, the garment, `<person>__<garment>`, or "
        + "`<person>__<garment>__<background>`.\n\n"
        + _rows(("folder", "file", "made by", "what"), rows)
    )


def licences_page() -> str:
    """Every model: licence as tagged and as inherited, and whether business use is allowed."""
    rows = [
        (f"`{name}`", weight.licence, weight.inherited, weight.commercial.value, ", ".join(weight.used_by) or "nothing yet")
        for name, weight in sorted(table().items())
    ]
    return (
        NOTICE
        + "# Licences of the models\n\n"
        + "Our own code is Apache-2.0. Models are other people's work with terms of their own.\n"
        + "This table is an engineer's reading, not legal advice.\n"
        + "The embedded backends need none of them: they use MediaPipe's models (Apache-2.0), which come inside its package.\n"
        + "`--commercial-only` (or `run.commercial_only = true`) refuses what is not allowed for business.\n"
        + "The demo's photos are in the public domain or CC0 ([where each comes from](../pipeline/demo/photos/README.md)).\n\n"
        + _rows(("weights", "licence as tagged", "as inherited", "business", "used by"), rows)
    )


def flags_page() -> str:
    """Every quality flag and what to do about it."""
    return (
        NOTICE
        + "# Quality flags\n\nA flag does not stop a picture; the report shows flagged items first.\n\n"
        + _rows(("flag", "what it means, what to do"), [(f"`{flag.value}`", about) for flag, about in ABOUT.items()])
    )


PAGES = {"folders.md": folders_page, "licences.md": licences_page, "flags.md": flags_page}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
