"""Trousers and shorts on drawn legs: each leg follows its own, with what is behind them between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mannequin
import numpy as np
import pytest
from mannequin import JOINTS, SKIN, WALL
from preview_quality import landing_of, measure

from pipeline.core.engine import TryOnItem
from pipeline.core.flags import Flag
from pipeline.core.items import Pair
from pipeline.core.labels import Category, Joint, Parse
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from tryon.engines.preview.engine import PreviewEngine, pose_notices
from tryon.engines.preview.fit.lower import fit_lower
from tryon.engines.preview.lower import LowerGarment
from tryon.engines.preview.person.skeleton import complete_skeleton
from tryon.engines.preview.person.subject import Subject
from tryon.step import TryOnConfig, TryOnStep

APART = {"RIGHT_KNEE": (150, 350), "LEFT_KNEE": (236, 350), "RIGHT_ANKLE": (142, 455), "LEFT_ANKLE": (246, 455)}


def encoded(tmp_path: Path, name: str = "trousers", **moved: tuple[int, int]) -> tuple[Subject, LowerGarment]:
    engine, layout = PreviewEngine(), Layout(outputs=tmp_path)
    subject = engine.encode(mannequin.person_inputs(layout, Category.LOWER, **moved))
    garment = engine.encode(mannequin.garment_inputs(layout, name))
    assert isinstance(subject, Subject)
    assert isinstance(garment, LowerGarment)
    return subject, garment


def dress(subject: Subject, garment: LowerGarment) -> np.ndarray:
    return PreviewEngine().generate([TryOnItem(subject, garment, 0)])[0].picture


def test_between_the_legs_the_background_goes_on(tmp_path: Path):
    subject, garment = encoded(tmp_path, **APART)
    picture = dress(replace(subject, mask=mannequin.masks.dilate(subject.mask, 25)), garment)
    gap = picture[370:440, 186:200].reshape(-1, 3).astype(int)
    assert np.abs(np.median(gap, axis=0) - WALL).max() < 12


def test_each_leg_follows_its_own_axis(tmp_path: Path):
    subject, garment = encoded(tmp_path, **APART)
    fit = fit_lower(subject, garment.landmarks)
    for edges, knee in zip(fit.canvas, (APART["RIGHT_KNEE"], APART["LEFT_KNEE"]), strict=True):
        middle = (edges[0] + edges[1]) / 2
        assert np.hypot(*(middle - knee).T).min() < 12


def test_legs_beside_each_other_do_not_overlap(tmp_path: Path):
    subject, garment = encoded(tmp_path)
    (_, left), (_, right) = fit_lower(subject, garment.landmarks).canvas
    assert (right[8:, 0] - left[8:, 0]).min() > 0


def test_each_leg_is_round_in_its_own_light(tmp_path: Path):
    subject, garment = encoded(tmp_path, **APART)
    picture = dress(replace(subject, mask=mannequin.masks.dilate(subject.mask, 25)), garment).mean(2)
    for x in (APART["RIGHT_KNEE"][0], APART["LEFT_KNEE"][0]):
        row = picture[352:372].mean(0)
        middle = row[x - 3 : x + 4].mean()
        assert row[x - 20 : x - 3].min() < 0.93 * middle
        assert row[x + 4 : x + 21].min() < 0.93 * middle


def test_a_hem_stays_whole_where_shoes_tear_the_mask(tmp_path: Path):
    subject, garment = encoded(tmp_path)
    mask = subject.mask.copy()
    mask[420:, 150:166] = False
    torn = replace(subject, mask=mask)
    (outer, inner), _ = fit_lower(torn, garment.landmarks).canvas
    assert max(outer[-1, 1], inner[-1, 1]) < 430
    assert fit_lower(subject, garment.landmarks).canvas[0][0][-1, 1] > 440


def test_no_bare_leg_shows_beside_trousers_and_ankles_show_below_them(tmp_path: Path):
    subject, garment = encoded(tmp_path)
    mask = subject.mask.copy()
    mask[430:, 150:182] = False
    mask[445:, :] = True
    picture = dress(replace(subject, mask=mask), garment).astype(int)
    skin = (np.abs(picture - SKIN).max(2) < 30) & subject.mask_of(Parse.PANTS)
    assert skin[260:400].sum() < 20


def test_somebody_sitting_is_told_from_somebody_walking():
    walking = mannequin.keypoints(RIGHT_KNEE=(130, 345), LEFT_KNEE=(240, 350))
    sitting = mannequin.keypoints(RIGHT_KNEE=(70, 262), RIGHT_ANKLE=(70, 370))
    towards_us = mannequin.keypoints(RIGHT_KNEE=(166, 270), RIGHT_ANKLE=(166, 370), LEFT_KNEE=(218, 270), LEFT_ANKLE=(218, 370))
    assert [complete_skeleton(points).has_raised_thigh for points in (walking, sitting, towards_us)] == [False, True, True]


@pytest.mark.parametrize("name", ["trousers", "skirt"])
def test_garments_come_out_the_same_in_any_order(tmp_path: Path, name: str):
    subject, garment = encoded(tmp_path, name)
    first = dress(subject, garment)
    other, another = encoded(tmp_path, "skirt", **APART)
    dress(other, another)
    dress(subject, another)
    assert np.array_equal(dress(subject, garment), first)


def test_striding_legs_still_lie_within_the_limits(tmp_path: Path):
    subject, garment = encoded(tmp_path, RIGHT_ANKLE=(190, 470), LEFT_ANKLE=(222, 430))
    picture = dress(subject, garment)
    assert measure(subject, garment.cloth, picture, landing_of(subject, garment)).failures() == ()
    assert fit_lower(subject, garment.landmarks).nearer == 0
    x, y = JOINTS[Joint.RIGHT_KNEE]
    assert (picture[y - 3 : y + 4, x - 3 : x + 4] != subject.image[y - 3 : y + 4, x - 3 : x + 4]).any(2).mean() > 0.9


def test_trousers_on_somebody_sitting_carry_a_flag_and_a_top_does_not(tmp_path: Path):
    engine, layout = PreviewEngine(), Layout(outputs=tmp_path)
    sitting = {"RIGHT_KNEE": (70, 262), "RIGHT_ANKLE": (70, 370)}
    people = [
        mannequin.person_inputs(layout, category, **sitting) for category in (Category.LOWER, Category.DRESS, Category.UPPER)
    ]
    flags = [[notice.flag for notice in pose_notices(engine.encode(person))] for person in people]
    assert flags == [[Flag.LEGS_BENT], [Flag.LEGS_BENT], []]
    standing = engine.encode(mannequin.person_inputs(layout, Category.LOWER))
    assert pose_notices(standing) == ()


def test_the_steps_record_of_such_a_picture_names_the_flag(tmp_path: Path):
    layout = Layout(outputs=tmp_path)
    person = mannequin.write_person(layout, RIGHT_KNEE=(70, 262), RIGHT_ANKLE=(70, 370))
    step = TryOnStep(TryOnConfig(), Context(layout), {"preview": PreviewEngine()})
    pair = Pair(person, mannequin.write_garment(layout, "trousers"), "preview")
    (produced,) = step.run([step.read(pair)])
    assert Flag.LEGS_BENT in [notice.flag for notice in produced.notices]
