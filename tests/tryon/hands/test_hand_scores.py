"""The score by the hand network itself, on rendered hands: whole ones are mostly left alone, smeared ones never."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.people_networks.door import runtime_here
from tryon.hands.config import RepairConfig
from tryon.hands.crops import SIDE, cut, square_around
from tryon.hands.score import hand_score, seen_hand

HANDS = Path(__file__).parents[2] / "data" / "hands"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(runtime_here() is None, reason="needs mediapipe or ai-edge-litert")]


def scores(change) -> dict[str, float]:
    """Score of every rendered hand after a change of its crop (side, side, 3)."""
    found = {}
    for name, record in json.loads((HANDS / "hands.json").read_text("utf-8")).items():
        picture = images.read_rgb(HANDS / f"{name}.jpg")
        points = np.asarray([[*point[:2], 1.0] for point in record["points"]], np.float32)
        square = square_around(points[:, :2], picture.shape[:2])
        wanted = points.copy()
        wanted[:, :2] = (points[:, :2] - (square.left, square.top)) * SIDE / square.height
        found[name] = hand_score(seen_hand(change(cut(picture, square))), wanted)
    return found


def test_most_whole_hands_are_left_alone_and_no_smeared_one_is():
    below = RepairConfig().below
    whole = scores(lambda crop: crop)
    smeared = scores(lambda crop: cv2.GaussianBlur(crop, (0, 0), 30))
    assert sum(score >= below for score in whole.values()) >= 0.7 * len(whole), whole
    assert max(smeared.values()) < below, smeared
