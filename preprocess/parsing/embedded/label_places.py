"""Where each label can be on a body: penalties in nats that grow with the distance from the label's place.

This is the spatial half of the embedded parser; the colour half is `colour_models`. Lengths are shares of the body's scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Points
from pipeline.core.labels import SIDE_LABELS, Joint, Parse
from pipeline.core.masks import Mask
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

Penalty = NDArray[np.float32]
"""(h, w) float32 nats: 0 = in the label's place, larger = less likely."""


@dataclass(frozen=True)
class Regions:
    """The shapes of one body on one canvas.

    Args:
        body: the joints.
        face, skull, neck, torso: (h, w) bool.
        arms, hands, thighs, shins, feet: (h, w) bool per side.
        along: (h, w) float32, 0 at the neck, 1 at mid-hip.
    """

    body: Joints
    face: Mask
    skull: Mask
    neck: Mask
    torso: Mask
    arms: dict[str, Mask]
    hands: dict[str, Mask]
    thighs: dict[str, Mask]
    shins: dict[str, Mask]
    feet: dict[str, Mask]
    along: NDArray[np.float32]

    @property
    def head_px(self) -> float:
        """Height of the skull in pixels; unlike the scale, it does not shrink in profile."""
        outline = shapes.head(self.body)
        return float(np.hypot(*np.ptp(outline, axis=0)) / 1.25)

    @property
    def any_arm(self) -> Mask:
        """(h, w) bool: arms and hands of both sides."""
        return self.arms["right"] | self.arms["left"] | self.hands["right"] | self.hands["left"]

    @property
    def any_leg(self) -> Mask:
        """(h, w) bool: thighs and shins of both sides."""
        return self.thighs["right"] | self.thighs["left"] | self.shins["right"] | self.shins["left"]


def regions_of(body: Joints, size: tuple[int, int]) -> Regions:
    """Draw the shapes of a body on a canvas of `size` (height, width)."""

    def draw(*polygons: Points) -> Mask:
        return shapes.painted(size, polygons)

    return Regions(
        body=body,
        face=draw(face_outline(body)),
        skull=draw(shapes.head(body)),
        neck=draw(shapes.neck(body)),
        torso=draw(shapes.torso(body)),
        arms={side: draw(shapes.upper_arm(body, side, 1.1), shapes.forearm(body, side, 1.1)) for side in SIDE_LABELS},
        hands={side: draw(shapes.hand(body, side)) for side in SIDE_LABELS},
        thighs={side: draw(shapes.thigh(body, side, 1.1)) for side in SIDE_LABELS},
        shins={side: draw(shapes.shin(body, side, 1.2)) for side in SIDE_LABELS},
        feet={side: draw(shapes.foot(body, side)) for side in SIDE_LABELS},
        along=body.along(size),
    )


def face_outline(body: Joints) -> Points:
    """The face mesh's outline, or the lower two thirds of the skull."""
    if len(body.face_oval) >= 5:
        return body.face_oval
    skull = shapes.head(body)
    centre = skull.mean(0) + 0.12 * (skull[:, 1].max() - skull[:, 1].min()) * body.down
    smaller: Points = (centre + 0.78 * (skull - skull.mean(0))).astype(np.float32)
    return smaller


def distance_from(region: Mask, unit_px: float) -> NDArray[np.float32]:
    """(h, w) float32 distance from a region in units; 1000 everywhere when the region is not on the canvas."""
    if not region.any():
        return np.full(region.shape, 1e3, np.float32)
    apart: NDArray[np.float32] = cv2.distanceTransform(masks.bytes_of(~region), cv2.DIST_L2, 3) / np.float32(unit_px)
    return apart


def penalties(regions: Regions) -> dict[Parse, Penalty]:
    """One penalty field per label of the embedded parser; hat, skirt and dress are decided later."""
    fields = {
        Parse.HAIR: _hair(regions),
        Parse.FACE: _face(regions),
        Parse.NECK: _neck(regions),
        Parse.UPPER_CLOTHES: _upper(regions),
        Parse.PANTS: _lower(regions),
    }
    for side, labels in SIDE_LABELS.items():
        fields[labels.arm] = _arm(regions, side)
        fields[labels.leg] = _leg(regions, side)
        fields[labels.shoe] = _shoe(regions, side)
    return fields


def _near(region: Mask, reach_px: float, most: float) -> Penalty:
    return np.minimum(distance_from(region, reach_px), 1.0) * np.float32(most)


def _float(field: NDArray[Any]) -> Penalty:
    return field.astype(np.float32, copy=False)


