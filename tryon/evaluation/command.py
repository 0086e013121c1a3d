"""What `python run.py evaluate` does: gather, measure, report. Programs call `evaluate` too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tryon.evaluation.gathering import gather, read_pair_list
from tryon.evaluation.measuring import Setting, measure, not_computed
from tryon.evaluation.networks import Networks
from tryon.evaluation.report import describe, pairs_csv, write_report


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What is asked for.

    Args:
        results: folder of results.
        truth: folder of the people's photos.
        pairs: a list of pairs; None = by equal names.
        setting: whether the garment of each pair is the one that the person wears.
        masks: folder of repaint masks (255 = repaint), or garment → such a folder, where known.
        cloth: folder of garments, where known.
        weights: the weights folder.
        allow_missing: so many listed pairs may have no result.
        engine: whose results they are, for the report.
    """

    results: Path
    truth: Path
    pairs: Path | None = None
    setting: Setting = Setting.PAIRED
    masks: Path | Mapping[str, Path] | None = None
    cloth: Path | None = None
    weights: Path = Path("weights")
    allow_missing: int = 0
    engine: str = ""


def evaluate(
    request: EvaluationRequest, report: Path | None = None, say: Callable[[int, int], None] = lambda done, count: None
) -> dict[str, Any]:
    """Measure, and write the report where a folder is given; returns its JSON.

    Args:
        request: what.
        report: folder of the three files.
        say: called with the pairs done and their number.

    Raises:
        UsageError: files do not fit together.
    """
    listed = read_pair_list(request.pairs) if request.pairs else None
    gathered = gather(
        request.results,
        request.truth,
        listed,
        masks=request.masks,
        cloth=request.cloth,
        allow_missing=request.allow_missing,
        others_stay=bool(request.engine and listed),
    )
    networks = Networks(request.weights)
    count = len(gathered.pairs)
    measured, facts = measure(gathered.pairs, Setting(request.setting), networks, lambda done: say(done, count))
    missing = not_computed(measured["raw"], Setting(request.setting), networks, request.cloth is not None)
    how = {"engine": request.engine, "masks": bool(request.masks)}
    content = describe(gathered, Setting(request.setting), measured, facts, missing, how)
    if report is not None:
        write_report(report, content, pairs_csv(gathered.pairs, measured))
    return content


def evaluate_folders(report: Path | None, say: Callable[[int, int], None], **asked: Any) -> dict[str, Any]:
    """`evaluate` with the fields of `EvaluationRequest` by name, for the command line, which finds it through the catalogue."""
    return evaluate(EvaluationRequest(**asked), report, say)
