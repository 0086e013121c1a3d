"""A drawn person and drawn garments with known landmarks, small enough for fast tests: 512×384."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images, masks
from pipeline.core.engine import GarmentInputs, PersonInputs
from pipeline.core.items import Garment, Person
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.labels import DENSEPOSE_COLOURS, BodyPart, Category, Joint, Parse
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    DENSEPOSE,
    IMAGE,
    PARSE,
    PARSE_AGNOSTIC,
    POSE_IMAGE,
    POSE_JSON,
    Layout,
)

HEIGHT, WIDTH = 512, 384
SKIN, SHIRT, JEANS, WALL = (205, 160, 135), (70, 70, 160), (60, 80, 120), (200, 205, 210)

JOINTS = {
    Joint.NOSE: (192, 62),
    Joint.NECK: (192, 112),
    Joint.RIGHT_SHOULDER: (147, 112),
    Joint.LEFT_SHOULDER: (237, 112),
    Joint.RIGHT_ELBOW: (128, 182),
    Joint.LEFT_ELBOW: (256, 182),
    Joint.RIGHT_WRIST: (122, 245),
    Joint.LEFT_WRIST: (262, 245),
    Joint.MID_HIP: (192, 242),
    Joint.RIGHT_HIP: (168, 242),
    Joint.LEFT_HIP: (216, 242),
    Joint.RIGHT_KNEE: (166, 350),
    Joint.LEFT_KNEE: (218, 350),
    Joint.RIGHT_ANKLE: (166, 455),
    Joint.LEFT_ANKLE: (218, 455),
}


def keypoints(**moved: tuple[int, int]) -> Keypoints:
    """The mannequin's joints; `RIGHT_WRIST=(190, 200)` moves one."""
    body = np.zeros((25, 3), np.float32)
    for joint, (x, y) in JOINTS.items():
        body[joint] = (*moved.get(joint.name, (x, y)), 0.9)
    return Keypoints(body)


def _limb(mask: np.ndarray, points: Keypoints, joints: tuple[Joint, ...], radius: int) -> np.ndarray:
    drawn = mask.copy()
    corners = [tuple(int(v) for v in points.xy(joint)) for joint in joints]
    for start, end in pairwise(corners):
        cv2.line(drawn, start, end, 1, 2 * radius)
    return drawn


def _below(points: Keypoints, joint: Joint, offset_px: int) -> tuple[int, int]:
    x, y = points.xy(joint)
    return int(x), int(y) + offset_px


def parse_map(points: Keypoints, sleeves: bool = False) -> np.ndarray:
    """(512, 384) uint8 of `Parse`: shirt, jeans, arms, neck, face, hair."""
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    parse = empty.copy()
    legs = [(Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE), (Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE)]
    for leg in legs:
        parse[_limb(empty, points, leg, 19) > 0] = Parse.PANTS
    cv2.fillPoly(parse, [np.array([[147, 225], [237, 225], [240, 270], [144, 270]])], int(Parse.PANTS))
    cv2.rectangle(parse, (178, 70), (206, 112), int(Parse.NECK), -1)
    shirt = np.array([[176, 98], [208, 98], [246, 104], [240, 170], [238, 236], [146, 236], [144, 170], [138, 104]])
    cv2.fillPoly(parse, [shirt], int(Parse.UPPER_CLOTHES))
    arms = [
        (Parse.RIGHT_ARM, (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST)),
        (Parse.LEFT_ARM, (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST)),
    ]
    for label, arm in arms:
        parse[_limb(empty, points, arm, 12) > 0] = Parse.UPPER_CLOTHES if sleeves else label
        cv2.circle(parse, _below(points, arm[-1], 10), 12, int(label), -1)
    cv2.ellipse(parse, (192, 55), (32, 40), 0, 0, 360, int(Parse.HAIR), -1)
    cv2.ellipse(parse, (192, 62), (24, 30), 0, 0, 360, int(Parse.FACE), -1)
    return parse


def photo(parse: np.ndarray) -> np.ndarray:
    """(512, 384, 3) uint8: flat colours, one per label, with a little deterministic grain."""
    colours = {Parse.UPPER_CLOTHES: SHIRT, Parse.PANTS: JEANS, Parse.HAIR: (40, 30, 25), Parse.BACKGROUND: WALL}
    table = np.array([colours.get(Parse(label), SKIN) for label in range(20)], np.int16)
    grain = np.random.default_rng(5).integers(-4, 5, (*parse.shape, 3))
    return np.clip(table[parse] + grain, 0, 255).astype(np.uint8)


