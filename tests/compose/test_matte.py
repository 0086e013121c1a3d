"""The dressed person's matte."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.dressed_matte.before_after import BeforeAfter
from compose.dressed_matte.matte import dressed_alpha, dressed_cutout
from compose.dressed_matte.narrowing import background_behind
from pipeline.core import images
from pipeline.core.masks import dilate, erode, iou, open_
from tests.support.closed_gaps import gap_error

SIZE = (512, 384)
WALL = (205, 208, 214)
SHIRT = (40, 60, 130)


def _rect(left: int, right: int, top: int = 150, bottom: int = 512) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top:bottom, left:right] = 255
    return cv2.GaussianBlur(mask, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)


def _over(colour, alpha: np.ndarray, below: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return (below * (1 - share) + np.array(colour) * share + 0.5).astype(np.uint8)


def _wall() -> np.ndarray:
    ramp = np.linspace(-8, 8, SIZE[1])[None, :, None]
    noise = np.random.default_rng(0).normal(0, 1.5, (*SIZE, 3))
    return np.clip(np.array(WALL) + ramp + noise, 0, 255).astype(np.uint8)


def _photos(old: np.ndarray, new: np.ndarray, colour=(190, 40, 50)) -> BeforeAfter:
    """A person in a dark shirt gets a red one with another outline; where the old one is gone the wall is seen again."""
    wall = _wall()
    photo = _over(SHIRT, old, wall)
    repaint = dilate((old > 0) | (new > 0), 6)
    repaint[:180] = repaint[420:] = False
    dressed = np.where(repaint[..., None], _over(colour, new, wall), photo)
    changed = dilate((np.abs(dressed.astype(int) - photo).max(2) > 3), 1)
    return BeforeAfter(photo, dressed, old, changed)


def _truth(photos: BeforeAfter, new: np.ndarray) -> np.ndarray:
    truth = photos.alpha.copy()
    truth[180:420] = new[180:420]
    return truth


def test_nothing_changed_keeps_the_old_matte() -> None:
    old = _rect(130, 250)
    photo = _over(SHIRT, old, _wall())
    same = BeforeAfter(photo, photo, old, np.zeros(SIZE, bool))
    assert np.array_equal(dressed_alpha(same), old)
    cut = np.dstack([photo, old])
    assert np.array_equal(dressed_cutout(same, cut, old), cut)


@pytest.mark.parametrize(("left", "right"), [(90, 290), (170, 215), (100, 250)])
def test_the_outline_follows_a_wider_and_a_narrower_garment(left, right) -> None:
    old, new = _rect(130, 250), _rect(left, right)
    photos = _photos(old, new)
    alpha, truth = dressed_alpha(photos), _truth(photos, new)
    assert iou(alpha > 127, truth > 127) > 0.98
    assert np.abs(alpha[190:410].astype(int) - truth[190:410]).mean() < 3


def test_the_matte_away_from_the_change_stays_as_it_was() -> None:
    photos = _photos(_rect(130, 250), _rect(90, 290))
    alpha = dressed_alpha(photos)
    far = ~dilate(photos.changed, 12)
    assert np.array_equal(alpha[far], photos.alpha[far])


def test_no_hole_where_the_new_cloth_covers_the_old_sleeve() -> None:
    old = new = _rect(130, 250)
    alpha = dressed_alpha(_photos(old, new, colour=(235, 235, 240)))
    assert alpha[190:410, 140:240].min() > 240


def _before_a_varied_wall(old: np.ndarray, new: np.ndarray, wall: np.ndarray, painted: np.ndarray) -> BeforeAfter:
    photo = _over(SHIRT, old, wall)
    dressed = _over((190, 40, 50), new, painted)
    return BeforeAfter(photo, dressed, old, dilate(np.abs(dressed.astype(int) - photo).max(2) > 3, 1))


def test_a_deep_part_that_repeats_a_varied_background_is_background_whatever_a_backend_says() -> None:
    """A wide suit becomes a narrow shirt; the engine continued a sunset behind it, and a backend still sees the suit."""
    old, new = _rect(100, 280), _rect(175, 205)
    sunset = np.dstack([np.linspace(250, 90, SIZE[0])[:, None].repeat(SIZE[1], 1) * share for share in (1.0, 0.7, 0.5)])
    alpha = dressed_alpha(_before_a_varied_wall(old, new, sunset.astype(np.uint8), sunset), lambda: old)
    assert alpha[230:400, 110:162].max() < 30
    assert alpha[230:400, 181:199].min() > 240


def test_a_deep_part_in_the_colour_of_a_plain_wall_stays_cloth() -> None:
    """A white shirt before a white wall: that the colours meet proves nothing."""
    old = _rect(100, 280)
    wall = np.full((*SIZE, 3), 236.0)
    alpha = dressed_alpha(_before_a_varied_wall(old, _rect(175, 205), wall.astype(np.uint8), wall), lambda: old)
    assert alpha[230:400, 150:165].min() > 240


def test_light_stripes_on_a_light_wall_are_not_eaten() -> None:
    old, new = _rect(130, 250), _rect(90, 290)
    photos = _photos(old, new)
    striped = photos.dressed.copy()
    for row in range(190, 410, 16):
        inside = new[row : row + 7] > 250
        striped[row : row + 7][inside] = (222, 224, 228)
    striped = BeforeAfter(photos.photo, striped, old, photos.changed)
    assert iou(dressed_alpha(striped) > 127, _truth(photos, new) > 127) > 0.97


def test_a_hole_in_white_cloth_before_white_is_closed_when_a_backend_sees_the_person_there() -> None:
    """The sleeve of a white shirt before a white wall differs from the wall only at its seams."""
    old, new = _rect(130, 250), _rect(90, 290)
    photos = _photos(old, new)
    pale = photos.dressed.copy()
    pale[230:360, 96:122] = photos.photo[230:360, 96:122] + 4
    photos = BeforeAfter(photos.photo, pale, old, photos.changed)
    hole = np.s_[245:345, 102:116]
    assert dressed_alpha(photos)[hole].max() < 128, "colours alone cannot tell cloth from wall"
    assert dressed_alpha(photos, lambda: np.zeros_like(old))[hole].max() < 128, "a gap in which nobody is seen stays one"
    assert dressed_alpha(photos, lambda: new)[hole].min() > 200


def test_edge_colours_carry_no_old_background() -> None:
    """On black the rim of a light-walled cut-out must not glow: five times less error than naive colours."""
    old, new = _rect(130, 250), _rect(90, 290)
    photos = _photos(old, new)
    alpha = dressed_alpha(photos)
    ours = dressed_cutout(photos, np.dstack([photos.photo, old]), alpha)
    band = np.zeros(SIZE, bool)
    band[200:400] = (alpha[200:400] > 12) & (alpha[200:400] < 243)
    true = np.array((190, 40, 50))
    share = alpha[band][:, None] / 255
    error = (np.abs(ours[band][:, :3] - true) * share).mean()
    naive = (np.abs(photos.dressed[band].astype(int) - true) * share).mean()
    assert naive > 5 * error


def test_a_faint_repainting_of_the_background_is_not_cloth() -> None:
    """A diffusion model re-encodes the wall inside its mask by a few levels."""
    old = new = _rect(130, 250)
    photos = _photos(old, new)
    repaint = np.zeros(SIZE, bool)
    repaint[190:410, 60:330] = True
    noisy = np.clip(photos.dressed.astype(int) + np.random.default_rng(1).normal(5, 3, (*SIZE, 3)), 0, 255).astype(np.uint8)
    redone = BeforeAfter(photos.photo, np.where(repaint[..., None], noisy, photos.dressed), old, photos.changed | repaint)
    assert iou(dressed_alpha(redone) > 127, old > 127) > 0.98


def test_a_backend_decides_where_the_background_is_busy() -> None:
    old, new = _rect(110, 270), _rect(165, 225)
    rng = np.random.default_rng(2)
    wall = cv2.resize(rng.integers(90, 190, (16, 12, 3)).astype(np.uint8), SIZE[::-1], interpolation=cv2.INTER_NEAREST)
    photo, dressed = _over(SHIRT, old, wall), _over((190, 40, 50), new, wall)
    photos = BeforeAfter(photo, dressed, old, dilate(np.abs(dressed.astype(int) - photo).max(2) > 3, 1))
    alone, asked = dressed_alpha(photos), dressed_alpha(photos, lambda: new)
    assert iou(asked > 127, new > 127) > iou(alone > 127, new > 127)
    assert iou(asked > 127, new > 127) > 0.75


def test_no_backend_is_asked_when_the_outline_grew() -> None:
    def never() -> np.ndarray:
        raise AssertionError("colours alone can tell")

    dressed_alpha(_photos(_rect(130, 250), _rect(90, 290)), never)


def test_the_background_goes_on_behind_the_body() -> None:
    old = _rect(130, 250)
    photos = _photos(old, old)
    behind, calm = background_behind(photos)
    assert np.abs(behind[160:, 150:230] - _wall()[160:, 150:230]).mean() < 6
    assert calm[300, 190]


def test_a_large_photo_is_judged_like_a_small_one() -> None:
    old, new = _rect(130, 250), _rect(90, 290)
    small = _photos(old, new)
    pictures = [cv2.resize(each, None, fx=6, fy=6) for each in (small.photo, small.dressed, small.alpha)]
    large = BeforeAfter(*pictures, small.changed.repeat(6, 0).repeat(6, 1))
    truth = cv2.resize(_truth(small, new), None, fx=6, fy=6)
    alpha = dressed_alpha(large)
    assert alpha.shape == large.alpha.shape
    assert iou(alpha > 127, truth > 127) > 0.98
    far = ~large.changed
    far[: large.changed.any(1).argmax() + 2600] = False
    assert np.array_equal(alpha[far], large.alpha[far])


ARM = (180, 130, 105)


def _beside_an_arm(shirt=(20, 140, 110), sliver: int = 8, lighter: int = 0) -> tuple[BeforeAfter, np.ndarray]:
    """A wide shirt touches the arm; the new one leaves a sliver of wall between them, which a hem and a sleeve shut in."""
    old, wall = _rect(110, 290), _wall()
    photo = _over(SHIRT, old, wall)
    photo[200:400, 270:290] = ARM
    dressed = _over(shirt, old, np.clip(wall.astype(int) + lighter, 0, 255).astype(np.uint8))
    dressed[200:400, 270:290] = ARM
    place = np.s_[270:304, 270 - sliver : 270]
    dressed[place] = np.clip(wall[place].astype(int) + lighter, 0, 255)
    dressed[:185], dressed[415:] = photo[:185], photo[415:]
    changed = dilate(np.abs(dressed.astype(int) - photo).max(2) > 3, 1)
    shown = np.zeros(SIZE, bool)
    shown[274:300, 272 - sliver : 268] = True
    return BeforeAfter(photo, dressed, old, changed), shown


@pytest.mark.parametrize(("sliver", "lighter"), [(8, 0), (11, 0), (8, 18)], ids=["narrow", "broader", "a little lighter"])
def test_a_sliver_of_wall_between_arm_and_garment_is_open(sliver, lighter) -> None:
    photos, shown = _beside_an_arm(sliver=sliver, lighter=lighter)
    alpha = dressed_alpha(photos)
    assert alpha[shown].mean() / 255 <= 0.05
    assert alpha[250:350, 120:240].min() > 240 and alpha[250:350, 274:284].min() > 240


def test_a_garment_with_stripes_in_the_walls_colour_keeps_them() -> None:
    photos, _ = _beside_an_arm(sliver=0)
    striped = photos.dressed.copy()
    for row in range(200, 400, 20):
        striped[row : row + 8, 118:258] = WALL
    alpha = dressed_alpha(BeforeAfter(photos.photo, striped, photos.alpha, photos.changed))
    assert alpha[200:400, 122:255].min() > 240


def test_rips_in_the_walls_colour_are_no_slivers() -> None:
    """They lie near the outline only, so that what is farther in does not show them."""
    photos, _ = _beside_an_arm(sliver=0)
    ripped = photos.dressed.copy()
    for row in range(210, 400, 24):
        ripped[row : row + 6, 120:136] = WALL
    alpha = dressed_alpha(BeforeAfter(photos.photo, ripped, photos.alpha, photos.changed))
    assert alpha[200:400, 118:140].min() > 240


def test_a_cuff_in_the_walls_colour_stays_because_it_joins_arm_and_sleeve() -> None:
    photos, _ = _beside_an_arm(sliver=0)
    old = np.maximum(photos.alpha, _rect(40, 95, 200, 400))
    photo = _over(SHIRT, old, _wall())
    cuffed = photos.dressed.copy()
    cuffed[200:280, 40:112], cuffed[280:284, 40:95], cuffed[284:400, 40:95] = (20, 140, 110), WALL, ARM
    alpha = dressed_alpha(BeforeAfter(photo, cuffed, old, dilate(np.abs(cuffed.astype(int) - photo).max(2) > 3, 1)))
    assert alpha[281:283, 50:85].min() > 240


def test_a_patch_as_broad_as_an_arm_is_no_sliver() -> None:
    photos, _ = _beside_an_arm(sliver=40)
    assert dressed_alpha(photos)[275:300, 235:262].min() > 240


@pytest.mark.parametrize("blossom", [(2, 1), (3, 1), (3, -1), (4, 2)], ids=str)
def test_blossoms_in_the_walls_colour_near_the_outline_are_no_slivers(blossom: tuple[int, int]) -> None:
    """Radius and width of a ring, -1 = a disc; there are fewer of them than a garment's colours are asked for."""
    photos, _ = _beside_an_arm(shirt=(28, 28, 32), sliver=0)
    printed = photos.dressed.copy()
    for row, column in ((230, 124), (300, 128), (350, 122), (260, 205), (330, 175)):
        cv2.circle(printed, (column, row), blossom[0], WALL, blossom[1])
    alpha = dressed_alpha(BeforeAfter(photos.photo, printed, photos.alpha, photos.changed))
    assert alpha[200:400, 116:255].min() > 240


