"""Each measure of the quality gate on drawn pictures with a known answer; one defect moves one measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from compose.dressed_matte.before_after import BeforeAfter
from compose.gate.faces import face_changed, face_similarity, landmark_similarity
from compose.gate.garment_colour import colour_difference, palette
from compose.gate.gate import GateInputs, measure_pair
from compose.gate.halo import edge_halo
from compose.gate.measures import mask_coverage, outside_change
from compose.gate.scores import GateConfig, Scores
from pipeline.core.flags import Flag
from pipeline.core.frame import whole_photo
from pipeline.core.masks import erode, painted_spread
from pipeline.core.score import PASS_SCORE, score_of

SIZE = (1024, 768)
SKIN, SHIRT, WALL, RED, WHITE = (205, 160, 140), (60, 70, 150), (205, 210, 200), (190, 40, 50), (235, 235, 230)
OVAL = np.array([[384 + 60 * np.cos(a), 150 + 80 * np.sin(a)] for a in np.linspace(0, 6.2, 36)], np.float32)
CONFIG = GateConfig()


@dataclass(frozen=True, kw_only=True)
class DrawnPair(GateInputs):
    """All that is measured, in one piece, so that a defect can be drawn into it."""

    photos: BeforeAfter
    cutout: np.ndarray


def measured(drawn: DrawnPair) -> Scores:
    return measure_pair(drawn, drawn.photos, drawn.cutout, dark_spots)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def leaning_box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """Sides that lean, as those of bodies do."""
    rows, columns = np.indices(SIZE)
    lean = (rows - top) // 25
    return (rows >= top) & (rows < bottom) & (columns >= left + lean) & (columns < right - lean)


def striped(picture: np.ndarray, inside: np.ndarray) -> None:
    """Red and white stripes of equal width."""
    rows = np.broadcast_to((np.arange(len(picture)) // 16 % 2 == 0)[:, None], inside.shape)
    picture[inside & rows], picture[inside & ~rows] = RED, WHITE


def good() -> DrawnPair:
    """A person before a wall who gets a red and white shirt of the same outline, with clean edges."""
    body = leaning_box(256, 896, 250, 520)
    head = cv2.fillPoly(np.zeros(SIZE, np.uint8), [OVAL.astype(np.int32)], 1) > 0
    photo = np.full((*SIZE, 3), WALL, np.uint8)
    photo[body], photo[head] = SHIRT, SKIN
    for x in (360, 408):
        cv2.circle(photo, (x, 135), 8, (30, 30, 30), -1)
    alpha = cv2.GaussianBlur((body | head).astype(np.float32) * 255, (0, 0), 1.5).astype(np.uint8)
    mask = box(230, 920, 230, 540)
    result = photo.copy()
    striped(result, body)
    cutout = np.dstack([result, alpha])
    striped(cutout[..., :3], mask)
    cloth = np.full((256, 192, 3), 240, np.uint8)
    cloth_mask = np.zeros((256, 192), bool)
    cloth_mask[40:232, 30:160] = True
    striped(cloth, cloth_mask)
    photos = BeforeAfter(photo, result, alpha, body)
    return DrawnPair(
        photos=photos,
        cutout=cutout,
        frame=whole_photo(SIZE),
        mask=mask,
        canvas=photo,
        result=result,
        cloth=cloth,
        cloth_mask=cloth_mask,
        face_oval=OVAL,
    )


def dark_spots(face: np.ndarray) -> np.ndarray | None:
    """Stands in for a face model: the middles of the dark spots, which are the drawn eyes."""
    _, _, _, middles = cv2.connectedComponentsWithStats((face.max(2) < 80).astype(np.uint8))
    return middles[1:].astype(np.float32) if len(middles) == 3 else None


def with_result(drawn: DrawnPair, draw: Callable[[np.ndarray], None]) -> DrawnPair:
    """The same with something drawn into the dressed picture, on canvas, photo and, where it is opaque, cut-out."""
    result, cutout = drawn.result.copy(), drawn.cutout.copy()
    draw(result)
    colours = np.ascontiguousarray(cutout[..., :3])
    draw(colours)
    cutout[..., :3] = colours
    return replace(drawn, result=result, cutout=cutout, photos=replace(drawn.photos, dressed=result))


def upright_sides(canvas: np.ndarray) -> np.ndarray:
    result = canvas.copy()
    striped(result, box(270, 880, 300, 470))
    return result


def moved_eyes(picture: np.ndarray) -> None:
    for x in (360, 408):
        cv2.circle(picture, (x, 135), 9, SKIN, -1)
        cv2.circle(picture, (x, 168), 8, (30, 30, 30), -1)


def stray_paint(drawn: DrawnPair) -> DrawnPair:
    dressed = drawn.photos.dressed.copy()
    dressed[700:760, 40:120] = (90, 90, 90)
    return replace(drawn, photos=replace(drawn.photos, dressed=dressed))


def uncleaned(drawn: DrawnPair) -> DrawnPair:
    """The picture's own colours under a soft matte: half of the old wall stays in the edge."""
    share = drawn.photos.alpha[..., None] / 255
    colours = (drawn.cutout[..., :3] * share + np.array(WALL) * (1 - share)).astype(np.uint8)
    return replace(drawn, cutout=np.dstack([colours, drawn.photos.alpha]))