def agnostic_mask(parse: np.ndarray, points: Keypoints, category: Category) -> np.ndarray:
    """(512, 384) bool: a generous area to repaint; face, hands and what stays on are left out."""
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    upper = masks.dilate(np.isin(parse, [Parse.UPPER_CLOTHES, Parse.NECK]), 14)
    for arm in ("RIGHT", "LEFT"):
        joints = (Joint[f"{arm}_SHOULDER"], Joint[f"{arm}_ELBOW"], Joint[f"{arm}_WRIST"])
        upper |= _limb(empty, points, joints, 26) > 0
    lower = masks.dilate(np.isin(parse, [Parse.PANTS, Parse.SKIRT]), 8)
    hands = np.zeros_like(upper)
    for arm, label in (("RIGHT", Parse.RIGHT_ARM), ("LEFT", Parse.LEFT_ARM)):
        near = np.zeros_like(empty)
        cv2.circle(near, _below(points, Joint[f"{arm}_WRIST"], 14), 14, 1, -1)
        hands |= (near > 0) & (parse == label)
    kept = np.isin(parse, [Parse.FACE, Parse.HAIR]) | hands
    if category is Category.UPPER:
        return upper & ~kept & (parse != Parse.PANTS)
    if category is Category.LOWER:
        return lower & ~kept & ~np.isin(parse, [Parse.UPPER_CLOTHES, Parse.LEFT_ARM, Parse.RIGHT_ARM])
    skirt = np.zeros_like(empty)
    cv2.fillPoly(skirt, [np.array([[140, 220], [244, 220], [280, 420], [104, 420]])], 1)
    return (upper | lower | (skirt > 0)) & ~kept


def densepose(points: Keypoints, parse: np.ndarray) -> np.ndarray:
    """(512, 384, 3) uint8 in VITON-HD's colours: torso and arms are enough for the preview."""
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    parts = np.where(np.isin(parse, [Parse.UPPER_CLOTHES, Parse.NECK, Parse.PANTS]), BodyPart.TORSO_FRONT, 0).astype(np.uint8)
    for arm, part in (("RIGHT", BodyPart.RIGHT_FOREARM_OUTER), ("LEFT", BodyPart.LEFT_FOREARM_OUTER)):
        joints = (Joint[f"{arm}_SHOULDER"], Joint[f"{arm}_ELBOW"], Joint[f"{arm}_WRIST"])
        parts[_limb(empty, points, joints, 12) > 0] = part
    return np.array(DENSEPOSE_COLOURS, np.uint8)[parts]


OUTLINES: dict[str, list[tuple[int, int]]] = {
    "tee": [
        (160, 90), (192, 96), (224, 90), (262, 108), (330, 190), (286, 218), (262, 188), (262, 400),
        (122, 400), (122, 188), (98, 218), (54, 190), (122, 108),
    ],
    "longsleeve": [
        (164, 80), (192, 86), (220, 80), (258, 96), (286, 180), (306, 400), (272, 404), (256, 190), (258, 380),
        (126, 380), (128, 190), (112, 404), (78, 400), (98, 180), (126, 96),
    ],
    "strap": [
        (150, 100), (158, 100), (165, 180), (192, 210), (219, 180), (226, 100), (234, 100), (238, 190), (262, 230),
        (256, 380), (128, 380), (122, 230), (146, 190),
    ],
    "dress": [
        (160, 50), (192, 70), (224, 50), (246, 58), (244, 110), (252, 140), (240, 220), (300, 460),
        (84, 460), (144, 220), (132, 140), (140, 110), (138, 58),
    ],
    "trousers": [
        (130, 60), (254, 60), (270, 160), (262, 470), (210, 470), (194, 180), (190, 180), (174, 470), (122, 470), (114, 160),
    ],
    "crop": [
        (160, 90), (192, 100), (224, 90), (262, 108), (300, 165), (270, 185), (256, 170), (256, 240),
        (128, 240), (128, 170), (114, 185), (84, 165), (122, 108),
    ],
    "bralette": [
        (150, 90), (170, 90), (192, 130), (214, 90), (234, 90), (240, 150), (256, 170), (256, 205), (128, 205),
        (128, 170), (144, 150),
    ],
    "thin straps": [
        (150, 100), (156, 100), (158, 180), (192, 205), (226, 180), (228, 100), (234, 100), (238, 190), (262, 230),
        (256, 380), (128, 380), (122, 230), (146, 190),
    ],
    "broad straps": [
        (130, 100), (152, 100), (162, 180), (192, 205), (222, 180), (232, 100), (254, 100), (256, 200), (262, 230),
        (256, 380), (128, 380), (122, 230), (128, 200),
    ],
    "one shoulder": [(128, 96), (160, 90), (262, 220), (256, 390), (128, 390), (122, 210)],
    "kimono": [
        (160, 90), (192, 100), (224, 90), (258, 100), (370, 130), (370, 280), (272, 280), (266, 200), (268, 400),
        (116, 400), (118, 200), (112, 280), (14, 280), (14, 130), (126, 100),
    ],
    "hoodie": [
        (146, 98), (156, 50), (192, 30), (228, 50), (238, 98), (268, 112), (318, 330), (280, 338), (262, 200), (264, 400),
        (120, 400), (122, 200), (104, 338), (66, 330), (116, 112),
    ],
    "flared top": [
        (160, 90), (192, 104), (224, 90), (244, 98), (248, 200), (300, 390), (84, 390), (136, 200), (140, 98),
    ],
    "mini": [
        (160, 90), (192, 110), (224, 90), (246, 98), (244, 150), (252, 180), (244, 250), (276, 330),
        (108, 330), (140, 250), (132, 180), (140, 150), (138, 98),
    ],
    "skirt": [(140, 120), (244, 120), (290, 360), (94, 360)],
}  # fmt: skip

