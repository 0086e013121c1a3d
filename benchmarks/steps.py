"""Per step: items a second and peak memory, beside a calibration figure of the machine.

    python benchmarks/steps.py                         # the demo photo, enlarged to 768×1024, eight times
    python benchmarks/steps.py --inputs my_folder      # your own photos

Each step runs in a process of its own, as `python run.py --step NAME` does; times are the runner's per item, without start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine_line

ROOT = Path(__file__).resolve().parents[1]
COPIES = 8
PERSON_STAGES = ("background", "pose", "densepose", "parsing", "agnostic", "agnostic-picture")
PAIR_STAGES = ("tryon", "restore")


def run(folder: Path, *words: str) -> tuple[dict[str, list[float]], float, int]:
    """Seconds per item by stage, wall seconds, and peak resident bytes of one command."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *words, "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in {0, 3}:
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    seconds: dict[str, list[float]] = {}
    for event in map(json.loads, lines):
        if event["event"] == "done":
            seconds.setdefault(event["stage"], []).append(event["seconds"])
    return seconds, time.perf_counter() - begun, usage.ru_maxrss * 1024


def prepare(folder: Path, given: Path | None) -> None:
    """Link the user's inputs, or fill in the demo's with several copies of its photo."""
    if given:
        (folder / "inputs").symlink_to(given.resolve())
        return
    subprocess.run([sys.executable, str(ROOT / "run.py"), "demo"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    photo = next((folder / "inputs/person").iterdir())
    from PIL import Image

    large = Image.open(photo).convert("RGB").resize((1024, 1024)).crop((100, 0, 868, 1024))
    for number in range(COPIES):
        large.save(folder / f"inputs/person/copy_{number}.png")
    photo.unlink()
    garments = sorted((folder / "inputs/cloth").rglob("*.*"))
    for extra in garments[2:]:
        extra.unlink()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=Path, help="a folder with person/ cloth/ background/")
    options = parser.parse_args()
    print(machine_line())
    folder = Path(tempfile.mkdtemp(prefix="lookbook-benchmark-"))
    try:
        prepare(folder, options.inputs)
        table: dict[str, list[float]] = {}
        for step in ("background", "pose", "densepose", "parsing", "cloth", "tryon", "compose"):
            seconds, _, peak = run(folder, "--step", step)
            table |= seconds
            for stage, values in seconds.items():
                mean = sum(values) / len(values)
                rate = f"{mean:6.2f} s each  {1 / max(mean, 1e-9):7.1f} items/s"
                print(f"{stage:>10}  {len(values):4d} items  {rate}  peak {peak / 1e6:5.0f} MB")
        _summary(table)
        _, wall, _ = run(folder, "--step", "all")
        print(f"nothing to do: {wall:.2f} s")
    finally:
        shutil.rmtree(folder)


def _summary(table: dict[str, list[float]]) -> None:
    def mean(names: tuple[str, ...]) -> float:
        return sum(sum(table[name]) / len(table[name]) for name in names if table.get(name))

    print(f"person steps together {mean(PERSON_STAGES):.2f} s (goal 1.5), pair steps {mean(PAIR_STAGES):.2f} s (goal 0.8)")


if __name__ == "__main__":
    main()
