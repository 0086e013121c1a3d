"""The rembg family, run directly: what the networks are shown, what is made of their answers, and who is kept."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_ins

from pipeline.catalog import BACKENDS, resolve
from pipeline.choice import Chooser
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.rect import Rect
from preprocess.background.people import Selection
from preprocess.background.rembg import BirefnetPortrait, U2net, U2netHumanSeg
from preprocess.cloth.rembg import ClothSeg, garment_share
from preprocess.networks import onnx_model, rembg_models
from preprocess.networks.batch_size import pictures_at_once
from preprocess.networks.rembg_models import BIREFNET, ISNET, U2NET, SaliencyNetwork, foreground_share
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound

RED_ONLY = [(1.0, 0.0, -1.0, 0.0)]
RED_LOGIT = [(24.0, 0.0, -24.0, -12.0)]
NETWORKS = {
    "rembg-u2net": (U2NET, 320, stand_ins.IMAGENET, RED_ONLY, 7),
    "rembg-isnet-general-use": (ISNET, 1024, stand_ins.HALF, RED_ONLY, 6),
    "rembg-birefnet-portrait": (BIREFNET, 1024, stand_ins.IMAGENET, RED_LOGIT, 1),
}


def red_square(size=(90, 120), box=(20, 30, 70, 90)):
    """A pure red rectangle (top, left, bottom, right) on light grey, and its mask."""
    photo = np.full((*size, 3), 200, np.uint8)
    mask = np.zeros(size, bool)
    mask[box[0] : box[2], box[1] : box[3]] = True
    photo[mask] = (255, 0, 0)
    return photo, mask


@pytest.mark.parametrize("row", NETWORKS)
def test_the_network_sees_the_published_normalisation_and_its_answer_comes_back_to_the_pictures_size(row, tmp_path, monkeypatch):
    spec, side, normal, weigh, outputs = NETWORKS[row]
    file = f"{row.removeprefix('rembg-')}.onnx"
    stand_ins.accept(monkeypatch, row, file)
    stand_ins.colour_network(stand_ins.place(tmp_path, row, file), side, normal, weigh, outputs)
    photo, mask = red_square()

    (share,) = SaliencyNetwork(row, spec, tmp_path)([photo])

    inside, outside = (
        cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0,
        cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) == 0,
    )
    assert share.shape == mask.shape and share.dtype == np.float32
    assert share[inside].min() > 0.98 and share[outside].max() < 0.02


def test_a_picture_in_which_the_network_finds_nothing_is_not_stretched_into_a_person(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    path = stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(path, 320, stand_ins.IMAGENET, RED_ONLY, 7)
    faint = np.full((80, 60, 3), 200, np.uint8)
    faint[20:40, 20:40] = (250, 200, 200)  # 0.2 more red than blue: far from a sure pixel

    assert SaliencyNetwork("rembg-u2net", U2NET, tmp_path)([faint])[0].max() == 0


def test_an_answer_that_is_foreground_everywhere_gets_no_holes_from_stretching():
    answer = np.linspace(0.9, 1.0, 64, dtype=np.float32).reshape(8, 8)
    assert foreground_share(answer, U2NET).min() >= 0.89


@pytest.mark.slow
@pytest.mark.parametrize("row", ["rembg-u2net", "rembg-isnet-general-use", "rembg-birefnet-general"])
def test_masks_equal_those_of_rembg_itself(row, tmp_path, monkeypatch):
    sessions = pytest.importorskip("rembg.sessions")
    from PIL import Image

    name = row.removeprefix("rembg-")
    spec, side, normal, weigh, outputs = NETWORKS.get(row, NETWORKS["rembg-birefnet-portrait"])
    stand_ins.accept(monkeypatch, row, f"{name}.onnx")
    path = stand_ins.colour_network(stand_ins.place(tmp_path, row, f"{name}.onnx"), side, normal, weigh, outputs)
    monkeypatch.setenv("U2NET_HOME", str(path.parent))
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")
    noise = np.random.default_rng(4).integers(0, 256, (12, 9, 3), np.uint8)
    photo = cv2.resize(noise, (240, 320), interpolation=cv2.INTER_CUBIC)
    photo[100:200, 80:160] = (255, 0, 0)
    photo[:20] = 230
    import onnxruntime

    kind = next(each for each in sessions.sessions.values() if each.name() == name)
    theirs = np.asarray(kind(name, onnxruntime.SessionOptions()).predict(Image.fromarray(photo))[0], np.float32) / 255
    (ours,) = SaliencyNetwork(row, spec, tmp_path)([photo])

    # they enlarge 8-bit masks by Lanczos, we enlarge probabilities bilinearly: edges differ a little, nothing else does
    assert np.mean(np.abs(theirs - ours)) < 0.01
    assert np.mean((theirs > 0.5) != (ours > 0.5)) < 0.003


def test_any_garment_class_of_the_cloth_network_counts_and_edges_stay_soft(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net-cloth-seg", "u2net_cloth_seg.onnx")
    path = stand_ins.place(tmp_path, "rembg-u2net-cloth-seg", "u2net_cloth_seg.onnx")
    classes = [(0, 0, 0, 0), (20, -20, -20, -5), (-20, 20, -20, -5), (-20, -20, 20, -5)]  # ground; red, green, blue garments
    stand_ins.colour_network(path, 768, stand_ins.IMAGENET, classes)
    photo = np.full((200, 160, 3), 128, np.uint8)
    photo[40:80, 40:120], photo[80:120, 40:120], photo[120:160, 40:120] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    backend = ClothSeg(tmp_path)
    backend.load("cpu")

    alpha = backend.cut(photo)

    assert alpha[45:75, 45:115].min() > 250 and alpha[85:115, 45:115].min() > 250 and alpha[125:155, 45:115].min() > 250
    assert alpha[:35].max() < 5 and alpha[165:].max() < 5


def test_garment_probability_is_one_minus_that_of_the_ground():
    scores = np.log(np.array([0.1, 0.2, 0.3, 0.4], np.float32)).reshape(4, 1, 1) + 7
    assert garment_share(scores)[0, 0] == pytest.approx(0.9)


@pytest.mark.parametrize(("classes", "share"), [((9, 0, 0, 0), "0.0%"), ((0, 9, 0, 0), "100.0%")])
def test_no_garment_and_nothing_but_garment_are_not_found(classes, share, tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net-cloth-seg", "u2net_cloth_seg.onnx")
    path = stand_ins.place(tmp_path, "rembg-u2net-cloth-seg", "u2net_cloth_seg.onnx")
    stand_ins.colour_network(path, 768, stand_ins.IMAGENET, [(0, 0, 0, score) for score in classes])
    photo = np.full((200, 160, 3), 240, np.uint8)
    photo[50:150, 40:120] = (20, 60, 120)
    assert ClothSeg(tmp_path).cut(photo) == NotFound(f"u2net-cloth-seg marks {share} of the picture as garment")


@pytest.mark.parametrize("size", [(4, 4), (30, 900), (1500, 1000)])
def test_pictures_of_any_size_come_back_in_that_size(size, tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    photo = np.full((*size, 3), 200, np.uint8)
    photo[:, : size[1] // 2] = (255, 0, 0)
    (share,) = SaliencyNetwork("rembg-u2net", U2NET, tmp_path)([photo])
    assert share.shape == size and share[:, 0].min() > 0.9 and share[:, -1].max() < 0.1


# --- several pictures in one call ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("open_batch", [True, False])
def test_several_pictures_get_what_each_gets_alone_whether_the_file_takes_batches_or_not(open_batch, tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    path = stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(path, 320, stand_ins.IMAGENET, RED_ONLY, 7, batch="n" if open_batch else 1)
    dark, bright = red_square()[0] // 3, red_square((64, 200), (5, 20, 60, 90))[0]
    network = SaliencyNetwork("rembg-u2net", U2NET, tmp_path)
    network.load("cpu")
    assert network.batch_size == 1 and network._model.takes_batches is open_batch
    for share, picture in zip(network([dark, bright, dark]), (dark, bright, dark), strict=True):
        np.testing.assert_allclose(share, network([picture])[0], atol=1e-5)


@pytest.mark.parametrize(("kind", "side", "at_once"), [("cpu", 320, 1), ("mps", 512, 1), ("cuda", 320, 8), ("cuda", 1024, 4)])
def test_a_gpu_is_shown_as_many_pictures_as_fit_and_a_cpu_one(kind, side, at_once):
    assert pictures_at_once(kind, (side, side)) == at_once


@pytest.mark.parametrize(
    ("axis", "providers", "at_once"),
    [
        ("n", ["CUDAExecutionProvider", "CPUExecutionProvider"], 8),
        (1, ["CUDAExecutionProvider"], 1),
        ("n", ["CPUExecutionProvider"], 1),
    ],
)
def test_a_network_gets_batches_where_its_file_takes_them_and_a_gpu_runs_it(axis, providers, at_once):
    given = types.SimpleNamespace(shape=[axis, 3, 320, 320], name="input")
    session = types.SimpleNamespace(get_inputs=lambda: [given], get_providers=lambda: providers)
    assert onnx_model.OnnxModel(Path("x.onnx"), session, "input").at_once((320, 320)) == at_once


# --- the chosen person -----------------------------------------------------------------------------------------------


def people(*columns, colour=(255, 0, 0)):
    """A photo with a standing figure round each of these columns, and the figures' masks."""
    photo = np.full((240, 320, 3), 190, np.uint8)
    figures = []
    for column in columns:
        figure = np.zeros((240, 320), np.uint8)
        cv2.ellipse(figure, (column, 50), (16, 20), 0, 0, 360, 1, -1)
        cv2.ellipse(figure, (column, 145), (34, 80), 0, 0, 360, 1, -1)
        photo[figure > 0] = colour
        figures.append(figure > 0)
    return photo, figures


