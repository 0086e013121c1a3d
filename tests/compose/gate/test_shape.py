"""The shape of a result: faults drawn into a good one, each seen by its own measure, and good shapes that must pass."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from compose.gate.discs import Discs
from compose.gate.garment_colour import Palette, palette
from compose.gate.outline import SIZES, own_teeth, teeth
from compose.gate.scores import GateConfig, Scores
from compose.gate.shape import Shape, measure_shape
from compose.gate.silhouette import NOWHERE, SHOULDERS_PX, Body, Pictures, silhouette_of
from compose.restore_inputs import body_of
from pipeline.core.flags import Flag
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint, Parse
from pipeline.core.masks import Mask, dilate

SIZE = (480, 400)
WALL, SKIN, BLUE, RED, JEANS = (205, 210, 200), (190, 130, 100), (60, 70, 150), (190, 40, 50), (40, 45, 60)
ROWS, COLUMNS = np.indices(SIZE)
SHOULDERS = np.array([[120, 150], [280, 150]], np.float32)
CONFIG = GateConfig()


def polygon(*corners: tuple[float, float]) -> Mask:
    return cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(corners, np.int32)], 1) > 0


def ellipse(x: int, y: int, wide: int, high: int) -> Mask:
    return ((COLUMNS - x) / wide) ** 2 + ((ROWS - y) / high) ** 2 < 1


def torso(wide: int = 0) -> Mask:
    """A shirt with shoulders that slope and short sleeves."""
    right = [(222, 128), (280 + wide, 146), (312 + wide, 240), (276 + wide, 246), (266 + wide, 210), (272 + wide, 360)]
    return polygon(*right, *((400 - x, y) for x, y in reversed(right)))


def arms() -> tuple[Mask, Mask]:
    return polygon((280, 240), (308, 240), (316, 340), (296, 340)), polygon((92, 240), (120, 240), (104, 340), (84, 340))


def legs() -> Mask:
    return polygon((130, 350), (270, 350), (275, 479), (125, 479))


def hand() -> np.ndarray:
    """Key-points of the hand at the end of the right arm, fingers down: wrist, then four a finger."""
    fingers = [[(300 + 3 * finger, 310 + 9 * joint) for joint in range(4)] for finger in range(5)]
    return np.array([(304, 294), *(point for finger in fingers for point in finger)], np.float32)


def labels() -> np.ndarray:
    found = np.zeros(SIZE, np.uint8)
    found[ellipse(200, 80, 40, 60)] = Parse.FACE
    found[legs()] = Parse.PANTS
    for side, arm in zip((Parse.LEFT_ARM, Parse.RIGHT_ARM), arms(), strict=True):
        found[arm] = side
    found[torso()] = Parse.UPPER_CLOTHES
    return found


LABELS = labels()
PERSON = LABELS > 0


def photo() -> np.ndarray:
    picture = np.full((*SIZE, 3), WALL, np.uint8)
    picture[PERSON] = SKIN
    picture[LABELS == Parse.PANTS], picture[torso()] = JEANS, BLUE
    return picture


PHOTO = photo()


def pair(shirt: Mask, body: Mask | None = None, person: Mask = PERSON, parse: np.ndarray | None = LABELS) -> Pictures:
    """The person in a red shirt of a shape; `body` is what the dressed cut-out shows."""
    result = np.where(torso()[..., None], WALL, PHOTO).astype(np.uint8)
    result[shirt] = RED
    whole = (person & ~torso()) | shirt if body is None else body
    return Pictures(
        canvas=PHOTO,
        result=result,
        mask=dilate(torso() | shirt, 30),
        person=person,
        alpha=whole.astype(np.uint8) * 255,
        labels=parse,
        worn=torso(),
        body=Body(
            shoulders=SHOULDERS,
            spine=np.array([[200, 130], [200, 370]], np.float32),
            arms=np.array([[(280, 150), (294, 240), (304, 294)], [(120, 150), (106, 240), (96, 340)]], np.float32),
            face=np.argwhere(ellipse(200, 80, 40, 60).T).astype(np.float32),
            hands=(hand(),),
        ),
    )


def red() -> Palette:
    found = palette(np.full((30, 30, 3), RED, np.uint8), np.ones((30, 30), bool))
    assert found is not None
    return found


def measured(pictures: Pictures) -> Shape:
    return measure_shape(pictures, red())


def flags(pictures: Pictures) -> set[Flag]:
    scores = Scores(
        outside_change=0, face_similarity=None, colour_difference=None, coverage=1, spread=None, halo=0, shape=measured(pictures)
    )
    return {notice.flag for notice in scores.notices(CONFIG)}


def wedges(at: int, along: range, depth: int, half: int = 3) -> Mask:
    """Narrow triangles that point to the left from a column."""
    return np.logical_or.reduce([polygon((at, y - half), (at, y + half), (at - depth, y)) for y in along])


def shreds() -> Pictures:
    return pair(torso() & ~wedges(318, range(170, 240, 14), 26, 4))


def threads() -> Pictures:
    strips = np.logical_or.reduce([(abs(ROWS - y) < 3) & (COLUMNS > 70) & (COLUMNS < 130) for y in (170, 190, 210, 230)])
    return pair(torso() | strips)


def torn_hem() -> Pictures:
    """The old trousers show between the teeth of the hem, inside the person."""
    teeth = np.logical_or.reduce([polygon((x - 4, 362), (x + 4, 362), (x, 342)) for x in range(150, 260, 18)])
    drawn = pair(torso())
    return replace(drawn, result=np.where(teeth[..., None], PHOTO, drawn.result).astype(np.uint8))


def hand_gone() -> Pictures:
    drawn = pair(torso())
    return replace(drawn, alpha=np.where(arms()[0] & (ROWS > 290), 0, drawn.alpha).astype(np.uint8))


def bag_gone() -> Pictures:
    """A bag has no label of its own, and was in the matte."""
    bag = ellipse(330, 330, 24, 28)
    return replace(pair(torso(), person=PERSON | bag), alpha=((PERSON & ~bag) | torso()).astype(np.uint8) * 255)


def wall_kept() -> Pictures:
    gap = polygon((284, 250), (296, 250), (292, 330), (274, 330))
    drawn = pair(torso())
    return replace(drawn, alpha=np.where(gap, 255, drawn.alpha).astype(np.uint8))


def sleeve_kept() -> Pictures:
    drawn = pair(torso())
    return replace(drawn, result=np.where(ellipse(292, 215, 14, 22)[..., None], PHOTO, drawn.result).astype(np.uint8))


def wall_in_a_narrow_gap() -> Pictures:
    """Between an arm that hangs beside the body and the body."""
    arm = polygon((273, 240), (308, 240), (316, 340), (273, 340))
    gap = (COLUMNS > 262) & (COLUMNS < 273) & (ROWS > 246) & (ROWS < 275)
    drawn = pair(torso(), person=PERSON | arm)
    canvas, result = (np.where((arm & ~torso())[..., None], SKIN, each).astype(np.uint8) for each in (PHOTO, drawn.result))
    return replace(drawn, canvas=canvas, result=result, alpha=np.where(gap & ~PERSON, 255, drawn.alpha).astype(np.uint8))


def hooded(colour: tuple[int, int, int], kept: bool = True, old: bool = True) -> Pictures:
    """Somebody whose old hood stood beside the neck: is its outline still there, in which colour?"""
    hood = ellipse(200, 112, 78, 34) & ~PERSON
    before = pair(torso(), person=PERSON | hood if old else PERSON)
    body = ((PERSON & ~torso()) | torso() | hood) if kept else PERSON
    canvas = np.where(hood[..., None], BLUE, PHOTO).astype(np.uint8) if old else PHOTO
    result = np.where(hood[..., None], colour if kept else WALL, before.result).astype(np.uint8)
    parse = np.where(hood, Parse.UPPER_CLOTHES, LABELS).astype(np.uint8) if old else LABELS
    alpha, worn = body.astype(np.uint8) * 255, torso() | hood if old else torso()
    return replace(before, canvas=canvas, result=result, worn=worn, alpha=alpha, labels=parse, mask=before.mask | hood)


def bare_arm(outer: int, forearm: Mask | None = None) -> Pictures:
    """A top without sleeves instead of one with wide ones; the new bare arm reaches outwards to a column."""
    sleeve = polygon((262, 142), (290, 144), (338, 200), (330, 242), (276, 242))
    arm = polygon((262, 142), (288, 144), (outer, 200), (outer, 242), (276, 242))
    top = polygon((178, 128), (222, 128), (262, 146), (272, 360), (128, 360), (138, 146))
    below = arms()[0] if forearm is None else forearm
    drawn = pair(top, person=PERSON | sleeve | below, body=(PERSON & ~torso()) | top | arm | below)
    canvas = np.where(sleeve[..., None], BLUE, PHOTO).astype(np.uint8)
    canvas[below & ~sleeve] = SKIN
    result = np.where(
        (sleeve & ~arm & ~PERSON)[..., None], WALL, np.where(PERSON[..., None] | below[..., None], drawn.result, canvas)
    )
    result[arm & ~top], result[below & ~arm] = SKIN, SKIN
    parse = np.where(sleeve & (LABELS == 0), Parse.UPPER_CLOTHES, LABELS).astype(np.uint8)
    worn, mask = torso() | sleeve, drawn.mask | dilate(sleeve, 4)
    return replace(drawn, canvas=canvas, result=result.astype(np.uint8), worn=worn, mask=mask, labels=parse)


def bitten_hand(spot: Mask) -> Pictures:
    drawn = pair(torso())
    return replace(drawn, result=np.where(spot[..., None], RED, drawn.result).astype(np.uint8), mask=drawn.mask | spot)


def faint_hand() -> Pictures:
    drawn = pair(torso())
    return replace(drawn, alpha=np.where(ellipse(306, 326, 6, 9), 150, drawn.alpha).astype(np.uint8))


def hand_in_other_light() -> Pictures:
    """An engine drew the hand itself, well and a little lighter."""
    drawn, drawn_anew = pair(torso()), arms()[0] & (ROWS > 290)
    lighter = np.clip(drawn.result.astype(int) + 36, 0, 255)
    return replace(
        drawn, result=np.where(drawn_anew[..., None], lighter, drawn.result).astype(np.uint8), mask=drawn.mask | drawn_anew
    )


def short_top() -> Pictures:
    drawn = pair(torso() & (ROWS < 320), body=PERSON)
    return replace(drawn, result=np.where((torso() & (ROWS >= 320))[..., None], SKIN, drawn.result).astype(np.uint8))


FAULTS: dict[str, tuple[Callable[[], Pictures], Flag]] = {
    "a shredded sleeve": (shreds, Flag.OUTLINE_TORN),
    "loose threads": (threads, Flag.OUTLINE_TORN),
    "a torn hem before the trousers": (torn_hem, Flag.OUTLINE_TORN),
    "a wing at the shoulder": (lambda: pair(torso() | ellipse(310, 150, 34, 22)), Flag.SHOULDERS_BULGE),
    "knobs along the shoulder": (
        lambda: pair(torso() | np.logical_or.reduce([ellipse(x, 124 + (x - 200) // 5, 7, 9) for x in range(232, 282, 15)])),
        Flag.SHOULDERS_BULGE,
    ),
    "a hand that is gone": (hand_gone, Flag.PART_LOST),
    "a bag that is gone": (bag_gone, Flag.PART_LOST),
    "wall between arm and body": (wall_kept, Flag.BACKGROUND_LEFT),
    "wall in a narrow gap": (wall_in_a_narrow_gap, Flag.BACKGROUND_LEFT),
    "a piece of the old sleeve": (sleeve_kept, Flag.OLD_GARMENT_LEFT),
    "the old hood's shape in skin": (lambda: hooded(SKIN), Flag.OLD_GARMENT_LEFT),
    "the old hood's shape in the new cloth": (lambda: hooded(RED), Flag.OLD_GARMENT_LEFT),
    "a bare arm as wide as the old sleeve": (lambda: bare_arm(338), Flag.OLD_GARMENT_LEFT),
    "a hand with a bite": (lambda: bitten_hand(ellipse(300, 322, 7, 8)), Flag.PART_LOST),
    "a hand without its finger ends": (
        lambda: bitten_hand((ROWS > 328) & (ROWS < 346) & (COLUMNS > 290) & (COLUMNS < 320)),
        Flag.PART_LOST,
    ),
    "a hand that is seen through": (faint_hand, Flag.PART_LOST),
}
GOOD: dict[str, Callable[[], Pictures]] = {
    "as the old one": lambda: pair(torso()),
    "wider": lambda: pair(torso(8)),
    "a coat": lambda: pair(dilate(torso(), 14)),
    "puff sleeves": lambda: pair(torso() | ellipse(292, 178, 22, 34) | ellipse(108, 178, 22, 34)),
    "a poncho": lambda: pair(polygon((178, 128), (222, 128), (330, 285), (200, 340), (70, 285))),
    "shorter, with skin below": short_top,
    "the old hood is gone": lambda: hooded(WALL, kept=False),
    "a bare arm of its own width": lambda: bare_arm(308),
    "a hand drawn anew in other light": hand_in_other_light,
    "a cuff on the back of the hand": lambda: bitten_hand((ROWS > 286) & (ROWS < 299) & arms()[0]),
    "no sleeves": lambda: pair(polygon((178, 128), (222, 128), (262, 146), (272, 360), (128, 360), (138, 146))),
}


@pytest.mark.parametrize("draw", GOOD.values(), ids=GOOD)
def test_a_good_shape_has_no_flag(draw: Callable[[], Pictures]):
    assert flags(draw()) == set()


@pytest.mark.parametrize(("draw", "flag"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_shape_has_its_own_flag_and_no_other(draw: Callable[[], Pictures], flag: Flag):
    """Threads and knobs at a shoulder are both ragged and beyond it."""
    outline = {Flag.OUTLINE_TORN, Flag.SHOULDERS_BULGE}
    assert flag in (found := flags(draw())) and (found == {flag} or found == outline)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_shape_is_read_at_the_size_of_the_shoulders_and_not_of_the_picture(scale: float):
    drawn = wall_kept()

    def resized(array: np.ndarray) -> np.ndarray:
        size = (round(SIZE[1] * scale), round(SIZE[0] * scale))
        bits = array.view(np.uint8) if array.dtype == bool else array
        return cv2.resize(bits, size, interpolation=cv2.INTER_NEAREST).astype(array.dtype)

    arrays = {name: resized(getattr(drawn, name)) for name in ("canvas", "result", "mask", "person", "alpha", "labels", "worn")}
    body = drawn.body.moved(lambda points: points * np.float32(scale))
    shape, other = measured(drawn), measured(Pictures(**arrays, body=body))
    assert other.ground == pytest.approx(shape.ground, rel=0.2) and abs(other.torn - shape.torn) <= 1
    assert other.bulge == pytest.approx(shape.bulge, abs=0.02)


def test_a_new_hood_where_the_old_garment_had_none_is_not_the_old_ones():
    assert measured(hooded(RED, old=False)).collar == 0


def test_a_strong_arm_is_as_wide_as_its_forearm_lets_expect():
    """The photo's own forearm is read where it was not painted."""
    strong = polygon((262, 242), (320, 242), (322, 340), (276, 340))
    assert measured(bare_arm(338)).sleeve > CONFIG.most_sleeve
    assert measured(bare_arm(338, forearm=strong)).sleeve == 0


