"""DensePose's two real backends: the TorchScript export's contract, and detectron2's checkpoint and call path."""

from __future__ import annotations

import collections
import pickle
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_ins

from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import BodyPart
from preprocess.densepose import torchscript as densepose_script
from preprocess.densepose.charts import parts_of
from preprocess.densepose.detectron2 import DenseposeDetectron2, charts_of, read_arrays
from preprocess.densepose.torchscript import DenseposeScript
from preprocess.person.body import joints_from_keypoints
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

torch = pytest.importorskip("torch")
ROW, FILE = "densepose-r50", "densepose_r50_fpn_dl.torchscript"


class Export(torch.nn.Module):
    """The export's contract: one float or byte RGB picture, channels first, 0..255 → boxes, coarse, fine, U, V.

    A red region is one person, a blue region another; a region's upper half is torso (2), its lower half thigh (9).
    U = green / 255 of the picture's first pixel, V = 0.5.
    """

    def forward(self, picture: torch.Tensor):
        assert picture.dim() == 3 and picture.shape[0] == 3
        picture = picture.float()
        boxes = []
        for channel in [0, 2]:
            found = torch.nonzero((picture[channel] > 200) & (picture[2 - channel] < 60))
            if found.shape[0] > 0:
                low, high = found.min(0)[0], found.max(0)[0] + 1
                boxes.append(torch.stack([low[1], low[0], high[1], high[0]]).float())
        count = len(boxes)
        coarse = torch.zeros(count, 2, 112, 112)
        coarse[:, 1] = 1.0
        fine = torch.zeros(count, 25, 112, 112)
        fine[:, 2, :56] = 1.0
        fine[:, 9, 56:] = 1.0
        level = picture[1, 0, 0] / 255.0
        where = torch.stack(boxes) if count > 0 else torch.zeros(0, 4)
        return where, coarse, fine, torch.ones_like(fine) * level, torch.full_like(fine, 0.5)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, FILE)
    torch.jit.script(Export()).save(str(stand_ins.place(tmp_path, ROW, FILE)))
    backend = DenseposeScript(tmp_path)
    backend.load("cpu")
    return backend


def view(*people, chosen=0, size=(128, 96)):
    """A canvas with coloured rectangles (colour, top, left, bottom, right); the matte shows the chosen one."""
    image = np.full((*size, 3), 51, np.uint8)
    matte = np.zeros(size, np.uint8)
    for number, (colour, top, left, bottom, right) in enumerate(people):
        image[top:bottom, left:right] = colour
        if number == chosen:
            matte[top:bottom, left:right] = 255
    body = np.zeros((25, 3), np.float32)
    for joint, place in {0: (48, 20), 1: (48, 35), 2: (36, 36), 5: (60, 36), 8: (48, 70), 9: (42, 70), 12: (54, 70)}.items():
        body[joint] = (*place, 0.9)
    return PersonView(image, matte, joints_from_keypoints(Keypoints(body)))


RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_the_export_sees_rgb_and_its_boxes_become_parts_on_the_canvas(backend):
    (parts,) = backend.body_parts([view((RED, 20, 30, 100, 70))])
    expected = np.zeros((128, 96), np.uint8)
    expected[20:60, 30:70], expected[60:100, 30:70] = BodyPart.TORSO_FRONT, BodyPart.RIGHT_THIGH_FRONT
    np.testing.assert_array_equal(parts.index, expected)
    assert np.abs(parts.u[expected > 0].astype(int) - 51).max() <= 1 and set(np.unique(parts.v)) == {0, 127}
    np.testing.assert_array_equal(parts.boxes, [[30, 20, 70, 100]])


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_two_people_the_one_in_the_matte_is_taken(backend, chosen):
    (parts,) = backend.body_parts([view((RED, 20, 5, 100, 40), (BLUE, 30, 50, 110, 90), chosen=chosen)])
    columns = np.flatnonzero(parts.index.any(0))
    assert (columns[0], columns[-1]) == ((5, 39), (50, 89))[chosen]


