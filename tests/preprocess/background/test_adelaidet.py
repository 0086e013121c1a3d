"""CondInst and BlendMask: what an exported file and detectron2 are shown, whose mask is taken, and what is refused."""

from __future__ import annotations

import sys
import types

import numpy as np
import onnx
import pytest
import stand_ins
import torch
from onnx import TensorProto, helper, numpy_helper

from pipeline.catalog import BACKENDS, resolve
from pipeline.core.errors import MissingPackageError, WeightsError
from preprocess.background import adelaidet
from preprocess.background.adelaidet import ExportedFinder, Instances, most_alike, shown_size
from preprocess.networks.onnx_model import open_onnx
from preprocess.person.not_found import NotFound


def exported(path, classes=(0, 0, 16), scores=(0.9, 0.8, 0.95), names=("scores", "classes", "masks")):
    """Three instances: what is red, what is green, and everything; undoes the published input (blue first, no mean)."""
    take = np.zeros((3, 3, 1, 1), np.float32)
    take[0, 2], take[1, 1], take[2] = 1 / 255, 1 / 255, 1 / 255
    nodes = [
        helper.make_node("Add", ["picture", "mean"], ["colours"]),
        helper.make_node("Conv", ["colours", "take"], ["every"]),
        helper.make_node("Squeeze", ["every", "first"], ["masks"]),
        helper.make_node("Identity", ["given_scores"], ["scores"]),
        helper.make_node("Identity", ["given_classes"], ["classes"]),
    ]
    constants = {
        "mean": np.array([103.53, 116.28, 123.675], np.float32).reshape(1, 3, 1, 1), "take": take,
        "first": np.array([0], np.int64),
        "given_scores": np.array(scores, np.float32), "given_classes": np.array(classes, np.int64),
    }  # fmt: skip
    kinds = {"scores": (TensorProto.FLOAT, [3]), "classes": (TensorProto.INT64, [3]), "masks": (TensorProto.FLOAT, [3, "h", "w"])}
    graph = helper.make_graph(
        nodes, "stand-in",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(name, *kinds[name]) for name in names],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version, model.doc_string = 8, "stand-in " * 400
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def two_people(size=(90, 120)):
    """A red person on the left, a green one on the right, on black."""
    photo = np.zeros((*size, 3), np.uint8)
    photo[20:80, 10:50, 0] = 255
    photo[20:80, 70:110, 1] = 255
    return photo


def test_the_size_is_that_of_the_detectors_own_tests():
    assert shown_size(600, 800) == (800, 1067) and shown_size(1000, 3000) == (444, 1333)


@pytest.mark.parametrize("order", [("scores", "classes", "masks"), ("masks", "scores", "classes")])
def test_an_exported_file_gives_the_people_at_the_photos_size(tmp_path, order):
    found = ExportedFinder(open_onnx(exported(tmp_path / "net.onnx", names=order), "cpu"), "row").people(two_people())
    assert found.masks.shape == (2, 90, 120) and found.scores == pytest.approx([0.9, 0.8]), "class 16 is a dog"
    red, green = two_people()[..., 0] > 0, two_people()[..., 1] > 0
    assert ((found.masks[0] > 0.5) == red).mean() > 0.985 and ((found.masks[1] > 0.5) == green).mean() > 0.985


def test_who_is_not_sure_enough_is_nobody(tmp_path):
    path = exported(tmp_path / "net.onnx", scores=(0.29, 0.31, 0.9))
    assert len(ExportedFinder(open_onnx(path, "cpu"), "row").people(two_people()).scores) == 1


def test_a_file_without_instances_is_refused(tmp_path):
    path = exported(tmp_path / "net.onnx", names=("scores", "masks"))
    with pytest.raises(WeightsError, match="scores \\(n,\\), classes \\(n,\\) and masks"):
        ExportedFinder(open_onnx(path, "cpu"), "row").people(two_people())


def test_the_person_who_is_meant_is_taken_and_nobody_where_none_fits():
    photo = two_people()
    red, green = ((photo[..., channel] > 0).astype(np.float32) for channel in (0, 1))
    found = Instances(np.array([0.9, 0.8], np.float32), np.stack([red, green]))
    assert np.array_equal(most_alike(found, green > 0) > 128, green > 0)
    elsewhere = np.zeros(red.shape, bool)
    elsewhere[:10] = True
    assert most_alike(found, elsewhere) is None