def test_a_small_white_print_before_a_white_wall_is_no_gap():
    drawn = pair(torso())
    spot = ellipse(200, 250, 6, 6)
    shape = measured(replace(drawn, result=np.where(spot[..., None], WALL, drawn.result).astype(np.uint8)))
    assert shape.gaps == 0


def test_hair_and_what_was_ragged_before_is_not_torn():
    fringe = wedges(318, range(170, 240, 14), 26, 4)
    same = pair(torso() & ~fringe, person=PERSON & ~fringe)
    assert measured(same).torn <= CONFIG.most_torn
    hair = np.where(dilate(fringe, 6), Parse.HAIR, LABELS).astype(np.uint8)
    assert measured(pair(torso() & ~fringe, parse=hair)).torn <= CONFIG.most_torn


def fringed_cloth(teeth: int) -> Mask:
    """A shirt laid flat, with a fringe of so many threads."""
    cloth = np.zeros((256, 192), bool)
    cloth[40:190, 40:150] = True
    for number in range(teeth):
        cloth[190:205, 44 + 9 * number : 47 + 9 * number] = True
    return cloth


def test_a_garment_with_a_fringe_may_have_it_and_a_plain_one_not():
    assert own_teeth(fringed_cloth(0)) == 0 and own_teeth(np.zeros((20, 20), bool)) == 0
    assert own_teeth(fringed_cloth(11)) == 9
    assert own_teeth(np.kron(fringed_cloth(11), np.ones((3, 3), bool))) == pytest.approx(9, abs=1)
    drawn = threads()
    assert measure_shape(drawn, red(), fringed_cloth(11)).torn == 0
    assert measure_shape(drawn, red(), fringed_cloth(0)).torn == measured(drawn).torn > CONFIG.most_torn


