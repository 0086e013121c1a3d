"""See-through garments with transparency: whole, in their own colours, and flagged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from flat_lays import TEE, NobodyThere, shape_mask

from pipeline.core import images, masks
from pipeline.core.flags import Flag
from pipeline.core.items import Garment
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH, CLOTH_MASK, Layout
from pipeline.core.step import Context
from preprocess.cloth.embedded import PlainBackground
from preprocess.cloth.step import ClothConfig, ClothStep, normalise

TRUE = shape_mask(TEE)
SLEEVES = TRUE & (np.abs(np.arange(600) - 300) > 100)[None, :]
GREEN = (20, 90, 50)


def run_step(tmp_path: Path, alpha: np.ndarray) -> tuple[set[Flag], np.ndarray, np.ndarray]:
    """Flags, cloth and mask of a green garment with this alpha."""
    soft = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 1.0)
    (tmp_path / "g.png").write_bytes(images.png(np.dstack([np.full((800, 600, 3), GREEN, np.uint8), soft.astype(np.uint8)])))
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), PlainBackground(), NobodyThere())
    step.load()
    (made,) = step.run([step.read(Garment("g", "inputs:g.png", Category.UPPER))])
    for name, ref in (("cloth.jpg", CLOTH.of("g")), ("mask.jpg", CLOTH_MASK.of("g"))):
        (tmp_path / name).write_bytes(made.files[ref]())
    return (
        {notice.flag for notice in made.notices},
        images.read_rgb(tmp_path / "cloth.jpg"),
        images.read_mask(tmp_path / "mask.jpg"),
    )


@pytest.mark.parametrize(("body", "sleeves"), [(255, 90), (120, 120), (200, 60)])
def test_a_sheer_garment_stays_whole_and_keeps_its_colour(tmp_path: Path, body: int, sleeves: int) -> None:
    flags, cloth, mask = run_step(tmp_path, np.where(SLEEVES, sleeves, np.where(TRUE, body, 0)))
    expected = normalise(np.zeros((*TRUE.shape, 3), np.uint8), TRUE.astype(np.uint8) * 255, ClothConfig())[1] > 0
    assert Flag.GARMENT_SHEER in flags
    assert masks.iou(mask, expected) > 0.97
    assert np.abs(np.median(cloth[masks.erode(mask, 6)], axis=0) - GREEN).max() < 12


def test_an_opaque_garment_with_a_soft_edge_is_not_sheer(tmp_path: Path) -> None:
    flags, _, _ = run_step(tmp_path, np.where(TRUE, 255, 0))
    assert flags == set()