def test_only_the_picture_without_a_person_is_not_found(backend):
    nobody, somebody = view(((90, 90, 90), 15, 25, 110, 70)), view((RED, 20, 30, 100, 70))
    missed, found = backend.body_parts([nobody, somebody])
    assert missed == NotFound("torchscript finds nobody where the matte is")
    np.testing.assert_array_equal(found.index, backend.body_parts([somebody])[0].index)


@pytest.mark.parametrize("size", [(8, 6), (40, 900), (1024, 768)])
def test_pictures_of_any_size_give_parts_of_that_size(backend, size):
    height, width = size
    place = (height // 4, width // 4, 3 * height // 4, 3 * width // 4)
    (parts,) = backend.body_parts([view((RED, *place), size=size)])
    rows, columns = np.flatnonzero(parts.index.any(1)), np.flatnonzero(parts.index.any(0))
    assert parts.index.shape == size
    assert (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) == place


def test_a_program_with_other_outputs_is_named(tmp_path, monkeypatch):
    class Other(torch.nn.Module):
        def forward(self, picture: torch.Tensor):
            return picture, picture

    stand_ins.accept(monkeypatch, ROW, FILE)
    torch.jit.script(Other()).save(str(stand_ins.place(tmp_path, ROW, FILE)))
    with pytest.raises(WeightsError, match="five tensors"):
        DenseposeScript(tmp_path).body_parts([view((RED, 20, 30, 100, 70))])


def test_a_file_that_is_no_program_is_named(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, FILE)
    stand_ins.place(tmp_path, ROW, FILE).write_bytes(b"not a zip file" * 500)
    with pytest.raises(WeightsError, match=rf"{FILE}: not a TorchScript program"):
        DenseposeScript(tmp_path).load("cpu")


def test_a_missing_operator_of_torchvision_is_explained(tmp_path, monkeypatch):
    def load(path, map_location):
        raise RuntimeError("\nUnknown builtin op: torchvision::nms.\n")

    monkeypatch.setattr(torch.jit, "load", load)
    monkeypatch.setattr(densepose_script, "_import_operators", lambda: "No module named 'torchvision'")
    with pytest.raises(MissingPackageError, match="No module named 'torchvision'") as caught:
        densepose_script.open_program(Path("x.torchscript"), "cpu")
    assert "densepose" in caught.value.remedy


# --- detectron2 ------------------------------------------------------------------------------------------------------


def test_a_model_zoo_pickle_gives_its_arrays(tmp_path):
    path = tmp_path / "model_final_162be9.pkl"
    arrays = collections.OrderedDict({"backbone.weight": np.arange(6, dtype=np.float32).reshape(2, 3)})
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}, protocol=2))
    np.testing.assert_array_equal(read_arrays(path)["backbone.weight"], [[0, 1, 2], [3, 4, 5]])


def test_a_pickle_that_asks_for_anything_else_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return print, ("the trap was sprung",)

    path = tmp_path / "model_final_162be9.pkl"
    path.write_bytes(pickle.dumps({"model": {"x": Trap()}}))
    with pytest.raises(WeightsError, match="it needs"):
        read_arrays(path)


@pytest.mark.parametrize("content", [{"weights": {}}, {"model": {"x": 3}}, [1, 2]])
def test_another_kind_of_pickle_is_named(tmp_path, content):
    path = tmp_path / "model_final_162be9.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match="model zoo"):
        read_arrays(path)


def test_without_detectron2_the_error_says_what_to_do(tmp_path, monkeypatch):
    row, file = "densepose-detectron2-r50-s1x", "model_final_162be9.pkl"
    stand_ins.accept(monkeypatch, row, file)
    stand_ins.place(tmp_path, row, file).write_bytes(b"x" * 5000)
    monkeypatch.setitem(sys.modules, "detectron2", None)
    with pytest.raises(MissingPackageError, match="detectron2") as caught:
        DenseposeDetectron2(tmp_path).load("cpu")
    assert "torchscript" in caught.value.remedy


