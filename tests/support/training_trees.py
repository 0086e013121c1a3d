"""Small trees of synthetic training pairs: a body, a shirt on it, and the shirt alone, in a colour of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images
from pipeline.core.labels import DENSEPOSE_COLOURS, BodyPart, Parse

COLOURS = ((200, 40, 40), (30, 140, 60), (40, 60, 190), (210, 180, 30), (150, 40, 150), (20, 150, 160))


def training_tree(root: Path, pairs: int = 4, size: tuple[int, int] = (128, 128), test_pairs: int = 1, worn: bool = True) -> Path:
    """A VITON-HD tree with `train` and `test`; people of both are different ones."""
    for split, first, count in (("train", 0, pairs), ("test", 50, test_pairs)):
        names = [f"{number:05}_00.jpg" for number in range(first, first + count)]
        for number, name in enumerate(names, first):
            write_pair(root / split, name, number, size, worn=worn)
        (root / f"{split}_pairs.txt").write_text("".join(f"{name} {name}\n" for name in names), "utf-8")
    return root


def write_pair(base: Path, name: str, number: int, size: tuple[int, int], worn: bool = True) -> None:
    """All files of one pair; everything is PNG inside, whatever the ending says, so that nothing is lost."""
    height, width = size
    random = np.random.default_rng(number)
    colour = np.asarray(COLOURS[number % len(COLOURS)])
    shirt, body = np.zeros(size, bool), np.zeros(size, bool)
    body[height // 8 :, width // 4 : 3 * width // 4] = True
    shirt[height // 3 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    image = np.full((*size, 3), 225, np.uint8)
    image[body] = (205, 165, 140)
    image[shirt] = colour
    image = np.clip(image + random.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    mask = cv2.dilate(shirt.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    agnostic = np.where(mask[..., None], np.uint8(128), image)
    parts = np.zeros(size, np.uint8)
    parts[body] = BodyPart.TORSO_FRONT
    parts[shirt & (np.arange(width) < width * 3 // 8)] = BodyPart.RIGHT_UPPER_ARM_OUTER
    cloth = np.full((*size, 3), 244, np.uint8)
    cloth[height // 4 : 3 * height // 4, width // 5 : 4 * width // 5] = colour
    parse = np.zeros(size, np.uint8)
    parse[body], parse[shirt] = Parse.FACE, Parse.UPPER_CLOTHES
    stem = Path(name).stem
    files = {
        f"image/{name}": images.png(image),
        f"agnostic-v3.2/{name}": images.png(agnostic),
        f"agnostic-mask/{stem}_mask.png": images.mask_png(mask),
        f"image-densepose/{name}": images.png(np.asarray(DENSEPOSE_COLOURS, np.uint8)[parts]),
        f"image-parse-v3/{stem}.png": images.labels_png(parse),
        f"image-parse-agnostic-v3.2/{stem}.png": images.labels_png(np.where(shirt, np.uint8(Parse.BACKGROUND), parse)),
        f"openpose_img/{stem}_rendered.png": images.png(np.where(body[..., None], np.uint8((0, 90, 160)), np.uint8(0))),
        f"cloth-warp/{name}": images.png(np.where(shirt[..., None], image, np.uint8(255))),
        f"cloth-warp-mask/{name}": images.mask_png(shirt),
        f"cloth/{name}": images.png(cloth),
        f"cloth-mask/{name}": images.mask_png((cloth != 244).any(axis=2)),
    }
    if worn:
        files[f"gt_cloth_warped_mask/{name}"] = images.mask_png(shirt)
    for path, content in files.items():
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_bytes(content)


PART_OF = {"upper": "upper_body", "lower": "lower_body", "dress": "dresses"}


def dresscode_training_tree(root: Path, parts: dict[str, tuple[int, ...]], size: tuple[int, int] = (64, 64)) -> Path:
    """A DressCode tree: category → numbers of its pairs; each part has one test pair, from number 90 on.

    The hole is a stripe of its own: at the shoulders, at the legs, or both.
    """
    rows = {"upper": (0.3, 0.6), "lower": (0.55, 0.95), "dress": (0.3, 0.95)}
    for place, (category, numbers) in enumerate(parts.items()):
        base = root / PART_OF[category]
        for number in (*numbers, 90 + place):
            write_pair(root / "scratch", "x.png", number + 100 * place, size)
            mask = np.zeros(size, bool)
            mask[int(size[0] * rows[category][0]) : int(size[0] * rows[category][1]), size[1] // 4 : 3 * size[1] // 4] = True
            given = {
                "images/{}_0.jpg": "image/x.png",
                "images/{}_1.jpg": "cloth/x.png",
                "skeletons/{}_5.jpg": "openpose_img/x_rendered.png",
            }
            content = {name: (root / "scratch" / source).read_bytes() for name, source in given.items()}
            content["agnostic_masks/{}_0.png"] = images.mask_png(mask)
            for name, data in content.items():
                path = base / name.format(f"{number:06}")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        lines = "".join(f"{number:06}_0.jpg {number:06}_1.jpg\n" for number in numbers)
        (base / "train_pairs.txt").write_text(lines, "utf-8")
        name = f"{90 + place:06}"
        (base / "test_pairs_unpaired.txt").write_text(f"{name}_0.jpg {name}_1.jpg\n", "utf-8")
    shutil.rmtree(root / "scratch")
    return root
