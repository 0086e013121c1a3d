"""A folder of the GS-VITON demo with two rendered people, in any state of completion, made by the demo's own rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from published_trees import garment, write
from workspaces import room

from pipeline.core import images
from pipeline.core.keypoints import Keypoints, keypoints_from_json, keypoints_to_json
from preprocess.pose.skeleton import draw_skeleton

RENDERED = Path(__file__).parents[1] / "data/rendered"
GREY = 230
PEOPLE = {"w1_white": 0, "w2_full": 2}
"""Rendered photo → the number that the demo's detector gave its person."""
PAIRS = (("w1_white", "blue"), ("w2_full", "green"))
POSITIONS = "300 1000 900\n"


@dataclass(frozen=True)
class Square:
    """The demo's second step on one picture: (512, 512, 3) uint8, and the affine from the picture to it."""

    picture: np.ndarray
    matrix: np.ndarray


def stem_of(person: str) -> str:
    return f"{person}_cnt_{PEOPLE[person]}_background_removed"


def photo_of(person: str, height: int = 600) -> np.ndarray:
    photo = images.read_rgb(RENDERED / f"{person}.jpg")
    return cv2.resize(photo, (round(photo.shape[1] * height / photo.shape[0]), height), interpolation=cv2.INTER_AREA)


def removed_of(person: str, height: int = 600) -> np.ndarray:
    """The person on the demo's grey, hard-edged."""
    photo = photo_of(person, height)
    matte = cv2.resize(images.read_grey(RENDERED / f"{person}-matte.png"), photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.where((matte >= 128)[..., None], photo, np.uint8(GREY))


def square_of(removed: np.ndarray) -> Square:
    """Resized to a height of 512, cut out around what differs from grey; lower pictures are squashed, as the demo does."""
    height, width = removed.shape[:2]
    columns = int(width * 512 / height) if height >= 512 else int(width * height / 512)
    shown = Image.fromarray(removed).resize((columns, 512), Image.Resampling.BICUBIC)
    rows, places = np.nonzero((np.asarray(shown) != GREY).any(2))
    top, side = int(rows.min()), int(rows.max() - rows.min())
    left = int((int(places.min()) + int(places.max())) / 2 - side / 2)
    square = shown.crop((left, top, left + side, top + side)).resize((512, 512), Image.Resampling.LANCZOS)
    x, y = columns / width * 512 / side, 512 / height * 512 / side
    return Square(np.asarray(square), np.array([[x, 0, -left * 512 / side], [0, y, -top * 512 / side]]))


def points_of(person: str, square: Square, height: int = 600) -> Keypoints:
    found = keypoints_from_json((RENDERED / f"{person}-pose.json").read_text())
    scale = height / 600
    moved = np.where(
        found.body[:, 2:] > 0,
        np.column_stack([found.body[:, :2] * scale @ square.matrix[:, :2].T + square.matrix[:, 2], found.body[:, 2]]),
        0,
    )
    return Keypoints(moved.astype(np.float32))


def labels_of(person: str, square: Square, height: int = 600) -> np.ndarray:
    labels = images.read_labels(RENDERED / f"{person}-parse.png")
    labels = cv2.resize(labels, (round(450 * height / 600), height), interpolation=cv2.INTER_NEAREST)
    return cv2.warpAffine(labels, square.matrix, (512, 512), flags=cv2.INTER_NEAREST)


def seed_folder(root: Path, state: int, heights: dict[str, int] | None = None) -> Path:
    """A folder after so many of the demo's steps, 0 to 5."""
    inputs, output = root / "inputs", root / "output"
    for number, name in enumerate(("blue", "green")):
        picture, mask = garment(2 - number)
        write(inputs / f"cloth/{name}.jpg", images.jpeg(squared(picture, 244)))
        write(inputs / f"cloth-mask/{name}.jpg", images.jpeg(squared(mask, 0)))
    write(inputs / "bg_images/room.jpg", images.jpeg(room()))
    write(inputs / "bg_images/room.txt", POSITIONS.encode())
    write(inputs / "backgrounds.txt", b"bg_images/room.jpg  bg_images/room.txt\n")
    for person in PEOPLE:
        height = (heights or {}).get(person, 600)
        write(inputs / f"org_img/{person}.jpg", images.jpeg(photo_of(person, height)))
        if state >= 1:
            _steps(person, height, state, inputs, output)
    if state >= 2:
        lines = [f"{stem_of(person)}.jpg {cloth}.jpg\n" for person, cloth in PAIRS]
        write(inputs / "test_pairs.txt", "".join(lines).encode())
        lines = [f"/image/{stem_of(person)}.jpg /labels/512x512.png\n" for person in PEOPLE]
        write(inputs / "val.txt", "".join(lines).encode())
    return root


def _steps(person: str, height: int, state: int, inputs: Path, output: Path) -> None:
    stem, garment_worn = stem_of(person), dict(PAIRS)[person]
    write(output / f"background_step1/{person}.jpg", images.jpeg(photo_of(person, height)))  # the overlay, which is no result
    step1 = output / f"background_step1/{stem}.jpg"
    write(step1, images.jpeg(removed_of(person, height)))
    square = square_of(images.read_rgb(step1))
    if state >= 2:
        points = points_of(person, square, height)
        write(inputs / f"image/{stem}.jpg", images.jpeg(square.picture))
        write(inputs / f"openpose-json/{stem}_keypoints.json", images.text(keypoints_to_json([points])))
        write(inputs / f"openpose-img/{stem}_rendered.png", images.png(draw_skeleton(points, (512, 512))))
    if state >= 3:
        write(output / f"cihp_parsing/{stem}.png", images.labels_png(labels_of(person, square, height)))
    if state >= 4:
        dressed = square.picture.copy()
        dressed[labels_of(person, square, height) == 5] = (30, 60, 200)
        write(output / f"viton-hd/{stem}_{garment_worn}.jpg", images.jpeg(dressed))
    if state >= 5:
        scene = cv2.resize(room(), (1920, 1080), interpolation=cv2.INTER_AREA)
        write(output / f"final/{stem}_{garment_worn}_room_bg_insert.jpg", images.jpeg(scene))


def squared(picture: np.ndarray, fill: int) -> np.ndarray:
    """(512, 512[, 3]) uint8: a 3:4 picture in the middle of a square."""
    small = cv2.resize(picture, (384, 512), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, 0, 64, 64, cv2.BORDER_CONSTANT, value=(fill, fill, fill))


def coco_18(path: Path) -> None:
    """Rewrite a key-point file in COCO's order of 18 points."""
    content = json.loads(path.read_text())
    flat = np.array(content["people"][0]["pose_keypoints_2d"]).reshape(25, 3)
    content["people"][0]["pose_keypoints_2d"] = (
        flat[[0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]].ravel().tolist()
    )
    path.write_text(json.dumps(content))
