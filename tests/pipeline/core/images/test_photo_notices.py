"""Flags of how a picture was read."""

from __future__ import annotations

import numpy as np

from pipeline.core.flags import Flag, Notice
from pipeline.core.images import Photo, photo_notices

PICTURE = np.zeros((80, 100, 3), np.uint8)


def test_an_ordinary_picture_has_none():
    assert photo_notices(Photo(PICTURE)) == []


def test_a_picture_scaled_down_and_an_animation_are_named():
    photo = Photo(PICTURE, scaled_from=(160, 200), frames=12)
    assert photo_notices(photo) == [
        Notice(Flag.SCALED_FOR_WORK, "200×160 → 100×80"),
        Notice(Flag.FIRST_FRAME, "12 pictures in the file"),
    ]
    assert photo_notices(photo, "background sea")[1].detail == "background sea: 12 pictures in the file"