def test_the_end_of_a_gap_is_no_notch_and_a_notch_is():
    everywhere = np.ones(SIZE, bool)
    gap = ~polygon((200, 100), (180, 300), (220, 300))
    assert len(teeth(Discs(gap), everywhere, SIZES[0])) == 0
    notched = (COLUMNS < 300) & ~wedges(302, range(100, 200, 20), 20)
    assert len(teeth(Discs(notched), everywhere, SIZES[0])) == 5


def test_what_is_not_known_is_not_measured():
    drawn = pair(torso())
    unknown = measure_shape(replace(drawn, labels=None, worn=None, body=NOWHERE), None)
    assert unknown == Shape(torn=0)
    assert measured(replace(drawn, body=replace(drawn.body, hands=(hand() + 1000, hand() - 1000)))).hands_lost == 0
    assert measure_shape(replace(drawn, result=PHOTO), red()) == Shape()
    assert measure_shape(replace(drawn, person=np.zeros(SIZE, bool)), red()) == Shape()


def one_pixel() -> Pictures:
    spot = (ROWS == 200) & (COLUMNS == 200)
    return replace(pair(torso()), mask=spot, result=(255 - PHOTO).astype(np.uint8))


@pytest.mark.parametrize("draw", [
    lambda: replace(pair(torso()), alpha=np.zeros(SIZE, np.uint8)),
    lambda: replace(pair(torso()), person=np.ones(SIZE, bool)),
    one_pixel,
], ids=["nobody left", "no background", "one pixel painted"])  # fmt: skip
def test_where_no_place_could_show_background_there_is_none(draw: Callable[[], Pictures]):
    assert measured(draw()).ground == 0


