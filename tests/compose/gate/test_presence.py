"""Whether the garment is there: results that colours alone let pass, each with its flag, and good ones that have none."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from compose.gate.garment_colour import palette
from compose.gate.gate import GateInputs, measure_canvas
from compose.gate.presence import edge_filled, emptier_side, garment_like, old_garment_left, painted_beside, straight_edge
from compose.gate.scores import GateConfig
from pipeline.core.flags import Flag
from pipeline.core.frame import whole_photo
from pipeline.core.labels import Category, Parse
from pipeline.core.masks import dilate, worn_under

SIZE = (1024, 768)
WALL, SKIN, SHIRT, RED, WHITE = (205, 210, 200), (205, 160, 140), (60, 70, 150), (190, 40, 50), (235, 235, 230)
ROWS, COLUMNS = np.indices(SIZE)


def body(wide: int = 130) -> np.ndarray:
    """Sides that lean, as real ones do."""
    return (ROWS > 300) & (ROWS < 860) & (np.abs(COLUMNS - 384) < wide - 30 + ROWS // 20)


def head() -> np.ndarray:
    return (ROWS - 200) ** 2 + (COLUMNS - 384) ** 2 < 90**2


def striped(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    stripes = np.where((np.arange(len(picture)) // 16 % 2 == 0)[:, None, None], RED, WHITE)
    return np.where(inside[..., None], stripes, picture).astype(np.uint8)


def dressed(draw: Callable[[np.ndarray], np.ndarray]) -> GateInputs:
    """A person in a blue shirt before a wall, and what `draw` makes of the picture inside the mask."""
    canvas = np.full((*SIZE, 3), WALL, np.uint8)
    canvas[body()], canvas[head()] = SHIRT, SKIN
    mask = dilate(body(), 40)
    cloth_mask = np.zeros((256, 192), bool)
    cloth_mask[40:232, 30:160] = True
    return GateInputs(
        frame=whole_photo(SIZE),
        mask=mask,
        canvas=canvas,
        result=np.where(mask[..., None], draw(canvas), canvas).astype(np.uint8),
        cloth=striped(np.full((256, 192, 3), 240, np.uint8), cloth_mask),
        cloth_mask=cloth_mask,
        person=body() | head(),
        worn=body(),
    )


def flags(inputs: GateInputs) -> set[Flag]:
    return {notice.flag for notice in measure_canvas(inputs).notices(GateConfig())}


def moved(canvas: np.ndarray) -> np.ndarray:
    return striped(canvas, np.roll(body(), (90, 120), (0, 1)))


def grey_tee(canvas: np.ndarray) -> np.ndarray:
    """A mottled grey, as melange is: no flat 128."""
    noise = np.random.default_rng(0).normal(128, 12, SIZE)[..., None].repeat(3, 2).clip(0, 255)
    return np.where(body()[..., None], noise, canvas).astype(np.uint8)


GOOD = {
    "as wide as the old one": lambda canvas: striped(canvas, body()),
    "a little wider": lambda canvas: striped(canvas, body(142)),
    "narrower, background instead": lambda canvas: striped(np.where(body()[..., None], WALL, canvas), body(112)),
    "with a neckline": lambda canvas: striped(np.where(body()[..., None], SKIN, canvas), body() & (ROWS > 380)),
}
RUINED = {
    "a rectangle over body and wall": (lambda canvas: striped(canvas, ROWS < 700), Flag.PAINTED_BESIDE),
    "moved away": (moved, Flag.OLD_GARMENT_LEFT),
    "right half as before": (lambda canvas: striped(canvas, body() & (COLUMNS < 384)), Flag.OLD_GARMENT_LEFT),
    "lower half as before": (lambda canvas: striped(canvas, body() & (ROWS < 580)), Flag.OLD_GARMENT_LEFT),
    "one half in another colour": (
        lambda canvas: striped(np.where(body()[..., None], (40, 130, 70), canvas), body() & (COLUMNS < 384)),
        Flag.GARMENT_INCOMPLETE,
    ),
    "the area to repaint left grey": (
        lambda canvas: striped(np.where((ROWS > 580)[..., None], 128, canvas), body() & (ROWS < 580)),
        Flag.GREY_LEFT,
    ),
    "a rectangle on the body": (
        lambda canvas: striped(canvas, (ROWS > 320) & (ROWS < 840) & (np.abs(COLUMNS - 384) < 110)),
        Flag.PAINT_RECTANGULAR,
    ),
    "blurred": (lambda canvas: cv2.GaussianBlur(striped(canvas, body()), (0, 0), 9), Flag.RESULT_BLURRED),
}  # fmt: skip


@pytest.mark.parametrize("draw", GOOD.values(), ids=GOOD)
def test_a_good_result_has_no_flag(draw):
    assert flags(dressed(draw)) == set()


@pytest.mark.parametrize(("draw", "flag"), RUINED.values(), ids=RUINED)
def test_a_ruined_result_has_its_flag(draw, flag):
    assert flag in flags(dressed(draw))


def test_a_mask_the_wrong_way_round_leaves_the_old_garment():
    inputs = dressed(lambda canvas: canvas)
    assert measure_canvas(inputs).old_garment == 1


def test_nothing_is_measured_where_person_and_replaced_garment_are_not_known():
    inputs = dressed(GOOD["with a neckline"])
    scores = measure_canvas(GateInputs(frame=inputs.frame, mask=inputs.mask, canvas=inputs.canvas, result=inputs.result))
    assert (scores.old_garment, scores.beside, scores.side) == (None, None, None)
    assert "old_garment" not in scores.facts(GateConfig())


def test_the_old_garment_that_is_left_is_a_share_of_it():
    assert old_garment_left(body(), body() & (COLUMNS < 384)) == pytest.approx(0.5, abs=0.01)
    assert old_garment_left(np.zeros(SIZE, bool), body()) is None


def test_paint_beside_counts_from_a_margin_on_and_not_as_background():
    nowhere, everywhere = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    assert painted_beside(body(), body(), nowhere) == 0
    assert painted_beside(body(), dilate(body(), 10), nowhere) == 0
    assert painted_beside(body(), everywhere, nowhere) > 0.6
    assert painted_beside(body(), everywhere, everywhere) == 0


def test_what_lies_between_the_legs_or_an_arm_and_the_body_is_not_beside():
    """A skirt fills the gap of legs apart; a hand's breadth outside them it is beside."""
    legs = (ROWS > 500) & (ROWS < 980) & (np.abs(np.abs(COLUMNS - 384) - 110) < 45)
    skirt = (ROWS > 500) & (ROWS < 900) & (np.abs(COLUMNS - 384) < 155)
    nowhere = np.zeros(SIZE, bool)
    assert painted_beside(legs, skirt, nowhere) == 0
    assert painted_beside(legs, np.roll(skirt, 120, 1), nowhere) > 0.2
    assert painted_beside(legs, np.roll(skirt, -240, 0), nowhere) > 0.3