def _hair(r: Regions) -> Penalty:
    """Around the skull. Long hair may reach far, but a garment is likelier on the torso; a beard or chin shadow is face."""
    below_chin = np.clip((r.along - chin_along(r)) / 0.15, 0, 1)
    chin = shapes.painted((r.face.shape[0], r.face.shape[1]), [chin_block(r)])
    on_torso = 2.5 * (r.torso & (r.along > 0.08)) + 6.0 * (r.along > 0.9)
    return _float(_near(r.skull, 1.7 * r.head_px, 5.0) + 0.8 * below_chin + on_torso + 5.0 * chin)


def chin_block(r: Regions) -> Points:
    """Polygon of eyes, mouth, chin and the throat below, where dark pixels are brows, beard or shadow."""
    outline = face_outline(r.body)
    low = outline[np.argsort((outline - r.body.at(Joint.NECK)) @ r.body.down)[len(outline) * 3 // 8 :]]
    centre = low.mean(0)
    inner = centre + 0.92 * (low - centre)
    return shapes.hull(np.concatenate([inner, inner + 0.25 * r.head_px * r.body.down]).astype(np.float32))


def chin_along(r: Regions) -> float:
    """Position of the chin along the body: negative, because it is above the neck joint."""
    inside = r.along[r.face]
    return float(np.quantile(inside, 0.98)) if inside.size else -0.2


def _face(r: Regions) -> Penalty:
    """Inside the face's outline, and on the ears beside it."""
    ears = r.skull & (r.along < chin_along(r) - 0.04)
    return _float(_near(r.face | ears, 0.08 * r.body.scale, 10.0) + 1.0 * (ears & ~r.face))


def _neck(r: Regions) -> Penalty:
    """On throat and neckline: above 45 % of the torso, outside the face."""
    throat = (r.neck | (r.torso & (r.along < 0.45))) & ~r.face
    deep = np.clip((r.along - 0.1) / 0.3, 0, 1)
    return _float(_near(throat, 0.1 * r.body.scale, 10.0) + 2.0 * deep + 8.0 * r.face + 8.0 * (r.along > 0.5))


def _arm(r: Regions, side: str) -> Penalty:
    return _float(_near(r.arms[side] | r.hands[side], 0.10 * r.body.scale, 10.0) + 5.0 * r.face)


def _upper(r: Regions) -> Penalty:
    s = r.body.scale
    low = np.clip((r.along - 1.1) * 6.0, 0, 4.0) * np.where(r.any_leg, 1.0, 0.5) * ~sleeves_beside(r)
    hands = r.hands["right"] | r.hands["left"]
    place = r.torso | masks.dilate(r.arms["right"] | r.arms["left"], 0.06 * s)
    return _float(
        _near(place, 0.7 * s, 5.0) + low + 7.0 * r.face + 3.5 * (r.skull & ~r.face) + 2.0 * hands + 1.0 * (r.neck & (r.along < 0))
    )


def sleeves_beside(r: Regions) -> Mask:
    """(h, w) bool: arms beside the torso, where a sleeve may end below the hem."""
    return (r.arms["right"] | r.arms["left"]) & ~r.torso


def _lower(r: Regions) -> Penalty:
    """On hips and legs; above the waist only where a thigh is, as on a seated person."""
    s = r.body.scale
    waist = r.torso & (r.along > 0.75)
    seated = r.any_leg & ~r.torso
    waistband = np.clip((1.02 - r.along) * 6.0, 0, 3.0) + np.clip((0.7 - r.along) * 20.0, 0, 6.0)
    high = np.where(seated, 0.0, waistband) + 1.5 * sleeves_beside(r)
    return _float(_near(r.any_leg | waist, 0.4 * s, 6.0) + high)


def _leg(r: Regions, side: str) -> Penalty:
    own = r.thighs[side] | r.shins[side] | r.feet[side]
    other = r.thighs[_other(side)] | r.shins[_other(side)] | r.feet[_other(side)]
    return _float(
        _near(own, 0.12 * r.body.scale, 10.0) + 0.7 * (other & ~own) + 6.0 * (r.torso & (r.along < 1.0)) + 4.0 * r.any_arm
    )


def _shoe(r: Regions, side: str) -> Penalty:
    body, s = r.body, r.body.scale
    ankle = body.at(shapes.LEGS[side][2])
    if not body.known(shapes.LEGS[side][2]) or ankle[1] > r.along.shape[0] + 0.3 * s:
        return np.full(r.along.shape, 20.0, np.float32)
    rows = np.arange(r.along.shape[0], dtype=np.float32)[:, None]
    above = np.clip((ankle[1] - rows) / (0.12 * s), 0, 1) * 5.0
    return _float(_near(r.feet[side], 0.12 * s, 10.0) + above - 1.0)


def _other(side: str) -> str:
    return "left" if side == "right" else "right"
