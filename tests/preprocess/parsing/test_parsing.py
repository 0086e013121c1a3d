"""The embedded parser on people whose labels are known."""

import io

import numpy as np
import pytest
from drawn_person import SKIN, draw, write_person
from PIL import Image

from pipeline.core import layout, masks
from pipeline.core.card import Card
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Person
from pipeline.core.labels import Lip, Parse
from pipeline.core.step import Context
from preprocess.parsing.embedded.hem import hem_line
from preprocess.parsing.embedded.parser import ColourParser, parse_person
from preprocess.parsing.embedded.sleeves import sleeve_end
from preprocess.parsing.network_labels import Parsed
from preprocess.parsing.step import ParsingConfig, ParsingStep
from preprocess.person.not_found import NotFound
from preprocess.person.parse_lists import lists_of, read_opinions


def parsed(drawing):
    return parse_person(drawing.view.image, drawing.view.person, drawing.body)


def overlap(found, drawing, *labels):
    return masks.iou(np.isin(found, labels), np.isin(drawing.labels, labels))


def test_tee_and_trousers_are_found_with_bare_arms():
    drawing = draw()
    found = parsed(drawing)
    for label, least in (
        (Parse.UPPER_CLOTHES, 0.93), (Parse.PANTS, 0.93), (Parse.FACE, 0.85), (Parse.HAIR, 0.85),
        (Parse.LEFT_ARM, 0.85), (Parse.RIGHT_ARM, 0.85), (Parse.NECK, 0.65),
    ):  # fmt: skip
        assert overlap(found, drawing, label) > least, label.name


def test_background_is_exactly_what_the_matte_says():
    drawing = draw()
    assert np.array_equal(parsed(drawing) == Parse.BACKGROUND, ~drawing.view.person)


def test_long_sleeves_end_at_the_wrist_and_hands_stay_hands():
    drawing = draw(long_sleeves=True)
    found = parsed(drawing)
    assert overlap(found, drawing, Parse.UPPER_CLOTHES) > 0.93
    for arm in (Parse.LEFT_ARM, Parse.RIGHT_ARM):
        assert overlap(found, drawing, arm) > 0.75


def test_a_camel_coat_is_not_skin():
    camel = tuple(int(0.9 * value) for value in SKIN)
    drawing = draw(upper=camel, long_sleeves=True)
    found = parsed(drawing)
    assert overlap(found, drawing, Parse.UPPER_CLOTHES) > 0.8


def test_dark_hair_does_not_spill_onto_a_dark_shirt():
    drawing = draw(upper=(38, 32, 32))
    found = parsed(drawing)
    assert overlap(found, drawing, Parse.HAIR) > 0.8
    assert not (found[drawing.labels == Parse.UPPER_CLOTHES] == Parse.HAIR).any()


def test_a_skirt_of_another_colour_is_a_skirt():
    drawing = draw(skirt=True)
    found = parsed(drawing)
    assert overlap(found, drawing, Parse.SKIRT) > 0.85
    assert not (found == Parse.PANTS).any()


def test_one_piece_of_one_colour_is_a_dress():
    drawing = draw(upper=(230, 228, 220), lower=(230, 228, 220), skirt=True)
    found = parsed(drawing)
    whole = np.isin(drawing.labels, (Parse.UPPER_CLOTHES, Parse.SKIRT))
    assert masks.iou(found == Parse.DRESS, whole) > 0.85
    assert not np.isin(found, (Parse.UPPER_CLOTHES, Parse.PANTS, Parse.SKIRT)).any()


def test_trousers_in_the_shirts_colour_stay_trousers():
    found = parsed(draw(upper=(40, 60, 150), lower=(40, 60, 150)))
    assert (found == Parse.PANTS).any() and not (found == Parse.DRESS).any()


def test_the_same_picture_gives_the_same_labels():
    drawing = draw()
    assert np.array_equal(parsed(drawing), parsed(drawing))


