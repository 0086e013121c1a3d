"""The diffusion network and its sampling against recorded results of the published code, with every saving and with none."""

import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pipeline.core.errors import WeightsError
from tryon.engines.dci_vton import checkpoint, sampling
from tryon.engines.dci_vton.conditions import DiffusionInputs
from tryon.engines.dci_vton.network import DciVton
from tryon.networks.savings.switches import ALL, OFFICIAL
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.samplers.schedule import add_noise, leading_timesteps

TOLERANCE = 2e-4
"""Of the largest recorded value."""
BOUND = 1e-5
"""All savings against none: of the largest value."""
SIDE = 128


def close(got: torch.Tensor, wanted: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert_allclose(got.numpy(), wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.fixture(params=[ALL, OFFICIAL], ids=["all savings", "none"])
def network(request, diffusion_with) -> DciVton:
    return diffusion_with(request.param)


@pytest.fixture(scope="module")
def given(diffusion_records, dci_weights):
    """Inputs of the recorded calls by name; (2, …) fp32."""
    salt = json.loads(str(diffusion_records["config_json"]))["salt"]

    def draw(name: str, shape: tuple[int, ...] = (2, 4, 16, 16), scale: float = 1.0) -> torch.Tensor:
        return torch.from_numpy((scale * dci_weights.normals(salt, f"input/{name}", shape)).astype(np.float32))

    return draw


@pytest.fixture(scope="module")
def conditions(given):
    mask = (given("mask", (2, 1, 16, 16)) > 0).float()
    start = add_noise(given("z_warp", scale=0.8), given("noise_T"), 999)
    return sampling.Conditions(given("z_inpaint", scale=0.8), mask, start)


def tokens(network, given) -> torch.Tensor:
    return network.garment_token(given("ref_imgs", (2, 3, 224, 224)))


@pytest.mark.slow
def test_the_garments_token_equals_the_published_one(network, given, diffusion_records):
    pooled = network.image_encoder(given("ref_imgs", (2, 3, 224, 224))).pooler_output
    close(pooled, diffusion_records["clip_pooled"])
    close(network.mapper.features(pooled), diffusion_records["cond_1024"])
    close(tokens(network, given), diffusion_records["cond_768"])


@pytest.mark.slow
@pytest.mark.parametrize("timestep", [999, 521, 1])
def test_predicted_noise_equals_the_published_one(network, given, conditions, diffusion_records, timestep):
    denoiser = sampling.Denoiser(network, conditions, tokens(network, given), TimeTable(network))
    close(denoiser(given("z_t"), timestep), diffusion_records[f"eps_cond_t{timestep}"])


@pytest.mark.slow
def test_without_a_garment_it_equals_the_published_one(network, given, conditions, diffusion_records):
    nothing = network.mapper.unconditional.expand(2, -1, -1)
    denoiser = sampling.Denoiser(network, conditions, nothing, TimeTable(network))
    close(denoiser(given("z_t"), 521), diffusion_records["eps_uncond_t521"])


@pytest.mark.slow
def test_the_vae_equals_the_published_one(network, given, diffusion_records):
    posterior = encode_pictures(network.vae, torch.tanh(given("vae_image", (2, 3, SIDE, SIDE))))
    close(posterior.mean, diffusion_records["vae_mean"])
    close(2 * posterior.deviation.log(), diffusion_records["vae_logvar"])
    close(decode_latents(network.vae, given("z_warp", scale=0.8)), diffusion_records["vae_decode"])


def test_the_start_code_is_the_composite_with_the_noise_of_the_last_timestep(conditions, diffusion_records):
    close(conditions.start, diffusion_records["x_T"])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 5])
@pytest.mark.parametrize("solver, steps", [("plms", 10), ("ddim", 7)])
def test_samples_equal_the_published_ones(diffusion_with, given, conditions, diffusion_records, solver, steps, scale):
    name, seen, network = f"{solver}_S{steps}_scale{scale}", [], diffusion_with(ALL)
    assert leading_timesteps(steps)[::-1] == diffusion_records[f"{solver}_S{steps}_timesteps"].tolist()
    denoiser = sampling.Denoiser(network, conditions, tokens(network, given), TimeTable(network), scale)
    latents = sampling.sample(denoiser, conditions.start, solver, steps, lambda latents, clean: seen.append(clean[0]))
    close(latents, diffusion_records[name])
    close(torch.stack(seen), diffusion_records[f"{name}_x0_steps"])


@pytest.mark.parametrize("steps", [3, 9, 27, 36, 37, 101, 111, 251, 333, 501])
def test_steps_at_which_the_published_code_runs_over_the_end_stop_at_the_last_timestep(steps):
    timesteps = leading_timesteps(steps)
    assert max(timesteps) <= 999 and min(timesteps) == 1 and len(set(timesteps)) == len(timesteps)


class Listed:
    """A noise stream of recorded draws."""

    def __init__(self, draws: list[torch.Tensor]) -> None:
        self._draws = iter(draws)

    def draw(self, shape: tuple[int, ...]) -> torch.Tensor:
        drawn = next(self._draws)
        assert drawn.shape == shape
        return drawn


