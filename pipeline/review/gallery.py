"""The index of the gallery: every wanted picture with its state, and filters. Kept in memory, served in pages."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Scene
from pipeline.core.labels import Category
from pipeline.core.layout import FINAL, LEDGER, Layout, Ref
from pipeline.core.records.finished import finished_ref
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.score import SCORE, score_of
from pipeline.review.shapes import Shapes
from pipeline.review.verdicts import Mark, Verdicts
from pipeline.review.workspace import Items, Workspace, version_of

NOTEWORTHY = f"notices <> '[]' OR kept <> '[]' OR status = 'failed' OR facts LIKE '%\"{SCORE}%'"
PAUSE_FACTOR = 8.0
"""The index is not read again before this many times the duration of reading it."""


class PictureState(StrEnum):
    """Whether a picture exists."""

    DONE = "done"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished picture.

    Args:
        scene: pair and background.
        ref: its file.
        version: changes when the file changes, "" while there is none.
        content: sha256 of the file, "" where the ledger does not know it.
        state: whether it exists.
        notices: flags of all artefacts it is made of.
        preview: whether a preview engine made it.
        score: of the quality gate, or None.
        message, remedy: why it failed.
    """

    scene: Scene
    ref: Ref
    version: str
    content: str
    state: PictureState
    notices: tuple[Notice, ...] = ()
    preview: bool = False
    score: float | None = None
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are wanted; "" and None restrict nothing.

    Args:
        person, garment, background: ids; the garment may be one of an outfit.
        flag: a flag's name, or `any`.
        verdict: a decision, or `none` for pictures without one.
        state: done, failed, missing.
        text: part of an id.
        least_score, most_score: of the quality gate.
        by_score: worst first, instead of in the order of the pairs.
    """

    person: str = ""
    garment: str = ""
    background: str = ""
    flag: str = ""
    verdict: str = ""
    state: str = ""
    text: str = ""
    least_score: float | None = None
    most_score: float | None = None
    by_score: bool = False


@dataclass(frozen=True)
class Index:
    """All entries at one moment."""

    version: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many pictures exist."""
        return sum(entry.state is PictureState.DONE for entry in self.entries.values())


class Gallery:
    """Keeps the index up to date, and spends only a small share of the time on it.

    Args:
        workspace: the folders.
        verdicts: the decisions.
    """

    def __init__(self, workspace: Workspace, verdicts: Verdicts) -> None:
        self._workspace = workspace
        self.verdicts = verdicts
        self._guard = threading.Lock()
        self._index = Index()
        self._seen: tuple[str, str] | None = None
        self._not_before = 0.0
        self._changed = threading.Event()
        self._shapes = Shapes(workspace.layout)

    def changed(self) -> None:
        """Say that the page itself changed inputs or finished a job: whoever asks next sees it."""
        self._changed.set()

    def index(self, patient: bool = False) -> Index:
        """The entries; read again when something changed and the last reading is long enough ago.

        Args:
            patient: wait as long with what the page changed itself, for who asks over and over.
        """
        with self._guard:
            if time.monotonic() >= self._not_before or (self._changed.is_set() and not patient):
                self._refresh()
            return self._index

    def _refresh(self) -> None:
        begun = time.monotonic()
        self._changed.clear()  # before the folders are read: what changes meanwhile is read the next time
        seen = (self._workspace.outputs_stamp(), self._workspace.inputs_stamp())
        if seen != self._seen:
            entries = read_entries(self._workspace.layout, self._workspace.items())
            if entries != self._index.entries:
                self._index = Index(self._index.version + 1, entries)
            self._seen = seen
        self._not_before = time.monotonic() + max(0.2, PAUSE_FACTOR * (time.monotonic() - begun))

    def find(self, wanted: Filter) -> list[Entry]:
        """The entries that fit, in order."""
        self.verdicts.refresh()
        found = [entry for entry in self.index().entries.values() if self._fits(entry, wanted)]
        if wanted.by_score:
            found.sort(key=lambda entry: (entry.score is None, entry.score))
        return found

    def shapes(self, entries: Sequence[Entry]) -> list[int]:
        """How many of the entries in a row are upright, then how many are wider than high, and so on."""
        lengths, wide = [0], False
        for entry in entries:
            if self._shapes.is_wide(entry) is not wide:
                wide = not wide
                lengths.append(0)
            lengths[-1] += 1
        return lengths

    def mark_of(self, entry: Entry) -> Mark | None:
        """The decision about an entry."""
        verdict = self.verdicts.of(entry.scene.id, entry.scene.pair.engine)
        return None if verdict is None else verdict.verdict

    def is_stale(self, entry: Entry) -> bool:
        """Whether the picture was made again after the decision about it."""
        verdict = self.verdicts.of(entry.scene.id, entry.scene.pair.engine)
        return verdict is not None and bool(verdict.picture) and bool(entry.content) and verdict.picture != entry.content

    def _fits(self, entry: Entry, wanted: Filter) -> bool:
        scene = entry.scene
        flags = {notice.flag.value for notice in entry.notices}
        mark = self.mark_of(entry)
        return (
            wanted.person in {"", scene.pair.person.original.id}
            and wanted.garment in {"", *(garment.id for garment in scene.pair.garments)}
            and wanted.background in {"", scene.background.id}
            and (not wanted.flag or wanted.flag in flags or (wanted.flag == "any" and bool(flags)))
            and wanted.verdict in {"", (mark or Mark.NONE).value}
            and wanted.state in {"", entry.state.value}
            and wanted.text.casefold() in scene.id.casefold()
            and (wanted.least_score is None or (entry.score is not None and entry.score >= wanted.least_score))
            and (wanted.most_score is None or (entry.score is not None and entry.score <= wanted.most_score))
        )

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """The values of each filter, with counts."""
        self.verdicts.refresh()
        entries = list(self.index().entries.values())
        return {
            "person": _count(entry.scene.pair.person.original.id for entry in entries),
            "garment": _count(garment.id for entry in entries for garment in entry.scene.pair.garments),
            "background": _count(entry.scene.background.id for entry in entries),
            "flag": _count(flag for entry in entries for flag in {notice.flag.value for notice in entry.notices}),
            "state": _count(entry.state.value for entry in entries),
            "verdict": _count((self.mark_of(entry) or Mark.NONE).value for entry in entries),
            SCORE: [(SCORE, sum(entry.score is not None for entry in entries))],
        }


