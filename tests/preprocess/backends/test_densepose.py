"""DensePose's two real backends: the TorchScript export's contract, and detectron2's checkpoint and call path."""

from __future__ import annotations

import collections
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import stand_ins

from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Body as Part
from preprocess.backends import densepose_script
from preprocess.backends.densepose_detectron2 import DenseposeDetectron2, read_arrays
from preprocess.backends.densepose_script import DenseposeScript
from preprocess.body import body_from_keypoints
from preprocess.person_view import PersonView

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
    return PersonView(image, matte, body_from_keypoints(Keypoints(body)))


RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_the_export_sees_rgb_and_its_boxes_become_parts_on_the_canvas(backend):
    parts = backend.body_parts(view((RED, 20, 30, 100, 70)))
    expected = np.zeros((128, 96), np.uint8)
    expected[20:60, 30:70], expected[60:100, 30:70] = Part.TORSO_FRONT, Part.RIGHT_THIGH_FRONT
    np.testing.assert_array_equal(parts.index, expected)
    assert np.abs(parts.u[expected > 0].astype(int) - 51).max() <= 1 and set(np.unique(parts.v)) == {0, 127}
    np.testing.assert_array_equal(parts.boxes, [[30, 20, 70, 100]])


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_two_people_the_one_in_the_matte_is_taken(backend, chosen):
    parts = backend.body_parts(view((RED, 20, 5, 100, 40), (BLUE, 30, 50, 110, 90), chosen=chosen))
    columns = np.flatnonzero(parts.index.any(0))
    assert (columns[0], columns[-1]) == ((5, 39), (50, 89))[chosen]


def test_when_nobody_is_found_the_landmarks_draw_the_parts(backend, caplog):
    given = view(((90, 90, 90), 15, 25, 110, 70))
    parts = backend.body_parts(given)
    assert (parts.index[given.matte == 0] == 0).all() and (parts.index == Part.TORSO_FRONT).any() and parts.u is None
    assert "nobody" in caplog.text


def test_the_same_picture_gives_the_same_parts(backend):
    given = view((RED, 20, 30, 100, 70))
    np.testing.assert_array_equal(backend.body_parts(given).index, backend.body_parts(given).index)


def test_a_program_with_other_outputs_is_named(tmp_path, monkeypatch):
    class Other(torch.nn.Module):
        def forward(self, picture: torch.Tensor):
            return picture, picture

    stand_ins.accept(monkeypatch, ROW, FILE)
    torch.jit.script(Other()).save(str(stand_ins.place(tmp_path, ROW, FILE)))
    with pytest.raises(WeightsError, match="five tensors"):
        DenseposeScript(tmp_path).body_parts(view((RED, 20, 30, 100, 70)))


def test_a_file_that_is_no_program_is_named(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, FILE)
    stand_ins.place(tmp_path, ROW, FILE).write_bytes(b"not a zip file" * 500)
    with pytest.raises(WeightsError, match=rf"{FILE}: not a TorchScript program"):
        DenseposeScript(tmp_path).load("cpu")


def test_a_missing_operator_of_torchvision_is_explained(tmp_path, monkeypatch):
    def load(path, map_location):
        raise RuntimeError("\nUnknown builtin op: torchvision::nms.\n")

    monkeypatch.setattr(torch.jit, "load", load)
    monkeypatch.setattr(densepose_script, "_bring_operators", lambda: "No module named 'torchvision'")
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
    with pytest.raises(WeightsError, match="asks for"):
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
