"""Garments directly in `cloth/`: looked at once, remembered by their stamp, acted upon only when sure."""

import os
import time

import numpy as np
import pytest
from garment_outlines import GOWN, TEE, TROUSERS, on_paper
from workspaces import save

from pipeline import garment_guess
from pipeline.api import Request, prepare
from pipeline.core.labels import Category
from pipeline.core.layout import GARMENT_GUESSES, Layout
from pipeline.core.records.store import Store
from pipeline.garment_guess import GarmentGuesser


@pytest.fixture
def layout(tmp_path):
    folders = Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")
    for name, mask in (("jeans", TROUSERS), ("tee", TEE), ("gown", GOWN)):
        save(folders.inputs / "cloth" / f"{name}.png", on_paper(mask))
        age(folders.inputs / "cloth" / f"{name}.png")
    save(folders.inputs / "person" / "ann.png", np.zeros((128, 96, 3), np.uint8))
    return folders


def age(path, seconds=60.0):
    then = time.time() - seconds
    os.utime(path, (then, then))


def garments(layout):
    request = Request(steps=(), inputs=layout.inputs, outputs=layout.outputs, weights=layout.weights)
    return prepare(request).assembly


def test_masks_and_pairs_are_planned_for_the_guessed_category(layout):
    found = garments(layout)
    assert {garment.id: garment.category for garment in found.everything.garments} == {
        "jeans": Category.LOWER, "tee": Category.UPPER, "gown": Category.DRESS,
    }  # fmt: skip
    assert not any(garment.given for garment in found.everything.garments)
    assert found.everything.persons[0].categories == tuple(Category)
    assert any("jeans lower" in note and "cloth/lower" in note for note in found.notes)


def test_a_folder_that_says_the_category_is_believed(layout):
    (layout.inputs / "cloth/upper").mkdir()
    (layout.inputs / "cloth/jeans.png").rename(layout.inputs / "cloth/upper/jeans.png")
    jeans = next(each for each in garments(layout).everything.garments if each.id == "jeans")
    assert jeans.category is Category.UPPER and jeans.given


def count_looks(monkeypatch):
    looks = []
    look = garment_guess._look
    monkeypatch.setattr(garment_guess, "_look", lambda path: looks.append(path.name) or look(path))
    return looks


def test_an_untouched_picture_is_looked_at_once(layout, monkeypatch):
    looks = count_looks(monkeypatch)
    guesser = GarmentGuesser(layout)
    assert guesser("inputs:cloth/jeans.png") is Category.LOWER
    guesser.save(Store(layout, durable=False))
    assert GarmentGuesser(layout)("inputs:cloth/jeans.png") is Category.LOWER
    assert looks == ["jeans.png"]


def test_a_replaced_picture_is_looked_at_again(layout, monkeypatch):
    guesser = GarmentGuesser(layout)
    guesser("inputs:cloth/jeans.png")
    guesser.save(Store(layout, durable=False))
    save(layout.inputs / "cloth/jeans.png", on_paper(TEE))
    assert GarmentGuesser(layout)("inputs:cloth/jeans.png") is Category.UPPER


def test_a_picture_touched_just_now_is_not_remembered(layout, monkeypatch):
    os.utime(layout.inputs / "cloth/jeans.png")
    looks = count_looks(monkeypatch)
    for _ in range(2):
        guesser = GarmentGuesser(layout)
        guesser("inputs:cloth/jeans.png")
        guesser.save(Store(layout, durable=False))
    assert len(looks) == 2


def test_planning_alone_writes_nothing(layout):
    garments(layout)
    assert not layout.outputs.exists()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"version": 0, "guesses": {"a": 1}}', b'{"version": 1, "guesses": {"a": [1]}}']
)
def test_a_damaged_memory_only_costs_new_looks(layout, content):
    path = layout.path(GARMENT_GUESSES)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert GarmentGuesser(layout)("inputs:cloth/gown.png") is Category.DRESS


def test_a_picture_that_cannot_be_read_counts_as_upper(layout):
    (layout.inputs / "cloth/broken.png").write_bytes(b"no picture")
    guesser = GarmentGuesser(layout)
    assert guesser("inputs:cloth/broken.png") is guesser("inputs:cloth/absent.png") is Category.UPPER


def test_ten_thousand_remembered_garments_are_looked_up_in_no_time(layout):
    stamp = GarmentGuesser(layout)
    stamp("inputs:cloth/tee.png")
    row = stamp._used["inputs:cloth/tee.png"]
    many = {f"inputs:cloth/{number:05}.png": row for number in range(10_000)}
    stamp._used |= many
    stamp.save(Store(layout, durable=False))
    started = time.process_time()
    again = GarmentGuesser(layout)
    for _ in range(10_000):
        again("inputs:cloth/tee.png")
    assert time.process_time() - started < 2.0
    assert len(again._known) == 10_001
