"""A finished workspace without a run: drawn people, garments, backgrounds, and every artefact the page looks at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.api import Request
from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    DRESSED_CUTOUT,
    FINAL,
    IMAGE,
    ORIGINAL,
    TRYON,
    Layout,
    Ref,
)
from pipeline.review.options import Limits, Serving

FAKE_RUN = Path(__file__).with_name("fake_run.py")
ENGINE = "preview"
LOCAL = "http://127.0.0.1:8321"


def standing(shirt: tuple[int, int, int], size: tuple[int, int] = (400, 240)) -> np.ndarray:
    """(h, w, 4) uint8 RGBA: a head, a shirt, two legs with shoes."""
    sheet = np.zeros((*size, 4), np.uint8)
    middle = size[1] // 2
    cv2.circle(sheet, (middle, 60), 26, (210, 170, 140, 255), -1)
    cv2.rectangle(sheet, (middle - 42, 86), (middle + 42, 210), (*shirt, 255), -1)
    for side in (-1, 1):
        cv2.rectangle(sheet, (middle + side * 24 - 14, 210), (middle + side * 24 + 14, 372), (50, 60, 90, 255), -1)
        cv2.rectangle(sheet, (middle + side * 28 - 18, 360), (middle + side * 28 + 18, 380), (30, 30, 30, 255), -1)
    return sheet


def scenery(size: tuple[int, int] = (300, 420)) -> np.ndarray:
    """(h, w, 3) uint8: a wall and a floor, meeting at 60 % of the height."""
    sheet = np.full((*size, 3), 205, np.uint8)
    sheet[int(size[0] * 0.6) :] = (120, 96, 70)
    noise = np.random.default_rng(3).integers(-3, 4, sheet.shape)
    return np.clip(sheet + noise, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Desk:
    """A workspace to review."""

    folder: Path
    people: tuple[str, ...] = ("ann", "bob")
    garments: tuple[str, ...] = ("tee", "top")
    backgrounds: tuple[str, ...] = ("room", "sea")

    @property
    def layout(self) -> Layout:
        return Layout(self.folder / "inputs", self.folder / "outputs", self.folder / "weights")

    @property
    def request(self) -> Request:
        return Request(inputs=self.layout.inputs, outputs=self.layout.outputs, weights=self.layout.weights)

    def serving(self, **changes: object) -> Serving:
        return Serving(request=self.request, **changes)

    @property
    def small_limits(self) -> Limits:
        return Limits(body_bytes=20_000, upload_bytes=400_000, upload_megapixels=0.5, queued_jobs=2)

    def put(self, ref: Ref, array: np.ndarray) -> None:
        path = self.layout.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.png(array) if path.suffix == ".png" else images.jpeg(array))

    def fill(self) -> Desk:
        for number, person in enumerate(self.people):
            self.put(f"inputs:person/{person}.jpg", np.full((400, 240, 3), 180 + number, np.uint8))
            self._person(person)
        for number, garment in enumerate(self.garments):
            self.put(f"inputs:cloth/upper/{garment}.jpg", np.full((128, 96, 3), 90 + 60 * number, np.uint8))
            self._garment(garment)
        for background in self.backgrounds:
            self.put(f"inputs:background/{background}.jpg", scenery())
        for person in self.people:
            for number, garment in enumerate(self.garments):
                self._pair(f"{person}__{garment}", number)
        return self

    def _person(self, person: str) -> None:
        canvas = cv2.resize(standing((200, 200, 200)), (768, 1024))[..., :3]
        mask = np.zeros((1024, 768), np.uint8)
        mask[220:540, 240:520] = 255
        self.put(IMAGE.of(person), canvas)
        self.put(AGNOSTIC_MASK.of(person, Category.UPPER), mask)
        self.put(AGNOSTIC.of(person, Category.UPPER), np.where(mask[..., None] > 0, np.uint8(128), canvas))

    def _garment(self, garment: str) -> None:
        cloth = np.full((1024, 768, 3), 244, np.uint8)
        cloth[200:800, 150:620] = (40, 90, 170)
        self.put(CLOTH.of(garment), cloth)
        self.put(CLOTH_MASK.of(garment), np.where((cloth != 244).any(2), 255, 0).astype(np.uint8))

    def _pair(self, pair: str, number: int) -> None:
        dressed = standing(((40, 90, 170), (170, 40, 60))[number % 2])
        self.put(DRESSED_CUTOUT.of(pair, ENGINE), dressed)
        self.put(TRYON.of(pair, ENGINE), np.ascontiguousarray(cv2.resize(dressed, (768, 1024))[..., :3]))
        for background in (ORIGINAL, *self.backgrounds):
            self.put(FINAL.of(f"{pair}__{background}", ENGINE), scenery())

    def final(self, person: str = "ann", garment: str = "tee", background: str = "room") -> Path:
        return self.layout.path(FINAL.of(f"{person}__{garment}__{background}", ENGINE))
