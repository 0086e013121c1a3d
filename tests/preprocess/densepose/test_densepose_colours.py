"""Colours of `image-densepose`: exact on the way out, forgiving on the way in."""

import io

import numpy as np
import pytest
from drawn_person import draw
from PIL import Image

from pipeline.core import images
from preprocess.densepose.colours import decode, render
from preprocess.densepose.embedded import draw_parts


def through_jpeg(picture, quality=95, subsampling=0):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer).convert("RGB"))


def test_the_table_is_vitonhds_and_the_ground_is_pure_black():
    picture = render(np.array([[0, 1, 2], [15, 23, 24]], np.uint8))
    assert picture.tolist() == [[[0, 0, 0], [37, 60, 163], [20, 80, 194]], [[145, 191, 116], [250, 235, 25], [249, 251, 14]]]


def test_an_index_beyond_24_is_refused():
    with pytest.raises(ValueError, match="25"):
        render(np.array([[25]], np.uint8))


def test_every_index_survives_without_compression():
    index = np.arange(25, dtype=np.uint8).reshape(5, 5)
    assert np.array_equal(decode(render(index)), index)


def test_our_jpeg_gives_back_99_and_a_half_percent_of_the_foreground():
    drawing = draw()
    index = draw_parts(drawing.body, drawing.view.person)
    read = decode(np.asarray(Image.open(io.BytesIO(images.jpeg(render(index))))))
    assert np.mean(read[index > 0] == index[index > 0]) >= 0.995
    assert np.mean(read[index == 0] == 0) >= 0.9995


def test_halved_chroma_is_visibly_worse_which_is_why_we_write_444():
    drawing = draw()
    index = draw_parts(drawing.body, drawing.view.person)
    foreground = index > 0
    full = np.mean(decode(through_jpeg(render(index)))[foreground] == index[foreground])
    halved = np.mean(decode(through_jpeg(render(index), subsampling=2))[foreground] == index[foreground])
    assert halved < full


def test_a_colour_outside_the_table_takes_its_neighbours_index():
    picture = render(np.full((9, 9), 2, np.uint8))
    picture[4, 4] = (90, 200, 90)
    assert (decode(picture) == 2).all()


def test_dark_noise_on_the_ground_stays_ground():
    noise = np.random.default_rng(0).integers(0, 18, (32, 32, 3)).astype(np.uint8)
    assert not decode(noise).any()


def test_a_grey_photo_below_the_colours_is_not_taken_for_a_body():
    picture = np.full((32, 32, 3), 120, np.uint8)
    assert not decode(picture).any()
