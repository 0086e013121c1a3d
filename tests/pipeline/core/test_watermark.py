"""Writing over a picture is flagged where the ground is plain enough to tell; edges of floors, shadows and furniture are none."""

import cv2
import numpy as np
import pytest

from pipeline.core.flags import Flag
from pipeline.core.pixels.watermark import watermark_notices

SIZE = (640, 480)
ROWS, COLUMNS = np.indices(SIZE)
SUBJECT = (np.abs(COLUMNS - 240) < 80) & (ROWS > 120) & (ROWS < 520)


def picture(ground=225):
    shade = ground - 10 * np.hypot(ROWS / SIZE[0] - 0.5, COLUMNS / SIZE[1] - 0.5)
    rgb = np.where(SUBJECT, 90, shade)[..., None].repeat(3, 2)
    return np.clip(rgb + np.random.default_rng(4).normal(0, 0.6, rgb.shape), 0, 255).astype(np.uint8)


def written(rgb, places, text, scale, strength, colour=(120, 120, 120)):
    ink = np.zeros(SIZE, np.uint8)
    for place in places:
        cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA)
    share = ink[..., None] / 255 * strength
    return np.clip(rgb * (1 - share) + np.array(colour) * share, 0, 255).astype(np.uint8)


def flags(rgb, subject=SUBJECT):
    return [notice.flag for notice in watermark_notices(rgb, subject)]


def in_one_bar(rgb, text, row, squeeze=1.0, colour=(120, 120, 120)):
    """Bold letters so close that a line of them is one piece."""
    ink = np.zeros((SIZE[0], 2 * SIZE[1]), np.uint8)
    cv2.putText(ink, text, (5, row), cv2.FONT_HERSHEY_DUPLEX, 1.1, 255, 6, cv2.LINE_AA)
    ink = cv2.resize(ink, None, fx=squeeze, fy=1, interpolation=cv2.INTER_AREA)[:, : SIZE[1]]
    share = np.pad(ink, ((0, 0), (0, SIZE[1] - ink.shape[1])))[..., None] / 255 * 0.5
    return np.clip(rgb * (1 - share) + np.array(colour) * share, 0, 255).astype(np.uint8)


TILES = [(x, y) for y in range(40, 640, 70) for x in (-40, 150, 340)]


@pytest.mark.parametrize("marked", [
    written(picture(), TILES, "SAMPLE PHOTO", 0.7, 0.2),
    written(picture(120), TILES, "agency", 0.8, 0.15, (255, 255, 255)),
    written(picture(), [(5, 330)], "stockphoto.example", 1.5, 0.4),
    written(picture(), [(150, 565), (150, 612)], "a g e n c y", 1.1, 0.8),
    in_one_bar(picture(), "STOCKPHOTO.EXAMPLE", 590),
    in_one_bar(picture(), "STOCKPHOTO STOCKPHOTO", 590, squeeze=0.6),
    in_one_bar(picture(200), "WWW.AGENCY.EXAMPLE", 60, colour=(255, 255, 255)),
], ids=["faint, all over", "white on grey", "one large", "spaced", "touching", "narrow", "white"])  # fmt: skip
def test_writing_is_flagged(marked):
    assert flags(marked) == [Flag.WATERMARK]


def with_(rgb, where, value):
    return np.where(where[..., None], np.uint8(value), rgb)


@pytest.mark.parametrize("clean", [
    picture(),
    with_(picture(), (np.abs(ROWS - 560) < 2), 150),
    with_(picture(), (np.abs(ROWS - 560 - 3 * np.sin(COLUMNS / 9)) < 4), 150),
    np.where((SUBJECT | (ROWS < 500))[..., None], picture(), cv2.GaussianBlur(with_(picture(), ROWS > 560, 150), (0, 0), 12)),
    with_(picture(), (COLUMNS < 90) & (ROWS > 380) & ((ROWS // 3 + COLUMNS // 4) % 2 == 0), 60),
    np.random.default_rng(2).integers(60, 220, (*SIZE, 3)).astype(np.uint8),
], ids=["a plain wall", "the edge of a floor", "a wavy edge", "a soft shadow", "a plant", "a busy ground"])  # fmt: skip
def test_a_good_picture_is_not(clean):
    assert flags(clean) == []


def test_a_print_on_the_garment_is_no_watermark():
    printed = written(picture(), [(170, 300)], "SURF CLUB", 0.7, 0.9)
    ink_beside = np.abs(printed.astype(int) - picture()).max(2) * ~SUBJECT
    assert ink_beside.max() < 3 and flags(printed) == []
