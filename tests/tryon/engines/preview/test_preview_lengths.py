"""Tops and dresses shorter than the worn one: they stay as short as they are, and what belongs there shows below them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import mannequin
import numpy as np
import pytest
from mannequin import JEANS, SHIRT, SKIN, WALL
from preview_quality import landing_of

from pipeline.core import masks
from pipeline.core.engine import TryOnItem
from pipeline.core.labels import Category, Joint, Parse
from pipeline.core.layout import Layout
from tryon.engines.preview.engine import PreviewEngine
from tryon.engines.preview.fit.length import hem_height
from tryon.engines.preview.fit.torso import fit_torso
from tryon.engines.preview.person.subject import Subject

TUNIC = np.array([[146, 225], [238, 225], [246, 318], [138, 318]])
GOWN = np.array([[150, 228], [234, 228], [287, 455], [97, 455]])
HIPS = mannequin.JOINTS[Joint.MID_HIP][1]


def worn(tmp_path: Path, kind: str, category: Category = Category.UPPER) -> Subject:
    """The mannequin in a plain top, in a tunic over jeans, in wide sleeves, or in a gown to the floor."""
    points = mannequin.keypoints()
    parse = mannequin.parse_map(points, sleeves=kind in ("tunic", "wide sleeves"))
    label = Parse.DRESS if kind == "gown" else Parse.UPPER_CLOTHES
    if kind == "tunic":
        cv2.fillPoly(parse, [TUNIC], int(label))
    if kind == "wide sleeves":
        for elbow, wrist in ((Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST), (Joint.LEFT_ELBOW, Joint.LEFT_WRIST)):
            sleeve = cv2.line(np.zeros_like(parse), mannequin.JOINTS[elbow], mannequin.JOINTS[wrist], 1, 48) > 0
            parse[sleeve & (parse == Parse.BACKGROUND)] = label
    if kind == "gown":
        parse[parse == Parse.PANTS] = Parse.LEFT_LEG
        cv2.fillPoly(parse, [GOWN], int(label))
        parse[parse == Parse.UPPER_CLOTHES] = label
    picture = mannequin.photo(parse)
    picture[parse == label] = SHIRT
    mask = mannequin.agnostic_mask(parse, points, category) | masks.dilate(parse == label, 8)
    subject = PreviewEngine().encode(mannequin.person_inputs(Layout(outputs=tmp_path), category))
    assert isinstance(subject, Subject)
    return replace(subject, image=picture, parse=parse, mask=mask & ~np.isin(parse, [Parse.FACE, Parse.HAIR]))


def dressed(tmp_path: Path, subject: Subject, name: str) -> tuple[np.ndarray, float]:
    """The picture, and the row of the new hem."""
    engine = PreviewEngine()
    garment = engine.encode(mannequin.garment_inputs(Layout(outputs=tmp_path), name))
    (made,) = engine.generate([TryOnItem(subject, garment, 0)])
    return made.picture, float(landing_of(subject, garment).canvas[2:, 1].mean())


def colour_at(picture: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    return np.median(picture[rows, columns].reshape(-1, 3), axis=0)


@pytest.mark.parametrize(("kind", "name"), [("tunic", "crop"), ("tunic", "bralette"), ("plain", "bralette")])
def test_jeans_go_on_up_to_the_waist_under_a_shorter_top(tmp_path: Path, kind: str, name: str) -> None:
    subject = worn(tmp_path, kind)
    picture, hem = dressed(tmp_path, subject, name)
    assert hem < HIPS
    for row in range(HIPS, 316, 12):
        for column in (166, 218):
            found = colour_at(picture, slice(row, row + 4), slice(column - 3, column + 4))
            assert np.abs(found - JEANS).max() < 22, (row, column, found)
    left = (np.abs(picture.astype(int) - SHIRT).max(2) < 20) & subject.mask
    assert left.sum() < 0.01 * subject.mask.sum()


def test_between_a_short_top_and_the_waist_is_skin(tmp_path: Path) -> None:
    picture, hem = dressed(tmp_path, worn(tmp_path, "plain"), "bralette")
    midriff = colour_at(picture, slice(round(hem) + 5, round(hem) + 12), slice(182, 202))
    assert np.abs(midriff - SKIN).max() < 40
    assert midriff[0] > midriff[2] + 25


def test_a_top_as_long_as_the_worn_one_looks_as_before(tmp_path: Path) -> None:
    subject = worn(tmp_path, "plain")
    _, hem = dressed(tmp_path, subject, "tee")
    assert 0.95 * HIPS < hem < 1.1 * HIPS


def test_no_sliver_of_wide_sleeves_stays_beside_short_ones(tmp_path: Path) -> None:
    subject = worn(tmp_path, "wide sleeves")
    picture, _ = dressed(tmp_path, subject, "tee")
    beside = np.r_[100:112, 272:284]
    assert np.abs(colour_at(picture, slice(205, 235), beside) - WALL).max() < 15
    left = (np.abs(picture.astype(int) - SHIRT).max(2) < 20) & subject.mask
    left[:, 150:234] = False  # the new top itself
    assert left.sum() == 0


def test_a_mini_dress_stays_one_where_a_gown_was_worn(tmp_path: Path) -> None:
    subject = worn(tmp_path, "gown", Category.DRESS)
    knees = mannequin.JOINTS[Joint.RIGHT_KNEE][1]
    picture, hem = dressed(tmp_path, subject, "mini")
    assert hem < knees
    for column in (166, 218):
        assert np.abs(colour_at(picture, slice(knees + 20, knees + 60), slice(column - 3, column + 4)) - SKIN).max() < 45
    assert ((np.abs(picture.astype(int) - SHIRT).max(2) < 20) & subject.mask).sum() < 0.005 * subject.mask.sum()


@pytest.mark.parametrize("name", ["dress", "mini"])
def test_over_legs_in_trousers_a_dress_becomes_narrower_and_not_shorter(tmp_path: Path, name: str) -> None:
    subject = worn(tmp_path, "plain", Category.DRESS)
    beside = np.abs(np.arange(mannequin.WIDTH) - 192)[None, :] > 56
    below = np.arange(mannequin.HEIGHT)[:, None] > 270
    narrow = replace(subject, mask=subject.mask & ~(beside & below))
    marks = PreviewEngine().encode(mannequin.garment_inputs(Layout(outputs=tmp_path), name)).landmarks
    assert hem_height(narrow, marks) > 0.97 * hem_height(subject, marks)
    picture, _ = dressed(tmp_path, narrow, name)
    assert np.array_equal(picture[~narrow.mask], narrow.image[~narrow.mask])


def test_a_hem_is_not_torn_between_the_legs(tmp_path: Path) -> None:
    subject = worn(tmp_path, "plain", Category.DRESS)
    mask = subject.mask.copy()
    mask[360:, 178:206] = False
    marks = PreviewEngine().encode(mannequin.garment_inputs(Layout(outputs=tmp_path), "dress")).landmarks
    neck = mannequin.JOINTS[Joint.NECK][1]
    assert neck + hem_height(subject, marks) > 380
    assert neck + hem_height(replace(subject, mask=mask), marks) < 362


@pytest.mark.parametrize("sag", [0, 14], ids=["straight", "hangs lower in the middle"])
def test_no_notch_is_cut_out_of_a_dress_between_the_legs(tmp_path: Path, sag: int) -> None:
    subject = worn(tmp_path, "plain", Category.DRESS)
    mask = subject.mask.copy()
    mask[360:, 178:206] = False
    marks = PreviewEngine().encode(mannequin.garment_inputs(Layout(outputs=tmp_path), "dress")).landmarks
    hem = marks.edges.hem + np.stack(
        [np.zeros(len(marks.edges.hem)), sag * np.sin(np.linspace(0, np.pi, len(marks.edges.hem)))], 1
    )
    fit = fit_torso(replace(subject, mask=mask), replace(marks, edges=replace(marks.edges, hem=hem)))
    lowest = fit.polygon[np.abs(fit.polygon[:, 0] - 192) < 30][:, 1].max()
    assert 320 < lowest <= 361


def test_where_nothing_is_known_of_what_is_below_the_top_is_made_longer(tmp_path: Path) -> None:
    subject = worn(tmp_path, "tunic")
    below = np.arange(mannequin.HEIGHT)[:, None] >= 258  # as where the picture ends
    unknown = replace(subject, parse=np.where(below, np.uint8(Parse.BACKGROUND), subject.parse))
    marks = PreviewEngine().encode(mannequin.garment_inputs(Layout(outputs=tmp_path), "crop")).landmarks
    assert subject.keeps_lower and not unknown.keeps_lower
    assert hem_height(unknown, marks) > 1.1 * hem_height(subject, marks)


def with_ragged_waist(subject: Subject, slope: float = 0.0, dip: float = 0.0) -> tuple[Subject, np.ndarray]:
    """A waistband just above the hips as a parse map finds it: up to nine pixels off from column to column; its rows."""
    columns = np.arange(mannequin.WIDTH)
    across = (columns - mannequin.WIDTH / 2) / 60
    ragged = np.random.default_rng(5).integers(-4, 5, mannequin.WIDTH // 6 + 1).repeat(6)[: mannequin.WIDTH]
    edge = HIPS - 14 + slope * across + dip * (1 - across**2) + ragged
    band = (np.arange(mannequin.HEIGHT)[:, None] > edge) & (np.abs(across) < 1.05)
    parse = np.where(band & (subject.parse == Parse.UPPER_CLOTHES), Parse.PANTS, subject.parse).astype(np.uint8)
    image = np.where((band & (subject.parse == Parse.UPPER_CLOTHES))[..., None], JEANS, subject.image).astype(np.uint8)
    return replace(subject, image=image, parse=parse, mask=subject.mask & ~band), edge


def hem_rows(picture: np.ndarray, columns: range) -> np.ndarray:
    """The last row of each column that has not the colour of the jeans, around the hips."""
    part = picture[HIPS - 60 : HIPS + 20, columns.start : columns.stop].astype(int)
    other = np.abs(part - JEANS).max(2) > 30
    return HIPS - 60 + len(other) - 1 - np.argmax(other[::-1], axis=0)


@pytest.mark.parametrize(("slope", "dip"), [(0, 0), (8, 0), (0, 8)], ids=["level", "tilted hips", "sagging waistband"])
def test_the_hem_of_a_tucked_top_is_smooth_where_the_parsed_waist_is_ragged(tmp_path: Path, slope: float, dip: float) -> None:
    subject, edge = with_ragged_waist(worn(tmp_path, "plain"), slope, dip)
    picture, _ = dressed(tmp_path, subject, "tee")
    columns = range(152, 233)
    rows = hem_rows(picture, columns)
    smooth, waist = (np.polyval(np.polyfit(columns, line, 2), columns) for line in (rows, edge[152:233]))
    off = np.abs(rows - smooth)
    assert np.percentile(off, 70) < 0.6 * np.percentile(np.abs(edge[152:233] - waist), 70), off
    assert np.abs(smooth - edge[152:233]).mean() < 8, "the hem does not lie at the waist"
    assert np.array_equal(picture[~subject.mask], subject.image[~subject.mask])
