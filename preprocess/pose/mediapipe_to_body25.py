"""MediaPipe's 33 landmarks as OpenPose's BODY_25. Left and right are the subject's in both: no mirroring.

Facts: docs/facts/keypoints.md#mediapipe.
"""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Points
from pipeline.core.keypoints import BODY_POINTS
from pipeline.core.labels import Joint
from preprocess.person.body import FROM_MEDIAPIPE

MIDDLES: dict[Joint, tuple[int, int]] = {Joint.NECK: (11, 12), Joint.MID_HIP: (23, 24)}
FEET: dict[Joint, tuple[int, int, int]] = {Joint.LEFT_SMALL_TOE: (31, 27, 32), Joint.RIGHT_SMALL_TOE: (32, 28, 31)}
"""Small toe: (big toe, ankle, other foot's big toe)."""
SMALL_TOE = 0.25
LEAST_VISIBLE = 0.1


def body_25(body: Points) -> Points:
    """(33, 4) x, y, z, visibility → (25, 3) x, y, confidence in the same pixels; a middle gets the smaller confidence."""
    result = np.zeros((BODY_POINTS, 3), np.float32)
    for joint, index in FROM_MEDIAPIPE.items():
        result[joint] = body[index, [0, 1, 3]]
    for joint, (a, b) in MIDDLES.items():
        result[joint] = *((body[a, :2] + body[b, :2]) / 2), min(body[a, 3], body[b, 3])
    for joint, (toe, ankle, other) in FEET.items():
        result[joint] = *_small_toe(body[toe, :2], body[ankle, :2], body[other, :2]), body[toe, 3]
    return result


def _small_toe(toe: Points, ankle: Points, other: Points) -> Points:
    """(2,) a point beside the big toe, on the side away from the other foot."""
    along = toe - ankle
    across = SMALL_TOE * np.array([-along[1], along[0]], np.float32)
    away: Points = toe + (across if across @ (toe - other) >= 0 else -across)
    return away


def only_visible(points: Points, size: tuple[int, int], slack: float = 0.0) -> Points:
    """Zeros for joints that are not visible or outside the picture, as OpenPose writes them.

    Args:
        points: (n, 3) x, y, confidence.
        size: (height, width) of the picture.
        slack: distance beyond the picture that still counts as inside, as a share of its height.
    """
    margin = slack * size[0]
    x, y = points[:, 0], points[:, 1]
    inside = (x >= -margin) & (y >= -margin) & (x < size[1] + margin) & (y < size[0] + margin)
    kept: Points = np.where((inside & (points[:, 2] >= LEAST_VISIBLE))[:, None], points, 0).astype(np.float32)
    return kept
