"""Back into the photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.blend import blend, changed_area, changed_in_photo, match_detail, prepare_paste, remove_cast, to_photo
from compose.shading.grain import noise_level
from pipeline.core.frame import Frame, whole_photo
from pipeline.core.masks import dilate

CANVAS = (256, 192)


def _photo(size=(256, 192), noise: float = 6.0) -> np.ndarray:
    base = np.tile(np.linspace(60, 190, size[1])[None, :, None], (size[0], 1, 3))
    return np.clip(base + np.random.default_rng(0).normal(0, noise, (*size, 3)), 0, 255).astype(np.uint8)


def _mask(size=CANVAS) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4] = True
    return mask


def _restore(photo, frame, canvas, result, mask, feather_px=4.0):
    changed = changed_area(canvas, result, mask)
    paste = prepare_paste(photo, frame, result, mask, changed, feather_px)
    return blend(photo, paste.colour, paste.weight), paste, changed


@pytest.mark.parametrize("size", [(256, 192), (1000, 700), (120, 90), (200, 400)])
def test_pixels_outside_the_mask_are_bit_identical(size) -> None:
    photo = _photo(size)
    frame = whole_photo(size, CANVAS)
    canvas = frame.to_canvas(photo)
    result = np.random.default_rng(1).integers(0, 255, canvas.shape).astype(np.uint8)
    dressed, _, _ = _restore(photo, frame, canvas, result, _mask())
    reach = cv2.warpAffine(_mask().astype(np.uint8), frame.inverse, size[::-1], flags=cv2.INTER_LINEAR)
    outside = ~dilate(reach > 0, max(1, 1.5 / frame.scale))
    assert np.array_equal(dressed[outside], photo[outside])
    assert not np.array_equal(dressed, photo)


def test_an_unchanged_result_gives_back_the_photo_exactly() -> None:
    photo = _photo((1000, 700))
    frame = whole_photo((1000, 700), CANVAS)
    canvas = frame.to_canvas(photo)
    rounding = np.clip(canvas.astype(int) + 2, 0, 255).astype(np.uint8)
    for result in (canvas, rounding):
        dressed, _, changed = _restore(photo, frame, canvas, result, _mask())
        assert not changed.any()
        assert np.array_equal(dressed, photo)


def test_unchanged_parts_inside_the_mask_keep_the_photos_pixels() -> None:
    photo = _photo()
    frame = whole_photo(CANVAS, CANVAS)
    result = photo.copy()
    result[100:120, 80:100] = (250, 0, 0)
    dressed, _, _ = _restore(photo, frame, photo, result, _mask())
    same = np.ones(CANVAS, bool)
    same[98:122, 78:102] = False
    assert np.array_equal(dressed[same], photo[same])
    assert np.all(dressed[105:115, 85:95] == (250, 0, 0))


def test_the_seam_is_soft_at_the_masks_border_and_the_middle_is_the_result() -> None:
    photo = np.full((*CANVAS, 3), 100, np.uint8)
    result = np.full((*CANVAS, 3), 200, np.uint8)
    dressed, paste, _ = _restore(photo, whole_photo(CANVAS, CANVAS), photo, result, _mask(), 4.0)
    row = dressed[128, 44:60, 0].astype(int)
    assert np.all(np.diff(row) >= 0) and len(np.unique(row)) >= 4
    assert np.all(dressed[100:150, 70:120] == 200)
    assert paste.weight.max() == 1


def test_a_crop_frame_pastes_where_it_was_cut(sharp: int = 3) -> None:
    photo = _photo((600, 500), 0)
    frame = Frame(600, 500, 100, 150, 300, *CANVAS)
    canvas = frame.to_canvas(photo)
    result = canvas.copy()
    cv2.circle(result, (96, 128), 20, (0, 255, 0), -1)
    dressed, _, _ = _restore(photo, frame, canvas, result, _mask())
    rows, columns = np.nonzero((dressed[..., 1] > 200) & (dressed[..., 0] < 60))
    centre = frame.points_to_photo(np.array([[96, 128]], np.float32))[0]
    assert abs(columns.mean() - centre[0]) < 1 and abs(rows.mean() - centre[1]) < 1
    assert abs((columns.max() - columns.min()) / 2 - 20 / frame.scale) < sharp


def test_inputs_are_not_changed() -> None:
    photo = _photo()
    result = 255 - photo
    before = photo.copy(), result.copy()
    _restore(photo, whole_photo(CANVAS, CANVAS), photo, result, _mask())
    assert np.array_equal(photo, before[0]) and np.array_equal(result, before[1])


def test_a_small_constant_cast_is_removed_and_content_is_not() -> None:
    photo = _photo(noise=0)
    shifted = np.clip(photo.astype(int) + np.array([3, -2, 4]), 0, 255).astype(np.uint8)
    repaired = remove_cast(photo, shifted, _mask())
    assert np.abs(repaired.astype(int) - photo)[_mask()].mean() < 0.6
    new_cloth = np.clip(photo.astype(int) + 12, 0, 255).astype(np.uint8)
    assert np.array_equal(remove_cast(photo, new_cloth, _mask()), new_cloth)


def test_an_enlarged_result_gets_the_photos_grain() -> None:
    photo = _photo((1024, 768), 5.0)
    frame = whole_photo((1024, 768), CANVAS)
    canvas = frame.to_canvas(photo)
    result = np.where(_mask()[..., None], np.uint8(90), canvas)
    _, paste, _ = _restore(photo, frame, canvas, result, _mask())
    person = np.ones((1024, 768), bool)
    matched = match_detail(photo, paste, 1 / frame.scale, person, 1.0, 7)
    inside = paste.weight > 0.99
    grey = cv2.cvtColor(matched, cv2.COLOR_RGB2GRAY).astype(np.float32)
    wanted = noise_level(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32))
    assert noise_level(grey, inside) == pytest.approx(wanted, rel=0.35)
    assert np.array_equal(matched, match_detail(photo, paste, 1 / frame.scale, person, 1.0, 7))
    assert match_detail(photo, paste, 1 / frame.scale, person, 0.0, 7) is paste.colour


def test_a_photo_of_the_canvas_size_gets_no_grain() -> None:
    photo = _photo()
    frame = whole_photo(CANVAS, CANVAS)
    _, paste, _ = _restore(photo, frame, photo, 255 - photo, _mask())
    assert match_detail(photo, paste, 1 / frame.scale, np.ones(CANVAS, bool), 1.0, 7) is paste.colour


def test_the_changed_area_covers_every_changed_photo_pixel() -> None:
    photo = _photo((700, 500))
    frame = whole_photo((700, 500), CANVAS)
    canvas = frame.to_canvas(photo)
    result = np.where(_mask()[..., None], 255 - canvas, canvas)
    dressed, _, changed = _restore(photo, frame, canvas, result, _mask())
    covered = changed_in_photo(changed, frame)
    stray = (dressed != photo).any(2) & ~covered
    assert stray.mean() < 0.002


def test_shrinking_to_a_small_photo_does_not_alias() -> None:
    stripes = np.zeros((*CANVAS, 3), np.uint8)
    stripes[::2] = 255
    small = to_photo(stripes, whole_photo((64, 48), CANVAS))
    assert small[5:-5].std() < 15