def test_arguments_are_left_as_they_were():
    drawing = draw()
    image, xy = drawing.view.image.copy(), drawing.body.xy.copy()
    parsed(drawing)
    assert np.array_equal(drawing.view.image, image) and np.array_equal(drawing.body.xy, xy)


def test_nobody_in_the_matte_is_all_background():
    drawing = draw()
    assert not parse_person(drawing.view.image, np.zeros_like(drawing.view.person), drawing.body).any()


@pytest.mark.parametrize(("end", "expected"), [(0.0, 0.0), (0.75, 0.75), (2.0, 2.0)])
def test_a_sleeve_ends_where_garment_turns_into_skin(end, expected):
    place = np.linspace(0, 2, 400, dtype=np.float32)
    evidence = np.where(place < end, 2.0, -2.0).astype(np.float32)
    evidence[::7] *= -1
    assert abs(sleeve_end(place, evidence) - expected) < 0.1


def test_spots_of_the_other_colour_do_not_tear_the_hem():
    speak = np.where(np.arange(96)[:, None] < 40, 2.0, -2.0) * np.ones((96, 56), np.float32)
    speak[44:70, 20:24] = 2.0
    line = hem_line(speak.astype(np.float32), np.ones((96, 56), np.float32))
    assert np.abs(line - 40).max() <= 2


def test_the_step_writes_a_palette_of_cihp_ids(tmp_path):
    item = Person("drawn", "")
    step = ParsingStep(ParsingConfig(), Context(write_person(tmp_path, item)), ColourParser())
    made = step.run([step.read(item)])[0]
    image = Image.open(io.BytesIO(made.files[layout.PARSE.of("drawn")]()))
    assert image.mode == "P" and image.size == (768, 1024)
    assert set(np.unique(image)) <= {int(label) for label in Parse}
    assert set(made.files) == set(step.writes(item))
    assert step.signature(item) == {"backend": f"colour/{ColourParser.card.version}"}


class Network:
    """A stand-in for a pair of LIP and ATR networks: sees the first person of a call and misses everybody else."""

    card = Card(name="network", version=4)
    keeps_lists = True
    keeps_edges = False
    batch_size = 3

    def load(self, device):
        """Nothing."""

    def parse(self, views):
        labels = np.where(views[0].person, np.uint8(Parse.COAT), np.uint8(0))
        return [Parsed(labels, lists_of(labels)), *[NotFound("network labels 3% of the person") for _ in views[1:]]]


def saved(produced, kind, item, folder):
    path = folder / kind.of(item.id).replace("/", "-")
    path.write_bytes(produced.files[kind.of(item.id)]())
    return path


def test_whom_a_network_misses_the_embedded_parser_labels_and_the_flag_says_so(tmp_path):
    item = Person("drawn", "")
    step = ParsingStep(ParsingConfig(), Context(write_person(tmp_path, item)), Network())
    assert step.batch_size == 3
    seen, missed = step.run([step.read(item), step.read(item)])
    assert seen.notices == () and seen.facts["backend"] == "network" and "approximate" not in seen.facts
    assert missed.notices == (Notice(Flag.EMBEDDED_USED, "network labels 3% of the person"),)
    assert missed.facts["backend"] == "colour" and missed.facts["approximate"] == "yes"
    labels = np.asarray(Image.open(saved(missed, layout.PARSE, item, tmp_path)))
    view = step.read(item)[1]
    assert np.array_equal(labels, parse_person(view.image, view.person, view.body))


def test_a_parser_of_two_networks_keeps_the_labels_of_each(tmp_path):
    item = Person("drawn", "")
    step = ParsingStep(ParsingConfig(), Context(write_person(tmp_path, item)), Network())
    for produced in step.run([step.read(item), step.read(item)]):
        assert set(produced.files) == set(step.writes(item))
        labels = np.asarray(Image.open(saved(produced, layout.PARSE, item, tmp_path)))
        (by_lip, _), _ = read_opinions(saved(produced, layout.PARSE_LISTS, item, tmp_path), labels)
        assert np.array_equal(by_lip, np.where(labels == Parse.NECK, Lip.BACKGROUND, labels))
