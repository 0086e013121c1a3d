"""Faults of shape, drawn into good results: each has happened, and none changes a garment's colours or where it is.

Used by `gate_alarms`. A fault gets a pair and the matte of its dressed person on the canvas, and gives both back ruined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.gate.silhouette import PAINTED_LEVELS
from compose.restore_inputs import RestoreInputs
from pipeline.core.hands.shape import hand_area
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, box_of, close, components, dilate, erode, labelled, open_

Alpha = NDArray[np.uint8]
Random = np.random.Generator
Fault = Callable[[RestoreInputs, Alpha, Random], tuple[RestoreInputs, Alpha] | None]
"""A pair, its matte (h, w) uint8, random numbers → both ruined; None where this pair has no place for the fault."""
HEAD = (Parse.HAT, Parse.HAIR, Parse.SUNGLASSES, Parse.FACE)
ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
SOLID = 250


def shredded_sleeve(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Narrow wedges torn out of a piece of the garment's outline."""
    width = _width(inputs)
    points, inwards = _outline(inputs, alpha, random, 0.9 * width)
    torn = alpha.copy()
    for point, inward in list(zip(points, inwards, strict=True))[:: max(4, round(0.13 * width))]:
        along = inward[::-1] * (1, -1)
        half, depth = random.uniform(0.012, 0.022) * width, random.uniform(0.05, 0.12) * width
        corners = np.stack([point - along * half - 3 * inward, point + along * half - 3 * inward, point + depth * inward])
        cv2.fillPoly(torn, [np.rint(corners[:, ::-1]).astype(np.int32)], 0, cv2.LINE_AA)
    return (inputs, torn) if len(points) else None