class Answer(types.SimpleNamespace):
    def to(self, device):
        return self


class Detector(torch.nn.Module):
    """As detectron2 answers: instances at the size that was asked for."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))
        self.shown = None

    def forward(self, given):
        (one,) = given
        self.shown = one["image"]
        masks = torch.zeros(2, one["height"], one["width"], dtype=torch.bool)
        masks[0, 20:80, 10:50] = True
        return [{"instances": Answer(scores=torch.tensor([0.9, 0.9]), pred_classes=torch.tensor([0, 7]), pred_masks=masks)}]


def install(monkeypatch, network):
    """Modules with the names of detectron2 and AdelaiDet; returns the options that the configuration was given."""
    options = []
    config = types.SimpleNamespace(merge_from_list=options.extend)
    modules = {
        "adet": {}, "adet.config": {"get_cfg": lambda: config},
        "detectron2": {}, "detectron2.modeling": {"build_model": lambda _: network},
    }  # fmt: skip
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return options


@pytest.mark.parametrize(("name", "kind"), [("condinst", "CondInst"), ("blendmask", "BlendMask")])
def test_through_detectron2_the_published_configuration_and_blue_first_pictures_are_used(tmp_path, monkeypatch, name, kind):
    network = Detector()
    options = install(monkeypatch, network)
    backend = resolve(BACKENDS["background"][f"{name}-detectron2"])(tmp_path)
    (row,) = backend.card.weights
    stand_ins.accept(monkeypatch, row, "net.pth")
    torch.save({"model": {"weight": torch.ones(2)}, "filler": torch.zeros(2000)}, stand_ins.place(tmp_path, row, "net.pth"))
    finder = backend.open("cpu")
    found = finder.people(two_people())
    settings = dict(zip(options[::2], options[1::2], strict=True))
    assert settings["MODEL.META_ARCHITECTURE"] == kind and settings["MODEL.FCOS.INFERENCE_TH_TEST"] == 0.3
    assert network.weight.tolist() == [1, 1] and found.masks.shape == (1, 90, 120)
    assert network.shown.shape == (3, 800, 1067) and network.shown[2].max() == 255 and network.shown[0].max() == 0, "red is last"


def test_a_checkpoint_of_another_network_is_refused(tmp_path, monkeypatch):
    install(monkeypatch, Detector())
    path = tmp_path / "net.pth"
    torch.save({"model": {"other": torch.ones(2)}}, path)
    with pytest.raises(WeightsError, match="1 tensors missing \\['weight'\\], 1 unknown \\['other'\\]"):
        adelaidet.build_model(adelaidet.CONDINST, path, "cpu")


def test_without_the_packages_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "adet", None)
    monkeypatch.setitem(sys.modules, "adet.config", None)
    with pytest.raises(MissingPackageError, match="cannot be used") as caught:
        adelaidet.build_model(adelaidet.CONDINST, tmp_path / "net.pth", "cpu")
    assert "exported file" in caught.value.remedy


class Found:
    def __init__(self, *masks):
        self.masks = np.stack(masks).astype(np.float32) if masks else np.zeros((0, 40, 30), np.float32)

    def people(self, photo):
        return Instances(np.ones(len(self.masks), np.float32), self.masks)


def test_a_person_whom_the_detector_misses_is_left_to_the_embedded_matte(tmp_path, monkeypatch):
    rough = np.zeros((40, 30), np.uint8)
    rough[5:35, 8:22] = 255
    backend = resolve(BACKENDS["background"]["condinst"])(tmp_path)
    monkeypatch.setattr(backend._embedded, "matte_of", lambda photo, selection: rough)
    monkeypatch.setattr(adelaidet, "others_at", lambda selection, size: np.zeros(size, bool))
    photo, half = np.zeros((40, 30, 3), np.uint8), rough > 0
    half = half & (np.arange(40)[:, None] < 24)
    for finder, word in ((Found(), "finds nobody"), (Found(half), "does not show the whole person")):
        backend._finder = finder
        (answer,) = backend.mattes_of([photo], [None])
        assert isinstance(answer, NotFound) and word in answer.notice.detail
    backend._finder = Found(rough > 0)
    assert np.array_equal(backend.mattes_of([photo], [None])[0], rough)
