"""A garment's picture shows one whole garment and nothing else; hangers go, and what cannot go is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from flat_lays import TEE, NobodyThere, flat_lay, shape_mask

from pipeline.core import images, masks
from pipeline.core.flags import Flag
from pipeline.core.items import Garment
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_MASK, Layout
from pipeline.core.step import Context
from preprocess.cloth.embedded import PlainBackground, cut_garment
from preprocess.cloth.foreign_parts import without_foreign_parts
from preprocess.cloth.step import ClothConfig, ClothStep, normalise

STRAPS = np.array(
    [
        (210, 130),
        (224, 130),
        (240, 260),
        (300, 300),
        (360, 260),
        (376, 130),
        (390, 130),
        (410, 320),
        (420, 500),
        (180, 500),
        (190, 320),
    ]
)
YELLOW, STEEL, WOOD = (230, 190, 40), (120, 120, 125), (150, 100, 60)


def on_hanger(photo: np.ndarray, colour: tuple[int, int, int], bar_px: int) -> np.ndarray:
    """The photo with a hanger in the collar: a hook, and a bar down to both shoulders."""
    hung = photo.copy()
    cv2.ellipse(hung, (300, 60), (18, 18), 0, 150, 450, colour, 6, cv2.LINE_AA)
    cv2.line(hung, (300, 78), (300, 112), colour, 6, cv2.LINE_AA)
    for x in (205, 395):
        cv2.line(hung, (300, 112), (x, 152), colour, bar_px, cv2.LINE_AA)
    return hung


def flags_and_mask(tmp_path: Path, photo: np.ndarray) -> tuple[set[Flag], np.ndarray]:
    (tmp_path / "g.png").write_bytes(images.png(photo))
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), PlainBackground(), NobodyThere())
    step.load()
    (made,) = step.run([step.read(Garment("g", "inputs:g.png", Category.UPPER))])
    (tmp_path / "mask.jpg").write_bytes(made.files[CLOTH_MASK.of("g")]())
    return {notice.flag for notice in made.notices}, images.read_mask(tmp_path / "mask.jpg")


def on_canvas(mask: np.ndarray) -> np.ndarray:
    return normalise(np.zeros((*mask.shape, 3), np.uint8), mask.astype(np.uint8) * 255, ClothConfig())[1] > 0


@pytest.mark.parametrize(("colour", "bar_px"), [(STEEL, 5), (WOOD, 14)])
@pytest.mark.parametrize("shape", [TEE, STRAPS])
def test_a_hanger_is_cut_away_and_the_flag_says_so(tmp_path: Path, shape: np.ndarray, colour: tuple[int, int, int], bar_px: int):
    true = shape_mask(shape)
    flags, mask = flags_and_mask(tmp_path, on_hanger(flat_lay(true, YELLOW), colour, bar_px))
    assert flags == {Flag.HANGER_REMOVED}
    assert masks.iou(mask, on_canvas(true)) > 0.96


@pytest.mark.parametrize(
    ("garment", "wire", "ground"), [((30, 30, 34), (20, 20, 20), 246), ((246, 244, 240), (250, 250, 250), 225)]
)
def test_a_hanger_in_the_garments_colour_is_known_by_its_hook(
    tmp_path: Path, garment: tuple[int, int, int], wire: tuple[int, int, int], ground: int
):
    true = shape_mask(TEE)
    flags, mask = flags_and_mask(tmp_path, on_hanger(flat_lay(true, garment, ground), wire, 6))
    assert flags == {Flag.HANGER_REMOVED}
    assert masks.iou(mask, on_canvas(true)) > 0.96


def test_the_loop_of_a_halter_stays(tmp_path: Path):
    body = np.array([(220, 260), (300, 230), (380, 260), (410, 560), (190, 560)])
    true = shape_mask(body)
    loop = np.zeros(true.shape, np.uint8)
    cv2.ellipse(loop, (300, 190), (55, 90), 0, 0, 360, 1, 9)
    true |= loop > 0
    flags, mask = flags_and_mask(tmp_path, flat_lay(true, YELLOW))
    assert Flag.HANGER_REMOVED not in flags
    assert masks.iou(mask, on_canvas(true)) > 0.95


def test_a_stand_below_the_hem_is_cut_away_and_named(tmp_path: Path):
    true = shape_mask(TEE)
    photo = flat_lay(true, YELLOW)
    cv2.rectangle(photo, (285, 618), (315, 760), (60, 60, 60), -1)
    flags, mask = flags_and_mask(tmp_path, photo)
    assert flags == {Flag.MANNEQUIN_SEEN}
    assert masks.iou(mask, on_canvas(true)) > 0.97


@pytest.mark.parametrize("place", [(20, 20, 150, 80), (430, 660, 560, 720), (430, 420, 500, 470)])
def test_a_shops_badge_goes(tmp_path: Path, place: tuple[int, int, int, int]):
    true = shape_mask(TEE)
    photo = flat_lay(true, YELLOW)
    cv2.rectangle(photo, place[:2], place[2:], (200, 30, 30), -1)
    flags, mask = flags_and_mask(tmp_path, photo)
    assert flags == set()
    assert masks.iou(mask, on_canvas(true)) > 0.97


def test_a_small_part_of_the_garment_itself_stays_and_is_named(tmp_path: Path):
    true = shape_mask(TEE)
    true[:, 402:412] = False  # a sleeve that a stripe of the ground's colour parts from the body
    flags, mask = flags_and_mask(tmp_path, flat_lay(true, YELLOW))
    assert masks.iou(mask, on_canvas(true)) > 0.97
    assert Flag.CLOTH_MASK_SUSPECT in flags


@pytest.mark.parametrize("straps", [YELLOW, (30, 30, 35)])
def test_thin_straps_stay_whatever_their_colour(tmp_path: Path, straps: tuple[int, int, int]):
    true = shape_mask(STRAPS)
    photo = flat_lay(true, YELLOW)
    upper = true & (np.arange(true.shape[0]) < 240)[:, None]
    photo[upper] = straps
    flags, mask = flags_and_mask(tmp_path, photo)
    assert flags == set()
    assert masks.iou(mask, on_canvas(true)) > 0.97


def test_a_frame_is_peeled_by_the_step(tmp_path: Path):
    true = shape_mask(TEE)
    photo = cv2.copyMakeBorder(flat_lay(true, YELLOW, 245), 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    flags, mask = flags_and_mask(tmp_path, photo)
    assert flags == set()
    assert masks.iou(mask, on_canvas(true)) > 0.97


def test_front_and_back_in_one_picture_are_several_garments(tmp_path: Path):
    one = flat_lay(shape_mask(TEE), YELLOW)
    flags, _ = flags_and_mask(tmp_path, np.hstack([one, one]))
    assert Flag.SEVERAL_GARMENTS in flags


def test_an_outfit_of_top_and_trousers_is_several_garments(tmp_path: Path):
    trousers = shape_mask(np.array([(220, 60), (380, 60), (400, 500), (320, 500), (300, 220), (280, 500), (200, 500)]))
    flags, _ = flags_and_mask(tmp_path, np.vstack([flat_lay(shape_mask(TEE), YELLOW), flat_lay(trousers, (40, 50, 90))]))
    assert Flag.SEVERAL_GARMENTS in flags


@pytest.mark.parametrize("window", [np.s_[:, :300], np.s_[:420], np.s_[:, 260:]])
def test_half_a_garment_is_named(tmp_path: Path, window: tuple[slice, ...]):
    flags, _ = flags_and_mask(tmp_path, np.ascontiguousarray(flat_lay(shape_mask(TEE), YELLOW)[window]))
    assert Flag.GARMENT_CUT in flags


def test_a_sleeve_that_just_touches_the_edge_is_not_cut(tmp_path: Path):
    flags, _ = flags_and_mask(tmp_path, np.ascontiguousarray(flat_lay(shape_mask(TEE), YELLOW)[:, 100:500]))
    assert flags == set()


@pytest.mark.parametrize("neck", [(225, 200, 180), (40, 40, 42)])
def test_a_mannequins_neck_is_named(tmp_path: Path, neck: tuple[int, int, int]):
    true = shape_mask(TEE)
    photo = flat_lay(true, YELLOW)
    cv2.rectangle(photo, (265, 70), (335, 170), neck, -1)
    assert Flag.MANNEQUIN_SEEN in flags_and_mask(tmp_path, photo)[0]


@pytest.mark.parametrize(("cloth", "inside"), [
    ((217, 26, 40), (122, 17, 23)), ((40, 70, 200), (20, 38, 120)), ((20, 140, 60), (8, 80, 32)),
])  # fmt: skip
def test_the_shaded_inside_of_a_collar_is_no_neck(tmp_path: Path, cloth: tuple[int, int, int], inside: tuple[int, int, int]):
    """As a red polo's was; a neck in the same place is still named."""
    photo = flat_lay(shape_mask(TEE), cloth)
    for colour, seen in ((inside, False), ((225, 200, 180), True)):
        cv2.rectangle(photo, (265, 120), (335, 190), colour, -1)
        assert (Flag.MANNEQUIN_SEEN in flags_and_mask(tmp_path, photo)[0]) == seen


