"""The tensors of DCI-VTON's own loaders, recorded, against ours made of the same files."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import InputError
from pipeline.core.labels import Parse
from tryon.engines.dci_vton.conditions import (
    PersonConditions,
    first_model_inputs,
    garment_box,
    parse_hole,
    reference_garment,
    second_model_inputs,
)
from tryon.engines.dci_vton.warp_conditions import GROUPS, one_hot, warp_inputs, worn_garment

PERSON, GARMENT = "00001_00", "00002_00"
LEVEL = 1 / 127.5
"""One grey level in [-1, 1]."""


@pytest.fixture(scope="module")
def recorded(fixtures_root):
    return np.load(fixtures_root / "dci_vton" / "public" / "preprocess.npz")


def stored(recorded, path: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(recorded[f"file/test/{path}"].tobytes())))


def bits(recorded, key: str, size: tuple[int, int]) -> np.ndarray:
    return np.unpackbits(recorded[key]).reshape(size) > 0


@pytest.fixture(scope="module")
def person(recorded):
    """The recorded drawing is the second loader's; where it is grey the recorded picture is 128, elsewhere the photo."""
    image = stored(recorded, f"image/{PERSON}.jpg")
    repaint = bits(recorded, "v2/agnostic_mask_1024x768", (1024, 768))
    return PersonConditions(
        image,
        np.where(repaint[..., None], np.uint8(128), image),
        repaint,
        stored(recorded, f"image-parse-v3/{PERSON}.png"),
        stored(recorded, f"image-parse-agnostic-v3.2/{PERSON}.png"),
    )


@pytest.fixture(scope="module")
def warped(recorded):
    return tuple(stored(recorded, f"unpaired-{kind}/{PERSON}.jpg") for kind in ("cloth-warp", "cloth-warp-mask"))


@pytest.mark.parametrize("version, make", [("v1", first_model_inputs), ("v2", second_model_inputs)])
def test_the_diffusion_models_tensors_equal_the_loaders(recorded, person, warped, version, make):
    got = make(person, *warped)
    for name, values in (("GT", got.person), ("inpaint_image", got.inpaint_image), ("warp_feat", got.warp_feat)):
        assert values.shape == (3, 512, 512) and values.dtype == np.float32
        assert np.abs(values[:, 2::4, 2::4] - recorded[f"{version}/{name}_s4"]).max() <= LEVEL, name
        measured = [values.mean((1, 2)), values.std((1, 2)), values.min((1, 2)), values.max((1, 2))]
        assert np.abs(np.stack(measured, 1) - recorded[f"{version}/{name}_stats"]).max() <= LEVEL, name
    keep = bits(recorded, f"{version}/inpaint_mask", (512, 512))
    assert np.array_equal(got.repaint, ~keep)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_reference_garment_equals_the_loaders(recorded, version):
    cloth, mask = (stored(recorded, f"{kind}/{GARMENT}.jpg") for kind in ("cloth", "cloth-mask"))
    room = 0.1 + 0.1 * float(recorded[f"{version}/mask2bbox_random"])
    small = np.asarray(Image.fromarray(mask).resize((512, 512), Image.Resampling.NEAREST)) >= 128
    box = garment_box(small, room)
    assert (box.top, box.bottom, box.left, box.right) == tuple(recorded[f"{version}/bbox_down_up_left_right"])
    got = reference_garment(cloth, mask >= 128, room)
    assert got.shape == (3, 224, 224)
    assert np.abs(got[:, ::2, ::2] - recorded[f"{version}/ref_imgs_s2"]).max() <= LEVEL


def test_the_warping_networks_tensors_equal_the_loaders(recorded, person):
    cloth, mask = (stored(recorded, f"{kind}/{GARMENT}.jpg") for kind in ("cloth", "cloth-mask"))
    got = warp_inputs(cloth, mask >= 128, stored(recorded, f"image-densepose/{PERSON}.jpg"), person.parse_agnostic)
    for name, values in (("cloth", got.cloth), ("densepose", got.densepose)):
        assert values.shape == tuple(recorded[f"warp/{name}_shape"])
        assert np.abs(values[:, 2::4, 2::4] - recorded[f"warp/{name}_s4"]).max() <= LEVEL, name
    assert np.array_equal(got.cloth_mask, bits(recorded, "warp/cloth_mask", (512, 384)))
    assert np.array_equal(got.groups.argmax(0)[::2, ::2], recorded["warp/parse_agnostic_argmax_s2"])
    assert np.array_equal(got.groups.sum((1, 2)), recorded["warp/parse_agnostic_sum"])


def test_the_warping_networks_training_target_equals_the_loaders(recorded, person):
    got, _ = worn_garment(person.image, person.parse)
    assert np.abs(got[:, 2::4, 2::4] - recorded["warp/parse_cloth_s4"]).max() <= LEVEL


def test_every_label_is_in_just_one_group():
    assert sorted(label for group in GROUPS for label in group) == sorted(Parse)
    everything = one_hot(np.arange(20, dtype=np.uint8).reshape(4, 5))
    assert np.array_equal(everything.sum(0), np.ones((4, 5)))


def test_the_first_models_hole_covers_garment_and_arms_and_little_more():
    parse = np.zeros((512, 512), np.uint8)
    parse[200:300, 200:300] = Parse.UPPER_CLOTHES
    parse[200:300, 320:340] = Parse.LEFT_ARM
    hole = parse_hole(parse)
    assert hole[200:300, 200:340].all() and hole.sum() < 1.6 * 100 * 140
    assert not parse_hole(np.full((512, 512), Parse.HAIR, np.uint8)).any()


def test_without_a_garment_there_is_no_reference():
    with pytest.raises(InputError, match="empty"):
        reference_garment(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), bool))
