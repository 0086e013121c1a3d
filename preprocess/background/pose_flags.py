"""Quality flags that follow from where the joints are. Pure; thresholds measured on the development photos.

Lengths are in torso lengths (mid-shoulder to mid-hip), so they hold for any photo size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.flags import Flag, Notice
from preprocess.person.landmarks import Landmarks

L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST = 11, 12, 13, 14, 15, 16
L_INDEX, R_INDEX, L_HIP, R_HIP = 19, 20, 23, 24

PROFILE_WIDTH = 0.35
"""Narrower shoulders mean a view from the side: 0.60-0.74 measured on 20 frontal photos, 0.18 on a profile."""
HIPS_BELOW = 0.30
SHOULDERS_OUTSIDE = 0.02
HAND_ACROSS = 0.65
"""Distance of the hand from the torso's middle line, in half torso widths."""
HAND_LOWEST = 0.92
HAND_VISIBLE = 0.5
TORSO_MIN_PX = 96.0
TURNS = ("", "a quarter to the right", "by half a turn", "a quarter to the left")
TURNED_DEG = 55.0
"""Angle of the torso against the vertical from which the photo lies on its side; people who sit or lean reach 35."""


@dataclass(frozen=True)
class Torso:
    """Measures of the torso in photo pixels.

    Args:
        top: (2,) middle of the shoulders.
        bottom: (2,) middle of the hips.
        shoulder_width: signed, positive when seen from the front.
        hip_width: signed in the same way.
    """

    top: NDArray[np.float32]
    bottom: NDArray[np.float32]
    shoulder_width: float
    hip_width: float

    @property
    def length(self) -> float:
        """Mid-shoulder to mid-hip in pixels, at least 1."""
        return max(1.0, float(np.linalg.norm(self.bottom - self.top)))


def torso_of(body: NDArray[np.float32]) -> Torso:
    """body: (33, 4) landmarks."""
    ls, rs, lh, rh = (body[i, :2] for i in (L_SHOULDER, R_SHOULDER, L_HIP, R_HIP))
    return Torso((ls + rs) / 2.0, (lh + rh) / 2.0, float(ls[0] - rs[0]), float(lh[0] - rh[0]))


def pose_notices(landmarks: Landmarks) -> list[Notice]:
    """Flags about the selected person: cut torso, back, profile, arms across, too small."""
    torso = torso_of(landmarks.body)
    turned = _turned(torso)
    if turned is not None:
        return [turned]  # left and right, front and back mean something else there
    cut = _cut(landmarks, torso)
    if cut is not None:
        return [cut]  # joints outside the photo are guesses, so the other flags cannot be judged
    found = [_view(torso), _arms(landmarks.body, torso), _small(torso)]
    return [notice for notice in found if notice is not None]


def turns_needed(torso: Torso) -> int:
    """Quarter turns clockwise that bring the torso upright: 0 to 3."""
    across, down = torso.bottom - torso.top
    angle = float(np.degrees(np.arctan2(across, down)))  # 0 = upright, 90 = the feet point to the right
    return 0 if abs(angle) < TURNED_DEG else round(angle / 90) % 4


def _turned(torso: Torso) -> Notice | None:
    turns = turns_needed(torso)
    return Notice(Flag.PHOTO_TURNED, f"turn it {TURNS[turns]}") if turns else None


def _cut(landmarks: Landmarks, torso: Torso) -> Notice | None:
    height, width = landmarks.photo_size
    below = (torso.bottom[1] - height) / torso.length
    if below > HIPS_BELOW:
        return Notice(Flag.TORSO_CUT, f"hips {below:.0%} of the torso's length below the photo's edge")
    shoulders = landmarks.body[[L_SHOULDER, R_SHOULDER], :2]
    slack = SHOULDERS_OUTSIDE * max(height, width)
    outside = (shoulders < -slack).any() or (shoulders[:, 0] > width + slack).any()
    return Notice(Flag.TORSO_CUT, "a shoulder lies outside the photo") if outside else None


def _view(torso: Torso) -> Notice | None:
    share = torso.shoulder_width / torso.length
    if share < -PROFILE_WIDTH:
        return Notice(Flag.BACK_VIEW, "the right shoulder is on the viewer's right")
    if share < PROFILE_WIDTH:
        return Notice(
            Flag.PROFILE_VIEW, f"shoulders {abs(share):.0%} of the torso's length apart, {PROFILE_WIDTH:.0%} or more wanted"
        )
    return None


def _arms(body: NDArray[np.float32], torso: Torso) -> Notice | None:
    if torso.shoulder_width < PROFILE_WIDTH * torso.length:
        return None  # from the side every arm lies in front of the torso; the view has its own flag
    across = [
        side
        for side, wrist, index in (("left", L_WRIST, L_INDEX), ("right", R_WRIST, R_INDEX))
        if _across(body, wrist, index, torso)
    ]
    return Notice(Flag.ARMS_ACROSS_TORSO, " and ".join(across) + " hand before the torso") if across else None


def _across(body: NDArray[np.float32], wrist: int, index: int, torso: Torso) -> bool:
    if min(body[wrist, 3], body[index, 3]) < HAND_VISIBLE:
        return False
    point = body[index, :2]
    axis = torso.bottom - torso.top
    down = float((point - torso.top) @ axis) / torso.length**2
    if not 0.0 <= down <= HAND_LOWEST:
        return False
    middle = torso.top + down * axis
    half = (torso.shoulder_width + (torso.hip_width - torso.shoulder_width) * down) / 2
    return bool(np.linalg.norm(point - middle) < HAND_ACROSS * max(half, 1.0))


def _small(torso: Torso) -> Notice | None:
    if torso.length >= TORSO_MIN_PX:
        return None
    return Notice(Flag.SMALL_PERSON, f"the torso is {torso.length:.0f} px long, {TORSO_MIN_PX:.0f} or more wanted")