def test_of_a_dress_under_a_top_the_upper_half_must_be_gone():
    """How far down the top reaches is its own affair; of other garments all must be gone."""
    dress, mask = np.where(body(), Parse.DRESS, 0).astype(np.uint8), dilate(body() & (ROWS < 780), 20)
    top = worn_under(dress, Category.UPPER, mask)
    assert top[ROWS < 530].sum() == body()[ROWS < 530].sum() and not top[ROWS > 560].any()
    assert (worn_under(dress, Category.DRESS, mask) == body()).all()
    assert (worn_under(dress, Category.LOWER, mask & (ROWS > 600)) == (body() & mask & (ROWS > 600))).all()
    shirt = np.where(body(), Parse.UPPER_CLOTHES, 0).astype(np.uint8)
    assert (worn_under(shirt, Category.UPPER, mask) == body()).all()
    assert not worn_under(np.zeros(SIZE, np.uint8), Category.UPPER, mask).any()


def test_a_busy_background_that_an_engine_painted_anew_is_not_beside():
    random = np.random.default_rng(0)
    wall = np.kron(random.choice([90, 150, 210], (64, 48)), np.ones((16, 16)))[..., None].astype(np.uint8).repeat(3, 2)
    inputs = dressed(lambda canvas: canvas)
    canvas = np.where(inputs.person[..., None], inputs.canvas, wall)
    anew = striped(np.where(inputs.person[..., None], canvas, np.roll(wall, 40, 1)), body())
    result = np.where(inputs.mask[..., None], anew, canvas).astype(np.uint8)
    assert flags(replace(inputs, canvas=canvas, result=result)) == set()