def loose_threads(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Strips of cloth that stand off the garment's outline."""
    width = _width(inputs)
    points, inwards = _outline(inputs, alpha, random, 0.9 * width)
    grown, result = alpha.copy(), inputs.result.copy()
    for point, inward in list(zip(points, inwards, strict=True))[:: max(4, round(0.15 * width))]:
        length, thick = random.uniform(0.06, 0.13) * width, max(2, round(random.uniform(0.018, 0.035) * width))
        start, end = (tuple(np.rint(each[::-1]).astype(int).tolist()) for each in (point + 4 * inward, point - length * inward))
        colour = _colour(inputs.result, point + 0.04 * width * inward)
        cv2.line(grown, start, end, 255, thick, cv2.LINE_AA)
        cv2.line(result, start, end, colour, thick, cv2.LINE_AA)
    return (_pasted(inputs, result), grown) if len(points) else None


def wings(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Cloth that sticks out beside one or both shoulders."""
    shoulders = inputs.body.shoulders
    if np.isnan(shoulders).any() or not _painted_near(inputs, shoulders):
        return None
    width, middle = _width(inputs), shoulders.mean(0)
    grown, result = alpha.copy(), inputs.result.copy()
    for shoulder in shoulders[: 1 + random.integers(2)]:
        out = (shoulder - middle) / max(1e-6, float(np.linalg.norm(shoulder - middle)))
        centre = _last_inside(alpha, shoulder, out) + out * 0.06 * width
        axes = tuple(round(each * width) for each in random.uniform((0.12, 0.08), (0.24, 0.14)))
        angle = float(np.degrees(np.arctan2(out[1], out[0])) - np.sign(out[0]) * random.uniform(0, 30))
        place = (tuple(np.rint(centre).astype(int).tolist()), axes, angle, 0, 360)
        colour = _colour(inputs.result, (shoulder - out * 0.02 * width)[::-1])
        cv2.ellipse(grown, *place, 255, -1, cv2.LINE_AA)
        cv2.ellipse(result, *place, colour, -1, cv2.LINE_AA)
    return _pasted(inputs, result), np.maximum(grown, alpha)


def lumpy_shoulder(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Knobs of cloth along the top of a shoulder."""
    shoulders = inputs.body.shoulders
    if np.isnan(shoulders).any() or not _painted_near(inputs, shoulders):
        return None
    width, middle = _width(inputs), shoulders.mean(0)
    grown, result = alpha.copy(), inputs.result.copy()
    shoulder, paint = shoulders[random.integers(2)], _paint(inputs) & (alpha > 127)
    for share in np.arange(0.55, 1.25, 0.17):
        column = round(float(middle[0] + (shoulder[0] - middle[0]) * share))
        rows = np.flatnonzero(paint[:, np.clip(column, 0, alpha.shape[1] - 1)])
        if not rows.size or abs(rows[0] - shoulder[1]) > 0.4 * width:
            continue
        place = (column, int(rows[0]))
        radius = round(random.uniform(0.035, 0.055) * width)
        cv2.circle(grown, place, radius, 255, -1, cv2.LINE_AA)
        cv2.circle(result, place, radius, _colour(inputs.result, np.array([rows[0] + 0.06 * width, column])), -1, cv2.LINE_AA)
    return _pasted(inputs, result), np.maximum(grown, alpha)


def ragged_hem(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Teeth of what was there before, cut into the lower end of the paint."""
    width, painted = _width(inputs), _paint(inputs)
    box = box_of(painted)
    if box is None:
        return None
    result = inputs.result.copy()
    inside = erode(painted & (alpha > SOLID), 2)
    step = max(6, round(0.09 * width))
    for column in range(box.left, box.right, step):
        rows = np.flatnonzero(inside[:, min(column + step // 2, inside.shape[1] - 1)])
        if not rows.size or rows[-1] < box.top + 0.6 * box.height:
            continue
        half, depth = 0.35 * step, random.uniform(0.06, 0.14) * width
        foot = int(rows[-1]) + 4
        middle = column + step / 2
        corners = np.array([[middle - half, foot], [middle + half, foot], [middle, foot - depth]])
        hole = np.zeros(alpha.shape, np.uint8)
        cv2.fillPoly(hole, [np.rint(corners).astype(np.int32)], 1)
        result[hole > 0] = inputs.canvas[hole > 0]
    return replace(inputs, result=result), alpha


def hand_lost(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A hand, or the end of an arm near the garment, is gone from the cut-out."""
    if inputs.labels is None:
        return None
    arms = labelled(inputs.labels, ARMS) & (alpha > SOLID) & dilate(_paint(inputs), 0.25 * _width(inputs))
    numbers, areas = components(arms)
    large = [part for part in range(1, len(areas)) if areas[part] > 0.06 * _width(inputs) ** 2]
    if not large:
        return None
    arm = numbers == large[random.integers(len(large))]
    rows = np.flatnonzero(arm.any(1))
    gone = dilate(arm & (np.indices(arm.shape)[0] > rows[-1] - 0.3 * _width(inputs)), 3)
    return inputs, np.where(gone, 0, alpha).astype(np.uint8)


def thing_lost(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """Something that was held beside the hip, a bag say, was in the matte before and is not any more."""
    width, person = _width(inputs), inputs.person
    box = box_of(_paint(inputs))
    if person is None or box is None:
        return None
    row = round(box.top + box.height * random.uniform(0.6, 0.95))
    columns = np.flatnonzero(person[row])
    if not columns.size:
        return None
    column = int(columns[0] if random.integers(2) else columns[-1])
    bag = np.zeros(person.shape, np.uint8)
    size = round(random.uniform(0.1, 0.2) * width)
    cv2.rectangle(bag, (column - size, row - size), (column + size, row + size), 1, -1)
    held = (bag > 0) & (alpha < 8)
    labels = None if inputs.labels is None else np.where(held, 0, inputs.labels).astype(np.uint8)
    if np.count_nonzero(held) < 0.5 * size * size:
        return None
    return replace(inputs, person=person | held, labels=labels), alpha


def wall_in_gap(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A patch of the old background beside the garment counts as the person."""
    width = _width(inputs)
    points, inwards = _outline(inputs, alpha, random, 0.5 * width)
    if not len(points):
        return None
    middle = points[len(points) // 2] - inwards[len(points) // 2] * 0.05 * width
    patch = np.zeros(alpha.shape, np.uint8)
    axes = tuple(round(each * width) for each in random.uniform((0.1, 0.06), (0.2, 0.12)))
    cv2.ellipse(patch, (round(middle[1]), round(middle[0])), axes, float(random.uniform(60, 120)), 0, 360, 255, -1, cv2.LINE_AA)
    shown = (patch > 127) & (alpha < 8)
    return (inputs, np.maximum(alpha, patch)) if np.count_nonzero(shown) > 0.008 * width**2 else None


def old_sleeve(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A piece of the replaced garment shows beside or between the new one."""
    width, worn = _width(inputs), inputs.worn
    if worn is None:
        return None
    inside = worn & _paint(inputs) & (alpha > SOLID)
    edge = np.argwhere(inside & ~erode(inside, 0.06 * width))
    if not len(edge):
        return None
    row, column = edge[random.integers(len(edge))]
    spot = np.zeros(alpha.shape, np.uint8)
    axes = tuple(round(each * width) for each in random.uniform((0.12, 0.07), (0.25, 0.14)))
    cv2.ellipse(spot, (int(column), int(row)), axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
    left = (spot > 0) & inside
    return replace(inputs, result=np.where(left[..., None], inputs.canvas, inputs.result).astype(np.uint8)), alpha


def gap_filled(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """The narrow end of a gap, as between arm and body, counts as the person."""
    width, body = _width(inputs), alpha > 127
    gaps = close(body, random.uniform(0.03, 0.06) * width) & ~body & dilate(_paint(inputs), 0.05 * width)
    numbers, areas = components(open_(gaps, 1))
    large = np.flatnonzero(areas[1:] > 0.004 * width**2) + 1
    if not large.size:
        return None
    return inputs, np.where(numbers == large[random.integers(large.size)], 255, alpha).astype(np.uint8)


def old_hood(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """The outline of an old hood beside the neck, filled with the new garment or with skin."""
    shoulders, person = inputs.body.shoulders, inputs.person
    if inputs.face_oval is None or person is None or inputs.worn is None or inputs.labels is None:
        return None
    if np.isnan(shoulders).any() or not _painted_near(inputs, shoulders):
        return None
    width, face = _width(inputs), inputs.frame.points_to_canvas(inputs.face_oval)
    middle, chin = float(face[:, 0].mean()), float(face[:, 1].max())
    axes = (round(random.uniform(0.42, 0.5) * width), round(random.uniform(0.17, 0.24) * width))
    drawn = _ellipse(alpha, (round(middle), round(chin + 0.08 * width)), axes)
    hood = drawn & ~dilate(labelled(inputs.labels, HEAD), 3) & (alpha < 8)
    if np.count_nonzero(hood) < 0.03 * width**2:
        return None
    colour = (
        _skin(inputs) if random.integers(2) else _colour(inputs.result, np.array([shoulders[:, 1].mean() + 0.2 * width, middle]))
    )
    return _in_old_garment(inputs, hood, colour), np.where(hood, 255, alpha).astype(np.uint8)


def wide_arm(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A new bare arm that fills the outline of a wide old sleeve."""
    if inputs.person is None or inputs.worn is None or inputs.labels is None:
        return None
    arms = [arm for arm in inputs.body.arms if not np.isnan(arm[:2]).any() and _painted_near(inputs, arm[:1])]
    width = _width(inputs)
    arms = [arm for arm in arms if np.linalg.norm(arm[1] - arm[0]) > 0.45 * width]
    if not arms:
        return None
    shoulder, elbow, _ = arms[random.integers(len(arms))]
    sleeve, thick = np.zeros(alpha.shape, np.uint8), round(random.uniform(0.36, 0.46) * width)
    start, end = (tuple(np.rint(shoulder + (elbow - shoulder) * share).astype(int).tolist()) for share in (0.2, 0.95))
    cv2.line(sleeve, start, end, 1, thick)
    arm = sleeve > 0
    return _in_old_garment(inputs, arm, _skin(inputs)), np.where(arm, 255, alpha).astype(np.uint8)


def bitten_hand(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A piece of a hand is painted over."""
    hand = _a_hand(inputs, alpha, random)
    if hand is None:
        return None
    bare, points = hand
    spot = bare & _ellipse(
        alpha, tuple(np.rint(points[random.integers(5, 21)]).astype(int).tolist()), (round(0.09 * _width(inputs)),) * 2
    )
    colour = _colour(inputs.result, np.argwhere(_paint(inputs)).mean(0))
    if np.count_nonzero(spot) < 0.004 * _width(inputs) ** 2:
        return None
    return _pasted(inputs, np.where(spot[..., None], colour, inputs.result).astype(np.uint8)), alpha


def faint_hand(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[RestoreInputs, Alpha] | None:
    """A hand is half transparent."""
    hand = _a_hand(inputs, alpha, random)
    if hand is None:
        return None
    return inputs, np.where(erode(hand[0], 1), round(random.uniform(90, 180)), alpha).astype(np.uint8)


FAULTS: dict[str, Fault] = {
    "shredded sleeve": shredded_sleeve,
    "loose threads": loose_threads,
    "wings": wings,
    "lumpy shoulder": lumpy_shoulder,
    "ragged hem": ragged_hem,
    "hand lost": hand_lost,
    "thing lost": thing_lost,
    "wall in the cut-out": wall_in_gap,
    "old sleeve": old_sleeve,
    "gap filled": gap_filled,
    "old hood": old_hood,
    "wide bare arm": wide_arm,
    "bitten hand": bitten_hand,
    "faint hand": faint_hand,
}


def _in_old_garment(inputs: RestoreInputs, place: Mask, colour: tuple[int, int, int]) -> RestoreInputs:
    """As if the old garment had been at a place, which got another colour."""
    assert inputs.person is not None and inputs.worn is not None and inputs.labels is not None
    old = np.median(inputs.canvas[inputs.worn], axis=0) if inputs.worn.any() else np.array([60, 60, 60])
    old = old if np.abs(old - colour).max() > 2 * PAINTED_LEVELS else 255 - old
    return replace(
        inputs,
        canvas=np.where(place[..., None], old, inputs.canvas).astype(np.uint8),
        result=np.where(place[..., None], colour, inputs.result).astype(np.uint8),
        mask=inputs.mask | place,
        person=inputs.person | place,
        worn=inputs.worn | place,
        labels=np.where(place, Parse.UPPER_CLOTHES, inputs.labels).astype(np.uint8),
    )


def _skin(inputs: RestoreInputs) -> tuple[int, int, int]:
    """The face's colour."""
    face = None if inputs.labels is None else inputs.canvas[inputs.labels == Parse.FACE]
    red, green, blue = (190, 140, 115) if face is None or not len(face) else np.median(face, axis=0).astype(int).tolist()
    return red, green, blue


def _a_hand(inputs: RestoreInputs, alpha: Alpha, random: Random) -> tuple[Mask, NDArray[np.float32]] | None:
    """A hand that the photo shows near the garment: where it is, and its key-points."""
    if inputs.labels is None or inputs.person is None:
        return None
    near, bare = dilate(_paint(inputs), 0.3 * _width(inputs)), labelled(inputs.labels, ARMS) & inputs.person & (alpha > SOLID)
    found = [(bare & near & hand_area(alpha.shape, each, 0), each) for each in inputs.body.hands]
    found = [each for each in found if np.count_nonzero(each[0]) > 0.015 * _width(inputs) ** 2]
    return found[random.integers(len(found))] if found else None


def _ellipse(like: Alpha, middle: tuple[int, ...], axes: tuple[int, ...]) -> Mask:
    drawn = np.zeros(like.shape, np.uint8)
    cv2.ellipse(drawn, middle, axes, 0, 0, 360, 1, -1)
    return drawn > 0


def _width(inputs: RestoreInputs) -> float:
    """Of the shoulders, canvas pixels."""
    return inputs.body.width(1 if inputs.person is None else float(np.count_nonzero(inputs.person)))


def _paint(inputs: RestoreInputs) -> Mask:
    return inputs.mask & (cv2.absdiff(inputs.canvas, inputs.result).max(2) > PAINTED_LEVELS)


def _pasted(inputs: RestoreInputs, result: NDArray[np.uint8]) -> RestoreInputs:
    """With a mask that holds what was drawn."""
    drawn = (result != inputs.result).any(2)
    return replace(inputs, result=result, mask=inputs.mask | drawn)


def _painted_near(inputs: RestoreInputs, points: NDArray[np.float32]) -> bool:
    """Whether the garment reaches up to the shoulders."""
    paint, reach = _paint(inputs), round(0.15 * _width(inputs))
    spots = [(slice(max(0, int(y) - reach), int(y) + reach), slice(max(0, int(x) - reach), int(x) + reach)) for x, y in points]
    return all(paint[spot].any() for spot in spots)


def _outline(
    inputs: RestoreInputs, alpha: Alpha, random: Random, length: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A piece of the painted outline: (n, 2) row, column from end to end, and (n, 2) unit vectors to the inside."""
    body, paint = alpha > 127, dilate(_paint(inputs), 2)
    contours, _ = cv2.findContours(body.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rim = 4
    slope = np.stack(np.gradient(cv2.GaussianBlur(body.astype(np.float32), (0, 0), 4)), 2)
    runs = []
    for contour in contours:
        places = contour[:, 0, ::-1]
        good = paint[places[:, 0], places[:, 1]] & (places >= rim).all(1) & (places < np.array(body.shape) - rim).all(1)
        for run in np.split(np.flatnonzero(good), np.flatnonzero(np.diff(np.flatnonzero(good)) > 1) + 1):
            if len(run) > 0.4 * length:
                runs.append(places[run])
    if not runs:
        return np.zeros((0, 2)), np.zeros((0, 2))
    run = runs[random.integers(len(runs))]
    start = int(random.integers(max(1, len(run) - int(length))))
    piece = run[start : start + int(length)].astype(np.float64)
    inwards = slope[piece[:, 0].astype(int), piece[:, 1].astype(int)].astype(np.float64)
    inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-6)
    return piece, inwards


def _last_inside(alpha: Alpha, start: NDArray[np.float32], out: NDArray[np.float32]) -> NDArray[np.float32]:
    """The last place (x, y) of the person on the way out from a point."""
    place = start
    while 0 <= place[0] < alpha.shape[1] and 0 <= place[1] < alpha.shape[0] and alpha[int(place[1]), int(place[0])] > 127:
        place = place + out
    return place


def _colour(picture: NDArray[np.uint8], place: NDArray[np.floating]) -> tuple[int, int, int]:
    """The colour at the nearest pixel of (row, column)."""
    row, column = (int(np.clip(round(float(each)), 0, side - 1)) for each, side in zip(place, picture.shape[:2], strict=True))
    red, green, blue = picture[row, column].tolist()
    return red, green, blue