@pytest.fixture(scope="module")
def pairs(given):
    keep = np.zeros((SIDE, SIDE), bool)
    keep[: SIDE // 4] = True
    keep[:, : SIDE // 5] = True
    keep[SIDE // 2 + 4 : SIDE // 2 + 6, SIDE // 2 :] = True
    pictures = [torch.tanh(given(f"e2e_{name}", (2, 3, SIDE, SIDE))).numpy() for name in ("GT", "inpaint_image", "warp_feat")]
    return [DiffusionInputs(*(picture[row] for picture in pictures), ~keep) for row in range(2)]


@pytest.fixture
def noises(given):
    draws = [given(f"e2e_noise_{name}") for name in ("inpaint", "warp", "T")]
    return [Listed([draw[row] for draw in draws]) for row in range(2)]


@pytest.mark.slow
def test_from_pictures_to_the_picture_it_equals_the_published_script(diffusion_with, given, pairs, noises, diffusion_records):
    network = diffusion_with(ALL)
    conditions = sampling.conditions_of(network, pairs, noises)
    close(conditions.keep, diffusion_records["e2e_mask_latent"])
    assert np.abs(conditions.keep.numpy() - diffusion_records["e2e_mask_latent_antialiased_WRONG"]).max() > 0.1
    close(conditions.inpaint, diffusion_records["e2e_z_inpaint"])
    denoiser = sampling.Denoiser(network, conditions, tokens(network, given), TimeTable(network))
    latents = sampling.sample(denoiser, conditions.start, "plms", 5)
    close(latents, diffusion_records["e2e_latent"])
    pictures = np.stack(sampling.decode(network, latents, pairs, rounded=False)).astype(int)
    assert np.abs(pictures - diffusion_records["e2e_uint8"]).max() <= 1


@pytest.mark.slow
def test_kept_pixels_are_the_photos_own(diffusion_with, pairs):
    """Where everything is kept, what was drawn has no say; the square is undone last."""
    network = diffusion_with(ALL)
    kept = [DiffusionInputs(pair.person, pair.inpaint_image, pair.warp_feat, np.zeros_like(pair.repaint)) for pair in pairs]
    one, other = (
        sampling.decode(network, latents, kept, rounded=True) for latents in (torch.zeros(2, 4, 16, 16), torch.ones(2, 4, 16, 16))
    )
    assert one[0].shape == (SIDE, SIDE * 3 // 4, 3)
    assert all(np.array_equal(*both) for both in zip(one, other, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("timestep", [981, 1])
def test_savings_change_no_prediction(diffusion_with, given, conditions, timestep):
    ours, official = (
        sampling.Denoiser(net, conditions, tokens(net, given), TimeTable(net))(given("z_t"), timestep)
        for net in (diffusion_with(ALL), diffusion_with(OFFICIAL))
    )
    close(ours, official.numpy(), BOUND)


@pytest.mark.slow
def test_savings_change_neither_latents_nor_pictures(diffusion_with, given, pairs):
    def made(net):
        draws = [given(f"e2e_noise_{name}") for name in ("inpaint", "warp", "T")]
        conditions = sampling.conditions_of(net, pairs, [Listed([draw[row] for draw in draws]) for row in range(2)])
        denoiser = sampling.Denoiser(net, conditions, tokens(net, given), TimeTable(net))
        latents = sampling.sample(denoiser, conditions.start, "plms", 5)
        return latents, np.stack(sampling.decode(net, latents, pairs, rounded=True)).astype(int)

    (ours, drawn), (official, expected) = made(diffusion_with(ALL)), made(diffusion_with(OFFICIAL))
    close(ours, official.numpy(), BOUND)
    assert np.abs(drawn - expected).max() <= 1


def test_every_key_of_the_published_file_has_its_place(dci_keys):
    wanted = {name: list(tensor.shape) for name, tensor in checkpoint.empty_network(savings=OFFICIAL).state_dict().items()}
    kept = {key: shape for key, shape in dci_keys["dci_vton_full"].items() if not checkpoint.drop_reason(key)}
    named = {checkpoint.our_name(key, 2): shape for key, shape in kept.items()}
    assert {name: int(np.prod(shape)) for name, shape in named.items()} == {
        name: int(np.prod(shape)) for name, shape in wanted.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("lost, added", [("proj_out.bias", "extra.weight"), ("learnable_vector", "model.ema.weight")])
def test_a_file_that_is_not_whole_is_refused_with_its_own_names(diffusion_file, diffusion_architecture, tmp_path, lost, added):
    state = torch.load(diffusion_file)["state_dict"]
    del state[lost]
    torch.save(state | {added: torch.zeros(1)}, tmp_path / "cut.ckpt")
    with pytest.raises(WeightsError, match=rf"(?s)not a checkpoint of DCI-VTON.*1 missing: {lost}.*1 unexpected: {added}"):
        checkpoint.read_published(tmp_path / "cut.ckpt", diffusion_architecture)


@pytest.mark.slow
def test_a_file_without_the_training_networks_is_whole(diffusion_file, diffusion_architecture, tmp_path):
    state = torch.load(diffusion_file)["state_dict"]
    torch.save({key: tensor for key, tensor in state.items() if not key.startswith("vgg.")}, tmp_path / "lean.ckpt")
    assert checkpoint.read_published(tmp_path / "lean.ckpt", diffusion_architecture)
