"""Bare skin that no photo shows: the person's own colour, round, lit from where the face is lit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import mannequin
import numpy as np
import pytest

from pipeline.core import masks
from pipeline.core.labels import LEG_LABELS, Category, Parse
from pipeline.core.layout import Layout
from tryon.engines.preview.engine import PreviewEngine
from tryon.engines.preview.paint.bare_limbs import BareLimb, bare_limb, bare_limb_patch
from tryon.engines.preview.paint.skin import Skin, read_skin
from tryon.engines.preview.paint.undressed_subject import undressed_subject
from tryon.engines.preview.person.silhouette import Silhouette
from tryon.engines.preview.person.skeleton import Limb
from tryon.engines.preview.person.subject import ARM_LABELS, Subject

TUBE = BareLimb(np.column_stack([np.full(9, 40.0), np.linspace(10, 90, 9)]), np.full(9, 10.0))
FROM_THE_LEFT = Skin(np.array([200, 160, 140], np.float32), np.array([-0.5, -0.3, 0.81]), 1.0)


def subject_of(tmp_path: Path, category: Category, **person: object) -> Subject:
    subject = PreviewEngine().encode(mannequin.person_inputs(Layout(outputs=tmp_path), category, **person))
    assert isinstance(subject, Subject)
    return subject


def test_a_limbs_surface_faces_outwards_at_its_sides_and_the_viewer_in_the_middle():
    patch = bare_limb_patch((100, 80), TUBE)
    assert patch is not None
    across = np.full((100, 80), np.nan, np.float32)
    across[patch.window] = patch.across
    assert across[50, 32] == pytest.approx(-0.8, abs=0.05)
    assert across[50, 40] == pytest.approx(0, abs=0.05)
    assert across[50, 48] == pytest.approx(0.8, abs=0.05)
    assert np.abs(patch.down[30:40]).max() < 0.05


def test_a_limb_covers_its_width_and_no_more():
    patch = bare_limb_patch((100, 80), TUBE)
    assert patch is not None
    covered = np.zeros((100, 80), np.float32)
    covered[patch.window] = patch.alpha
    assert covered[50, 40] == 1
    assert covered[50].sum() == pytest.approx(20, abs=1.5)
    assert bare_limb_patch((100, 80), BareLimb(TUBE.middle + 500, TUBE.half_widths)) is None


def test_the_side_towards_the_light_is_brighter():
    across = np.array([[-0.9, 0.0, 0.9]], np.float32)
    bright, middle, dark = FROM_THE_LEFT.brightness(across, np.zeros_like(across))[0]
    assert dark < 0.8 < middle
    assert bright - dark > 0.2


def test_a_leg_is_no_wider_than_the_trousers_round_it():
    parse = np.zeros((200, 120), np.uint8)
    parse[:, 48:66] = Parse.PANTS
    limb = Limb(np.array([[60.0, 10.0], [60.0, 100.0], [60.0, 190.0]]), np.array([11.0, 10.0, 9.0]), True)
    bare = bare_limb(limb, Silhouette(parse), parse > 0, True)
    assert (bare.middle[5:20, 0] - bare.half_widths[5:20]).min() > 47
    assert (bare.middle[5:20, 0] + bare.half_widths[5:20]).max() < 69


def test_skin_has_the_colour_of_the_persons_own(tmp_path: Path):
    skin = read_skin(subject_of(tmp_path, Category.UPPER), (LEG_LABELS, ARM_LABELS, (Parse.NECK,)))
    assert skin is not None
    assert np.abs(skin.tone - mannequin.SKIN).max() < 6


def test_trousers_that_a_parse_map_calls_legs_are_no_skin(tmp_path: Path):
    subject = subject_of(tmp_path, Category.LOWER)
    parse = np.where(subject.mask_of(Parse.PANTS), np.uint8(Parse.LEFT_LEG), subject.parse)
    skin = read_skin(replace(subject, parse=parse), (LEG_LABELS, ARM_LABELS))
    assert skin is not None
    assert np.abs(skin.tone - mannequin.SKIN).max() < 10


def test_a_face_lit_from_the_right_lights_the_skin_from_the_right(tmp_path: Path):
    subject = subject_of(tmp_path, Category.UPPER)
    ramp = np.linspace(-70, 70, mannequin.WIDTH)[None, :, None]
    lit = np.clip(subject.image + ramp, 0, 255).astype(np.uint8)
    skins = [read_skin(replace(subject, image=image), (ARM_LABELS,)) for image in (lit, np.ascontiguousarray(lit[:, ::-1]))]
    right, left = (skin.light[0] for skin in skins if skin is not None)
    assert left < -0.05 < 0.05 < right


def test_invented_legs_are_not_flat(tmp_path: Path):
    subject = subject_of(tmp_path, Category.DRESS)
    undressed = undressed_subject(subject, 0.5)
    x, y = (np.array(mannequin.JOINTS[mannequin.Joint.RIGHT_KNEE]) + undressed.offset).astype(int)
    across = cv2.blur(undressed.undressed_photo, (1, 9))[y + 25, x - 12 : x + 13].mean(1)
    assert np.ptp(across) > 12
    assert across[10:15].mean() > across[:4].mean() + 5
    assert across[10:15].mean() > across[-4:].mean() + 5


def test_the_same_person_is_undressed_the_same_way_every_time(tmp_path: Path):
    first, second = (undressed_subject(subject_of(tmp_path, Category.DRESS), 0.5) for _ in range(2))
    assert first is not second
    assert np.array_equal(first.undressed_photo, second.undressed_photo)
    assert np.array_equal(first.folds, second.folds)


def test_the_head_throws_its_shadow_on_a_bared_neck(tmp_path: Path):
    subject = subject_of(tmp_path, Category.UPPER)
    parse = subject.parse.copy()
    parse[subject.mask_of(Parse.NECK)] = Parse.UPPER_CLOTHES  # a high collar hid the neck
    undressed = undressed_subject(replace(subject, parse=parse, mask=subject.mask | (parse == Parse.UPPER_CLOTHES)), 0.5)
    rows = (np.array([94, 135]) + undressed.offset[1]).astype(int)
    x = int(192 + undressed.offset[0])
    under_chin, chest = (undressed.undressed_photo[row : row + 6, x - 8 : x + 8].mean() for row in rows)
    assert under_chin < 0.96 * chest


def test_a_bared_shoulder_has_no_hole_between_arm_and_chest(tmp_path: Path):
    subject = subject_of(tmp_path, Category.UPPER, sleeves=True)
    undressed = undressed_subject(subject, 0.5)
    (x, y), across = np.array(mannequin.JOINTS[mannequin.Joint.LEFT_SHOULDER]) + undressed.offset, np.arange(-18, 10)
    band = undressed.undressed_photo[int(y) + 12, (int(x) + across)]
    assert np.abs(band - mannequin.SKIN).max() < 75
    assert np.abs(np.diff(cv2.blur(band.mean(1)[None], (5, 1))[0])).max() < 12


def test_no_skin_is_painted_above_a_shoulder_that_ends_low(tmp_path: Path):
    subject = subject_of(tmp_path, Category.UPPER)
    parse = subject.parse.copy()
    for joint in subject.skeleton.shoulders.round().astype(int):
        parse[joint[1] - 40 : joint[1] - 2, joint[0] - 25 : joint[0] + 25] = Parse.BACKGROUND
    wall = np.array(mannequin.WALL)
    image = np.where((parse == Parse.BACKGROUND)[..., None], wall, subject.image).astype(np.uint8)
    undressed = undressed_subject(replace(subject, image=image, parse=parse), 0.5)
    person = ~undressed.subject.mask_of(Parse.BACKGROUND)
    beside = masks.dilate(person, 7) & ~masks.dilate(person, 2)
    off = np.abs(undressed.undressed_photo - wall).max(2)
    assert np.count_nonzero(off[beside] > 25) < 12
