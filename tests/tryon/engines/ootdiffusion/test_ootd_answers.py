"""What docs/ootdiffusion.md answers, shown on the network with a tenth of the channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from tiny_engines import tiny_ootd
from torch import Tensor, nn

from tryon.engines.ootdiffusion.checkpoint import fill_network
from tryon.engines.ootdiffusion.encoding import EncodedGarment, EncodedPerson, PersonPictures
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.sampling import Batch, Denoiser, show_garment
from tryon.networks.reference_attention import Taken, reference_blocks, reference_tokens
from tryon.networks.savings.switches import OFFICIAL
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1 import LATENT_SCALE
from tryon.networks.sd1_unet import time_shifts
from tryon.networks.unet_layers import Context, unet_stages

DIM = tiny_ootd().context_dim


@pytest.fixture(scope="module")
def network(tiny_weights: Mapping[str, Tensor]) -> OotDiffusion:
    return fill_network(tiny_weights, torch.float32, tiny_ootd(), OFFICIAL)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def garment(seed: int = 1, context: int = 2, size: tuple[int, int] = (8, 8)) -> EncodedGarment:
    return EncodedGarment(latent=5 * drawn(seed, 1, 4, *size), context=drawn(context, 1, 2, DIM))


def person(size: tuple[int, int] = (8, 8)) -> EncodedPerson:
    nothing = PersonPictures(image=None, masked=None, repaint=None)  # type: ignore[arg-type]  # the network sees latents alone
    latent = drawn(3, 1, 4, *size)
    return EncodedPerson(pictures=nothing, masked=5 * latent, known=latent, repaint=torch.ones(1, 1, *size))


def answer(network: OotDiffusion, shown: EncodedGarment, scale: float, size: tuple[int, int] = (8, 8)) -> Tensor:
    """The noise predicted in one noisy latent at timestep 500."""
    config = replace(BALANCED, guidance_scale=scale)
    tokens = show_garment(network, shown, guided=config.guided)
    batch = Batch([person(size)], [shown], [tokens], [])
    with torch.inference_mode():
        return Denoiser(network, batch, config, TimeTable(network))(drawn(4, 1, 4, *size), 500)


def test_guidance_lies_on_the_line_through_both_answers_and_one_is_the_answer_with_the_garment(network: OotDiffusion):
    without_guidance, once, twice = (answer(network, garment(), scale) for scale in (1.0, 1.5, 2.0))
    torch.testing.assert_close(twice - once, once - without_guidance, atol=1e-5, rtol=0)
    assert float((twice - once).abs().max()) > 1e-4


def test_the_other_answer_has_no_garment_latent_but_its_clip_vector_still(network: OotDiffusion):
    """What is guided is the picture, not the context: that is the same in both answers."""
    shown = show_garment(network, garment(), guided=True)
    another = show_garment(network, garment(context=9), guided=True)
    assert shown.hidden is not None and another.hidden is not None
    assert not torch.equal(shown.hidden[3], another.hidden[3]), "tokens of nothing depend on the context"
    assert torch.equal(shown.hidden[3], show_garment(network, garment(seed=8), guided=True).hidden[3])


def test_the_garments_tokens_are_the_same_whatever_the_person_and_the_step(network: OotDiffusion):
    first, second = (show_garment(network, garment(), guided=False).shown for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))
    assert len(first) == 16


def test_the_garment_enters_the_self_attention_and_the_prompt_the_cross_attention_of_both(network: OotDiffusion):
    seen: dict[str, list[tuple[int, ...]]] = {"self": [], "cross": []}

    def watch(kind: str):
        return lambda layer, given, result: seen[kind].append(tuple(given[0].shape))

    block = reference_blocks(network.unet_vton)[8]
    hooks = [block.attn1.to_k.register_forward_hook(watch("self")), block.attn2.to_k.register_forward_hook(watch("cross"))]
    answer(network, garment(), 1.0)
    for hook in hooks:
        hook.remove()
    own = reference_blocks(network.unet_vton)[8].attn1.to_k.in_features
    assert seen["cross"] == [(1, 2, DIM)], "two tokens: the word's mark and the garment's vector"
    assert seen["self"] == [(1, 2 * 4, own)], "its own 2 × 2 tokens, and as many of the garment"
    prompts = [show_garment(network, garment(context=each), guided=False).shown[8] for each in (2, 9)]
    assert not torch.equal(*prompts), "the garment U-Net reads the prompt too"


def test_the_half_bodys_prompt_holds_no_text(network: OotDiffusion):
    """CLIP reads from left to right: the begin mark's state is the same before any word, and the rest is replaced."""
    square = drawn(5, 1, 3, 224, 224)
    contexts = [network.context(torch.tensor([ids]), square, "replaces") for ids in ([49406, 49407], [49406, 320])]
    assert torch.allclose(*contexts, atol=1e-5)
    full = [network.context(torch.tensor([[49406, word, 49407]]), square, "follows") for word in (2595, 7067)]
    assert float((full[0][:, 1] - full[1][:, 1]).abs().max()) > 1e-3, "of the full body's the word is read"
    assert torch.allclose(full[0][:, 3], full[1][:, 3])


def test_the_same_weights_answer_at_any_size_that_divides_by_64(network: OotDiffusion):
    for size in ((8, 8), (16, 8), (16, 16)):
        assert answer(network, garment(size=size), 1.0, size).shape == (1, 4, *size)


def test_a_garments_latents_are_five_times_what_stable_diffusion_is_used_to():
    assert pytest.approx(5.49, abs=0.01) == 1 / LATENT_SCALE


def test_the_garment_unets_tokens_depend_on_the_timestep_which_is_why_one_is_chosen(network: OotDiffusion):
    unet = network.unet_garm
    contexts = [None if stage.transformer is None else Context(drawn(2, 1, 2, DIM)) for stage in unet_stages(unet)]
    early, late = (
        reference_tokens(unet, 5 * drawn(1, 1, 4, 8, 8), time_shifts(unet, torch.tensor([step])), contexts, Taken.BEFORE_NORM)
        for step in (0, 900)
    )
    assert float((early[8] - late[8]).abs().max()) > 1e-3


def test_linear_projection_and_one_by_one_convolution_are_the_same_mathematics():
    linear, convolution = nn.Linear(6, 5), nn.Conv2d(6, 5, 1)
    convolution.load_state_dict({"weight": linear.weight[:, :, None, None], "bias": linear.bias})
    x = drawn(6, 2, 6, 4, 3)
    torch.testing.assert_close(linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), convolution(x), atol=1e-6, rtol=0)
