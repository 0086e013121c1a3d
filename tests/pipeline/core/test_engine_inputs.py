"""Conditions that cannot be used: one clear line each, naming file and step."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.engine import GarmentInputs, PersonInputs
from pipeline.core.errors import InputError, MissingArtefactError
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH, DENSEPOSE, IMAGE, PARSE, Layout

UPPER = Category.UPPER
SIZE = (256, 192)
MASK = AGNOSTIC_MASK.of("ann", UPPER)


@pytest.fixture
def layout(tmp_path):
    layout, random = Layout(outputs=tmp_path), np.random.default_rng(0)
    photo = cv2.GaussianBlur(random.integers(0, 256, (*SIZE, 3), dtype=np.uint8), (0, 0), 4)
    write(layout, IMAGE.of("ann"), images.jpeg(photo))
    write(layout, AGNOSTIC.of("ann", UPPER), images.jpeg(np.where(torso()[..., None], np.uint8(128), photo)))
    write(layout, DENSEPOSE.of("ann"), images.jpeg(photo))
    write(layout, MASK, images.mask_png(torso()))
    write(layout, PARSE.of("ann"), images.labels_png(np.zeros(SIZE, np.uint8)))
    write(layout, CLOTH.of("tee"), images.jpeg(photo))
    return layout


def torso() -> np.ndarray:
    drawn = cv2.ellipse(np.zeros(SIZE, np.uint8), (96, 130), (50, 80), 10, 0, 360, 255, -1)
    return drawn > 0


def write(layout, ref, content):
    layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
    layout.path(ref).write_bytes(content)


def person(layout) -> PersonInputs:
    return PersonInputs(Person("ann", "inputs:x"), UPPER, layout)


def drawn(grey: np.ndarray, suffix: str, quality: int = 95) -> bytes:
    done, content = cv2.imencode(suffix, grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return content.tobytes()


@pytest.mark.parametrize(
    "ref, read, step",
    [
        (IMAGE.of("ann"), lambda layout: person(layout).image(), "pose"),
        (AGNOSTIC.of("ann", UPPER), lambda layout: person(layout).agnostic(), "parsing"),
        (MASK, lambda layout: person(layout).agnostic_mask(), "parsing"),
        (DENSEPOSE.of("ann"), lambda layout: person(layout).densepose(), "densepose"),
        (PARSE.of("ann"), lambda layout: person(layout).parse(), "parsing"),
        (CLOTH.of("tee"), lambda layout: GarmentInputs(Garment("tee", "inputs:y"), layout).cloth(), "cloth"),
    ],
)
def test_a_missing_condition_names_the_step_that_makes_it(layout, ref, read, step):
    read(layout)
    layout.path(ref).unlink()
    with pytest.raises(MissingArtefactError, match=f"the {step} step makes it") as caught:
        read(layout)
    assert str(layout.path(ref)) in caught.value.message
    assert caught.value.remedy == f"python run.py --step {step}"


@pytest.mark.parametrize("quality", [60, 75, 95])
def test_a_mask_saved_as_jpeg_is_read_as_it_was_meant(layout, quality):
    mask = torso()
    write(layout, MASK, drawn(np.where(mask, 255, 0).astype(np.uint8), ".jpg", quality))
    assert np.mean(person(layout).agnostic_mask() != mask) < 0.001


def test_a_soft_outline_is_no_grey_area(layout):
    mask = torso()
    soft = cv2.resize(cv2.resize(np.where(mask, 255, 0).astype(np.uint8), (96, 128), interpolation=cv2.INTER_AREA), SIZE[::-1])
    assert ((soft > images.MASK_BLACK) & (soft < images.MASK_WHITE)).any()
    write(layout, MASK, drawn(soft, ".png"))
    assert np.mean(person(layout).agnostic_mask() != mask) < 0.01


def grey_patch() -> np.ndarray:
    grey = np.where(torso(), 255, 0).astype(np.uint8)
    grey[100:108, 90:98] = 128
    return grey


@pytest.mark.parametrize(
    "grey",
    [
        np.full(SIZE, 128, np.uint8),
        np.tile(np.linspace(0, 255, SIZE[1]).astype(np.uint8), (SIZE[0], 1)),
        np.where(torso(), 200, 0).astype(np.uint8),
        np.where(torso(), 255, 60).astype(np.uint8),
        np.random.default_rng(0).integers(0, 256, SIZE, dtype=np.uint8),
        grey_patch(),
    ],
    ids=["flat", "ramp", "light", "dark", "noise", "patch"],
)
def test_a_grey_picture_is_no_mask(layout, grey):
    write(layout, MASK, drawn(grey, ".png"))
    with pytest.raises(InputError, match=r"not a mask: .*neither black \(up to 24\) nor white \(from 231\)"):
        person(layout).agnostic_mask()


def test_an_agnostic_picture_passed_as_a_mask_is_refused(layout):
    write(layout, MASK, layout.path(AGNOSTIC.of("ann", UPPER)).read_bytes())
    with pytest.raises(InputError, match="not a mask"):
        person(layout).agnostic_mask()


def test_an_empty_mask_is_refused(layout):
    write(layout, MASK, images.mask_png(np.zeros(SIZE, bool)))
    with pytest.raises(InputError, match="mask is empty") as caught:
        person(layout).agnostic_mask()
    assert "python run.py --step parsing" in caught.value.remedy


@pytest.mark.parametrize("read", ["agnostic", "agnostic_mask", "densepose", "parse"])
def test_a_condition_of_another_size_than_the_canvas_is_refused(layout, read):
    write(layout, IMAGE.of("ann"), images.jpeg(np.zeros((128, 96, 3), np.uint8)))
    with pytest.raises(InputError, match="192×256 pixels, but the person's canvas is 96×128"):
        getattr(person(layout), read)()
