"""LPIPS and Inception with weights that follow from their names: what reproduces the records will load the published files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from named_weights import weights_from_names
from PIL import Image

torch = pytest.importorskip("torch")
from tryon.evaluation import entrances  # noqa: E402
from tryon.evaluation.inception import Inception  # noqa: E402
from tryon.evaluation.perceptual import BUILD, TAPS, Lpips  # noqa: E402

WIDTHS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512), "squeeze": (64, 128, 256, 384, 384, 512, 512)}


def lpips(recorded, net: str) -> Lpips:
    salt = f"{recorded['salt']}-{net}"
    shapes = {f"features.{key}": tuple(value.shape) for key, value in BUILD[net]().state_dict().items()}
    heads = {f"lin{number}.model.1.weight": (1, width, 1, 1) for number, width in enumerate(WIDTHS[net])}
    backbone = weights_from_names(salt, shapes) | {"classifier.1.weight": torch.zeros(1)}
    return Lpips(net, backbone, weights_from_names(salt, heads))


def tensor(pictures: np.ndarray):
    return torch.from_numpy(pictures / 127.5 - 1).float().permute(0, 3, 1, 2)


@pytest.mark.parametrize("net", [pytest.param("alex"), pytest.param("vgg", marks=pytest.mark.slow), "squeeze"])
def test_lpips_equals_the_recorded_distances(recorded, net: str):
    found = lpips(recorded, net).distance(tensor(recorded["gt"]), tensor(recorded["pred"]))
    np.testing.assert_allclose(found.numpy(), recorded[f"lpips_{net}"], atol=1e-5)


def test_lpips_at_128_equals_hr_vitons_script(recorded):
    def small(pictures):
        return np.stack([np.asarray(Image.fromarray(each).resize((128, 128), Image.Resampling.BILINEAR)) for each in pictures])

    found = lpips(recorded, "alex").distance(tensor(small(recorded["gt"])), tensor(small(recorded["pred"])))
    np.testing.assert_allclose(found.numpy(), recorded["lpips_alex_128"], atol=1e-5)


def test_a_picture_is_at_distance_zero_from_itself_and_a_missing_tensor_is_refused(recorded):
    network = lpips(recorded, "alex")
    assert network.distance(tensor(recorded["gt"][:2]), tensor(recorded["gt"][:2])).abs().max() < 1e-7
    with pytest.raises(RuntimeError, match=r"features\.0\.weight"):
        Lpips("alex", {}, {})
    assert {net: len(taps) for net, taps in TAPS.items()} == {net: len(widths) for net, widths in WIDTHS.items()}


@pytest.mark.slow
def test_inception_equals_the_recorded_features_at_each_entrance(recorded):
    shapes = {key: tuple(shape) for key, shape in json.loads(str(recorded["inception_keys_json"])).items()}
    network = Inception(weights_from_names(f"{recorded['salt']}-inception", shapes))
    pictures = recorded["gt"][:4]
    fed = {
        "inception_pytorch_fid": [entrances.pytorch(each) / 127.5 - 1 for each in pictures],
        "inception_clean_entrance": [(entrances.clean(each) - 128) / 128 for each in pictures],
        "inception_tf1_entrance": [(entrances.tf1(each) - 128) / 128 for each in pictures],
    }
    for name, images in fed.items():
        found = network.pooled(torch.from_numpy(np.stack(images)).float().permute(0, 3, 1, 2))
        np.testing.assert_allclose(found.numpy(), recorded[name], atol=1e-4, err_msg=name)
    assert network.scores(found).shape == (4, 1008)
