"""What the study found, for people: tables, the drawn flow, a page of Markdown and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.core.records.whole_file import write_whole
from pipeline.core.weights.files import write_json
from tryon.study.boxes import Flow
from tryon.study.drawing import drawing
from tryon.study.protocol import Anatomy, Size, part_of
from tryon.study.table import BYTES, Row, origins, shares

PAGE, FIGURES, PICTURE = "study.md", "study.json", "flow.svg"
ADAM_BYTES = {"weight": 4, "gradient": 4, "two moments": 8}
"""Of a trained value in fp32 under AdamW."""

Table = list[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that a study found.

    Args:
        anatomy: of what.
        size: (height, width) in pixels.
        rows: one per part.
        flow: boxes and arrows.
        sizes: weight tensor → values.
        machine: on which the times were measured; empty where none were.
        stored: of a file: part → number formats and bytes.
    """

    anatomy: Anatomy
    size: Size
    rows: Sequence[Row]
    flow: Flow
    sizes: Mapping[str, int]
    machine: str = ""
    stored: Mapping[str, str] | None = None


def weights_table(found: Findings) -> Table:
    """Size of every part, in each number format, and how much of it has no say."""
    head = ("part", "what it does", "weights", "no say", *BYTES, "int8")
    body = [
        (row.part.name, row.part.about, _millions(row.values), _millions(row.dead), *_bytes(row.values), _gigabytes(row.int8))
        for row in found.rows
    ]
    values, dead = sum(row.values for row in found.rows), sum(row.dead for row in found.rows)
    int8 = None if any(row.int8 is None for row in found.rows) else sum(row.int8 or 0 for row in found.rows)
    return [head, *body, ("sum", "", _millions(values), _millions(dead), *_bytes(values), _gigabytes(int8))]


def cost_table(found: Findings) -> Table:
    """Arithmetic of every part, and its time where that was measured."""
    work = shares([row.gflop_per_picture for row in found.rows])
    time = shares([row.seconds_per_picture for row in found.rows])
    head = ("part", "GFLOP a run", "runs a picture", "share of the arithmetic", "seconds a run", "share of the time")
    body = [
        (row.part.name, f"{row.gflop:,.1f}", str(row.part.calls), _percent(done), _seconds(row.seconds), _percent(taken))
        for row, done, taken in zip(found.rows, work, time, strict=True)
    ]
    total = sum(row.gflop_per_picture for row in found.rows)
    return [head, *body, ("a picture", f"{total:,.0f}", "", "", "", "")]


def origin_table(found: Findings) -> Table:
    """Whose weights training starts from, and what training changes."""
    total = sum(row.values for row in found.rows)
    trained = {name: sum(row.trained for row in found.rows if row.part.origin == name) for name in origins(found.rows)}
    body = [
        (name, _millions(values), _percent(values / total), _millions(trained[name]))
        for name, values in origins(found.rows).items()
    ]
    return [("training starts from", "weights", "share", "of these trained"), *body]


def training_lines(found: Findings) -> list[str]:
    """What training holds in memory besides activations, by arithmetic."""
    trained = sum(row.trained for row in found.rows)
    if not trained or not found.anatomy.training:
        return ["This project has no recipe that trains it."]
    frozen = sum(row.values - row.dead - row.trained for row in found.rows)
    each, recipe = sum(ADAM_BYTES.values()), found.anatomy.training
    spelled = ", ".join(f"{what} {count}" for what, count in ADAM_BYTES.items())
    return [
        f"{trained:,} trained values in fp32 under AdamW: {each} bytes each ({spelled}), {trained * each / 1e9:.1f} GB.",
        f"{frozen:,} frozen values that have a say, 2 bytes each in bf16: {frozen * 2 / 1e9:.1f} GB.",
        f"Activations, disk and time for your machine: python run.py train {recipe} … --dry-run (docs/training.md).",
    ]


def page(found: Findings, drawn: str = PICTURE) -> str:
    """The study as Markdown; the picture lies beside it under the name `drawn`."""
    size = f"{found.size[0]} × {found.size[1]}"
    parts = [
        f"# {found.anatomy.name}: what the network is made of\n",
        "Weights in millions, bytes in GB. Found by following one picture through the network; nothing here is typed in.\n",
        "## Sub-models\n",
        markdown(weights_table(found)),
        "*No say*: values on which no picture depends. *int8*: what the engine keeps with `weight_format=int8`, without those.\n",
        f"## Cost of a picture at {size} (height × width)\n",
        markdown(cost_table(found)),
        f"Times: {found.machine}.\n" if found.machine else "Times were not measured: `--measure`.\n",
        "## Where the weights come from\n",
        markdown(origin_table(found)),
        "## Training\n",
        *[f"* {line}\n" for line in training_lines(found)],
        "## Special points\n",
        *[f"**{point.title}.** {point.text}\n" for point in found.anatomy.points(found.size)],
        f"## From inputs to output at {size}\n",
        f"![flow]({drawn})\n",
        "Every box is a stage of the real network: what it hands on (channels × height × width), its weights, its arithmetic. "
        "Dashed: its results reach no picture. A letter behind ← names a box that many others take.\n",
    ]
    if found.stored:
        parts += ["## In the file\n", markdown([("part", "number formats and bytes"), *found.stored.items()])]
    return "\n".join(parts)


def picture(found: Findings) -> str:
    """The flow as SVG, a column per sub-model."""
    parts = found.anatomy.parts
    title = f"{found.anatomy.name} at {found.size[0]} × {found.size[1]} pixels (height × width)"
    columns = list(dict.fromkeys(part.model for part in parts))
    return drawing(found.flow, title, lambda box: part_of(min(box.weights), parts).model, columns, found.sizes)


def figures(found: Findings) -> dict[str, Any]:
    """Everything as numbers."""
    arrows = [{"from": a, "to": b, "shapes": shapes} for (a, b), shapes in found.flow.arrows.items()]
    return {
        "engine": found.anatomy.name,
        "size": list(found.size),
        "machine": found.machine,
        "parts": [asdict(row) for row in found.rows],
        "stored": dict(found.stored or {}),
        "arrows": arrows,
        "without_say": sorted(set(found.flow.boxes) - found.flow.living),
    }


def write_report(folder: Path, found: Findings) -> list[Path]:
    """Write page, figures and picture; returns their paths."""
    write_whole(folder / PAGE, page(found))
    write_whole(folder / PICTURE, picture(found))
    write_json(folder / FIGURES, figures(found))
    return [folder / name for name in (PAGE, PICTURE, FIGURES)]


def markdown(table: Table) -> str:
    """A table as Markdown."""
    head, *body = table
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, tuple("---" for _ in head), *body]) + "\n"


def _millions(count: int) -> str:
    return f"{count / 1e6:,.1f}" if count else "-"


def _bytes(values: int) -> list[str]:
    return [_gigabytes(values * each) for each in BYTES.values()]


def _gigabytes(count: int | None) -> str:
    return f"{count / 1e9:.2f}" if count else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3g}"
