"""Writes the study of every network, at the size that it was trained at: `python docs/make_study.py`.

`docs/study/<engine>.md` and the drawn flow beside it come from watching the network (`tryon/study`), without weights.
A test (`tests/docs/test_study_pages.py`) fails while a page differs from what this writes.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.catalog import ANATOMIES, resolve
from tryon.study.command import StudyRequest, study
from tryon.study.report import Findings, page, picture

STUDY = Path(__file__).parent / "study"
NOTICE = "<!-- Written by docs/make_study.py; edit the code it watches instead. -->\n\n"
LEFT_OUT = ("stableviton_1024", "sift_vton", "ootdiffusion_hd", "dci_vton_v2", "gs_viton")
ENGINES = tuple(name for name in ANATOMIES if name not in LEFT_OUT)
"""They can be studied too; most have the network of another engine."""


def found(engine: str) -> Findings:
    """What there is to say, from shapes alone."""
    return study(resolve(ANATOMIES[engine]), StudyRequest())


def pages(engine: str, found: Findings) -> dict[str, str]:
    """File name → content."""
    return {f"{engine}.md": NOTICE + page(found, f"{engine}.svg"), f"{engine}.svg": picture(found)}


def main() -> None:
    """Write every page."""
    for engine in ENGINES:
        for name, content in pages(engine, found(engine)).items():
            (STUDY / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
