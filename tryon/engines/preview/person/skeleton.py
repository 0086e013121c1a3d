"""The joints of a person, with the missing ones added, a size in pixels and a frame of axes.

Pairs are ordered as the viewer sees them, left first, because the flat picture of a garment is: in a front view its left half
goes to the subject's right arm. Missing joints are added where an average body has them, so that a photo cropped at the waist
still has hips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.errors import InputError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint


@dataclass(frozen=True)
class Proportions:
    """Measures of an average adult's limb, in units of the shoulder width (joint to joint).

    Args:
        joints: its two outer joints, subject's right limb first.
        lengths: of the two bones.
        half_widths: at the three joints.
    """

    joints: tuple[tuple[Joint, Joint], tuple[Joint, Joint]]
    lengths: tuple[float, float]
    half_widths: tuple[float, float, float]


TORSO_LENGTH, HIP_WIDTH = 1.35, 0.62
"""Of an average adult, in units of the shoulder width."""
ARMS = Proportions(
    ((Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST), (Joint.LEFT_ELBOW, Joint.LEFT_WRIST)), (0.8, 0.72), (0.155, 0.115, 0.078)
)
LEGS = Proportions(((Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE), (Joint.LEFT_KNEE, Joint.LEFT_ANKLE)), (1.2, 1.15), (0.25, 0.165, 0.10))


def sign_of(side: int) -> float:
    """Direction away from the torso's axis: -1 on the viewer's left (side 0), +1 on the right (side 1)."""
    return -1.0 if side == 0 else 1.0


@dataclass(frozen=True)
class Limb:
    """An arm or a leg.

    Args:
        joints: (3, 2) x, y of shoulder, elbow, wrist or of hip, knee, ankle.
        half_widths: (3,) pixels at the joints.
        detected: whether the two outer joints were found in the photo rather than assumed.
    """

    joints: Points64
    half_widths: NDArray[np.float64]
    detected: bool

    @property
    def length(self) -> float:
        """Pixels along both bones in the picture."""
        return float(np.hypot(*np.diff(self.joints, axis=0).T).sum())

    def moved(self, offset: Points64) -> Limb:
        """The same limb, moved by (2,) pixels."""
        return replace(self, joints=self.joints + offset)


@dataclass(frozen=True)
class Skeleton:
    """The joints of one person in canvas pixels; pairs have the viewer's left first.

    Args:
        neck: (2,) middle of the shoulder joints.
        mid_hip: (2,) middle of the hip joints.
        shoulders: (2, 2) joints.
        hips: (2, 2) joints.
        arms, legs: left and right limb.
        scale: size of the person in pixels, about the shoulder width in a front view; it does not shrink in profile.
    """

    neck: Points64
    mid_hip: Points64
    shoulders: Points64
    hips: Points64
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]
    scale: float

    @property
    def down(self) -> Points64:
        """Unit vector from neck to hips."""
        axis = self.mid_hip - self.neck
        return axis / max(float(np.hypot(*axis)), 1e-6)

    @property
    def across(self) -> Points64:
        """Unit vector to the viewer's right, at a right angle to `down`."""
        return np.array([self.down[1], -self.down[0]])

    @property
    def torso_length(self) -> float:
        """Pixels from neck to hips."""
        return float(np.hypot(*(self.mid_hip - self.neck)))

    @property
    def in_profile(self) -> bool:
        """Whether the person is seen from the side: both shoulders are close together."""
        return float(np.hypot(*(self.shoulders[1] - self.shoulders[0]))) < 0.5 * self.scale

    @property
    def has_raised_thigh(self) -> bool:
        """Whether a thigh does not point down as it does in standing: the person sits, kneels or raises a leg."""
        return any(_raised(leg, self.down) for leg in self.legs)

    def to_canvas(self, across: Points64 | float, down: Points64 | float) -> Points64:
        """Pixels across and down from the neck → x, y on the canvas; arrays broadcast to (n, 2)."""
        across, down = np.asarray(across, np.float64), np.asarray(down, np.float64)
        placed: Points64 = self.neck + across[..., None] * self.across + down[..., None] * self.down
        return placed

    def to_torso(self, points: NDArray[np.floating[Any]]) -> Points64:
        """(n, 2) or (2,) x, y on the canvas → pixels (across, down) from the neck."""
        offset = np.asarray(points, np.float64) - self.neck
        return np.stack([offset @ self.across, offset @ self.down], axis=-1)

    def moved(self, offset: Points64) -> Skeleton:
        """The same skeleton, moved by (2,) pixels: as seen on a window of the canvas."""
        return replace(
            self,
            neck=self.neck + offset,
            mid_hip=self.mid_hip + offset,
            shoulders=self.shoulders + offset,
            hips=self.hips + offset,
            arms=(self.arms[0].moved(offset), self.arms[1].moved(offset)),
            legs=(self.legs[0].moved(offset), self.legs[1].moved(offset)),
        )