def _count(values: Iterable[str]) -> list[tuple[str, int]]:
    return list(Counter(values).items())


def read_entries(layout: Layout, items: Items) -> dict[str, Entry]:
    """The entries of all scenes, from the ledger and the file system."""
    ledger = Ledger(layout.path(LEDGER), writable=False)
    try:
        noted: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in ledger.outcomes(NOTEWORTHY):
            noted[outcome.item].append(outcome)
        contents = {ref: row.content for ref, row in ledger.files.items() if ref.startswith(FINAL.path)}
    finally:
        ledger.close()
    return {scene.id: _entry(scene, layout, contents, noted) for scene in items.scenes.values()}


def _entry(scene: Scene, layout: Layout, contents: Mapping[Ref, str], noted: Mapping[str, Sequence[Outcome]]) -> Entry:
    pair = scene.pair
    ref = finished_ref(layout, scene.id, pair.engine)
    version = version_of(layout, ref)
    about = [outcome for name in (*pair.parts, scene.id) for outcome in noted.get(name, ())]
    failure = next((outcome for outcome in about if outcome.failed), None)
    notices = tuple(dict.fromkeys(notice for outcome in about for notice in outcome.all_notices))
    state = PictureState.FAILED if failure else PictureState.DONE if version else PictureState.MISSING
    return Entry(
        scene,
        ref,
        version,
        contents.get(ref, ""),
        state,
        notices=tuple(notice for notice in notices if concerns(notice, pair.categories)),
        preview=any(notice.flag is Flag.PREVIEW_ONLY for notice in notices),
        score=next(_scores(about, pair.engine), None),
        message=failure.message if failure else "",
        remedy=failure.remedy if failure else "",
    )


def concerns(notice: Notice, categories: frozenset[Category]) -> bool:
    """Whether a flag concerns garments of some categories.

    Flags of masks begin with the mask's category; that a picture is a preview is shown by its stamp, not by a flag.
    """
    about = notice.detail.partition(":")[0]
    return notice.flag is not Flag.PREVIEW_ONLY and (about not in list(Category) or about in categories)


def _scores(outcomes: Sequence[Outcome], engine: str) -> Iterator[float]:
    """The scores of one engine's pictures: of the scene first, then of its pair."""
    for outcome in reversed(outcomes):
        score = score_of(outcome.facts)
        if score is not None and f"/{engine}/" in outcome.slot:
            yield score
