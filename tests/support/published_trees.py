"""Small published trees of drawn people, written to disk as the data sets are."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from drawn_person import draw, keypoints
from workspaces import tee

from pipeline.core import images
from pipeline.core.keypoints import keypoints_to_json
from pipeline.core.labels import Atr, BodyPart, Category, Joint, Parse
from preprocess.agnostic.parse_agnostic import parse_agnostic
from preprocess.agnostic.picture import grey_out
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.densepose.colours import render
from preprocess.pose.skeleton import draw_skeleton

COLOURS = ((200, 40, 40), (30, 120, 60), (50, 60, 160))


def index_of(labels: np.ndarray) -> np.ndarray:
    """A body-part index whose regions are those of the labels."""
    parts = {
        Parse.UPPER_CLOTHES: BodyPart.TORSO_FRONT, Parse.NECK: BodyPart.TORSO_FRONT, Parse.FACE: BodyPart.HEAD_LEFT,
        Parse.HAIR: BodyPart.HEAD_RIGHT, Parse.LEFT_ARM: BodyPart.LEFT_FOREARM_OUTER,
        Parse.RIGHT_ARM: BodyPart.RIGHT_FOREARM_OUTER,
        Parse.PANTS: BodyPart.LEFT_THIGH_FRONT,
    }  # fmt: skip
    index = np.zeros(labels.shape, np.uint8)
    for label, part in parts.items():
        index[labels == label] = part
    return index


def garment(number: int) -> tuple[np.ndarray, np.ndarray]:
    """(1024, 768, 3) picture on near-white and (1024, 768) mask."""
    picture = cv2.resize(tee(COLOURS[number % 3]), (768, 1024), interpolation=cv2.INTER_LINEAR)
    mask = np.where(np.abs(picture.astype(int) - 244).max(2) > 12, 255, 0).astype(np.uint8)
    return picture, mask


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


VITON_HD_NAMES = {
    "image": "image", "densepose": "image-densepose", "parse": "image-parse-v3", "reduced": "image-parse-agnostic-v3.2",
    "json": "openpose_json", "drawn": "openpose_img", "agnostic": "agnostic-v3.2", "mask": "agnostic-mask",
    "cloth": "cloth", "cloth-mask": "cloth-mask",
}  # fmt: skip


def viton_hd(root: Path, people: int = 2, names: dict[str, str] | None = None, leave_out: tuple[str, ...] = ()) -> Path:
    """A tree below `root/test` with an unpaired list; `names` changes folder spellings, `leave_out` drops folders."""
    folder = VITON_HD_NAMES | (names or {})
    base = root / "test"

    def put(kind: str, name: str, data: bytes) -> None:
        if kind not in leave_out:
            write(base / folder[kind] / name, data)

    for number in range(people):
        stem = f"{number:05}_00"
        drawing = draw(upper=COLOURS[number % 3])
        mask = hr_viton(Category.UPPER, Conditions(drawing.labels, drawing.body))
        put("image", f"{stem}.jpg", images.jpeg(drawing.view.image))
        put("densepose", f"{stem}.jpg", images.jpeg(render(index_of(drawing.labels))))
        put("parse", f"{stem}.png", images.labels_png(drawing.labels))
        put("reduced", f"{stem}.png", images.labels_png(parse_agnostic(Category.UPPER, drawing.labels, drawing.body)))
        put("json", f"{stem}_keypoints.json", images.text(keypoints_to_json([keypoints()])))
        put("drawn", f"{stem}_rendered.png", images.png(draw_skeleton(keypoints(), (1024, 768))))
        put("agnostic", f"{stem}.jpg", images.jpeg(grey_out(drawing.view.image, mask)))
        put("mask", f"{stem}_mask.png", images.mask_png(mask))
        picture, outline = garment(number)
        put("cloth", f"{stem}.jpg", images.jpeg(picture))
        put("cloth-mask", f"{stem}.jpg", images.jpeg(outline))
    lines = [f"{number:05}_00.jpg {(number + 1) % people:05}_00.jpg\n" for number in range(people)]
    (root / "test_pairs.txt").write_text("".join(lines))
    return root


COCO = [
    Joint.NOSE, Joint.NECK, Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW,
    Joint.LEFT_WRIST, Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE,
    Joint.RIGHT_EYE, Joint.LEFT_EYE, Joint.RIGHT_EAR, Joint.LEFT_EAR,
]  # fmt: skip
ATR_OF = {
    Parse.UPPER_CLOTHES: Atr.UPPER_CLOTHES, Parse.NECK: Atr.FACE, Parse.FACE: Atr.FACE, Parse.HAIR: Atr.HAIR,
    Parse.LEFT_ARM: Atr.LEFT_ARM, Parse.RIGHT_ARM: Atr.RIGHT_ARM, Parse.PANTS: Atr.PANTS,
}  # fmt: skip


def dresscode(root: Path, numbers: dict[str, str]) -> Path:
    """One person and one garment per part; `numbers`: part → six digits."""
    for part, number in numbers.items():
        drawing = draw()
        labels = np.zeros(drawing.labels.shape, np.uint8)
        for parse, atr in ATR_OF.items():
            labels[drawing.labels == parse] = atr
        picture, outline = garment(1)
        points = keypoints().body
        rows = [[*(points[joint, :2] / 2).tolist(), 0.9, place] for place, joint in enumerate(COCO)]
        index = index_of(drawing.labels)
        ramp = np.linspace(0, 1, index.size, dtype=np.float32).reshape(index.shape) * (index > 0)
        files = {
            f"images/{number}_0.jpg": images.jpeg(drawing.view.image),
            f"images/{number}_1.jpg": images.jpeg(picture),
            f"keypoints/{number}_2.json": json.dumps({"keypoints": rows}).encode(),
            f"skeletons/{number}_5.jpg": images.jpeg(draw_skeleton(keypoints(), (1024, 768))),
            f"label_maps/{number}_4.png": images.png(labels),
            f"dense/{number}_5.png": images.png(index),
            f"dense/{number}_5_uv.npz": images.npz({"uv": np.stack([ramp, 1 - ramp])}),
            f"masks/{number}_1.png": images.png(outline),
        }
        for name, data in files.items():
            write(root / part / name, data)
        for name in ("test_pairs_unpaired.txt", "test_pairs_paired.txt", "train_pairs.txt"):
            (root / part / name).write_text(f"{number}_0.jpg {number}_1.jpg\n")
    return root