@pytest.mark.parametrize("lighter", [16, 28])
@pytest.mark.parametrize("slant", [0.0, 0.5, -1.0])
def test_stripes_nearly_of_the_walls_colour_do_not_make_a_saw_of_the_outline(lighter: int, slant: float) -> None:
    old, new = _rect(130, 250), _rect(124, 256)
    photos = _photos(old, new, (30, 32, 52))
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    pale = _over(np.clip(np.array(WALL) + lighter, 0, 255), new, _wall())
    striped = np.where(((rows + slant * columns) % 10 < 5)[..., None] & photos.changed[..., None], pale, photos.dressed)
    alpha = dressed_alpha(BeforeAfter(photos.photo, striped, old, photos.changed))
    reach = alpha[200:400, :190].sum(1) / 255.0
    assert (cv2.dilate(reach, np.ones(10)) - cv2.erode(reach, np.ones(10))).mean() < 1.1, "of a dark stripe and a pale one"
    assert abs(reach.mean() - 66) < 1


@pytest.mark.samples
@pytest.mark.parametrize(("name", "garment"), [("m1_half", "tee_print"), ("w1_full", "dress")])
def test_gaps_of_people_in_a_rendered_garment_are_open(samples, name, garment) -> None:
    """The true picture in the new garment and its true matte: a skirt closes gaps, a sleeve opens one. Now 0.001 and 0.035."""
    folder = samples / "rendered"
    photo, dressed = images.read_rgb(folder / f"{name}.jpg"), images.read_rgb(folder / f"{name}__{garment}.jpg")
    old, truth = (images.read_grey(folder / f"{each}-matte.png") for each in (name, f"{name}__{garment}"))
    changed = dilate(open_(np.abs(photo.astype(np.int16) - dressed).max(2) > 8, 1), 3)
    alpha = dressed_alpha(BeforeAfter(photo, np.where(changed[..., None], dressed, photo), old, changed))
    assert gap_error(alpha, truth) <= 0.05
    assert (alpha[erode(truth > 250, 3)] >= 128).mean() > 0.999
