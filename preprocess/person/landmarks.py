"""Raw landmarks of one person in photo pixels: detected once by the background step, read by every later step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.rect import Rect


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of the selected person.

    Args:
        photo_size: (height, width) of the upright photo, after any reduction.
        body: (33, 4) float32 of x, y in photo pixels, z in photo pixels (negative = nearer), visibility in [0, 1]; points may lie
            outside the photo. MediaPipe's order: 0 nose, 11/12 left/right shoulder, 23/24 left/right hip, 31/32 toes.
        face_oval: (36, 2) float32 x, y of the face's outline in order, or (0, 2) when no face was found.
        box: where the person is, photo pixels.
        people: number of people counted in the photo.
    """

    photo_size: tuple[int, int]
    body: NDArray[np.float32]
    face_oval: NDArray[np.float32]
    box: Rect[float]
    people: int = 1

    def to_json(self) -> str:
        """Rounded to 1/100 px and 1/1000 visibility, so that the file is small and equal on every machine."""
        record: dict[str, Any] = {
            "photo_size": list(self.photo_size),
            "body": np.round(self.body.astype(np.float64), 3).tolist(),
            "face_oval": np.round(self.face_oval.astype(np.float64), 2).tolist(),
            "box": [round(float(side), 2) for side in (self.box.top, self.box.left, self.box.height, self.box.width)],
            "people": self.people,
        }
        return json.dumps(record, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Landmarks:
        """What `to_json` wrote."""
        record = json.loads(text)
        return Landmarks(
            photo_size=(record["photo_size"][0], record["photo_size"][1]),
            body=np.asarray(record["body"], np.float32).reshape(-1, 4),
            face_oval=np.asarray(record["face_oval"], np.float32).reshape(-1, 2),
            box=Rect(*record["box"]),
            people=record["people"],
        )
