"""Worn by somebody, or printed with somebody: only several signs together make a wearer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from printed_garments import flowered, with_portrait

from pipeline.core import images, masks
from pipeline.core.flags import Flag
from pipeline.core.items import Garment
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_MASK, Layout
from pipeline.core.people_networks import SeenPose
from pipeline.core.step import Context, Produced
from preprocess.cloth.embedded import PlainBackground
from preprocess.cloth.quick_category import quick_category
from preprocess.cloth.step import ClothConfig, ClothStep, normalise
from preprocess.cloth.wearer_signs import WearerSigns, wearer_signs

STUDIO_PHOTO = WearerSigns(arms=0.97, face=0.95, area_gap=0.003, overlap=0.97, share=0.99)


def run_step(tmp_path: Path, photo: np.ndarray, category: Category = Category.UPPER) -> Produced:
    (tmp_path / "g.png").write_bytes(images.png(photo))
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), PlainBackground())
    step.load()
    return step.run([step.read(Garment("g", "inputs:g.png", category))])[0]


def overlap_with(produced: Produced, true: np.ndarray, tmp_path: Path) -> float:
    (tmp_path / "mask.jpg").write_bytes(produced.files[CLOTH_MASK.of("g")]())
    alpha = true.astype(np.uint8) * 255
    expected = normalise(np.zeros((*true.shape, 3), np.uint8), alpha, ClothConfig())[1] > 0
    return masks.iou(images.read_mask(tmp_path / "mask.jpg"), expected)


@pytest.mark.parametrize(("cut", "seed"), [("gown", 31), ("tee", 97), ("tank", 158)])
def test_a_flower_print_in_which_a_body_is_imagined_stays_whole(tmp_path: Path, cut: str, seed: int) -> None:
    photo, true = flowered(cut, seed)
    produced = run_step(tmp_path, photo, Category.DRESS if cut == "gown" else Category.UPPER)
    assert overlap_with(produced, true, tmp_path) > 0.97
    assert Flag.GARMENT_WORN not in {notice.flag for notice in produced.notices}


@pytest.mark.samples
@pytest.mark.parametrize("width", [190, 240, 300])
def test_a_printed_portrait_is_a_print_and_the_flag_says_that_a_body_was_seen(tmp_path: Path, samples: Path, width: int) -> None:
    photo, true = with_portrait(images.read_rgb(samples / "rendered" / "m1_half.jpg"), width)
    produced = run_step(tmp_path, photo)
    assert overlap_with(produced, true, tmp_path) > 0.97
    (doubt,) = [notice for notice in produced.notices if notice.flag is Flag.WEARER_DOUBTFUL]
    assert "of what stands out" in doubt.detail


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize("name", ["w1_half", "m1_half__tee_print", "m1_street"])
@pytest.mark.parametrize("shown", ["with the head", "from the chin"])
def test_a_wearer_is_still_a_wearer_also_without_a_head(tmp_path: Path, samples: Path, name: str, shown: str) -> None:
    photo = images.read_rgb(samples / "rendered" / f"{name}.jpg")
    if shown == "from the chin":
        pose = images.read_rgb(samples / "rendered" / f"{name}-matte.png").any(2)
        photo = photo[int(np.flatnonzero(pose.any(1))[0] + 0.18 * np.count_nonzero(pose.any(1))) :]
    assert {notice.flag for notice in run_step(tmp_path, photo).notices} == {Flag.GARMENT_WORN}


@pytest.mark.parametrize(
    ("changed", "worn"),
    [
        ({}, True),
        ({"face": 0.0}, True),  # the head is outside the picture
        ({"arms": 0.3}, True),  # sleeves of a coat
        ({"arms": 0.3, "face": 0.0}, False),
        ({"overlap": 0.53, "area_gap": 0.003}, False),  # flowers: the same area, elsewhere
        ({"area_gap": 0.1, "face": 0.0}, False),
        ({"area_gap": 0.11, "overlap": 0.78}, True),  # a space suit: one network misses the pack on its back
        ({"share": 0.47}, False),  # a portrait
        ({"share": None}, True),  # a street: what stands out is not known
    ],
)
def test_one_sign_alone_makes_no_wearer(changed: dict[str, float | None], worn: bool) -> None:
    assert replace(STUDIO_PHOTO, **changed).is_wearer is worn


def test_a_face_elsewhere_in_the_print_is_not_the_wearers() -> None:
    body = np.zeros((33, 4), np.float32)
    body[0, :2] = 50, 40
    nothing = np.zeros((200, 100), np.float32)
    photo = np.full((200, 100, 3), 240, np.uint8)
    faces = np.float32([[150, 30, 30, 30, 0.9], [25, 35, 30, 30, 0.8]])
    assert wearer_signs(photo, SeenPose(body, nothing), nothing, faces).face == pytest.approx(0.8)
    assert wearer_signs(photo, SeenPose(body, nothing), nothing, faces[:1]).face == 0
    assert not wearer_signs(photo, SeenPose(body, nothing), nothing, faces).is_wearer


def test_a_flowered_gown_is_guessed_from_its_own_outline() -> None:
    assert quick_category(images.Photo(flowered("gown", 31)[0])).category is Category.DRESS
