"""FASHN's parser: its own picture size and labels, sides from the body; driven by a tiny folder of the same form."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_ins
from test_parsers import view

from pipeline.choice import Chooser
from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.labels import Fashn, Parse
from pipeline.core.weights.table import row
from preprocess.parsing.fashn import FashnParser
from preprocess.person.not_found import NotFound

torch = pytest.importorskip("torch")
ROW, FILES = "fashn-human-parser", ("model.safetensors", "config.json", "preprocessor_config.json")
SIZE = (576, 384)
PAD = " " * 4096
"""Files of a few bytes would be taken for download errors."""


def save(folder: Path, labels: int = len(Fashn), size=SIZE):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    config = transformers.SegformerConfig(
        num_labels=labels, hidden_sizes=[8] * 4, depths=[1] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=16
    )
    model = transformers.SegformerForSemanticSegmentation(config).eval()
    with torch.no_grad():
        model.decode_head.classifier.weight.normal_(0, 3)
    folder.mkdir(parents=True)
    model.save_pretrained(folder, safe_serialization=True)
    settings = {
        "size": size if isinstance(size, int) else {"height": size[0], "width": size[1]},
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings) + PAD)
    (folder / "config.json").write_text((folder / "config.json").read_text() + PAD)
    return model


@pytest.fixture
def fashn(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, *FILES)
    model = save(tmp_path / ROW)
    backend = FashnParser(tmp_path)
    backend.load("cpu")
    return backend, model


def says(backend, monkeypatch, *maps):
    """Let the network answer with these label maps, whatever it is shown."""
    monkeypatch.setattr(backend._network, "labels", lambda pictures: list(maps[: len(pictures)]))


def colourful(size):
    noise = np.random.default_rng(7).integers(0, 256, (6, 5, 3), np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("size", [(1024, 768), (300, 60)])
def test_the_picture_is_squashed_by_area_means_into_384_by_576_and_scores_are_enlarged(fashn, size):
    backend, model = fashn
    image = colourful(size)
    small = cv2.resize(image, (384, 576), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    shown = (small - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    with torch.no_grad():
        logits = model(torch.from_numpy(shown.transpose(2, 0, 1)[None].astype(np.float32))).logits
    expected = torch.nn.functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)[0].argmax(0).numpy()
    (found,) = backend._network.labels([image])
    assert len(np.unique(expected)) >= 3
    assert found.shape == size and np.mean(found == expected) > 0.999


@pytest.mark.parametrize("written", [(512, 512), (384, 576), 224])
def test_the_network_works_at_576_by_384_whatever_the_settings_beside_it_say(tmp_path, monkeypatch, fashn, written):
    save(tmp_path / "other" / ROW, size=written)
    other = FashnParser(tmp_path / "other")
    other.load("cpu")
    assert other._network.normal.size == SIZE
    image = colourful((300, 200))
    np.testing.assert_array_equal(other._network.labels([image])[0], fashn[0]._network.labels([image])[0])


def test_limbs_get_sides_hands_join_the_arms_and_the_torsos_skin_is_the_neck(fashn, monkeypatch):
    backend, _ = fashn
    labels = np.zeros((200, 100), np.uint8)
    labels[5:40, 40:60], labels[42:58, 42:58] = Fashn.FACE, Fashn.TORSO
    labels[60:120, 40:60] = Fashn.TOP
    labels[60:100, 20:35], labels[100:110, 20:35] = Fashn.ARMS, Fashn.HANDS  # the viewer's left: the right arm
    labels[60:100, 65:80], labels[100:110, 65:80] = Fashn.ARMS, Fashn.HANDS
    labels[50:54, 44:56] = Fashn.JEWELRY
    labels[110:120, 80:90] = Fashn.BAG
    says(backend, monkeypatch, labels)
    (parsed,) = backend.parse([view(colourful(labels.shape), np.where(labels > 0, 255, 0).astype(np.uint8))])
    found = parsed.labels
    assert (found[60:110, 20:35] == Parse.RIGHT_ARM).all() and (found[60:110, 65:80] == Parse.LEFT_ARM).all()
    assert (found[44:58, 44:56] == Parse.NECK).all() and (found[60:120, 40:60] == Parse.UPPER_CLOTHES).all()
    assert (found[110:120, 80:90] == Parse.BACKGROUND).all() and parsed.lists is None


def test_an_ear_ring_is_part_of_the_face(fashn, monkeypatch):
    backend, _ = fashn
    labels = np.full((200, 100), Fashn.TOP, np.uint8)
    labels[5:40, 40:60] = Fashn.FACE
    labels[24:28, 38:40] = Fashn.JEWELRY
    says(backend, monkeypatch, labels)
    (parsed,) = backend.parse([view(colourful(labels.shape), np.full(labels.shape, 255, np.uint8))])
    assert (parsed.labels[24:28, 38:40] == Parse.FACE).all()


def test_nothing_is_labelled_outside_the_matte_and_the_other_person_is_left_out(fashn, monkeypatch):
    backend, _ = fashn
    matte = np.zeros((200, 100), np.uint8)
    matte[:, :50] = 255
    says(backend, monkeypatch, np.full(matte.shape, Fashn.TOP, np.uint8))
    (parsed,) = backend.parse([view(colourful(matte.shape), matte)])
    assert (parsed.labels[:, :50] == Parse.UPPER_CLOTHES).all() and not parsed.labels[:, 50:].any()


def test_an_empty_map_is_not_found(fashn, monkeypatch):
    backend, _ = fashn
    says(backend, monkeypatch, np.zeros((200, 100), np.uint8))
    answer = backend.parse([view(colourful((200, 100)), np.full((200, 100), 255, np.uint8))])
    assert answer == [NotFound("fashn labels 0% of the person")]


def test_a_batch_gives_what_each_person_gets_alone(fashn):
    backend, _ = fashn
    views = [view(colourful(size), np.full(size, 255, np.uint8)) for size in [(128, 96), (64, 48)]]
    for together, each in zip(backend.parse(views), views, strict=True):
        (alone,) = backend.parse([each])
        assert np.mean(together.labels == alone.labels) > 0.999


def test_a_folder_with_another_number_of_labels_is_refused(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, *FILES)
    save(tmp_path / ROW, labels=20)
    with pytest.raises(WeightsError, match="20 classes, 18"):
        FashnParser(tmp_path).load("cpu")


def test_business_use_is_refused_with_the_backend_that_would_do(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, *FILES)
    save(tmp_path / ROW)
    assert row(ROW).commercial.value == "no"
    with pytest.raises(UsageError, match="fashn-human-parser") as caught:
        Chooser(tmp_path, commercial_only=True).backend("parsing", "fashn")
    assert "embedded" in caught.value.remedy
    choice = Chooser(tmp_path, commercial_only=True).backend("parsing")
    assert choice.card.name == "colour" and any("fashn" in note for note in choice.notes)


def test_auto_takes_it_when_it_is_the_only_real_parser_there(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, *FILES)
    save(tmp_path / ROW)
    assert Chooser(tmp_path).backend("parsing").card.name == "fashn"
