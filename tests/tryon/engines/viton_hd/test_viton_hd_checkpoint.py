"""The published files: names and shapes, and what is refused by its own name."""

from __future__ import annotations

import pytest
import torch

from pipeline.core.errors import WeightsError
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import OFFICIAL, PARAMETERS, SEED
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper, unit_spectral
from tryon.engines.viton_hd.keys import our_name
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.warper import Warper

NETWORKS = {"seg": Segmenter, "gmm": Warper, "alias": Generator}
VARIANTS = {"official": OFFICIAL, "seed": SEED}
LOAD = {"seg": load_segmenter, "gmm": load_warper, "alias": load_generator}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_has_the_published_files_tensors_and_no_others(viton_hd_keys, network, variant):
    published = viton_hd_keys[f"{variant}_{network}"]
    folded = {key.replace("weight_orig", "weight"): tuple(shape) for key, shape in published.items() if key[-9:-1] != ".weight_"}
    ours = {our_name(network, key): shape for key, shape in folded.items()}
    assert len(ours) == len(folded)
    with torch.device("meta"):
        wanted = NETWORKS[network](VARIANTS[variant])
    assert ours == {name: tuple(tensor.shape) for name, tensor in wanted.state_dict().items()}
    if variant == "official":
        assert sum(weight.numel() for weight in wanted.parameters()) == PARAMETERS[network]


def empty(path, shapes):
    torch.save({key: torch.zeros(shape, dtype=torch.uint8) for key, shape in shapes.items()}, path)
    return path


@pytest.mark.parametrize(
    ("given", "wanted", "about"),
    [
        ("official_seg", "alias", "this is VITON-HD's segmentation network; here VITON-HD's ALIAS generator is wanted"),
        ("official_alias", "gmm", "this is VITON-HD's ALIAS generator; here VITON-HD's geometric matching network is wanted"),
        ("seed_seg", "seg", "this is GS-VITON's segmentation network; here VITON-HD's segmentation network is wanted"),
    ],
)
def test_weights_of_another_network_are_refused_by_their_name(viton_hd_keys, tmp_path, given, wanted, about):
    path = empty(tmp_path / "some.pth", viton_hd_keys[given])
    with pytest.raises(WeightsError, match=about):
        LOAD[wanted](path, torch.float32, OFFICIAL)


def test_a_missing_tensor_and_a_lost_spectral_vector_are_named_as_the_file_would(viton_hd_keys, tmp_path):
    shapes = dict(viton_hd_keys["official_alias"])
    del shapes["up_2.conv_0.bias"], shapes["up_3.conv_1.weight_u"]
    with pytest.raises(WeightsError) as refusal:
        load_generator(empty(tmp_path / "cut.pth", shapes), torch.float32, OFFICIAL)
    assert "up_3.conv_1.weight_orig" in refusal.value.message and "blocks.4.first.bias" in refusal.value.message


def test_a_kernel_is_divided_by_its_largest_singular_value():
    kernel = torch.randn(6, 4, 3, 3)
    left, values, right = torch.linalg.svd(kernel.flatten(1))
    folded = unit_spectral(kernel, left[:, 0], right[0])
    torch.testing.assert_close(folded, kernel / values[0])