def barely(drawn: DrawnPair) -> DrawnPair:
    """Only a patch is painted; it has the right colours and its outline is not the person's."""
    patch, result = box(400, 464, 300, 480), drawn.canvas.copy()
    striped(result, patch)
    alpha = drawn.photos.alpha
    return replace(
        drawn,
        result=result,
        cutout=np.dstack([result, alpha]),
        photos=BeforeAfter(drawn.canvas, result, alpha, patch),
    )


def blank(drawn: DrawnPair) -> DrawnPair:
    """One value all over the painted area; a garment of that very colour was wanted, so only the blankness is wrong."""
    result = drawn.result.copy()
    result[drawn.mask] = RED
    cutout = np.dstack([result, drawn.photos.alpha])
    return replace(drawn, result=result, cutout=cutout, cloth=np.full_like(drawn.cloth, RED))


def repainted(cloth: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The garment with another colour in place of red."""
    return np.where(cloth == RED, colour, cloth).astype(np.uint8)


DEFECTS: dict[Flag, Callable[[DrawnPair], DrawnPair]] = {
    Flag.OUTSIDE_CHANGED: stray_paint,
    Flag.FACE_CHANGED: lambda drawn: with_result(replace(drawn, mask=drawn.mask | box(60, 240, 310, 460)), moved_eyes),
    Flag.COLOUR_OFF: lambda drawn: replace(
        drawn, cloth=np.where(drawn.cloth == RED, (40, 130, 70), drawn.cloth).astype(np.uint8)
    ),
    Flag.BARELY_PAINTED: barely,
    Flag.RESULT_BLANK: blank,
    Flag.EDGE_HALO: uncleaned,
    Flag.PAINT_RECTANGULAR: lambda drawn: replace(drawn, result=upright_sides(drawn.canvas)),
    Flag.GREY_LEFT: lambda drawn: replace(
        drawn, result=np.where((drawn.mask & (np.indices(SIZE)[0] > 700))[..., None], 128, drawn.result).astype(np.uint8)
    ),
    Flag.RESULT_BLURRED: lambda drawn: replace(drawn, result=cv2.GaussianBlur(drawn.result, (0, 0), 4.5)),
}


def test_a_good_picture_is_not_flagged_and_scores_near_one():
    scores = measured(good())
    assert scores.notices(CONFIG) == ()
    assert scores.overall(CONFIG) > 0.9
    assert (scores.outside_change, scores.face_similarity) == (0.0, 1.0)


@pytest.mark.parametrize("flag", DEFECTS, ids=[flag.value for flag in DEFECTS])
def test_a_defect_makes_its_own_measure_fall_and_no_other(flag: Flag):
    before, after = measured(good()).grades(CONFIG), measured(DEFECTS[flag](good())).grades(CONFIG)
    assert after[flag][0] < PASS_SCORE <= before[flag][0]
    assert {other for other, (grade, _) in after.items() if grade < PASS_SCORE} == {flag}


@pytest.mark.parametrize("flag", DEFECTS, ids=[flag.value for flag in DEFECTS])
def test_a_flag_names_value_and_threshold(flag: Flag):
    (notice,) = measured(DEFECTS[flag](good())).notices(CONFIG)
    assert notice.flag is flag
    assert "wanted" in notice.detail or "allowed" in notice.detail


def test_every_measure_has_a_test_with_a_defect():
    assert set(DEFECTS) == set(measured(good()).grades(CONFIG))


def test_the_overall_score_is_one_half_exactly_at_a_threshold():
    at = Scores(outside_change=0, face_similarity=1, colour_difference=10, coverage=1, spread=50, halo=0)
    config = GateConfig(most_colour_difference=10)
    assert at.overall(config) == PASS_SCORE and at.notices(config) == ()
    worse = replace(at, colour_difference=10.1)
    assert worse.overall(config) < PASS_SCORE and [notice.flag for notice in worse.notices(config)] == [Flag.COLOUR_OFF]
    assert score_of(worse.facts(config)) == pytest.approx(worse.overall(config), abs=1e-4)


def test_what_could_not_be_measured_is_left_out_of_facts_and_score():
    drawn = replace(good(), cloth=None, face_oval=None)
    facts = measured(drawn).facts(CONFIG)
    assert "colour_difference" not in facts and "face_similarity" not in facts and score_of(facts) is not None


def test_change_outside_is_the_mean_of_the_worst_block_in_grey_levels():
    before = np.full((80, 80, 3), 100, np.uint8)
    after = before.copy()
    after[8:16, 16:24, 1] += 40  # one whole block, one channel
    after[40:44, 40:48, 2] += 40  # half a block
    nothing = np.zeros((10, 10), bool)
    assert outside_change(before, after, nothing) == 40
    allowed = nothing.copy()
    allowed[1, 2] = True
    assert outside_change(before, after, allowed) == 20
    assert outside_change(before, after, ~nothing) == 0


def test_coverage_is_a_share_of_the_mask():
    mask = box(0, 400, 0, 100)
    assert mask_coverage(box(0, 100, 0, 768), mask) == 0.25
    assert mask_coverage(mask, np.zeros(SIZE, bool)) == 1


def test_a_picture_with_values_that_are_no_numbers_counts_as_blank():
    picture = np.random.default_rng(0).uniform(0, 255, (40, 40, 3)).astype(np.float32)
    mask = np.ones((40, 40), bool)
    assert painted_spread(picture, mask) == pytest.approx(picture.std(axis=(0, 1)).max(), rel=1e-3)
    picture[3, 4, 1] = np.nan
    assert painted_spread(picture, mask) == 0
    assert painted_spread(picture, ~mask) is None


def palette_of(*colours: tuple[int, int, int]):
    """Of equal parts of some colours."""
    sheet = np.concatenate([np.full((20, 20, 3), colour, np.uint8) for colour in colours])
    found = palette(sheet, np.ones(sheet.shape[:2], bool))
    assert found is not None
    return found


def test_skin_beside_the_garment_does_not_count_as_a_wrong_colour():
    assert colour_difference(palette_of(RED, WHITE), palette_of(RED, WHITE, SKIN, SKIN)) < 0.5


def test_every_colour_of_a_garment_must_be_found_again():
    assert colour_difference(palette_of(RED, WHITE), palette_of(RED)) > 10
    assert colour_difference(palette_of(RED), palette_of(RED, SHIRT, SHIRT, SHIRT, SHIRT, SHIRT, SHIRT, SHIRT)) > 10


def test_folds_that_darken_a_garment_are_forgiven_and_another_hue_is_not():
    darker, other = tuple(int(0.8 * level) for level in SHIRT), (60, 120, 90)
    assert colour_difference(palette_of(SHIRT), palette_of(SHIRT, darker)) < 4
    assert colour_difference(palette_of(SHIRT), palette_of(other)) > 15


def test_an_area_too_small_or_too_scattered_has_no_palette():
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    assert palette(noise, np.ones((60, 60), bool)) is None
    assert palette(noise, np.zeros((60, 60), bool)) is None


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0.03), (0.5, 0.4, 0.6), (1.0, 0.85, 1.0)])
def test_the_halo_is_the_share_of_the_old_background_in_the_edges_colour(share: float, least: float, most: float):
    body = box(200, 800, 200, 560)
    alpha = cv2.GaussianBlur(body.astype(np.float32) * 255, (0, 0), 1.5).astype(np.uint8)
    rim = ~erode(body, 4)
    colours = np.full((*SIZE, 3), RED, np.float32)
    colours[rim] += (np.array(WALL) - RED) * share
    scene = np.where(body[..., None], np.array(RED), np.array(WALL)).astype(np.uint8)
    found = edge_halo(np.dstack([colours.astype(np.uint8), alpha]), scene, np.ones(SIZE, bool), 1.0)
    assert least <= found <= most


def test_stripes_that_end_at_the_edge_are_no_halo():
    assert edge_halo(good().cutout, good().photos.dressed, box(260, 890, 240, 530), 1.0) < 0.05


def test_a_rim_that_could_not_be_seen_is_none():
    alpha = cv2.GaussianBlur(box(200, 800, 200, 560).astype(np.float32) * 255, (0, 0), 1.5).astype(np.uint8)
    scene = np.full((*SIZE, 3), WALL, np.uint8)
    assert edge_halo(np.dstack([scene - 10, alpha]), scene, np.ones(SIZE, bool), 1.0) == 0


def test_no_model_is_asked_about_a_face_that_is_bit_identical():
    def never(face: np.ndarray) -> None:
        raise AssertionError("asked")

    photo = good().photos.photo
    beside = photo.copy()
    beside[400:, :] = 0
    assert face_similarity(photo, beside, OVAL, never) == 1.0
    assert not face_changed(photo, beside, OVAL)
    assert face_similarity(photo, beside, None, never) is None


def test_one_changed_pixel_inside_the_face_is_noticed():
    photo = good().photos.photo
    touched = photo.copy()
    touched[150, 384, 2] ^= 1
    assert face_changed(photo, touched, OVAL)


def test_a_face_that_is_gone_has_no_likeness_and_one_that_was_never_there_none_to_lose():
    photo = good().photos.photo
    gone = photo.copy()
    gone[:250] = SKIN
    assert face_similarity(photo, gone, OVAL, dark_spots) == 0.0
    assert face_similarity(gone, photo, OVAL, dark_spots) is None


def test_likeness_falls_with_the_landmarks_way_and_not_with_the_pictures_size():
    was = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
    way = np.array([0.125 * np.sqrt(50), 0], np.float32)
    assert landmark_similarity(was, was) == 1
    assert landmark_similarity(was, was + way) == pytest.approx(0.5, abs=1e-4)
    assert landmark_similarity(7 * was, 7 * was + 7 * way) == pytest.approx(0.5, abs=1e-4)
    assert landmark_similarity(was, was + 20) == 0