def test_a_rectangle_is_suspect(tmp_path: Path):
    rectangle = shape_mask(np.array([(150, 150), (450, 150), (450, 650), (150, 650)]))
    assert Flag.CLOTH_MASK_SUSPECT in flags_and_mask(tmp_path, flat_lay(rectangle, YELLOW))[0]


def stripes(way: str) -> np.ndarray:
    """(800, 600, 3) uint8: a sheet striped across, along or aslant."""
    rows, columns = np.indices((800, 600))
    place = {"across": rows, "along": columns, "aslant": rows + columns}[way]
    return np.where((place // 24 % 2 == 0)[..., None], (235, 235, 230), (70, 90, 150)).astype(np.uint8)


@pytest.mark.parametrize("way", ["across", "along", "aslant"])
def test_a_garment_on_a_striped_sheet_is_suspect_unless_it_is_cut_right(tmp_path: Path, way: str):
    true = shape_mask(TEE)
    flags, mask = flags_and_mask(tmp_path, flat_lay(true, YELLOW, stripes(way)))
    assert Flag.CLOTH_MASK_SUSPECT in flags or masks.iou(mask, on_canvas(true)) > 0.97


@pytest.mark.samples
def test_the_reported_hanger_goes(samples: Path):
    photo = images.read_rgb(samples / "reports" / "garments" / "hanger.jpg")
    parts = without_foreign_parts(photo, cut_garment(photo))
    yellow = (photo[..., 0] > 150) & (photo[..., 2] < 150)
    assert parts.hanger
    assert masks.iou(parts.alpha > 127, masks.fill_holes(yellow)) > 0.97


@pytest.mark.samples
def test_what_was_cut_before_changes_nothing(samples: Path):
    (path,) = (samples / "cloth").glob("g02*")
    rgb = cv2.resize(images.read_photo(path, 60).rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    alpha = cut_garment(rgb)
    seen = []
    for state in (1, 7, 40):
        cv2.setRNGSeed(state)
        seen.append(without_foreign_parts(rgb, alpha))
    assert {each.mannequin for each in seen} == {""}
    assert all(np.array_equal(each.alpha, seen[0].alpha) for each in seen)