class ShortestEdge:
    """detectron2's resize: the shorter side to a length, unless the longer one then exceeds a limit."""

    def __init__(self, lengths, limit):
        self.length, self.limit = lengths[0], limit

    def get_transform(self, picture):
        factor = min(self.length / min(picture.shape[:2]), self.limit / max(picture.shape[:2]))
        size = tuple(round(side * factor) for side in picture.shape[1::-1])
        return types.SimpleNamespace(apply_image=lambda given: cv2.resize(given, size))


class Instances(types.SimpleNamespace):
    def to(self, device):
        return self


class Detector:
    """detectron2's contract: pictures blue first, with the size to answer in → boxes, scores and DensePose's maps.

    Everything reddish is one person with the score 0.9; a second box with another score covers the whole picture.
    """

    def __init__(self, score=0.9, second=0.3):
        self.scores, self.calls = torch.tensor([score, second]), []

    def __call__(self, shown):
        self.calls.append([tuple(each["image"].shape) for each in shown])
        return [{"instances": self._instances(each)} for each in shown]

    def _instances(self, each):
        blue, _, red = each["image"]
        found = torch.nonzero((red > 200) & (blue < 60)).float()
        scale = each["height"] / each["image"].shape[1]
        low, high = (found.min(0)[0] * scale).round(), ((found.max(0)[0] + 1) * scale).round()
        whole = torch.tensor([0.0, 0.0, each["width"], each["height"]])
        boxes = torch.stack([torch.stack([low[1], low[0], high[1], high[0]]), whole])
        fine = torch.zeros(2, 25, 112, 112)
        fine[0, 2], fine[1, 23] = 1.0, 1.0
        pose = types.SimpleNamespace(coarse_segm=fine[:, [0, 2]] + fine[:, [0, 23]], fine_segm=fine, u=fine * 0.5, v=fine * 0.5)
        return Instances(pred_densepose=pose, pred_boxes=types.SimpleNamespace(tensor=boxes), scores=self.scores)


@pytest.fixture
def detectron2(monkeypatch):
    for name in ("detectron2", "detectron2.data", "detectron2.data.transforms"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["detectron2.data.transforms"].ResizeShortestEdge = ShortestEdge


def test_detectron2_sees_blue_first_at_800_px_and_answers_in_the_pictures_pixels(detectron2):
    given, model = view((RED, 20, 30, 100, 70)), Detector()
    (charts,) = charts_of(model, [given.image])
    assert model.calls == [[(3, 1067, 800)]] and len(charts) == 1
    index = parts_of(charts, given.person).index
    rows, columns = np.flatnonzero(index.any(1)), np.flatnonzero(index.any(0))
    assert np.abs(np.array([rows[0], rows[-1] + 1, columns[0], columns[-1] + 1]) - [20, 100, 30, 70]).max() <= 1


def test_detectron2_is_shown_people_of_one_size_in_one_call_and_gives_what_each_gets_alone(detectron2):
    views = [view((RED, 20, 30, 100, 70)), view((RED, 5, 10, 40, 60), size=(48, 90)), view((RED, 40, 10, 90, 50))]
    model = Detector()
    together = charts_of(model, [each.image for each in views])
    assert model.calls == [[(3, 1067, 800)] * 2, [(3, 711, 1333)]]
    for charts, each in zip(together, views, strict=True):
        (alone,) = charts_of(model, [each.image])
        np.testing.assert_array_equal(charts.boxes, alone.boxes)
        np.testing.assert_array_equal(parts_of(charts, each.person).index, parts_of(alone, each.person).index)


def test_doubtful_boxes_count_only_where_nobody_is_sure(detectron2):
    image = view((RED, 20, 30, 100, 70)).image
    assert [len(charts_of(Detector(*scores), [image])[0]) for scores in ((0.9, 0.85), (0.9, 0.7), (0.5, 0.3))] == [2, 1, 2]
