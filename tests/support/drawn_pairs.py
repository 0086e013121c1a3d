"""Training trees of drawn mannequins in several poses, whose every pixel's label is known, drawn as the engine draws them."""

from __future__ import annotations

from pathlib import Path

import cv2
import mannequin
import numpy as np

from pipeline.core import images
from pipeline.core.labels import Category, Parse
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.viton_hd_exact import viton_hd_exact, viton_hd_parse
from preprocess.person.body import joints_from_keypoints
from preprocess.pose.skeleton import draw_skeleton

GARMENTS = ("tee", "longsleeve", "strap", "longsleeve")
COLOURS = ((190, 40, 50), (40, 120, 70), (60, 70, 170), (210, 170, 50))


def write_people(root: Path, people: int, category: Category = Category.UPPER, size: tuple[int, int] | None = None) -> Path:
    """A VITON-HD tree in which nobody looks like another: arms, sleeves, legs and colours differ.

    Args:
        root: made.
        people: how many.
        category: what the drawings lack.
        size: (height, width) to which they are cut, at the top or in the middle, and reduced; None = whole mannequins, 512 × 384.
    """
    names = [f"{number:05}_00.jpg" for number in range(people)]
    for number, name in enumerate(names):
        for kind, picture in _person(number, category).items():
            _write(root, name, kind, _cut(picture, size) if size else picture)
    _write_list(root, names)
    return root


def _person(number: int, category: Category) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(number)
    points = mannequin.keypoints(
        RIGHT_ELBOW=(128 + _by(chance, 22), 182), LEFT_ELBOW=(256 + _by(chance, 22), 182),
        RIGHT_WRIST=(122 + _by(chance, 45), 235 + _by(chance, 30)), LEFT_WRIST=(262 + _by(chance, 45), 235 + _by(chance, 30)),
        RIGHT_KNEE=(166 + _by(chance, 10), 350), LEFT_KNEE=(218 + _by(chance, 10), 350),
    )  # fmt: skip
    parse = mannequin.parse_map(points, sleeves=number % 2 == 1)
    lower = category is Category.LOWER
    garment = "skirt" if lower else GARMENTS[number % len(GARMENTS)]
    cloth, mask = mannequin.garment_picture(garment), mannequin.garment_mask(garment)
    worn = parse == (Parse.PANTS if lower else Parse.UPPER_CLOTHES)
    colour = np.array(COLOURS[number % len(COLOURS)], np.uint8)
    photo = np.where(worn[..., None], colour, mannequin.photo(parse))
    body = joints_from_keypoints(points)
    area = viton_hd_exact(category, Conditions(parse, body))
    return {
        "image": photo,
        "agnostic-v3.2": np.where(area[..., None], np.uint8(128), photo),
        "image-parse-v3": parse,
        "image-parse-agnostic-v3.2": viton_hd_parse(category, parse, body),
        "openpose_img": draw_skeleton(points, (mannequin.HEIGHT, mannequin.WIDTH)),
        "cloth": np.where(mask[..., None], colour, cloth),
        "cloth-mask": np.where(mask, np.uint8(255), np.uint8(0)),
        "warped_cloth": np.where(worn[..., None], photo, np.uint8(128)),
        "warped_cloth-mask": np.where(worn, np.uint8(255), np.uint8(0)),
    }


def _write_list(root: Path, names: list[str]) -> None:
    (root / "train_pairs.txt").write_text("".join(f"{name} {name}\n" for name in names), "utf-8")


def _by(chance: np.random.Generator, most: int) -> int:
    return int(chance.integers(-most, most + 1))


def _cut(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    rows, columns = min(512, 384 * height // width), min(384, 512 * width // height)
    cut = picture[:rows, (384 - columns) // 2 : (384 + columns) // 2]
    return cv2.resize(cut, (width, height), interpolation=cv2.INTER_NEAREST if picture.ndim == 2 else cv2.INTER_AREA)


def _write(root: Path, name: str, kind: str, picture: np.ndarray) -> None:
    stem = Path(name).stem
    labels = kind.startswith("image-parse")
    file = {"openpose_img": f"{stem}_rendered.png"}.get(kind, f"{stem}.png" if labels or kind.startswith("warped") else name)
    encode = images.labels_png if labels else images.png  # PNG inside, whatever the ending says: nothing is lost
    path = root / "train" / kind / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(picture))


def write_bent(root: Path, bends: np.ndarray, side: int) -> Path:
    """A VITON-HD tree of patterned garments, each worn as a spline bends it, on grey: where every thread goes is known.

    Args:
        root: made.
        bends: (people, 50), the spline's offsets.
        side: of all pictures in pixels.
    """
    import torch

    from tryon.engines.viton_hd.spline import grid_of, warped

    outline = cv2.resize(mannequin.garment_mask("tee").astype(np.uint8)[60:440], (side, side), interpolation=cv2.INTER_NEAREST)
    names = [f"{number:05}_00.jpg" for number in range(len(bends))]
    for number, name in enumerate(names):
        pattern = np.random.default_rng(number).uniform(20, 235, (9, 9, 3)).astype(np.float32)
        thread = cv2.resize(pattern, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 255)
        cloth = np.where(outline[..., None] > 0, thread, 242).astype(np.uint8)
        flat = torch.from_numpy(np.dstack([cloth, 255 * outline])).permute(2, 0, 1)[None]
        grid = grid_of(torch.from_numpy(bends[number : number + 1]), (side, side))
        bent = warped(flat, grid)[0].permute(1, 2, 0).round().byte().numpy()
        worn = bent[..., 3] >= 128
        grey = np.full((side, side, 3), 128, np.uint8)
        parse = np.where(worn, np.uint8(Parse.UPPER_CLOTHES), np.uint8(Parse.BACKGROUND))
        pictures = {
            "image": np.where(worn[..., None], bent[..., :3], grey),
            "agnostic-v3.2": grey,
            "image-parse-v3": parse,
            "openpose_img": np.where(worn[..., None], np.uint8((0, 90, 160)), np.uint8(0)),
            "cloth": cloth,
            "cloth-mask": 255 * outline,
        }
        for kind, picture in pictures.items():
            _write(root, name, kind, picture)
    _write_list(root, names)
    return root
