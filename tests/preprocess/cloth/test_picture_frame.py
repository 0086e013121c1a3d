"""Frames, bars and outlines round a garment are peeled; a garment with straight sides is not one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from flat_lays import TEE, flat_lay, shape_mask
from printed_garments import flowered

from pipeline.core import images, masks
from pipeline.core.labels import Category
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.picture_frame import inner_picture
from preprocess.cloth.quick_category import quick_category

GARMENT = flat_lay(shape_mask(TEE), (230, 190, 40), 245)


def framed(
    colour: int | tuple[int, int, int], sides: tuple[int, int, int, int], photo: np.ndarray = GARMENT
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """The photo inside a frame of (top, bottom, left, right) pixels, and where it lies: top, left, height, width."""
    value = (colour,) * 3 if isinstance(colour, int) else colour
    return cv2.copyMakeBorder(photo, *sides, cv2.BORDER_CONSTANT, value=value), (sides[0], sides[2], *photo.shape[:2])


def is_inside(photo: np.ndarray, place: tuple[int, int, int, int]) -> bool:
    """Whether what is found lies inside `place`, and misses at most 6 pixels of it on each side."""
    found = inner_picture(photo)
    if found is None:
        return False
    top, left, height, width = place
    gaps = found.top - top, found.left - left, top + height - found.bottom, left + width - found.right
    return all(0 <= gap <= 6 for gap in gaps)


@pytest.mark.parametrize("colour", [0, 255, 205, (150, 30, 40)])
def test_a_frame_of_any_colour_is_peeled(colour: int | tuple[int, int, int]) -> None:
    assert is_inside(*framed(colour, (60, 80, 70, 50)))


@pytest.mark.parametrize("sides", [(0, 0, 120, 120), (90, 90, 0, 0), (0, 60, 0, 0)])
def test_bars_at_some_sides_are_peeled(sides: tuple[int, int, int, int]) -> None:
    assert is_inside(*framed(0, sides))


def test_a_drawn_outline_is_peeled_wherever_it_runs() -> None:
    assert is_inside(*framed(20, (4, 4, 4, 4)))
    in_the_margin = GARMENT.copy()
    cv2.rectangle(in_the_margin, (20, 20), (579, 779), (30, 30, 30), 3)
    assert is_inside(in_the_margin, (22, 22, 756, 556))


def test_a_frame_in_a_frame_is_peeled() -> None:
    line, _ = framed(0, (5, 5, 5, 5))
    photo, _ = framed(255, (50, 50, 50, 50), line)
    assert is_inside(photo, (55, 55, *GARMENT.shape[:2]))


def test_a_frame_that_went_through_a_jpeg_is_peeled() -> None:
    photo, place = framed(255, (60, 80, 70, 50))
    _, coded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert is_inside(cv2.imdecode(coded, cv2.IMREAD_COLOR), place)


def test_a_picture_without_a_frame_stays_as_it_is() -> None:
    assert inner_picture(GARMENT) is None
    sloping = np.linspace(200, 245, 600)[None, :, None] * np.ones((800, 1, 3))
    assert inner_picture(flat_lay(shape_mask(TEE), (120, 40, 60), sloping)) is None


def test_a_tube_skirt_with_a_print_is_no_frame() -> None:
    skirt = shape_mask(np.array([(150, 100), (450, 100), (450, 700), (150, 700)]))
    plain = flat_lay(skirt, (30, 60, 120))
    assert inner_picture(plain) is None
    printed = plain.copy()
    cv2.circle(printed, (300, 380), 90, (240, 220, 60), -1)
    assert inner_picture(printed) is None


def test_the_category_of_a_framed_gown_is_guessed_from_the_gown() -> None:
    photo, _ = framed(0, (0, 0, 160, 160), flowered("gown", 3)[0])
    assert quick_category(images.Photo(photo)).category is Category.DRESS


@pytest.mark.samples
@pytest.mark.parametrize("name", ["black_bars", "grey_frame", "white_frame", "outline_frame"])
def test_the_reported_frames_leave_the_shirt_and_nothing_else(samples: Path, name: str) -> None:
    photo = images.read_rgb(samples / "reports" / "garments" / f"{name}.jpg")
    inner = inner_picture(photo)
    assert inner is not None
    garment = cut_garment(np.ascontiguousarray(photo[inner.window(photo.shape)])) > 127
    yellow = photo[inner.window(photo.shape)]
    yellow = (yellow[..., 0] > 150) & (yellow[..., 2] < 150)
    assert masks.iou(garment, masks.fill_holes(yellow)) > 0.97


@pytest.mark.slow
@pytest.mark.samples
def test_no_sample_garment_is_taken_for_a_framed_one(samples: Path) -> None:
    assert [path.name for path in sorted((samples / "cloth").glob("*.jpg")) if inner_picture(images.read_rgb(path))] == []
