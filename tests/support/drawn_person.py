"""A person drawn with plain ellipses and bands, whose every pixel's label is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core import images, layout
from pipeline.core.frame import whole_photo
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.labels import Joint, Parse
from pipeline.core.layout import Layout
from pipeline.core.rect import Rect
from preprocess.person.body import FROM_MEDIAPIPE, Joints, joints_from_keypoints
from preprocess.person.landmarks import Landmarks
from preprocess.person.person_view import PersonView

SIZE = (1024, 768)
SKIN, HAIR, WALL = (205, 160, 135), (40, 30, 28), (215, 215, 215)
JOINTS = {
    Joint.NOSE: (384, 190), Joint.RIGHT_EYE: (362, 170), Joint.LEFT_EYE: (406, 170), Joint.RIGHT_EAR: (330, 180),
    Joint.LEFT_EAR: (438, 180), Joint.NECK: (384, 320), Joint.RIGHT_SHOULDER: (264, 320), Joint.LEFT_SHOULDER: (504, 320),
    Joint.RIGHT_ELBOW: (220, 480), Joint.LEFT_ELBOW: (548, 480), Joint.RIGHT_WRIST: (200, 620), Joint.LEFT_WRIST: (568, 620),
    Joint.MID_HIP: (384, 640), Joint.RIGHT_HIP: (314, 640), Joint.LEFT_HIP: (454, 640),
    Joint.RIGHT_KNEE: (320, 830), Joint.LEFT_KNEE: (448, 830), Joint.RIGHT_ANKLE: (320, 985), Joint.LEFT_ANKLE: (448, 985),
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """What was drawn and what it is."""

    view: PersonView
    labels: np.ndarray
    body: Joints


def keypoints(without: tuple[Joint, ...] = (), shrink: float = 1.0) -> Keypoints:
    body = np.zeros((25, 3), np.float32)
    for joint, (x, y) in JOINTS.items():
        if joint not in without:
            body[joint] = (x * shrink, y * shrink, 0.9)
    return Keypoints(body)


def draw(
    upper: tuple[int, int, int] = (200, 40, 40),
    lower: tuple[int, int, int] = (40, 60, 150),
    long_sleeves: bool = False,
    skirt: bool = False,
    hem_row: int = 670,
) -> Drawing:
    image = np.full((*SIZE, 3), WALL, np.uint8)
    labels = np.zeros(SIZE, np.uint8)

    def put(mask: np.ndarray, label: Parse, colour: tuple[int, int, int]) -> None:
        image[mask > 0] = colour
        labels[mask > 0] = label

    def band(a: Joint, b: Joint, width: int) -> np.ndarray:
        return cv2.line(np.zeros(SIZE, np.uint8), JOINTS[a], JOINTS[b], 1, width)

    def block(*corners: tuple[int, int]) -> np.ndarray:
        return cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(corners, np.int32)], 1)

    def oval(x: int, y: int, a: int, b: int) -> np.ndarray:
        return cv2.ellipse(np.zeros(SIZE, np.uint8), (x, y), (a, b), 0, 0, 360, 1, -1)

    put(oval(384, 165, 78, 105), Parse.HAIR, HAIR)
    put(block((348, 240), (420, 240), (432, 345), (336, 345)), Parse.NECK, SKIN)
    put(oval(384, 195, 56, 78), Parse.FACE, SKIN)
    for side, leg, arm in (("RIGHT", Parse.RIGHT_LEG, Parse.RIGHT_ARM), ("LEFT", Parse.LEFT_LEG, Parse.LEFT_ARM)):
        hip, knee, ankle = (Joint[f"{side}_{name}"] for name in ("HIP", "KNEE", "ANKLE"))
        shoulder, elbow, wrist = (Joint[f"{side}_{name}"] for name in ("SHOULDER", "ELBOW", "WRIST"))
        for a, b, width in ((hip, knee, 92), (knee, ankle, 66)):
            put(band(a, b, width), leg if skirt else Parse.PANTS, SKIN if skirt else lower)
        put(band(elbow, wrist, 50), arm, SKIN)
        put(oval(JOINTS[wrist][0], JOINTS[wrist][1] + 40, 26, 46), arm, SKIN)
        put(band(shoulder, elbow, 62), Parse.UPPER_CLOTHES, upper)
        if long_sleeves:
            put(band(elbow, wrist, 56), Parse.UPPER_CLOTHES, upper)
    put(block((285, 320), (483, 320), (480, 690), (288, 690)), Parse.PANTS, lower)
    if skirt:
        put(block((290, 640), (478, 640), (540, 860), (228, 860)), Parse.SKIRT, lower)
    put(
        block((264, 300), (340, 290), (384, 330), (428, 290), (504, 300), (478, hem_row), (290, hem_row)),
        Parse.UPPER_CLOTHES,
        upper,
    )
    if skirt:
        labels[labels == Parse.PANTS] = Parse.SKIRT
    noise = np.random.default_rng(3).normal(0, 4, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    body = joints_from_keypoints(keypoints())
    return Drawing(PersonView(image, np.where(labels > 0, 255, 0).astype(np.uint8), body), labels, body)


def write_person(root, item):
    """What the steps before densepose leave of the drawn person, below `root`."""
    drawing = draw()
    points = np.zeros((33, 4), np.float32)
    for joint, index in FROM_MEDIAPIPE.items():
        points[index] = (*drawing.body.xy[joint], 0, 0.9)
    record = Landmarks(SIZE, points, np.zeros((0, 2), np.float32), Rect(50, 150, 950, 450))
    folders = Layout(outputs=root)
    for kind, data in (
        (layout.IMAGE, images.jpeg(drawing.view.image)), (layout.MATTE, images.png(drawing.view.matte)),
        (layout.LANDMARKS, images.text(record.to_json())), (layout.FRAME, images.text(whole_photo(SIZE).to_json())),
        (layout.POSE_JSON, images.text(keypoints_to_json([keypoints()]))),
    ):  # fmt: skip
        path = folders.path(kind.of(item.id))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folders
