"""OOTDiffusion against recorded results of the published code: context, encodings, every step, the finished picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.core.labels import Category
from tryon.engines.ootdiffusion.encoding import (
    EncodedGarment,
    encoded_person,
    garment_contexts,
    pictures_of,
    prepare_person,
)
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED, SamplingConfig
from tryon.engines.ootdiffusion.sampling import Batch, sample, show_garment
from tryon.engines.ootdiffusion.words import FULL_BODY, HALF_BODY
from tryon.networks.clip import clip_crop
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1 import LATENT_SCALE
from tryon.networks.vae import decode_all, encode_all
from tryon.samplers.unipc_published import published_schedule


class Recorded:
    """A noise stream that draws the recorded start noise."""

    def __init__(self, noise: torch.Tensor) -> None:
        self.noise = noise

    def draw(self, shape: tuple[int, ...]) -> torch.Tensor:
        return self.noise.reshape(shape)


@pytest.fixture(scope="module")
def person(records, network):
    pictures = prepare_person(records.picture("person"), records.arrays["pipe_mask"] > 127, tuple(records.meta["image_hw"]))
    return encoded_person(pictures, encode_all(network.vae, pictures_of(pictures)))


@pytest.fixture(scope="module")
def garment(records, network):
    picture = records.picture("garment")
    context = garment_contexts(network, HALF_BODY, [(picture, Category.UPPER)])[0][0]
    return EncodedGarment(latent=encode_all(network.vae, [picture])[0].mean, context=context)


def run(network: OotDiffusion, records, person, garment, config: SamplingConfig):
    steps = []
    tokens = show_garment(network, garment, guided=config.guided)
    batch = Batch([person], [garment], [tokens], [Recorded(records("pipe_init_latents"))])
    with torch.inference_mode():
        latents = sample(network, batch, config, TimeTable(network), watch=lambda *seen: steps.append(seen))
    return latents, steps


RECORDED = 2e-4
"""Of the masked person's latents, whose grey area is flat: the recording itself is 1e-4 from fp64, ours 4e-6."""


def near(found: torch.Tensor, wanted: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(found.float(), wanted.float(), atol=tolerance, rtol=0)


def test_the_words_have_the_ids_of_the_published_tokenizer(records):
    assert list(HALF_BODY.ids[Category.UPPER]) == records.arrays["hd_ids"][0].tolist()
    for category, word in ((Category.UPPER, "upperbody"), (Category.LOWER, "lowerbody"), (Category.DRESS, "dress")):
        assert list(FULL_BODY.ids[category]) == records.arrays[f"dc_ids_{word}"][0].tolist()


def test_the_text_states_of_every_word(records, network):
    words = {"hd_text": HALF_BODY.ids[Category.UPPER]}
    names = {Category.UPPER: "upperbody", Category.LOWER: "lowerbody", Category.DRESS: "dress"}
    words |= {f"dc_text_{names[category]}": ids for category, ids in FULL_BODY.ids.items()}
    for name, ids in words.items():
        near(network.text_encoder(torch.tensor([ids])).last_hidden_state, records(name), 1e-5)


def test_clip_sees_the_middle_square(records):
    pixels = clip_crop(records.picture("garment"))
    near(pixels[:, :, ::7, ::7], records("clip_pixels"), 1e-4)
    assert np.allclose([float(pixels.mean()), float(pixels.std(correction=0))], records.arrays["clip_pixels_mean_std"], atol=1e-4)


def test_the_half_bodys_context_is_the_begin_mark_and_the_garments_vector(records, garment):
    near(garment.context, records("pipe_prompt_embeds"), 1e-5)
    near(garment.context[:, 1], records("clip_image_embeds"), 1e-4)


def test_the_full_bodys_context_is_three_tokens_of_a_word_and_the_garments_vector(records, network):
    contexts = garment_contexts(network, FULL_BODY, [(records.picture("garment"), category) for category in FULL_BODY.ids])
    for (context, _), word in zip(contexts, ("upperbody", "lowerbody", "dress"), strict=True):
        near(context[:, :3], records(f"dc_text_{word}"), 1e-5)
        near(context[:, 3], records("clip_image_embeds"), 1e-4)


def test_garment_and_masked_person_are_unscaled_means_and_the_photo_is_scaled(records, person, garment):
    assert (person.pictures.masked == records.arrays["pipe_masked_person"]).all()
    near(garment.latent, records("pipe_garm_latents"), 1e-4)
    near(person.masked, records("pipe_vton_latents"), RECORDED)
    near(person.known, records("pipe_ori_latents") * LATENT_SCALE, 1e-4)
    assert torch.equal(person.repaint, records("pipe_latent_mask"))


def test_timesteps_and_sigmas_are_the_published_ones(records):
    scheduler = published_schedule(records.meta["num_inference_steps"])
    assert scheduler.timesteps.tolist() == records.arrays["pipe_timesteps"].tolist()
    near(scheduler.sigmas, records("pipe_sigmas"), 1e-4)


def test_twenty_steps_are_spread_evenly():
    listed = published_schedule(20).timesteps.tolist()
    assert listed[:3] == [999, 949, 899] and listed[9:13] == [549, 500, 450, 400] and listed[-1] == 50


def test_every_step_and_the_picture_are_the_published_ones(records, network, person, garment):
    config = replace(BALANCED, steps=records.meta["num_inference_steps"], guidance_scale=records.meta["image_guidance_scale"])
    latents, steps = run(network, records, person, garment, config)
    for number, (before_repainting, noise) in enumerate(steps):
        near(noise, records("pipe_step_eps")[number], RECORDED)
        wanted = records("pipe_step_prev_before_repaint")[number]
        near(before_repainting, wanted, 1e-4 * float(wanted.abs().max()))
    (picture,) = decode_all(network.vae, latents, rounded=True)
    assert picture is not None
    assert np.abs(picture.astype(int) - records.arrays["pipe_image"][0].astype(int)).max() <= 1


def test_below_one_there_is_no_guidance(records, network, person, garment):
    _, steps = run(network, records, person, garment, replace(BALANCED, steps=2, guidance_scale=0.99))
    for number, (_, noise) in enumerate(steps):
        near(noise, records("pipe_nocfg_step_eps_2steps")[number], 1e-4)


def test_outside_the_mask_the_last_latents_are_the_photos(records, network, person, garment):
    latents, _ = run(network, records, person, garment, replace(BALANCED, steps=2))
    kept = person.repaint.expand_as(latents) == 0
    assert torch.equal(latents[kept], person.known[kept])
