"""A small inputs folder: the public-domain astronaut, a drawn garment, a drawn background; and the command line on it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from pipeline.core import images

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Workspace:
    """A folder with inputs and outputs, and the command line on it."""

    folder: Path

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python run.py …` in this folder."""
        command = [sys.executable, str(ROOT / "run.py"), *words]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=600)

    def run(self, *words: str) -> tuple[int, list[dict]]:
        """A run with JSON events: exit code and events."""
        done = self.cli("--json", *words)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, events

    def files(self) -> dict[str, bytes]:
        """Everything made, the ledger left out."""
        found = (path for path in self.outputs.rglob("*") if path.is_file() and ".ledger" not in path.parts)
        return {path.relative_to(self.outputs).as_posix(): path.read_bytes() for path in found}


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.png(array) if path.suffix == ".png" else images.jpeg(array))


def tee(colour: tuple[int, int, int] = (40, 90, 170)) -> np.ndarray:
    """(640, 480, 3) uint8: a striped T-shirt on near-white."""
    sheet = np.full((640, 480, 3), 244, np.uint8)
    outline = [
        (170, 120),
        (310, 120),
        (400, 170),
        (370, 260),
        (325, 240),
        (325, 520),
        (155, 520),
        (155, 240),
        (110, 260),
        (80, 170),
    ]
    mask = cv2.fillPoly(np.zeros((640, 480), np.uint8), [np.array(outline)], 255)
    cv2.ellipse(mask, (240, 118), (48, 30), 0, 0, 360, 0, -1)
    stripes = np.where((np.arange(640) // 18 % 2)[:, None, None], np.array(colour), np.array((225, 225, 220))).astype(np.uint8)
    sheet[mask > 0] = np.broadcast_to(stripes, sheet.shape)[mask > 0]
    return cv2.GaussianBlur(sheet, (0, 0), 0.7)


def room() -> np.ndarray:
    """(480, 720, 3) uint8: a wall and a floor."""
    wall = np.linspace(200, 225, 330)[:, None, None].repeat(720, 1).repeat(3, 2)
    floor = np.linspace(120, 160, 150)[:, None, None].repeat(720, 1) * np.array((1.0, 0.85, 0.7))
    return np.concatenate([wall, floor]).astype(np.uint8)


def fill(inputs: Path) -> None:
    save(inputs / "person" / "ann.png", astronaut())
    save(inputs / "cloth" / "upper" / "tee.jpg", tee())
    save(inputs / "background" / "room.jpg", room())
