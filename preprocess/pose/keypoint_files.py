"""Key-point files of other programs: OpenPose (25 or 18 points), ControlNet's lists of them, DressCode, OOTDiffusion.

Facts: docs/facts/dresscode_tree.md#key-points.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from pipeline.core.arrays import Points
from pipeline.core.errors import InputError
from pipeline.core.keypoints import BODY_POINTS, HAND_POINTS, Keypoints
from preprocess.person.keypoint_tables import COCO_18, body_25_from_coco_18, coco_18_from_body_25

DRESSCODE_GRID = (512, 384)
"""(height, width) of the grid on which DressCode and OOTDiffusion give points, whatever the size of their pictures."""

MOST_SHARE = 2.0
"""A larger coordinate counts pixels; shares of points outside the picture are a little above 1."""
SAME_SHAPE = 0.02
"""How far height / width of a canvas may differ from the picture's."""
MARGIN = 1.05
"""A point beyond this multiple of the picture's side lies outside."""
REMEDY = "write OpenPose JSON with 25 (BODY_25) or 18 (COCO) points, or delete the file: python run.py --step pose"


def read_keypoints(text: str, size: tuple[int, int], name: str = "key-point file") -> Keypoints:
    """The first person of a key-point file, in any of the published forms.

    Args:
        text: the file's content.
        size: (height, width) of the picture that the points belong to; files on another grid and in shares are scaled to it.
        name: the file's name, for the error.

    Returns:
        BODY_25 and hands in pixels of the picture; points that the file lacks are zeros.

    Raises:
        InputError: not JSON, no person in it, or a number of points of no known form.
    """
    try:
        content = json.loads(text)
        content = content[0] if isinstance(content, list) and content else content
        if "keypoints" in content:
            return _on_grid(_rows(content["keypoints"], name), size)
        if "people" not in content and "pose_keypoints_2d" in content:
            return _on_grid(_rows(content["pose_keypoints_2d"], name), size)
        return _on_picture(_openpose(content["people"], name), size, _canvas(content), name)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{name}: not a key-point file ({problem})", REMEDY) from None


def is_in_pixels(text: str) -> bool:
    """Whether an OpenPose file counts in pixels of its picture: it names no canvas of its own, and its points are no shares."""
    content = json.loads(text)
    people: list[dict[str, Any]] = content.get("people", []) if isinstance(content, dict) else []
    return bool(people) and _canvas(content) is None and not _are_shares(_openpose(people, "key-point file"))


def dresscode_json(points: Keypoints, size: tuple[int, int]) -> str:
    """DressCode's form: 18 points `[x, y, confidence, id]` on the 384 × 512 grid; a missing point is -1 throughout.

    Args:
        points: in pixels of a picture of `size`.
        size: (height, width) of that picture.
    """
    coco = _scaled(coco_18_from_body_25(points.body), DRESSCODE_GRID[0] / size[0], DRESSCODE_GRID[1] / size[1])
    rows = [
        [round(float(x), 2), round(float(y), 2), round(float(seen), 2), number] if seen > 0 else [-1, -1, -1, -1]
        for number, (x, y, seen) in enumerate(coco)
    ]
    return json.dumps({"keypoints": rows}, separators=(",", ":"))


def _openpose(people: list[dict[str, Any]], name: str) -> Keypoints:
    if not people:
        raise InputError(f"{name}: nobody in it (people is empty)", REMEDY)
    rows = [_rows(each["pose_keypoints_2d"], name) for each in people]
    person = next((number for number, points in enumerate(rows) if points[:, 2].any()), 0)  # some programs list nobody first
    body = rows[person]
    hands = [_hand(people[person].get(f"hand_{side}_keypoints_2d"), name) for side in ("left", "right")]
    return Keypoints(_body(body, name), *hands)


def _canvas(content: Any) -> tuple[float, float] | None:
    """(height, width) that ControlNet's form names."""
    height, width = content.get("canvas_height"), content.get("canvas_width")
    return (float(height), float(width)) if height and width else None


def _are_shares(found: Keypoints) -> bool:
    """Whether the points are shares of the picture: all lie within it if it is one pixel large, or little more."""
    seen = np.concatenate([each[each[:, 2] > 0, :2] for each in (found.body, found.left_hand, found.right_hand)])
    return len(seen) > 1 and float(seen.max()) <= MOST_SHARE


def _on_picture(found: Keypoints, size: tuple[int, int], canvas: tuple[float, float] | None, name: str) -> Keypoints:
    """Points in shares, or in pixels of a canvas that the file names, in pixels of the picture."""
    if _are_shares(found):
        scale = float(size[0]), float(size[1])
    elif canvas is not None:
        scale = size[0] / canvas[0], size[1] / canvas[1]
        if abs(scale[0] / scale[1] - 1) > SAME_SHAPE:
            raise InputError(
                f"{name}: its canvas has {canvas[0]:.0f}×{canvas[1]:.0f} (height × width), its picture {size[0]}×{size[1]}",
                REMEDY,
            )
    else:
        scale = 1.0, 1.0
    body, left, right = (_scaled(points, *scale) for points in (found.body, found.left_hand, found.right_hand))
    seen = body[body[:, 2] > 0, :2]
    outside = (seen[:, 0] > MARGIN * size[1]) | (seen[:, 1] > MARGIN * size[0])
    if len(seen) and outside.mean() > 0.5:
        raise InputError(f"{name}: most points lie outside the picture of {size[0]}×{size[1]} (height × width)", REMEDY)
    return Keypoints(body, left, right)


def _on_grid(points: Points, size: tuple[int, int]) -> Keypoints:
    scaled = _scaled(points, size[0] / DRESSCODE_GRID[0], size[1] / DRESSCODE_GRID[1])
    return Keypoints(_body(scaled, "key-point file"))


def _body(points: Points, name: str) -> Points:
    if len(points) == BODY_POINTS:
        return points
    if len(points) == len(COCO_18):
        return body_25_from_coco_18(points)
    raise InputError(f"{name}: {len(points)} body points, allowed are 25 (BODY_25) and 18 (COCO)", REMEDY)


def _hand(flat: Any, name: str) -> Points:
    if not flat:
        return np.zeros((HAND_POINTS, 3), np.float32)
    points = _rows(flat, name)
    if len(points) != HAND_POINTS:
        raise InputError(f"{name}: {len(points)} points of a hand, allowed are {HAND_POINTS}", REMEDY)
    return points


def _rows(given: Any, name: str) -> Points:
    """Flat triples, or rows of 2 (no confidence), 3 or 4 values → (n, 3); missing points become zeros."""
    values = np.asarray(given, np.float32)
    if values.ndim == 1:
        values = values.reshape(-1, 3)
    if values.ndim != 2 or values.shape[1] not in {2, 3, 4} or not np.isfinite(values).all():
        raise InputError(f"{name}: points of shape {values.shape}, allowed are flat triples or rows of 2 to 4 numbers", REMEDY)
    x, y = values[:, 0], values[:, 1]
    there = (x >= 0) & (y >= 0) & ((x > 0) | (y > 0))
    seen = values[:, 2] if values.shape[1] > 2 else np.ones(len(values), np.float32)
    points = np.column_stack([x, y, np.clip(seen, 0, 1)]).astype(np.float32)
    kept: Points = np.where((there & (seen > 0))[:, None], points, 0).astype(np.float32)
    return kept


def _scaled(points: Points, vertical: float, horizontal: float) -> Points:
    scaled: Points = (points * np.array([horizontal, vertical, 1], np.float32)).astype(np.float32)
    return scaled
