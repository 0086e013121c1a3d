"""The three networks against recorded results of the published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from tryon.engines.viton_hd import spline
from tryon.engines.viton_hd.alias import Generator, Guide
from tryon.engines.viton_hd.architecture import OFFICIAL
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper
from tryon.engines.viton_hd.normalisation import region_norm
from tryon.engines.viton_hd.tabled import paint
from tryon.engines.viton_hd.warper import correlation

NARROW = replace(OFFICIAL, generator_width=8)


@pytest.fixture(scope="module")
def networks(records_of):
    return records_of("networks")


@pytest.fixture(scope="module")
def inputs(made, networks):
    salt = networks[1]["salt"]
    return lambda name, shape: torch.from_numpy(made.normals(salt, f"input/{name}", shape).astype(np.float32))


def close(found, recorded, tolerance) -> None:
    np.testing.assert_allclose(np.asarray(found), recorded, rtol=0, atol=tolerance)


@torch.inference_mode()
def test_class_scores_are_the_published_networks(networks, viton_hd_keys, weights_file, inputs):
    arrays, config = networks
    network = load_segmenter(weights_file(config["salt"] + "/seg", viton_hd_keys["official_seg"]), torch.float32, OFFICIAL)
    batch, height, width = config["seg"]
    close(network(inputs("seg", (batch, 21, height, width))), arrays["seg/logits"], 5e-4)
    close(network(inputs("seg_full", (1, 21, 256, 192)))[:, :, ::8, ::8], arrays["seg_full/logits_s8"], 5e-4)


@torch.inference_mode()
def test_offsets_grid_and_warped_garment_are_the_published_networks(networks, viton_hd_keys, weights_file, inputs):
    arrays, config = networks
    network = load_warper(weights_file(config["salt"] + "/gmm", viton_hd_keys["official_gmm"]), torch.float32, OFFICIAL)
    height, width = config["gmm_load"]
    batch, step = config["gmm_batch"], config["gmm_stride"]
    person = network.encode_person(inputs("gmm_a", (batch, 7, height // 4, width // 4)))
    garment = network.encode_garment(inputs("gmm_b", (batch, 3, height // 4, width // 4)))
    close(correlation(person, garment)[:, ::7], arrays["gmm/corr_s"], 1e-5)
    theta = network(person, garment)
    close(theta, arrays["gmm/theta"], 1e-5)
    grid = spline.grid_of(theta, (height, width))
    close(grid[:, ::step, ::step], arrays["gmm/grid_s"], 5e-5)
    coarse = torch.tanh(inputs("cloth_coarse", (batch, 3, height // 32, width // 32)))
    cloth = functional.interpolate(coarse, (height, width), mode="bilinear")
    close(spline.warped(cloth, grid)[..., ::step, ::step], arrays["gmm/warped_cloth_s"], 1e-3)
    mask = torch.zeros(batch, 1, height, width)
    mask[..., height // 8 : height - height // 8, width // 6 : width - width // 6] = 1
    close(spline.warped(mask, grid)[..., ::step, ::step], arrays["gmm/warped_mask_s"], 3e-3)  # a step: 1 per pixel, 768 pixels


def test_the_spline_is_the_published_one_and_at_rest_it_crops(networks):
    arrays, config = networks
    close(spline.lattice(), arrays["tps/P_xy"], 1e-6)
    close(spline.solved_system(), arrays["tps/Li"], 1e-4)
    size = tuple(config["tps"])
    close(spline.grid_of(torch.from_numpy(arrays["tps/theta"]), size), arrays["tps/grid"], 5e-5)
    at_rest = spline.grid_of(torch.zeros(1, 50), size)
    close(at_rest[0, [0, -1], [0, -1]], [[-0.9, -0.9], [0.9, 0.9]], 1e-5)


def test_inside_and_outside_of_a_mask_are_normalised_apart(networks):
    arrays, _ = networks
    found = region_norm(torch.from_numpy(arrays["masknorm/x"]), torch.from_numpy(arrays["masknorm/mask"]))
    close(found, arrays["masknorm/out"], 1e-5)


def guide_of(size, inputs, suffix="") -> tuple[torch.Tensor, Guide]:
    """What the generator was shown in the recording."""
    height, width = size
    coarse = inputs(f"alias_parse{suffix}", (1, 7, height // 32, width // 32))
    labels = functional.interpolate(coarse, (height, width), mode="bilinear").argmax(1)
    groups = functional.one_hot(labels, 7).permute(0, 3, 1, 2).float()
    warped_mask = torch.zeros(1, 1, height, width)
    warped_mask[..., : height // 2, width // 4 :] = 1
    warped_mask[..., height // 2, width // 4 :] = 0.5
    misaligned = (groups[:, 2:3] - warped_mask).clamp(min=0)
    divided = torch.cat([groups, misaligned], dim=1)
    divided[:, 2:3] -= misaligned
    return labels, Guide(groups, divided, misaligned)


@pytest.fixture(scope="module")
def narrow_generator(networks, weights_file) -> Generator:
    config = networks[1]
    return load_generator(weights_file(config["salt"] + "/alias", config["alias_key_shapes"]), torch.float32, NARROW)


@torch.inference_mode()
def test_the_picture_is_the_published_generators(networks, narrow_generator, inputs, recorded_noise):
    arrays, config = networks
    size = tuple(config["alias"])
    labels, guide = guide_of(size, inputs)
    assert (labels[0].numpy() == arrays["alias/labels"][0]).all()
    close(guide.divided.sum(dim=(2, 3)), arrays["alias/div_sum"], 1)
    shown = torch.tanh(inputs("alias_x", (1, 9, *size)))
    found = narrow_generator(shown, guide, recorded_noise(config["salt"]))
    close(found[..., ::2, ::2], arrays["alias/out_s"], 1e-4 * np.abs(arrays["alias/out_s"]).max())
    silent = narrow_generator(shown, guide, lambda _, size: torch.zeros(1, 1, *size))
    close(silent[..., ::4, ::4], arrays["alias/out_no_noise_s"], 1e-4)


@pytest.mark.proof
@torch.inference_mode()
def test_the_picture_is_the_published_generators_at_full_width_and_size(
    networks, weights_file, viton_hd_keys, inputs, recorded_noise
):
    """100 million values, 1024 × 768, with the table of label windows."""
    arrays, config = networks
    size, salt = tuple(config["alias_full"]), config["salt"] + "/alias_full"
    network = load_generator(weights_file(salt, viton_hd_keys["official_alias"]), torch.float32, OFFICIAL)
    labels, guide = guide_of(size, inputs, "_full")
    assert (labels[0, 8::16, 8::16].numpy() == arrays["alias_full/labels_s16"][0]).all()
    shown = torch.tanh(inputs("alias_x_full", (1, 9, *size)))
    recorded, (mean, deviation, least, most) = arrays["alias_full/out_s16"], arrays["alias_full/out_stats"]
    found = paint(network, shown, guide, recorded_noise(config["salt"]))
    close(found[..., 8::16, 8::16], recorded, 1e-4 * np.abs(recorded).max())
    close([found.mean(), found.std(), found.min(), found.max()], [mean, deviation, least, most], 1e-4)
