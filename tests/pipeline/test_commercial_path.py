"""A run for business use takes FASHN VTON by itself and opens no model file whose licence forbids business use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from stand_ins import accept, place

from pipeline.api import Request, prepare
from pipeline.catalog import ENGINES, STEPS, resolve
from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.weights.table import Commercial, table

PREFERENCE = ("fashn", "stableviton", "ootdiffusion", "dci_vton", "viton_hd", "preview")
WATCHED: list[list[str]] = []
"""Who listens to files being opened; Python's own hook stays for the life of the process."""


def _hear(event: str, words: tuple[object, ...]) -> None:
    if WATCHED and event == "open":
        for listener in WATCHED:
            listener.append(str(words[0]))


@contextmanager
def opened() -> Iterator[list[str]]:
    """The paths of all files that are opened meanwhile, by whatever library."""
    if not hasattr(opened, "heard"):
        sys.addaudithook(_hear)
        opened.heard = True  # type: ignore[attr-defined]
    WATCHED.append([])
    try:
        yield WATCHED[-1]
    finally:
        WATCHED.pop()


@pytest.fixture
def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """Inputs of every category, and a weights folder with a stand-in for every model file there is."""
    if lacking := resolve(ENGINES["fashn"].engine).card.missing_packages():
        pytest.skip(f"needs {', '.join(lacking)}")
    names = {name: [file.name for file in weight.files] for name, weight in table().items()}
    for name, files in names.items():
        accept(monkeypatch, name, *files)
        for file in files:
            place(tmp_path / "weights", name, file).write_bytes(b"stand-in" * 2000)
    picture = images.png(np.full((64, 48, 3), 200, np.uint8))
    for name in ("person/ann.png", "cloth/upper/a.png", "cloth/lower/b.png", "cloth/dress/c.png"):
        place(tmp_path, "inputs", name).write_bytes(picture)
    return request(tmp_path, "run.commercial_only=true")


def request(root: Path, *settings: str) -> Request:
    folders = {name: root / name for name in ("inputs", "outputs", "weights")}
    return Request(**folders, steps=tuple(STEPS), overrides=settings)


def test_a_run_for_business_use_opens_no_restricted_file_and_dresses_everything_with_fashn(everything: Request) -> None:
    with opened() as paths:
        prepared = prepare(everything)
    folder = str(everything.weights)
    rows = {Path(path).relative_to(folder).parts[0] for path in paths if path.startswith(folder) and Path(path).suffix != ".json"}
    assert {pair.engine for pair in prepared.assembly.collection.pairs} == {"fashn"}
    assert "fashn-vton-1.5" in rows
    assert [name for name in rows if name in table() and table()[name].commercial is not Commercial.YES] == []


def test_without_that_wish_restricted_models_are_opened_so_the_watch_sees_them(everything: Request) -> None:
    with opened() as paths:
        prepare(request(everything.inputs.parent))
    restricted = [name for name, weight in table().items() if weight.commercial is not Commercial.YES]
    assert any(f"/{name}/" in path for path in paths for name in restricted)


@pytest.mark.parametrize("category", Category)
def test_auto_prefers_engines_in_a_fixed_order(category: Category) -> None:
    able = [name for name, entry in ENGINES.items() if category in resolve(entry.engine).card.categories]
    assert [name for name in able if name in PREFERENCE] == [name for name in PREFERENCE if name in able]


@pytest.mark.parametrize(("keep", "engine", "said"), [
    ("hands", "fashn", True), ("hands", "preview", False), ("", "fashn", False),
])  # fmt: skip
def test_a_kept_part_of_the_mask_that_an_engine_without_mask_never_sees_is_said(everything: Request, keep, engine, said) -> None:
    settings = (f"run.engine={engine}", *((f'agnostic.keep=["{keep}"]',) if keep else ()))
    prepared = prepare(request(everything.inputs.parent, *settings))
    lines = [line for line in prepared.assembly.notes if "restore.keep" in line]
    assert bool(lines) is said
