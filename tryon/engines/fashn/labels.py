"""Our parse map in the labels of FASHN's parser, so that masked mode needs no network of its own.

Facts: docs/facts/fashn_vton.md#masked.
"""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import ARM_LABELS, Fashn, Joint, Parse
from pipeline.core.masks import Mask

_TABLE: dict[Parse, Fashn] = {
    Parse.BACKGROUND: Fashn.BACKGROUND,
    Parse.HAT: Fashn.HAT,
    Parse.HAIR: Fashn.HAIR,
    Parse.GLOVE: Fashn.HANDS,
    Parse.SUNGLASSES: Fashn.GLASSES,
    Parse.UPPER_CLOTHES: Fashn.TOP,
    Parse.DRESS: Fashn.DRESS,
    Parse.COAT: Fashn.TOP,
    Parse.SOCKS: Fashn.FEET,
    Parse.PANTS: Fashn.PANTS,
    Parse.NECK: Fashn.TORSO,
    Parse.SCARF: Fashn.SCARF,
    Parse.SKIRT: Fashn.SKIRT,
    Parse.FACE: Fashn.FACE,
    Parse.LEFT_ARM: Fashn.ARMS,
    Parse.RIGHT_ARM: Fashn.ARMS,
    Parse.LEFT_LEG: Fashn.LEGS,
    Parse.RIGHT_LEG: Fashn.LEGS,
    Parse.LEFT_SHOE: Fashn.FEET,
    Parse.RIGHT_SHOE: Fashn.FEET,
}
_LOOKUP = np.array([_TABLE[label] for label in Parse], np.uint8)
_FOREARMS = {
    Parse.LEFT_ARM: (Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
    Parse.RIGHT_ARM: (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
}


def fashn_labels(parse: Labels, points: Keypoints) -> Labels:
    """(h, w) uint8 of `Parse` → of `Fashn`. A hand is what an arm shows beyond its wrist; belt, bag and jewellery stay unknown.

    Args:
        parse: our parse map.
        points: in pixels of that map; an arm without elbow or wrist has no hand.
    """
    labels = _LOOKUP[parse]
    for arm in ARM_LABELS:
        if points.has(*_FOREARMS[arm]):
            labels[(parse == arm) & _beyond_wrist(parse.shape, points, arm)] = Fashn.HANDS
    return labels


def _beyond_wrist(shape: tuple[int, ...], points: Keypoints, arm: Parse) -> Mask:
    elbow, wrist = (points.xy(joint).astype(np.float64) for joint in _FOREARMS[arm])
    forearm = wrist - elbow
    rows, columns = np.indices((shape[0], shape[1]))
    beyond = (columns - wrist[0]) * forearm[0] + (rows - wrist[1]) * forearm[1] > 0
    # Beyond the wrist's line may also lie the shoulder of a bent arm.
    near = np.hypot(columns - wrist[0], rows - wrist[1]) < max(1.0, np.hypot(*forearm))
    return np.asarray(beyond & near)
