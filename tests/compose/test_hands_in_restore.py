"""What restore writes down of hands, and when it pastes: one rendered hand whose fingers an engine fused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ruined_hands import drawn_anew, fused, rendered_hands

from compose.restore_step import RestoreConfig, RestoreStep
from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.frame import whole_photo
from pipeline.core.hands.facts import Fate, hands_of
from pipeline.core.hands.shape import BEYOND_WRIST, half_finger, hand_area
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.labels import Joint
from pipeline.core.layout import (
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    CUTOUT,
    FINAL,
    FRAME,
    IMAGE,
    MATTE,
    POSE_JSON,
    TRYON,
    Layout,
)
from pipeline.core.step import Context

PAIR = Pair(Person("ann", "inputs:person/ann.png"), Garment("tee", "inputs:cloth/tee.png"), "preview")
HAND = next(each for each in rendered_hands() if each.name == "m2_turned_left")
SIZE = HAND.picture.shape[:2]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Everything that restore reads of a pair whose left hand was drawn as a mitten."""
    made = Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")
    body = np.zeros((25, 3), np.float32)
    body[Joint.LEFT_WRIST, :2], body[Joint.LEFT_ELBOW, :2] = HAND.wrist, HAND.elbow
    body[[Joint.LEFT_WRIST, Joint.LEFT_ELBOW], 2] = 0.9
    hand = np.column_stack([HAND.points, np.full(21, 0.9)]).astype(np.float32)
    white, green = np.full(SIZE, 255, np.uint8), np.full((*SIZE, 3), (20, 150, 60), np.uint8)
    mask = hand_area(SIZE, HAND.points, 5 * half_finger(HAND.points), -1)
    files = {
        PAIR.person.source: images.png(HAND.picture),
        FRAME.of("ann"): images.text(whole_photo(SIZE, SIZE).to_json()),
        MATTE.of("ann"): images.png(white),
        CUTOUT.of("ann"): images.png(np.dstack([HAND.picture, white])),
        AGNOSTIC_MASK.of("ann", PAIR.garment.category): images.mask_png(mask),
        IMAGE.of("ann"): images.png(HAND.picture),
        TRYON.of(PAIR.id, "preview"): images.png(drawn_anew(HAND, fused)),
        POSE_JSON.of("ann"): images.text(keypoints_to_json([Keypoints(body, left_hand=hand)])),
        CLOTH.of("tee"): images.png(green),
        CLOTH_MASK.of("tee"): images.png(white),
    }
    for ref, data in files.items():
        path = made.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


def restored(layout: Layout, **settings):
    step = RestoreStep(RestoreConfig(cast_correction=False, **settings), Context(layout))
    (produced,) = step.run([step.read(PAIR)])
    return produced


def flags(produced) -> dict[Flag, str]:
    return {notice.flag: notice.detail for notice in produced.notices}


def test_a_ruined_hand_is_flagged_and_its_fate_and_likeness_are_written_down(layout):
    produced = restored(layout)
    hand = hands_of(produced.facts)["left"]
    assert hand.fate is Fate.DIFFERS and hand.score < 0.5
    assert flags(produced)[Flag.HANDS_DIFFER].startswith("left: ")
    assert float(produced.facts["hands"]) == pytest.approx(hand.score, abs=1e-3)
    assert float(produced.facts["score"]) < 0.5


def test_a_pasted_hand_is_no_longer_flagged_and_is_the_photos(layout):
    produced = restored(layout, paste_hands=True)
    assert hands_of(produced.facts)["left"].fate is Fate.PASTED
    assert Flag.HANDS_DIFFER not in flags(produced)
    path = layout.outputs / "made.png"
    path.write_bytes(produced.files[FINAL.of(f"{PAIR.id}__original", "preview")]())
    made = images.read_rgb(path)
    own = hand_area(SIZE, HAND.points, 0, BEYOND_WRIST + 0.05)
    assert (made[own] == HAND.picture[own]).mean() > 0.99


def test_an_engine_that_leaves_the_hand_alone_is_asked_nothing(layout):
    layout.path(TRYON.of(PAIR.id, "preview")).write_bytes(images.png(HAND.picture))
    produced = restored(layout)
    assert hands_of(produced.facts)["left"].fate is Fate.UNTOUCHED and Flag.HANDS_DIFFER not in flags(produced)


@pytest.mark.parametrize("pose", [None, '{"people": []}', "no json"])
def test_without_usable_key_points_nothing_is_said_of_hands(layout, pose):
    path = layout.path(POSE_JSON.of("ann"))
    path.unlink() if pose is None else path.write_text(pose)
    produced = restored(layout)
    assert not hands_of(produced.facts) and "hands" not in produced.facts


def test_hands_are_not_looked_at_when_that_is_switched_off(layout):
    produced = restored(layout, least_hand_likeness=0, paste_hands=True)
    assert not hands_of(produced.facts) and Flag.HANDS_DIFFER not in flags(produced)