def test_a_garment_in_the_colour_of_the_wall_is_no_wall():
    white = palette(np.full((30, 30, 3), WALL, np.uint8), np.ones((30, 30), bool))
    drawn = pair(torso())
    result = np.where(torso()[..., None], WALL, PHOTO).astype(np.uint8)
    assert measure_shape(replace(drawn, result=result), white).ground == 0


def test_trousers_in_the_colour_of_the_wall_that_were_not_painted_are_no_wall():
    canvas = np.where(legs()[..., None] & ~torso()[..., None], WALL, PHOTO).astype(np.uint8)
    drawn = pair(torso())
    assert (
        measured(replace(drawn, canvas=canvas, result=np.where(legs()[..., None], canvas, drawn.result).astype(np.uint8))).ground
        == 0
    )


def prints(*shades: tuple[int, int, int]) -> tuple[Pictures, Palette]:
    """A red shirt whose broad band has several colours side by side, and its palette: the first of them and the red."""
    pictures = pair(torso())
    for number, shade in enumerate(shades):
        left = 150 + 100 * number // len(shades)
        pictures.result[200:260, left : left + 100 // len(shades)] = shade
    flat = np.full((40, 40, 3), RED, np.uint8)
    flat[:20] = shades[0]
    found = palette(flat, np.ones((40, 40), bool))
    assert found is not None
    return pictures, found


@pytest.mark.parametrize("light", [1.0, 0.9, 0.82])
def test_the_shaded_part_of_a_pale_band_before_a_pale_wall_is_no_wall(light: float):
    pale = (235, 240, 230)
    pictures, flat = prints(pale, *(tuple(round(light * each) for each in pale) for _ in range(2)))
    shape = measure_shape(pictures, flat)
    assert shape.ground is not None and shape.ground <= CONFIG.most_ground / 2


@pytest.mark.parametrize("colour", [BLUE, (63, 74, 156), (52, 61, 131)])
def test_a_band_in_the_old_garments_colour_is_not_the_old_garment(colour: tuple[int, int, int]):
    """As a navy shirt with a white print, worn over a navy one."""
    pictures, flat = prints(colour, BLUE)
    shape = measure_shape(pictures, flat)
    assert shape.pieces == 0
    assert measure_shape(pictures, red()).pieces > CONFIG.most_pieces, "in a shirt that has no such colour it is"


def test_old_cloth_far_from_the_paint_was_kept_on_purpose():
    """A long coat under which only the top is replaced."""
    coat = torso() | legs()
    drawn = replace(pair(torso() & (ROWS < 300), body=PERSON), worn=coat & (ROWS > 400))
    assert measured(drawn).pieces == 0


def test_who_stands_sideways_is_measured_by_neck_and_hips():
    sideways = Body(
        shoulders=np.array([[200, 150], [210, 150]], np.float32), spine=np.array([[200, 130], [200, 370]], np.float32)
    )
    assert sideways.width(0) == 160
    assert NOWHERE.width(10_000) == pytest.approx(36)
    assert body_of(Keypoints(np.zeros((25, 3), np.float32))).width(10_000) == pytest.approx(36)
    points = np.zeros((25, 3), np.float32)
    points[Joint.RIGHT_SHOULDER], points[Joint.LEFT_SHOULDER] = (120, 150, 1), (280, 150, 1)
    assert body_of(Keypoints(points)).width(0) == 160


def test_the_window_of_a_tiny_person_stays_within_bounds():
    drawn = pair(torso())
    tiny = replace(
        drawn,
        body=Body(shoulders=np.array([[199, 150], [201, 150]], np.float32), spine=NOWHERE.spine),
        person=ellipse(200, 150, 3, 3),
    )
    seen = silhouette_of(tiny)
    assert seen is not None and max(seen.after.shape) <= 1400
    assert silhouette_of(pair(torso())).after.shape[0] < SIZE[0] + SHOULDERS_PX


GRADES = [
    ("torn", CONFIG.most_torn + 0.5, Flag.OUTLINE_TORN),
    ("bulge", CONFIG.most_bulge, Flag.SHOULDERS_BULGE),
    ("lumps", CONFIG.most_lumps, Flag.SHOULDERS_BULGE),
    ("lost", CONFIG.most_lost, Flag.PART_LOST),
    ("hands_lost", CONFIG.most_hands_lost, Flag.PART_LOST),
    ("ground", CONFIG.most_ground, Flag.BACKGROUND_LEFT),
    ("gaps", CONFIG.most_gaps, Flag.BACKGROUND_LEFT),
    ("pieces", CONFIG.most_pieces, Flag.OLD_GARMENT_LEFT),
    ("collar", CONFIG.most_collar, Flag.OLD_GARMENT_LEFT),
    ("sleeve", CONFIG.most_sleeve, Flag.OLD_GARMENT_LEFT),
]


@pytest.mark.parametrize(("name", "limit", "flag"), GRADES, ids=[name for name, _, _ in GRADES])
def test_a_grade_is_one_half_at_its_threshold_and_says_value_and_threshold(name: str, limit: float, flag: Flag):
    def scored(value: float) -> Scores:
        nothing = dict.fromkeys(("bulge", "lumps", "lost", "hands_lost", "ground", "gaps", "pieces", "collar", "sleeve"), 0.0)
        shape = replace(Shape(torn=0, **nothing), **{name: value})
        return Scores(
            outside_change=0,
            face_similarity=None,
            colour_difference=None,
            coverage=1,
            spread=None,
            halo=0,
            old_garment=0,
            shape=shape,
        )

    assert scored(0).overall(CONFIG) == 1 and scored(0).why(CONFIG) == "no measure found a fault"
    assert scored(limit).overall(CONFIG) == pytest.approx(0.5) and scored(limit).notices(CONFIG) == ()
    bad = scored(2 * limit)
    (notice,) = bad.notices(CONFIG)
    assert notice.flag is flag and "allowed" in notice.detail
    assert bad.why(CONFIG) == f"{flag.value.replace('-', ' ')}: {notice.detail}"
    assert bad.facts(CONFIG)["score_why"] == bad.why(CONFIG)
