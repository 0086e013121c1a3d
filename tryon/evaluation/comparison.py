"""Two evaluations of the same pairs: the paired difference of every measure, and a sheet of the twenty worst."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.errors import UsageError
from pipeline.core.records.whole_file import write_whole
from tryon.evaluation.intervals import Difference, paired_difference
from tryon.evaluation.report import CSV_NAME, JSON_NAME

WORST = 20
CELL_HEIGHT_PX = 256
JUDGES = ("raw:lpips_alex_full", "raw:lpips_squeeze_full", "raw:ssim_rgb_full", "raw:psnr_outside_mask")
"""By the first that both have the worst pairs are chosen."""
SMALLER_IS_BETTER = ("lpips", "delta_e", "max_difference", "changed_share", "fid", "kid")


@dataclass(frozen=True)
class Evaluation:
    """A report that was written earlier.

    Args:
        folder: where.
        content: its JSON.
        rows: pair → its line of the CSV.
    """

    folder: Path
    content: dict[str, Any]
    rows: dict[str, dict[str, str]]

    def column(self, name: str, ids: list[str]) -> NDArray[np.float64]:
        """One measure of some pairs."""
        return np.array([float(self.rows[each][name]) for each in ids])


def read_evaluation(folder: Path) -> Evaluation:
    """Read a report.

    Raises:
        UsageError: there is none, or a damaged one.
    """
    try:
        content = json.loads((folder / JSON_NAME).read_text("utf-8"))
        with (folder / CSV_NAME).open(encoding="utf-8", newline="") as file:
            rows = {f"{row['person']}__{row['garment']}": row for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as problem:
        cure = "python run.py evaluate RESULTS --truth DIR --report DIR"
        raise UsageError(f"{folder}: no evaluation lies there ({problem})", cure) from None
    return Evaluation(folder, content, rows)


def shared_pairs(first: Evaluation, second: Evaluation) -> list[str]:
    """The pairs of both.

    Raises:
        UsageError: other lists, settings or sizes: their numbers do not belong beside each other.
    """
    for key, what in (("pairs_sha256", "pair lists"), ("setting", "settings"), ("size", "sizes")):
        if first.content.get(key) != second.content.get(key):
            told = f"{first.content.get(key)} and {second.content.get(key)}"
            raise UsageError(
                f"evaluate compare: {first.folder} and {second.folder} have other {what} ({told})", "evaluate both alike"
            )
    return list(first.rows)


def differences(first: Evaluation, second: Evaluation) -> dict[str, Difference]:
    """Measure → second minus first over the same pairs."""
    ids = shared_pairs(first, second)
    names = [name for name in next(iter(first.rows.values())) if ":" in name and name in next(iter(second.rows.values()))]
    return {name: paired_difference(first.column(name, ids), second.column(name, ids)) for name in names}


def verdict(name: str, found: Difference) -> str:
    """`second better`, `first better` or `no difference shown`."""
    if not np.isfinite(found.low) or found.low <= 0 <= found.high:
        return "no difference shown"
    smaller = name.partition(":")[2].startswith(SMALLER_IS_BETTER)
    return "second better" if (found.mean > 0) != smaller else "first better"


def worst_pairs(first: Evaluation, second: Evaluation, count: int = WORST) -> tuple[str, list[str]]:
    """The measure that judges, and the pairs in which the second loses most against the first."""
    ids = shared_pairs(first, second)
    for name in JUDGES:
        if all(name in each.rows[ids[0]] for each in (first, second)):
            loss = second.column(name, ids) - first.column(name, ids)
            loss = loss if name.partition(":")[2].startswith(SMALLER_IS_BETTER) else -loss
            order = np.argsort(-np.nan_to_num(loss, nan=-np.inf, posinf=1e9, neginf=-1e9), kind="stable")
            return name, [ids[place] for place in order[:count]]
    raise UsageError("evaluate compare: no measure of pairs in both", "evaluate both with the same setting and masks")


def worst_sheet(first: Evaluation, second: Evaluation, ids: list[str]) -> RGB:
    """(h, w, 3) RGB uint8: a row per pair: photo, first, second."""
    rows = []
    for each in ids:
        files = (first.rows[each]["truth"], first.rows[each]["result"], second.rows[each]["result"])
        rows.append(np.concatenate([_cell(Path(file)) for file in files], 1))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows])


def _cell(path: Path) -> RGB:
    picture = Image.fromarray(images.read_photo(path, min_side=1).rgb)
    width = max(1, round(picture.width * CELL_HEIGHT_PX / picture.height))
    return np.asarray(picture.resize((width, CELL_HEIGHT_PX), Image.Resampling.LANCZOS), np.uint8)


def compare(first: Path, second: Path, report: Path) -> tuple[list[tuple[str, str, str, str]], list[Path]]:
    """Compare two report folders and write table and sheet.

    Args:
        first, second: folders of reports.
        report: where the table and the sheet go.

    Returns:
        A row of text per measure (name, difference, interval, verdict), and the files.

    Raises:
        UsageError: a report is absent, or the two are not of the same pairs, setting and size.
    """
    found, files = write_comparison(report, read_evaluation(first), read_evaluation(second))
    rows = [
        (name, f"{each.mean:+.4g}", f"[{each.low:.4g}, {each.high:.4g}]", verdict(name, each)) for name, each in found.items()
    ]
    return rows, files


def write_comparison(folder: Path, first: Evaluation, second: Evaluation) -> tuple[dict[str, Difference], list[Path]]:
    """Write the table and the sheet; returns the differences and the files."""
    found = differences(first, second)
    judge, ids = worst_pairs(first, second)
    lines = [
        f"# {second.folder} against {first.folder}",
        "",
        f"{len(first.rows)} pairs; second minus first, paired bootstrap.",
        "",
    ]
    lines += ["| measure | difference | 95 % | second larger in | verdict |", "|---|---|---|---|---|"]
    for name, each in found.items():
        interval = f"[{each.low:.4g}, {each.high:.4g}]"
        lines.append(f"| `{name}` | {each.mean:+.4g} | {interval} | {each.second_larger:.0%} | {verdict(name, each)} |")
    lines += ["", f"`worst.png`: the {len(ids)} pairs in which the second loses most by `{judge}`: photo, first, second."]
    contents = {"comparison.md": ("\n".join(lines) + "\n").encode(), "worst.png": images.png(worst_sheet(first, second, ids))}
    for name, data in contents.items():
        write_whole(folder / name, data)
    return found, [folder / name for name in contents]
