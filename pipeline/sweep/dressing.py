"""One entry of pictures: an ordinary run in the sweep's own outputs, whose canvases are then set aside and measured."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.api import PreparedRun, Request, prepare, run
from pipeline.catalog import ENGINES, EVALUATION, resolve, step_range
from pipeline.core.errors import UsageError
from pipeline.core.items import Pair
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, IMAGE, TRYON, Layout
from pipeline.core.records.transaction import open_records
from pipeline.core.weights.access import sha_of
from pipeline.core.weights.files import digest_of
from pipeline.sweep.config import DressConfig
from pipeline.sweep.grid import Entry
from pipeline.sweep.records import Outcome

STEPS = tuple(step_range(None, "tryon"))
OUTPUTS = "outputs"
"""Of a sweep: people and garments are prepared in it once for all entries."""
PICTURES = "pictures"
PAIRS = "pairs.txt"


class Dressing:
    """Dresses entry after entry.

    Args:
        config: of the file.
        folder: of the sweep.
        weights: the weights folder.
    """

    def __init__(self, config: DressConfig, folder: Path, weights: Path) -> None:
        self._config, self._folder, self._weights = config, folder, weights

    def prepared(self, entry: Entry) -> PreparedRun:
        """The run of an entry, checked: settings, inputs, engine.

        Raises:
            LookbookError: an unknown setting, no inputs, or an engine that cannot run here.
        """
        made = prepare(self._request(entry))
        made.require_items()
        if not made.assembly.collection.pairs:
            raise UsageError(f"{self._config.inputs}: no pair to dress", "widen dress.only, or remove it")
        return made

    def facts(self, prepared: PreparedRun, entry: Entry) -> dict[str, Any]:
        """What decides an entry's pictures: settings, input bytes, weights."""
        layout, pairs = prepared.request.layout, prepared.assembly.collection.pairs
        sources = {ref: layout.path(ref) for pair in pairs for ref in (pair.person.source, pair.garment.source)}
        card = resolve(ENGINES[entry.of].engine).card
        return {
            "engine": [entry.of, card.version],
            "settings": dict(entry.settings),
            "pairs": [pair.id for pair in pairs],
            "inputs": {name: digest_of(path).sha256 for name, path in sorted(sources.items())},
            "weights": {row: sha_of(row, self._weights) for row in card.weights},
            "paired": self._config.paired,
        }

    def seconds(self, prepared: PreparedRun) -> float:
        """Of an entry's pictures alone, as the engine's card says for its default settings."""
        return float(sum(stage.step.seconds * len(stage.items) for stage in prepared.stages if stage.name == "tryon"))

    def preparing(self, prepared: PreparedRun) -> float:
        """Seconds for people and garments, once for all entries, of what is not there yet."""
        with open_records(prepared.request.layout, writable=False) as records:
            plan = prepared.plan(records)
        stages = zip(prepared.stages, plan.stages, strict=True)
        return float(sum(stage.step.seconds * planned.to_run for stage, planned in stages if stage.name != "tryon"))

    def make(self, entry: Entry, folder: Path) -> Outcome:
        """Dress, set aside, measure.

        Raises:
            LookbookError: nothing could be made.
        """
        begun = time.monotonic()
        prepared = self.prepared(entry)
        summary = run(prepared.request)
        if summary.interrupted:
            raise KeyboardInterrupt
        pairs, layout = prepared.assembly.collection.pairs, prepared.request.layout
        failed = {failure.item for failure in summary.failures}
        shown = [pair for pair in pairs if pair.id not in failed and _canvas(layout, pair, entry).is_file()]
        pictures = {pair.id: self._set_aside(layout, pair, entry, folder) for pair in shown}
        wrong = ""
        if len(shown) < len(pairs):
            first = next((each for each in summary.failures if not each.blocked), None)
            cause = f": {first.item}: {first.message} → {first.remedy}" if first else ""
            wrong = f"{len(pairs) - len(shown)} of {len(pairs)} pairs without a picture{cause}"
        figures = self._measured(layout, shown, folder) if shown and self._config.paired else {}
        return Outcome(figures, pictures, time.monotonic() - begun, wrong)

    def _request(self, entry: Entry) -> Request:
        return Request(
            steps=STEPS,
            inputs=Path(self._config.inputs),
            outputs=self._folder / OUTPUTS,
            weights=self._weights,
            overrides=(*entry.overrides, f"run.engine={entry.of}"),
            only=tuple(self._config.only),
            limit=self._config.limit,
        )

    def _set_aside(self, layout: Layout, pair: Pair, entry: Entry, folder: Path) -> str:
        """Copy a canvas beside the entry's file; its path below the entry's folder."""
        name = f"{PICTURES}/{pair.id}{TRYON.suffix}"
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_canvas(layout, pair, entry), folder / name)
        return name

    def _measured(self, layout: Layout, pairs: list[Pair], folder: Path) -> dict[str, float]:
        """Measures against the photos, by the evaluation room's conventions."""
        listed = folder / PAIRS
        listed.write_text("".join(f"{pair.person.id} {pair.garment.id}\n" for pair in pairs), "utf-8")
        folders = {pair.garment.id: layout.outputs / AGNOSTIC_MASK.folder(pair.garment.category).path for pair in pairs}
        masks: Mapping[str, Path] = {garment: each for garment, each in folders.items() if each.is_dir()}
        content = resolve(EVALUATION)(
            folder / "evaluation",
            lambda done, count: None,
            results=folder / PICTURES,
            truth=layout.outputs / IMAGE.path,
            pairs=listed,
            setting="paired",
            masks=masks,
            cloth=layout.outputs / CLOTH.path,
            weights=self._weights,
            engine=self._config.engine,
        )
        row = content["rows"].get("raw", {})
        return {name: float(each["value"]) for name, each in row.items() if isinstance(each["value"], int | float)}


def _canvas(layout: Layout, pair: Pair, entry: Entry) -> Path:
    return layout.path(TRYON.of(pair.id, entry.of))