CATEGORIES = {"trousers": Category.LOWER, "skirt": Category.LOWER, "dress": Category.DRESS, "mini": Category.DRESS}


def garment_mask(name: str) -> np.ndarray:
    """(512, 384) bool of a drawn garment."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.array(OUTLINES[name])], 1)
    return mask.astype(bool)


def garment_picture(name: str) -> np.ndarray:
    """(512, 384, 3) uint8: the garment in three coloured bands with a yellow disc, on light grey; nothing of it looks alike."""
    rows = np.arange(HEIGHT)[:, None]
    band = np.where(rows < 190, 0, np.where(rows < 300, 1, 2)) * np.ones((1, WIDTH), int)
    cloth = np.array([(190, 40, 50), (235, 235, 230), (30, 60, 130)], np.uint8)[band]
    cv2.circle(cloth, (170, 260), 22, (230, 200, 40), -1)
    return np.where(garment_mask(name)[..., None], cloth, np.uint8(242))


def pose_image(points: Keypoints) -> np.ndarray:
    """(h, w, 3) uint8: the joints as discs on black."""
    drawing = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for joint in Joint:
        if points.has(joint):
            x, y = points.xy(joint)
            cv2.circle(drawing, (round(float(x)), round(float(y))), 8, (255, 10 * int(joint), 255 - 10 * int(joint)), -1)
    return drawing


def write_person(layout: Layout, name: str = "ann", sleeves: bool = False, **moved: tuple[int, int]) -> Person:
    """Write all conditions of a mannequin; lossless except where the layout says JPEG."""
    points = keypoints(**moved)
    parse = parse_map(points, sleeves)
    picture = photo(parse)
    files = {
        IMAGE.of(name): images.jpeg(picture),
        PARSE.of(name): images.labels_png(parse),
        POSE_JSON.of(name): images.text(keypoints_to_json([points])),
        POSE_IMAGE.of(name): images.png(pose_image(points)),
        DENSEPOSE.of(name): images.jpeg(densepose(points, parse)),
    }
    for category in Category:
        mask = agnostic_mask(parse, points, category)
        files[AGNOSTIC_MASK.of(name, category)] = images.mask_png(mask)
        files[AGNOSTIC.of(name, category)] = images.jpeg(np.where(mask[..., None], np.uint8(128), picture))
        files[PARSE_AGNOSTIC.of(name, category)] = images.labels_png(np.where(mask, np.uint8(Parse.BACKGROUND), parse))
    _write(layout, files)
    return Person(name, "inputs:person/ann.jpg", tuple(Category))


def write_garment(layout: Layout, name: str) -> Garment:
    """Write a drawn garment's picture and mask."""
    _write(layout, {CLOTH.of(name): images.jpeg(garment_picture(name)), CLOTH_MASK.of(name): images.jpeg(
        np.where(garment_mask(name), np.uint8(255), np.uint8(0)))})  # fmt: skip
    return Garment(name, f"inputs:cloth/{name}.jpg", CATEGORIES.get(name, Category.UPPER))


def _write(layout: Layout, files: dict[str, bytes]) -> None:
    for ref, content in files.items():
        path: Path = layout.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def person_inputs(layout: Layout, category: Category, **changes: object) -> PersonInputs:
    """The written mannequin for one category."""
    return PersonInputs(write_person(layout, **changes), category, layout)


def garment_inputs(layout: Layout, name: str) -> GarmentInputs:
    """A written garment."""
    return GarmentInputs(write_garment(layout, name), layout)


def as_category(garment: Garment, category: Category) -> Garment:
    """The same picture, filed under another category."""
    return replace(garment, category=category)