def selection_of(column, mine, others):
    body = np.zeros((33, 4), np.float32)
    body[:, 0], body[:, 1], body[:, 3] = column, 50, 0.95
    for index, (dx, y) in {11: (20, 90), 12: (-20, 90), 23: (14, 160), 24: (-14, 160), 25: (12, 190), 26: (-12, 190)}.items():
        body[index, :2] = column + dx, y
    body[27:33, :2], body[13:23, 3] = (column, 215), 0
    box = Rect(30.0, column - 34.0, 195.0, 68.0)
    areas = (0.1, 0.1) if others.any() else (0.1,)
    landmarks = Landmarks((240, 320), body, np.zeros((0, 2), np.float32), box, len(areas))
    return Selection(landmarks, cv2.GaussianBlur(mine.astype(np.float32), (0, 0), 3), others.astype(np.float32), areas, 0)


@pytest.fixture
def u2net(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    backend = U2net(tmp_path)
    backend.load("cpu")
    return backend


def overlap(alpha, figure):
    return np.count_nonzero((alpha > 127) & figure) / np.count_nonzero((alpha > 127) | figure)


def test_one_person_gets_the_networks_matte(u2net):
    photo, [figure] = people(160)
    (alpha,) = u2net.mattes_of([photo], [selection_of(160, figure, np.zeros_like(figure))])
    assert overlap(alpha, figure) > 0.97 and alpha.dtype == np.uint8


def test_of_two_people_only_the_chosen_one_is_kept(u2net):
    photo, [left, right] = people(100, 220)
    (alpha,) = u2net.mattes_of([photo], [selection_of(100, left, right)])
    assert overlap(alpha, left) > 0.95 and alpha[right].max() < 10


def test_two_people_who_touch_are_parted_where_they_meet(u2net):
    photo, [left, right] = people(120, 180)
    (alpha,) = u2net.mattes_of([photo], [selection_of(120, left & ~right, right & ~left)])
    assert overlap(alpha, left & ~right) > 0.8
    assert np.mean(alpha[right & ~left] > 127) < 0.1


def test_a_thing_that_stands_apart_is_not_part_of_the_person(u2net):
    photo, [figure] = people(120)
    photo[150:220, 260:310] = (255, 0, 0)
    (alpha,) = u2net.mattes_of([photo], [selection_of(120, figure, np.zeros_like(figure))])
    assert alpha[150:220, 260:310].max() == 0 and overlap(alpha, figure) > 0.95


def test_only_the_person_whom_the_network_misses_is_not_found(u2net):
    blue, [figure] = people(160, colour=(0, 0, 160))
    red, _ = people(160)
    selection = selection_of(160, figure, np.zeros_like(figure))
    missed, found = u2net.mattes_of([blue, red], [selection, selection])
    assert missed == NotFound("u2net does not show the whole person that the landmarks show")
    assert overlap(found, figure) > 0.97


def test_people_of_one_call_get_the_mattes_they_get_alone_also_where_a_window_cuts_them(u2net):
    given = []
    for column, size in ((160, (240, 320)), (100, (240, 320))):
        photo, [figure] = people(column)
        photo[200:212, :] = (255, 0, 0)  # a red rail that leads out of the person's window
        given.append((photo, selection_of(column, figure, np.zeros_like(figure))))
        assert photo.shape[:2] == size
    together = u2net.mattes_of(*(list(each) for each in zip(*given, strict=True)))
    for alpha, (photo, selection) in zip(together, given, strict=True):
        np.testing.assert_array_equal(alpha, u2net.mattes_of([photo], [selection])[0])


def test_nobody_in_the_photo_is_an_empty_matte(u2net):
    assert u2net.matte_in(np.full((96, 128, 3), 150, np.uint8), Rect(10, 20, 70, 40)).max() == 0


# --- the wrapper's traps -------------------------------------------------------------------------------------------------


def test_rembgs_own_package_its_home_folder_and_its_switches_are_left_alone(tmp_path, monkeypatch):
    for name in [each for each in sys.modules if each.partition(".")[0] in {"rembg", "pooch"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rembg", None)
    monkeypatch.setitem(sys.modules, "pooch", None)
    home = tmp_path / "home"
    monkeypatch.setenv("U2NET_HOME", str(home))
    monkeypatch.delenv("MODEL_CHECKSUM_DISABLED", raising=False)
    before = dict(os.environ)
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    photo, [figure] = people(160)
    (alpha,) = U2net(tmp_path).mattes_of([photo], [selection_of(160, figure, np.zeros_like(figure))])
    assert overlap(alpha, figure) > 0.97 and not home.exists() and dict(os.environ) == before


def test_the_file_is_opened_once_a_run_however_many_photos_come(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    opened = []
    real = rembg_models.open_onnx
    monkeypatch.setattr(rembg_models, "open_onnx", lambda path, device: opened.append(path) or real(path, device))
    backend = U2net(tmp_path)
    photo, [figure] = people(160)
    for _ in range(2):
        backend.load("cpu")
        backend.mattes_of([photo], [selection_of(160, figure, np.zeros_like(figure))])
    assert len(opened) == 1


def test_a_soft_answer_stays_soft(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    photo, [figure] = people(160)
    photo = cv2.GaussianBlur(photo, (0, 0), 4)
    (alpha,) = U2net(tmp_path).mattes_of([photo], [selection_of(160, figure, np.zeros_like(figure))])
    assert np.count_nonzero((alpha > 40) & (alpha < 215)) > 1000


# --- missing pieces ----------------------------------------------------------------------------------------------------


def test_absent_weights_name_the_file_and_the_command(tmp_path):
    with pytest.raises(WeightsError, match=r"birefnet-portrait\.onnx") as caught:
        BirefnetPortrait(tmp_path).load("cpu")
    assert "weights pull rembg-birefnet-portrait" in caught.value.remedy


def test_a_file_that_is_no_network_names_itself(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net-human-seg", "u2net_human_seg.onnx")
    stand_ins.place(tmp_path, "rembg-u2net-human-seg", "u2net_human_seg.onnx").write_bytes(b"\x08\x01 not a network" * 500)
    with pytest.raises(WeightsError, match=r"u2net_human_seg\.onnx.*not a network"):
        U2netHumanSeg(tmp_path).load("cpu")


def test_a_network_with_another_input_names_what_it_wants(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 64, stand_ins.IMAGENET, RED_ONLY, 7)
    with pytest.raises(WeightsError, match=r"\[1, 3, 64, 64\]"):
        SaliencyNetwork("rembg-u2net", U2NET, tmp_path)([np.zeros((20, 20, 3), np.uint8)])


def test_without_onnxruntime_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingPackageError, match="onnxruntime") as caught:
        onnx_model.open_onnx(Path("x.onnx"), "cpu")
    assert ".[onnx]" in caught.value.remedy


def test_a_cuda_device_is_passed_on_by_its_number_and_the_cpu_follows():
    device = onnx_model.Device("cuda:1", "cuda")
    assert onnx_model.providers_for(device, [onnx_model.CUDA, onnx_model.CPU]) == (
        (onnx_model.CUDA, {"device_id": "1"}),
        onnx_model.CPU,
    )
    assert onnx_model.providers_for(device, [onnx_model.CPU]) == (onnx_model.CPU,)


def test_auto_takes_the_first_network_that_is_there(tmp_path, monkeypatch):
    assert Chooser(tmp_path).backend("background").card.name == "embedded"
    stand_ins.accept(monkeypatch, "rembg-u2net", "u2net.onnx")
    stand_ins.colour_network(stand_ins.place(tmp_path, "rembg-u2net", "u2net.onnx"), 320, stand_ins.IMAGENET, RED_ONLY, 7)
    assert Chooser(tmp_path).backend("background").card.name == "u2net"
    assert Chooser(tmp_path).backend("cloth").card.name == "u2net"


@pytest.mark.parametrize("kind", BACKENDS)
def test_every_backend_of_the_catalogue_is_named_in_the_weights_table_as_its_user(kind):
    from pipeline.core.weights.table import row

    for name, target in BACKENDS[kind].items():
        for weight in resolve(target).card.weights:
            assert f"{kind}:{name}" in row(weight).used_by