def _raised(leg: Limb, down: Points64) -> bool:
    """Whether a thigh is more than 50 degrees off the torso's direction, or points at the camera and looks very short."""
    thigh, shin = np.diff(leg.joints, axis=0)
    length = float(np.hypot(*thigh))
    return leg.detected and (float(thigh @ down) < 0.64 * length or length < 0.45 * float(np.hypot(*shin)))


def complete_skeleton(points: Keypoints) -> Skeleton:
    """Read the joints of a person and add the missing ones.

    Args:
        points: BODY_25; zeros = not detected.

    Raises:
        InputError: no shoulder was detected, so there is nothing to place a garment on.
    """
    shoulders = _shoulders(points)
    right_first = shoulders[0, 0] <= shoulders[1, 0]
    neck = shoulders.mean(0)
    width = float(np.hypot(*(shoulders[1] - shoulders[0])))
    hips = _hips(points, neck, _size(points, shoulders, width), right_first)
    torso = float(np.hypot(*(hips.mean(0) - neck)))
    scale = max(width, 1.2 * float(np.hypot(*(hips[1] - hips[0]))), 0.62 * torso, 8.0)
    down = (hips.mean(0) - neck) / max(torso, 1e-6)
    arms, legs = (
        [_limb(points, limb, subjects_left, starts[subjects_left], down, scale) for subjects_left in (0, 1)]
        for limb, starts in ((ARMS, shoulders), (LEGS, hips))
    )
    order = (0, 1) if right_first else (1, 0)
    hip_order = (0, 1) if hips[0, 0] <= hips[1, 0] else (1, 0)
    return Skeleton(
        neck=neck,
        mid_hip=hips.mean(0),
        shoulders=shoulders[list(order)],
        hips=hips[list(hip_order)],
        arms=(arms[order[0]], arms[order[1]]),
        legs=(legs[hip_order[0]], legs[hip_order[1]]),
        scale=scale,
    )


def _shoulders(points: Keypoints) -> Points64:
    """(2, 2) subject's right and left shoulder; a hidden one is the mirror image of the other at the neck."""
    right, left, neck = (points.xy(j).astype(np.float64) for j in (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, Joint.NECK))
    has_right, has_left, has_neck = (points.has(j) for j in (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, Joint.NECK))
    if has_right and has_left:
        return np.stack([right, left])
    if has_neck and (has_right or has_left):
        return np.stack([right, 2 * neck - right] if has_right else [2 * neck - left, left])
    raise InputError("pose: no shoulders found, nothing to hang a garment on", "use a photo that shows the shoulders")


def _size(points: Keypoints, shoulders: Points64, width: float) -> float:
    """Shoulder width of a person who may be turned away: at least about the length of an upper arm."""
    elbows = (Joint.RIGHT_ELBOW, Joint.LEFT_ELBOW)
    bones = [float(np.hypot(*(points.xy(j) - shoulder))) for j, shoulder in zip(elbows, shoulders, strict=True) if points.has(j)]
    return max([width, *(bone / 0.9 for bone in bones)])


def _hips(points: Keypoints, neck: Points64, size: float, right_first: bool) -> Points64:
    """(2, 2) subject's right and left hip; assumed below the neck where the photo does not show them."""
    if points.has(Joint.RIGHT_HIP, Joint.LEFT_HIP):
        return np.stack([points.xy(Joint.RIGHT_HIP), points.xy(Joint.LEFT_HIP)]).astype(np.float64)
    middle = (
        points.xy(Joint.MID_HIP).astype(np.float64) if points.has(Joint.MID_HIP) else neck + np.array([0, TORSO_LENGTH * size])
    )
    half = np.array([0.5 * HIP_WIDTH * size * (-1 if right_first else 1), 0])
    return np.stack([middle + half, middle - half])


def _limb(points: Keypoints, proportions: Proportions, subjects_left: int, start: Points64, down: Points64, scale: float) -> Limb:
    """Chain of three joints; the missing ones continue the limb straight, or point down along the torso."""
    chain, heading = [start], down
    joints = proportions.joints[subjects_left]
    for joint, length in zip(joints, proportions.lengths, strict=True):
        if points.has(joint):
            point = points.xy(joint).astype(np.float64)
            step = point - chain[-1]
            heading = step / max(float(np.hypot(*step)), 1e-6)
        else:
            point = chain[-1] + heading * length * scale
        chain.append(point)
    return Limb(np.stack(chain), np.array(proportions.half_widths) * scale, points.has(*joints))
