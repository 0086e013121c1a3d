"""Is the garment worn, or is the "wearer" a print? Signs that do not depend on each other, and what they say together.

The pose network also finds bodies in flowers and in body-like outlines. There its own segmentation disagrees with the selfie
network's, while on people the two agree. On a printed portrait all networks agree; but such a person is only a part of what
stands out from the ground (docs/facts/people_networks.md#a-wearer-or-a-print).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Points
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.people_networks import SeenPose
from pipeline.core.pixels.colour import to_lab
from preprocess.cloth.embedded import BORDER_PX, MIN_GROUND_SHARE, cut_garment
from preprocess.cloth.ground_colour import fit_border

MIN_ARMS_SEEN = 0.5
"""Mean visibility of elbows and wrists: in some flat lays the pose model finds a torso, but no arms."""
MIN_FACE_SCORE = 0.75
FACE_REACH = 0.3
"""The body's nose lies in the box of its face, widened by this share of the box."""
MAX_AREA_GAP, MIN_OVERLAP = 0.02, 0.8
"""Two segmentations of the same person: difference of their areas as a share of the picture, and intersection over union."""
FACE_OVERLAP = 0.6
"""Least overlap when a face is certain."""
MIN_SHARE = 0.5
"""A wearer is at least this share of what stands out from a plain ground; a printed person is less."""


@dataclass(frozen=True)
class WearerSigns:
    """What speaks for a wearer.

    Args:
        arms: mean visibility of elbows and wrists, in [0, 1].
        face: score of the face at the body's nose, in [0, 1].
        area_gap: difference of the two segmentations' areas, as a share of the picture.
        overlap: intersection over union of the two segmentations.
        share: share of what stands out from the ground that is person; None without a plain ground.
    """

    arms: float
    face: float
    area_gap: float
    overlap: float
    share: float | None

    @property
    def worth_a_word(self) -> bool:
        """Whether the body is more than a shadow of one: with neither arms nor a face nobody would take it for a wearer."""
        return self.arms >= MIN_ARMS_SEEN or self.face >= MIN_FACE_SCORE

    @property
    def is_wearer(self) -> bool:
        """Whether several signs agree."""
        if self.share is not None and self.share < MIN_SHARE:
            return False
        same_area = self.area_gap <= MAX_AREA_GAP and self.overlap >= MIN_OVERLAP
        return (same_area and self.worth_a_word) or (self.face >= MIN_FACE_SCORE and self.overlap >= FACE_OVERLAP)

    @property
    def notice(self) -> Notice:
        """The flag of a garment that was cut as a flat one although a body was seen."""
        face = f"face {self.face:.2f}" if self.face else "no face"
        part = "" if self.share is None else f", {self.share:.0%} of what stands out"
        return Notice(
            Flag.WEARER_DOUBTFUL,
            f"a body with {face}, two networks agree on {self.overlap:.0%} of it{part}: cut as a flat garment",
        )


@dataclass(frozen=True)
class Wearer:
    """A body in a garment's picture.

    Args:
        body: (33, 4) float32 landmarks: x, y, z in pixels, visibility.
        signs: what speaks for it.
    """

    body: Points
    signs: WearerSigns


def wearer_signs(photo: RGB, seen: SeenPose, selfie: NDArray[np.float32], faces: NDArray[np.float32]) -> WearerSigns:
    """Measure the signs of a body.

    Args:
        photo: (h, w, 3) RGB uint8.
        seen: the body in it.
        selfie: (h, w) float32 in [0, 1] from the selfie segmentation.
        faces: (n, 5) float32 of top, left, height, width, score.
    """
    person, other = seen.probability > 0.5, selfie > 0.5
    return WearerSigns(
        arms=float(seen.body[13:17, 3].mean()),
        face=_face_at(seen.body[0, :2], faces),
        area_gap=abs(float(person.mean() - other.mean())),
        overlap=masks.iou(person, other) if person.any() else 0.0,
        share=_share_of_what_stands_out(photo, person),
    )


def _face_at(nose: Points, faces: NDArray[np.float32]) -> float:
    """Score of the surest face whose widened box holds the nose; 0 without one."""
    reach = FACE_REACH * faces[:, 2:4]
    low, high = faces[:, :2] - reach, faces[:, :2] + faces[:, 2:4] + reach
    here = ((nose[::-1] > low) & (nose[::-1] < high)).all(1)
    return float(faces[here, 4].max(initial=0))


def _share_of_what_stands_out(photo: RGB, person: Mask) -> float | None:
    if fit_border(to_lab(photo), BORDER_PX).share < MIN_GROUND_SHARE:
        return None
    outline = cut_garment(photo) > 127
    return float(np.count_nonzero(person & outline) / max(1, int(np.count_nonzero(outline))))
