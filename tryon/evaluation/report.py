"""The report of an evaluation: a JSON with everything, a CSV with a line per pair, a Markdown table with published figures."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.core.records.whole_file import write_whole
from tryon.evaluation.gathering import EvaluatedPair, Gathered, text_hash
from tryon.evaluation.measuring import Measured, Number, Setting
from tryon.evaluation.published import PUBLISHED, PublishedRow, difference

SCHEMA = 1
JSON_NAME, CSV_NAME, TABLE_NAME = "evaluation.json", "pairs.csv", "evaluation.md"
PACKAGES = ("numpy", "scipy", "opencv-contrib-python", "pillow", "torch", "transformers")


def describe(
    gathered: Gathered,
    setting: Setting,
    measured: Mapping[str, Measured],
    facts: Mapping[str, int],
    missing: Mapping[str, str],
    how: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything about an evaluation as JSON values; numbers that are not finite become text.

    Args:
        gathered: the pairs.
        setting: paired or unpaired.
        measured: variant → what was measured.
        facts: of `measure`.
        missing: measures that were not computed, with the reason.
        how: what else is known: engine, folders' names, command.
    """
    pairs = gathered.pairs
    size = (facts["height"], facts["width"])
    return {
        "schema": SCHEMA,
        "setting": setting.value,
        "n": len(pairs),
        "missing": gathered.missing,
        "size": list(size),
        "sizes": facts["sizes"],
        "photos_resized": facts["resized"],
        "resize": "photos to the result's size, Lanczos, in memory",
        "formats": dict(Counter(pair.result.suffix.lower() for pair in pairs)),
        "photo_formats": dict(Counter(pair.truth.suffix.lower() for pair in pairs)),
        "pairs_sha256": text_hash(gathered.list_text),
        "people_sha256": text_hash("".join(f"{name}\n" for name in sorted({pair.person for pair in pairs}))),
        "pictures_sha256": pictures_hash(pairs),
        "versions": _versions(),
        "rows": {name: {key: _number(value) for key, value in each.numbers.items()} for name, each in measured.items()},
        "not_computed": dict(missing),
        "published": _published(setting, size, len(pairs)),
        **how,
    }


def _number(number: Number) -> dict[str, Any]:
    return {key: _finite(value) for key, value in asdict(number).items()}


def _finite(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def pictures_hash(pairs: Sequence[EvaluatedPair]) -> str:
    """One sha256 over the bytes of all results and photos, in the order of the pairs."""
    digest = hashlib.sha256()
    for pair in pairs:
        for path in (pair.result, pair.truth):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    known = {}
    for name in PACKAGES:
        try:
            known[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return known


def _published(setting: Setting, size: tuple[int, int], count: int) -> list[dict[str, Any]]:
    return [_published_row(row, setting, size, count) for row in PUBLISHED]


def _published_row(row: PublishedRow, setting: Setting, size: tuple[int, int], count: int) -> dict[str, Any]:
    own = {key.partition(" ")[2]: value for key, value in row.figures.items() if key.partition(" ")[0] == setting.value}
    reasons = {name: difference(row, name, size, count) for name in own}
    return {"method": row.method, "table": row.table, "figures": own, "not_comparable": {k: v for k, v in reasons.items() if v}}


def table_text(content: Mapping[str, Any]) -> str:
    """The Markdown table of a report."""
    names = list(dict.fromkeys(name for row in content["rows"].values() for name in row))
    names += [name for name in content["not_computed"] if name not in names]
    lines = [
        f"# Evaluation, {content['setting']}, {content['n']} pairs, {content['size'][0]} × {content['size'][1]}",
        "",
        f"Pair list sha256 `{content['pairs_sha256']}`. 95 % intervals in brackets. Each measure's name says its convention.",
        "",
        "| measure | " + " | ".join(content["rows"]) + " | published |",
        "|---|" + "---|" * (len(content["rows"]) + 1),
    ]
    for name in names:
        cells = [_cell(row.get(name)) for row in content["rows"].values()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + f" | {_beside(content, name)} |")
    reasons = sorted({reason for row in content["published"] for reason in row["not_comparable"].values()})
    if reasons:
        lines += ["", *(f"Not comparable: {reason}." for reason in reasons)]
    lines += ["", *(f"`{name}` was not computed: {why}" for name, why in content["not_computed"].items())]
    return "\n".join(lines).rstrip() + "\n"


def _cell(number: Mapping[str, Any] | None) -> str:
    if number is None:
        return "not computed"
    if isinstance(number["value"], str):
        return str(number["value"])
    interval = "" if isinstance(number["low"], str) else f" [{number['low']:.4g}, {number['high']:.4g}]"
    return f"{number['value']:.4f}{interval}"


def _beside(content: Mapping[str, Any], name: str) -> str:
    """Published figures of a measure; those that are not comparable say so."""
    shown = []
    for row in content["published"]:
        if name in row["figures"]:
            mark = " (not comparable)" if name in row["not_comparable"] else ""
            shown.append(f"{row['method']} {row['figures'][name]:g} ({row['table']}){mark}")
    return "<br>".join(shown)


def pairs_csv(pairs: Sequence[EvaluatedPair], measured: Mapping[str, Measured]) -> str:
    """A line per pair: names, files, and every measure of every variant."""
    columns = [(variant, name) for variant, each in measured.items() for name in each.per_pair]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["person", "garment", "result", "truth", *(f"{variant}:{name}" for variant, name in columns)])
    for number, pair in enumerate(pairs):
        values = [repr(measured[variant].per_pair[name][number]) for variant, name in columns]
        writer.writerow([pair.person, pair.garment, pair.result, pair.truth, *values])
    return out.getvalue()


def write_report(folder: Path, content: Mapping[str, Any], csv_text: str) -> list[Path]:
    """Write the three files, each whole or not at all."""
    texts = {
        CSV_NAME: csv_text,
        TABLE_NAME: table_text(content),
        JSON_NAME: json.dumps(content, indent=1, ensure_ascii=False) + "\n",
    }
    for name, text in texts.items():
        write_whole(folder / name, text)
    return [folder / name for name in texts]
