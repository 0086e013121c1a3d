"""Masked inpainting against the recorded run of the published program: timesteps, latents after every step, pictures."""

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from numpy.testing import assert_allclose

from pipeline.core.errors import InputError
from tryon.hands.inpainting import Prompted, Sampling, inpaint, mask_on_latents, scheduler_of
from tryon.hands.seed_infer import SAMPLING, seed_infer, squashed
from tryon.noise import SeededNoise

SIDE = 128
TOLERANCE = 2e-4
LEVELS = 2


def sampling_of(config) -> Sampling:
    return Sampling(steps=config["steps"], strength=config["strength"], guidance_scale=config["guidance"])


def prompted(networks, **others) -> Prompted:
    return Prompted(**{"unet": networks.unet, "vae": networks.vae, "text": networks.text, **others})


def close(got, wanted) -> None:
    assert_allclose(np.asarray(got), wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


@pytest.fixture(scope="module")
def run(recorded_networks, inpainting_records):
    """The recorded run done again: (timestep, latents) of every call, and the picture."""
    calls = []
    picture = seed_infer(
        prompted(recorded_networks),
        inpainting_records["input_image_u8"],
        inpainting_records["hand_mask_u8"] > 128,
        sampling_of(recorded_networks.config),
        SIDE,
        lambda timestep, latents: calls.append((timestep, latents)),
    )
    return calls, picture


def test_the_steps_that_a_strength_runs_are_the_recorded_ones(run, inpainting_records, recorded_networks):
    assert [timestep for timestep, _ in run[0]] == inpainting_records["timesteps_run"].tolist()
    scheduler, _ = scheduler_of(sampling_of(recorded_networks.config))
    assert scheduler.timesteps.tolist() == inpainting_records["all_timesteps"].tolist()


def test_latents_after_every_step_are_the_recorded_ones(run, inpainting_records):
    for (_, latents), wanted in zip(run[0], inpainting_records["latents_steps"], strict=True):
        close(latents[0], wanted)


def test_outside_the_mask_the_last_latents_are_the_encoded_photo(run, inpainting_records):
    outside = inpainting_records["mask_latent"][0, 0] == 0
    close(run[0][-1][1][0][:, outside], inpainting_records["image_latents"][0][:, outside])


def test_the_finished_picture_is_the_recorded_one_within_two_levels(run, inpainting_records):
    difference = np.abs(run[1].astype(int) - inpainting_records["result_resized_u8"])
    assert difference.max() <= LEVELS


def test_the_mask_on_latents_is_the_recorded_one(inpainting_records):
    canvas = squashed(inpainting_records["input_image_u8"], inpainting_records["hand_mask_u8"] > 128, SIDE)
    assert np.array_equal(mask_on_latents(canvas.mask).numpy(), inpainting_records["mask_latent"])


def test_the_published_settings_run_forty_nine_calls():
    assert len(scheduler_of(SAMPLING)[1]) == 49


def test_a_mask_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(InputError, match=r"\(4, 4\).*\(8, 8\)"):
        squashed(np.zeros((8, 8, 3), np.uint8), np.zeros((4, 4), bool))


@pytest.fixture(scope="module")
def nine_channels(recorded_networks):
    torch.manual_seed(0)
    return UNet2DConditionModel(**{**recorded_networks.config["unet"], "in_channels": 9}).eval()


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_inpainting_network_gives_what_diffusers_pipeline_gives(
    nine_channels, recorded_networks, inpainting_records, strength
):
    from diffusers import StableDiffusionInpaintPipeline
    from PIL import Image

    canvas = squashed(inpainting_records["input_image_u8"], inpainting_records["hand_mask_u8"] > 128, SIDE)
    scheduler, _ = scheduler_of(Sampling())
    pipeline = StableDiffusionInpaintPipeline(
        recorded_networks.vae, None, None, nine_channels, scheduler, None, None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    prompt, negative = recorded_networks.text[:1], recorded_networks.text[1:]
    wanted = pipeline(
        prompt_embeds=prompt,
        negative_prompt_embeds=negative,
        image=Image.fromarray(canvas.picture),
        mask_image=Image.fromarray(canvas.mask.astype(np.uint8) * 255),
        height=SIDE,
        width=SIDE,
        strength=strength,
        num_inference_steps=6,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
    ).images[0]
    sampling = Sampling(steps=6, strength=strength, guidance_scale=3.0)
    (picture,) = inpaint(prompted(recorded_networks, unet=nine_channels), canvas, sampling, [SeededNoise(7)])
    assert np.abs(picture.astype(int) - np.round(wanted * 255)).max() <= 1


def test_results_of_one_call_are_those_of_calls_of_their_own(recorded_networks, inpainting_records):
    canvas = squashed(inpainting_records["input_image_u8"], inpainting_records["hand_mask_u8"] > 128, SIDE)
    args = (prompted(recorded_networks), canvas, Sampling(steps=4, strength=0.5))
    together = inpaint(*args, [SeededNoise(1), SeededNoise(2)])
    alone = [inpaint(*args, [SeededNoise(seed)])[0] for seed in (1, 2)]
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(together, alone, strict=True))
    assert not np.array_equal(*alone)


def test_without_guidance_the_negative_prompt_has_no_effect(recorded_networks, inpainting_records):
    canvas = squashed(inpainting_records["input_image_u8"], inpainting_records["hand_mask_u8"] > 128, SIDE)
    sampling = Sampling(steps=4, strength=0.5, guidance_scale=1)
    text = recorded_networks.text
    first, again = (
        inpaint(prompted(recorded_networks, text=each), canvas, sampling, [SeededNoise(1)])[0]
        for each in (text, torch.stack([text[0], text[0]]))
    )
    assert np.array_equal(first, again)