def test_the_emptier_side_is_compared_with_the_other():
    assert emptier_side(body(), body()) == 1
    assert emptier_side(body(), body() & (ROWS < 580)) == pytest.approx(1, abs=0.02)
    assert emptier_side(body(), body() & (COLUMNS < 384)) == pytest.approx(0, abs=0.01)


def test_a_grey_garment_is_not_the_agnostic_pictures_grey():
    inputs = dressed(grey_tee)
    assert measure_canvas(inputs).grey < 0.2
    plain = replace(
        inputs, cloth=np.full_like(inputs.cloth, 128), result=np.where(body()[..., None], 128, inputs.canvas).astype(np.uint8)
    )
    assert measure_canvas(plain).grey == 0


def test_only_an_exactly_upright_edge_inside_the_mask_counts():
    leaning = (ROWS > 300) & (ROWS < 860) & (np.abs(COLUMNS - 384) < 60 + ROWS // 10)
    mask = dilate(leaning, 40)
    assert straight_edge(leaning, mask) < 0.1
    assert straight_edge(mask & (COLUMNS < 384), mask) > 0.9
    assert straight_edge(mask, mask) == 0


@pytest.mark.parametrize("paint", [
    lambda canvas: striped(canvas, (ROWS > 330) & (ROWS < 820)),
    lambda canvas: striped(canvas, (ROWS > 300) & (ROWS < 800) & (np.abs(COLUMNS - 384 + ROWS // 8) < 280)),
    lambda canvas: striped(canvas, np.ones(SIZE, bool)),
], ids=["a box wider than the mask", "one that leans", "all of the mask"])  # fmt: skip
def test_paint_that_only_the_masks_edge_ends_is_no_garment(paint):
    assert Flag.PAINT_RECTANGULAR in flags(dressed(paint))


def test_a_garment_has_an_outline_of_its_own_within_the_mask():
    mask, nothing = dilate(body(), 40), np.zeros(SIZE, bool)
    assert edge_filled(mask, body(), mask, nothing) == 1
    assert edge_filled(mask, body(), mask, mask) == 0, "the background painted anew"
    assert edge_filled(mask, body(), dilate(body(), 20), nothing) == 0
    assert edge_filled(body(), body(), body(), nothing) == 0, "a mask that ends on the person"


def test_the_edge_of_a_mask_that_was_learned_from_the_result_says_nothing():
    """So it is with an engine without a mask: its new, wider garment is what the mask was learned from."""
    wider = dressed(lambda canvas: striped(canvas, dilate(body(), 20)))
    learned = replace(wider, mask=dilate(body(), 20), learned=True)
    assert measure_canvas(learned).edge is None and Flag.PAINT_RECTANGULAR not in flags(learned)
    assert measure_canvas(replace(learned, learned=False)).edge > 0.5


@pytest.mark.parametrize("grey", [(110, 118, 132), (128, 131, 136), (140, 138, 132)])
def test_what_is_left_of_the_fill_shows_beside_a_garment_nearly_as_grey(grey):
    """Washed denim: near the fill's colour, and not that colour."""
    inputs = dressed(lambda canvas: np.where((ROWS > 580)[..., None], 128, np.where(body()[..., None], grey, canvas)))
    denim = replace(inputs, cloth=np.full_like(inputs.cloth, grey))
    assert Flag.GREY_LEFT in flags(denim)
    whole = np.where(body()[..., None], grey, inputs.canvas).astype(np.uint8)
    assert measure_canvas(replace(denim, result=whole)).grey == 0


def test_folds_have_the_garments_colour_and_another_garment_has_not():
    cloth = np.full((64, 64, 3), SHIRT, np.uint8)
    shirt = palette(cloth, np.ones((64, 64), bool))
    assert shirt is not None
    assert garment_like((cloth * 0.8).astype(np.uint8), shirt).all()
    assert not garment_like(np.full((8, 8, 3), RED, np.uint8), shirt).any()
