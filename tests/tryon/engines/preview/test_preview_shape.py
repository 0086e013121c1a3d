"""The garment's own shape: straps as wide as they are, and a flag where the preview cannot show a cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import mannequin
import numpy as np
import pytest
from mannequin import SKIN
from preview_quality import landing_of, measure

from pipeline.core.engine import DressedPerson, TryOnItem
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.labels import Category, Joint, Parse
from pipeline.core.layout import CLOTH_MASK, Layout
from tryon.engines.preview.engine import PreviewEngine, encode_garment
from tryon.engines.preview.fit.lower import fit_lower
from tryon.engines.preview.fit.top import fit_top
from tryon.engines.preview.garment.lower_landmarks import lower_landmarks
from tryon.engines.preview.garment.top_landmarks import top_landmarks
from tryon.engines.preview.person.subject import Subject
from tryon.engines.preview.top import TopGarment


def dressed(tmp_path: Path, name: str) -> tuple[Subject, TopGarment, DressedPerson]:
    engine, layout = PreviewEngine(), Layout(outputs=tmp_path)
    category = mannequin.CATEGORIES.get(name, Category.UPPER)
    subject, garment = (
        engine.encode(mannequin.person_inputs(layout, category)),
        engine.encode(mannequin.garment_inputs(layout, name)),
    )
    return subject, garment, engine.generate([TryOnItem(subject, garment, 0)])[0]


def flags_of(made: DressedPerson) -> set[Flag]:
    return {notice.flag for notice in made.notices}


@pytest.mark.parametrize(("name", "widest_px"), [("thin straps", 9), ("strap", 13), ("broad straps", 30)])
def test_straps_are_as_wide_as_on_the_garment(tmp_path: Path, name: str, widest_px: int) -> None:
    subject, garment, made = dressed(tmp_path, name)
    row = made.picture[122:126].astype(int)
    red = ((row[..., 0] - row[..., 1] > 70) & (row[..., 0] - row[..., 2] > 60)).mean(0) > 0.5
    widths = [int(red[:192].sum()), int(red[192:].sum())]
    assert all(0.25 * widest_px < width <= widest_px for width in widths), widths
    assert measure(subject, garment.cloth, made.picture, landing_of(subject, garment)).failures() == ()


def test_beside_thin_straps_the_shoulder_is_bare(tmp_path: Path) -> None:
    _, _, made = dressed(tmp_path, "thin straps")
    for columns in (slice(146, 152), slice(232, 238)):
        assert np.abs(np.median(made.picture[118:126, columns].reshape(-1, 3), axis=0) - SKIN).max() < 45


@pytest.mark.parametrize(
    ("name", "said"), [("one shoulder", "two sides"), ("kimono", "sleeves"), ("flared top", "hem"), ("hoodie", "hood")]
)
def test_a_cut_that_cannot_be_shown_is_flagged_and_named(tmp_path: Path, name: str, said: str) -> None:
    _, _, made = dressed(tmp_path, name)
    (notice,) = [notice for notice in made.notices if notice.flag is Flag.SHAPE_NOT_SHOWN]
    assert said in notice.detail


@pytest.mark.parametrize("name", ["tee", "longsleeve", "strap", "crop", "trousers"])
def test_a_usual_cut_carries_no_flag(tmp_path: Path, name: str) -> None:
    assert flags_of(dressed(tmp_path, name)[2]) == set()


def scribble(seed: int) -> np.ndarray:
    """(512, 384) bool: a shape that is hardly a garment: a polygon, a ring, two columns joined above or below."""
    rng, mask = np.random.default_rng(seed), np.zeros((512, 384), np.uint8)
    if seed % 4 == 0:
        cv2.fillPoly(mask, [rng.integers((20, 20), (364, 492), (int(rng.integers(3, 12)), 2)).astype(np.int32)], 1)
    elif seed % 4 == 1:
        axes = int(rng.integers(60, 170)), int(rng.integers(60, 220))
        cv2.ellipse(
            mask, (192, 256), axes, int(rng.integers(0, 180)), 0, int(rng.integers(200, 360)), 1, int(rng.integers(8, 50))
        )
    else:
        left, right, width, joint = (int(rng.integers(*limits)) for limits in ((60, 170), (210, 330), (6, 60), (90, 420)))
        rows = slice(40, joint + 30) if seed % 4 == 2 else slice(joint, 480)
        mask[rows, left : left + width] = mask[rows, right : right + width] = 1
        mask[joint : joint + 30, left : right + width] = 1
    return mask > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(48))
def test_no_outline_whatever_puts_a_nan_into_a_warp(tmp_path: Path, seed: int) -> None:
    layout, mask = Layout(outputs=tmp_path), scribble(seed)
    cloth = np.where(mask[..., None], np.uint8((90, 60, 140)), np.uint8(244))
    upper, lower = (
        PreviewEngine().encode(mannequin.person_inputs(layout, category)) for category in (Category.UPPER, Category.LOWER)
    )
    try:
        top, bottom = fit_top(upper, top_landmarks(cloth, mask)), fit_lower(lower, lower_landmarks(mask))
    except InputError:
        return
    points = [top.torso.cloth, top.torso.canvas, *(edge for half in bottom.canvas for edge in half)]
    points += [edge for sleeve in top.sleeves if sleeve for edge in (*sleeve.cloth, *sleeve.canvas)]
    assert all(np.isfinite(each).all() for each in points)


def test_an_outline_without_a_garment_is_refused_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(outputs=tmp_path)
    inputs = mannequin.garment_inputs(layout, "trousers")
    marks = lower_landmarks(inputs.cloth_mask())
    marks.halves[0][0][3] = np.nan
    monkeypatch.setattr("tryon.engines.preview.engine.lower_landmarks", lambda mask: marks)
    with pytest.raises(InputError, match="no lower garment can be read") as caught:
        encode_garment(inputs)
    assert str(layout.path(CLOTH_MASK.of("trousers"))) in caught.value.message


def test_a_short_sleeve_made_wide_by_the_worn_cuff_does_not_puff(tmp_path: Path) -> None:
    subject, garment, _ = dressed(tmp_path, "tee")
    parse = subject.parse.copy()
    for side, elbow in ((0, Joint.RIGHT_ELBOW), (1, Joint.LEFT_ELBOW)):
        shoulder = subject.skeleton.shoulders[side]
        middle = shoulder + 0.35 * (np.array(mannequin.JOINTS[elbow]) - shoulder)
        bulge = cv2.circle(np.zeros_like(parse), np.round(middle).astype(int).tolist(), 24, 1, -1) > 0
        parse[bulge & (parse == Parse.BACKGROUND)] = Parse.UPPER_CLOTHES
    flared = replace(subject, parse=parse)
    for side, sleeve in enumerate(fit_top(flared, garment.landmarks).sleeves):
        assert sleeve is not None
        widths = np.hypot(*(sleeve.canvas[0] - sleeve.canvas[1]).T)
        assert sleeve.share < 0.6
        assert widths[-1] > 0.88 * widths[len(widths) // 2 :].max(), side
