"""The real parsers: a tiny SegFormer folder, and stand-ins of SCHP's two exports."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_ins
from onnx import helper
from PIL import Image

from pipeline.core.errors import WeightsError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Atr, Lip, Parse
from preprocess.networks.segformer import read_normal
from preprocess.parsing.schp import ATR_FILE, LIP_FILE, Schp
from preprocess.parsing.schp_frames import frame_matrix, hybrid, labels_from, network_input
from preprocess.parsing.segformer import SegformerClothes
from preprocess.person.body import joints_from_keypoints
from preprocess.person.label_tables import CIHP_FROM_ATR
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

torch = pytest.importorskip("torch")
SEGFORMER = ("model.safetensors", "config.json", "preprocessor_config.json")
RED, YELLOW, ORANGE, BLUE, GREY = (255, 0, 0), (255, 255, 0), (255, 128, 0), (0, 0, 255), (128, 128, 128)


def view(image, matte):
    points = np.zeros((25, 3), np.float32)
    height, width = matte.shape
    for joint, (x, y) in {
        0: (0.5, 0.15),
        1: (0.5, 0.3),
        2: (0.35, 0.3),
        5: (0.65, 0.3),
        8: (0.5, 0.6),
        9: (0.42, 0.6),
        12: (0.58, 0.6),
    }.items():
        points[joint] = x * width, y * height, 0.9
    return PersonView(image, matte, joints_from_keypoints(Keypoints(points)))


# --- SegFormer ---------------------------------------------------------------------------------------------------------


def save_segformer(folder: Path, labels=18, settings=None):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(5)
    config = transformers.SegformerConfig(
        num_labels=labels,
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=16,
    )
    model = transformers.SegformerForSemanticSegmentation(config).eval()
    with torch.no_grad():
        model.decode_head.classifier.weight.normal_(0, 3)
    model.save_pretrained(folder, safe_serialization=True)
    default = {"size": {"height": 64, "width": 64}, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings or default))
    padded = folder / "config.json"
    padded.write_text(padded.read_text() + " " * 4096)
    settings_file = folder / "preprocessor_config.json"
    settings_file.write_text(settings_file.read_text() + " " * 4096)
    return model


@pytest.fixture
def segformer(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "segformer-clothes", *SEGFORMER)
    (tmp_path / "segformer-clothes").mkdir()
    model = save_segformer(tmp_path / "segformer-clothes")
    backend = SegformerClothes(tmp_path)
    backend.load("cpu")
    return backend, model


def colourful(size):
    noise = np.random.default_rng(2).integers(0, 256, (6, 5, 3), np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("size", [(128, 96), (40, 200), (500, 30)])
def test_segformers_logits_are_enlarged_before_the_argmax(segformer, size):
    backend, model = segformer
    image = colourful(size)
    small = np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR), np.float64) / 255
    shown = (small - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    with torch.no_grad():
        logits = model(torch.from_numpy(shown.transpose(2, 0, 1)[None].astype(np.float32))).logits
    assert logits.shape == (1, 18, 16, 16)
    expected = torch.nn.functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)[0].argmax(0).numpy()
    (found,) = backend._network.labels([image])
    assert len(np.unique(expected)) >= 3
    assert found.shape == size and np.mean(found == expected) > 0.999


def test_the_parse_map_is_cihp_and_ends_at_the_matte(segformer):
    backend, _ = segformer
    image = colourful((128, 96))
    matte = np.zeros((128, 96), np.uint8)
    matte[10:120, 20:80] = 255
    (parsed,) = backend.parse([view(image, matte)])
    labels = parsed.labels
    assert labels.dtype == np.uint8 and not labels[matte == 0].any()
    assert set(np.unique(labels)) <= {int(label) for label in Parse}
    (atr,) = backend._network.labels([image])
    kept = (matte > 0) & (labels != Parse.NECK)
    np.testing.assert_array_equal(labels[kept], np.asarray(CIHP_FROM_ATR)[atr][kept])


def test_a_batch_of_different_sizes_gives_what_each_person_gets_alone(segformer):
    backend, _ = segformer
    views = [view(colourful(size), np.full(size, 255, np.uint8)) for size in [(128, 96), (64, 48), (40, 200)]]
    for together, each in zip(backend.parse(views), views, strict=True):
        (alone,) = backend.parse([each])
        assert np.mean(together.labels == alone.labels) > 0.999


def test_a_parser_with_other_labels_is_refused(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "segformer-clothes", *SEGFORMER)
    (tmp_path / "segformer-clothes").mkdir()
    save_segformer(tmp_path / "segformer-clothes", labels=20)
    with pytest.raises(WeightsError, match="20 classes, 18"):
        SegformerClothes(tmp_path).load("cpu")


def test_a_damaged_folder_is_named(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "segformer-clothes", *SEGFORMER)
    (tmp_path / "segformer-clothes").mkdir()
    save_segformer(tmp_path / "segformer-clothes")
    (tmp_path / "segformer-clothes" / "model.safetensors").write_bytes(b"damaged!" * 700)
    with pytest.raises(WeightsError, match="not a SegFormer folder"):
        SegformerClothes(tmp_path).load("cpu")


def test_old_processor_settings_with_one_number_for_the_size_are_read(tmp_path):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"size": 512, "image_mean": [0.5, 0.5, 0.5]}))
    assert read_normal(path).size == (512, 512) and read_normal(path).mean == (0.5, 0.5, 0.5)
    path.write_text("[]")
    with pytest.raises(WeightsError, match=r"preprocessor_config\.json"):
        read_normal(path)


def test_missing_parser_files_are_named_with_the_command(tmp_path):
    with pytest.raises(WeightsError, match=r"model\.safetensors") as caught:
        SegformerClothes(tmp_path).load("cpu")
    assert "weights pull segformer-clothes" in caught.value.remedy


# --- SCHP ------------------------------------------------------------------------------------------------------------


def schp_network(path: Path, side: int, classes: int, weigh: dict[int, tuple[float, float, float, float]]) -> None:
    """SCHP's contract: `input.1` (1, 3, side, side), blue first, normalised → several outputs, number 1 the fused scores.

    Scores are a quarter of the input's size; class k = weigh[k] · (R, G, B, 1).
    """
    table = np.full((classes, 4), 0.0, np.float32)
    table[:, 3] = -9
    for label, row in weigh.items():
        table[label] = row
    constants = {
        "std": np.array([0.225, 0.224, 0.229], np.float32).reshape(1, 3, 1, 1),
        "mean": np.array([0.406, 0.456, 0.485], np.float32).reshape(1, 3, 1, 1),
        "weigh": np.ascontiguousarray(table[:, 2::-1]).reshape(classes, 3, 1, 1),
        "bias": table[:, 3].copy(),
        "nothing": np.array([0], np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["input.1", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["picture"]),
        helper.make_node("Conv", ["picture", "weigh", "bias"], ["score"]),
        helper.make_node("AveragePool", ["score"], ["fused"], kernel_shape=[4, 4], strides=[4, 4], ceil_mode=1),
        helper.make_node("Mul", ["fused", "nothing"], ["first"]),
        helper.make_node("Mul", ["fused", "nothing"], ["last"]),
    ]
    shape = (1, classes, -(-side // 4), -(-side // 4))
    outputs = {"first": shape, "fused": shape, "last": shape}
    stand_ins.save_network(path, nodes, {"input.1": (1, 3, side, side)}, outputs, constants)


ATR_COLOURS = {0: (0, 0, 0, 0.3), 4: (1, -3, -1, 0), 11: (0, 2, -3, 0), 14: (-1, -1, 1, 0)}
"""Grey = background, red = upper clothes, yellow and orange = face (and neck), blue = left arm."""
LIP_COLOURS = {0: (0, 0, 0, 0), 13: (0, 4, -3, -3)}
"""Yellow alone is face."""


@pytest.fixture
def schp(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "schp-onnx", ATR_FILE, LIP_FILE)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", ATR_FILE), 512, 18, ATR_COLOURS)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", LIP_FILE), 473, 20, LIP_COLOURS)
    backend = Schp(tmp_path)
    backend.load("cpu")
    return backend


def painted(size):
    """Yellow face over an orange neck over a red top with a blue arm, on grey; all of it the person."""
    height, width = size
    image = np.full((*size, 3), GREY, np.uint8)
    where = {}
    for name, colour, (top, bottom, left, right) in (
        ("face", YELLOW, (0.05, 0.25, 0.4, 0.6)),
        ("neck", ORANGE, (0.25, 0.32, 0.43, 0.57)),
        ("upper", RED, (0.32, 0.8, 0.3, 0.7)),
        ("arm", BLUE, (0.32, 0.8, 0.7, 0.85)),
    ):
        box = slice(round(top * height), round(bottom * height)), slice(round(left * width), round(right * width))
        image[box] = colour
        mask = np.zeros(size, np.uint8)
        mask[box] = 1
        side = 2 * round(max(size) / 100) + 1  # a score covers 4 of 512 pixels
        where[name] = cv2.erode(mask, np.ones((side, side))) > 0
    return image, where


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1024, 768), (512, 384), (300, 800)])
def test_the_pair_labels_the_frame_in_its_own_pixels(schp, size):
    image, where = painted(size)
    (lists,) = schp.lists_of([image])
    atr = hybrid(lists.atr, lists.lip)
    assert atr.shape == size
    for name, label in {"face": Atr.FACE, "neck": Atr.NECK, "upper": Atr.UPPER_CLOTHES, "arm": Atr.LEFT_ARM}.items():
        assert np.mean(atr[where[name]] == label) > 0.99, name
    assert (atr[: size[0] // 30] == Atr.BACKGROUND).all() and (atr[-size[0] // 8 :] == Atr.BACKGROUND).all()


def test_the_parse_map_has_cihps_neck_and_ends_at_the_matte(schp):
    image, where = painted((512, 384))
    matte = np.where((image != GREY).any(2), 255, 0).astype(np.uint8)
    matte[300:] = 0
    (parsed,) = schp.parse([view(image, matte)])
    labels = parsed.labels
    assert np.mean(labels[where["neck"]] == Parse.NECK) > 0.99 and not labels[matte == 0].any()
    assert np.mean(labels[where["face"]] == Parse.FACE) > 0.99


def test_a_person_whom_the_networks_miss_is_not_found(schp):
    image = np.full((256, 192, 3), 128, np.uint8)
    matte = np.zeros((256, 192), np.uint8)
    matte[20:240, 50:140] = 255
    assert schp.parse([view(image, matte)]) == [NotFound("schp labels 0% of the person")]


def test_nobody_in_the_matte_is_an_empty_map_and_no_reason_to_doubt(schp):
    image, _ = painted((256, 192))
    (parsed,) = schp.parse([view(image, np.zeros((256, 192), np.uint8))])
    assert not parsed.labels.any()


def test_people_of_any_sizes_make_one_call_and_get_what_each_gets_alone(schp):
    sizes = [(512, 384), (300, 800), (64, 48)]
    views = [view(painted(size)[0], np.full(size, 255, np.uint8)) for size in sizes]
    for together, each in zip(schp.parse(views), views, strict=True):
        (alone,) = schp.parse([each])
        np.testing.assert_array_equal(together.labels, alone.labels)
        np.testing.assert_array_equal(together.lists.lip, alone.lists.lip)


def test_a_coat_that_only_lip_knows_is_a_coat_in_the_parse_map(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "schp-onnx", ATR_FILE, LIP_FILE)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", ATR_FILE), 512, 18, ATR_COLOURS)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", LIP_FILE), 473, 20, LIP_COLOURS | {7: (1, -3, -1, 0.1)})
    image, where = painted((512, 384))
    (parsed,) = Schp(tmp_path).parse([view(image, np.where((image != GREY).any(2), 255, 0).astype(np.uint8))])
    assert np.mean(parsed.labels[where["upper"]] == Parse.COAT) > 0.99
    assert (parsed.lists.atr[where["upper"]] == Atr.UPPER_CLOTHES).all() and (parsed.lists.lip[where["upper"]] == Lip.COAT).all()


def test_the_two_exports_swapped_are_noticed(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "schp-onnx", ATR_FILE, LIP_FILE)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", ATR_FILE), 512, 20, ATR_COLOURS)
    schp_network(stand_ins.place(tmp_path, "schp-onnx", LIP_FILE), 473, 20, LIP_COLOURS)
    with pytest.raises(WeightsError, match=r"parsing_atr\.onnx.*18"):
        Schp(tmp_path).lists_of([np.zeros((64, 48, 3), np.uint8)])


@pytest.mark.parametrize("size", [(1024, 768), (40, 300)])
def test_a_marked_square_comes_back_where_the_frame_was_put(size):
    height, width = size
    scale = 511 / (max(size) - 1)
    scores = np.zeros((3, 128, 128), np.float32)
    scores[0], scores[2, 40:80, 60:100] = 0.5, 1
    labels = labels_from(scores, 512, size)
    rows, columns = np.flatnonzero((labels == 2).any(1)), np.flatnonzero((labels == 2).any(0))
    step = 511 / 127  # input pixels per score pixel, corners on corners; a class changes half way between two scores
    edges = (
        (np.array([39.5, 79.5]) * step - 255.5) / scale + (height - 1) / 2,
        (np.array([59.5, 99.5]) * step - 255.5) / scale + (width - 1) / 2,
    )
    assert np.allclose([rows[0], rows[-1]], np.clip(edges[0], 0, height - 1), atol=2)
    assert np.allclose([columns[0], columns[-1]], np.clip(edges[1], 0, width - 1), atol=2)


@pytest.mark.parametrize("side", [512, 473])
@pytest.mark.parametrize("size", [(512, 384), (384, 512), (1024, 1024)])
def test_the_frames_first_and_last_pixel_lie_on_those_of_the_square(side, size):
    matrix = frame_matrix(size, side)
    corners = np.array([[0, 0, 1], [size[1] - 1, size[0] - 1, 1]]) @ matrix.T
    longer = int(size[0] > size[1]) or int(size[0] == size[1])
    np.testing.assert_allclose(corners[:, longer], [0, side - 1], atol=1e-9)
    np.testing.assert_allclose(corners.mean(0), [(side - 1) / 2] * 2, atol=1e-9)


def test_a_frame_of_the_squares_own_size_is_not_moved_at_all():
    np.testing.assert_allclose(frame_matrix((512, 512), 512), [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_schp_sees_blue_first_and_black_round_the_frame():
    image = np.zeros((100, 50, 3), np.uint8)
    image[:] = (255, 0, 0)
    shown = (
        network_input(image, 512)[0] * np.array([0.225, 0.224, 0.229])[:, None, None]
        + np.array([0.406, 0.456, 0.485])[:, None, None]
    )
    np.testing.assert_allclose(shown[:, 256, 256], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(shown[:, 256, 10], [0, 0, 0], atol=1e-6)
