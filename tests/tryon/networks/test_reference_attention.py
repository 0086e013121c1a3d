"""One U-Net in another against recorded results: OOTDiffusion, Magic Clothing, CatVTON, Leffa, IP-Adapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorded_networks import Records
from torch import Tensor

from tryon.networks.attention import Kernel
from tryon.networks.reference_attention import (
    Decoupled,
    Look,
    LookOfAll,
    Tabulated,
    Taken,
    looking_through,
    pass_through,
    reference_blocks,
    reference_keys_values,
    reference_tokens,
    tabulate,
)
from tryon.networks.savings.swapping import use_plain_layers
from tryon.networks.savings.switches import ALL, OFFICIAL
from tryon.networks.sd1_unet import Contexts, predict_noise, time_shifts
from tryon.networks.unet_layers import Context, KeysValues, unet_stages

FEATURES = 1e-5
EPS = 2e-5


def contexts(unet: Any, context: Context) -> Contexts:
    return [None if stage.transformer is None else context for stage in unet_stages(unet)]


def near(found: Tensor, wanted: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(found, wanted.float(), atol=tolerance, rtol=0)


@pytest.fixture(scope="module")
def ootd(fixtures_root: Path) -> Records:
    return Records(fixtures_root / "ootdiffusion", "ootd_network_public.npz")


@pytest.fixture(scope="module")
def adapters(fixtures_root: Path) -> Records:
    return Records(fixtures_root / "ootdiffusion", "adapters_public.npz")


@pytest.fixture(scope="module")
def garment_pass(ootd: Records) -> tuple[Any, Context, list[Tensor]]:
    """OOTDiffusion's garment U-Net, its context, and the tokens of recorded latents."""
    height, width = ootd.meta["latent_hw"]
    unet = ootd.unet("unet_garm", 4)
    prompt = ootd.data("prompt_embeds", 2, ootd.meta["network_prompt_len"], ootd.meta["unet"]["cross_attention_dim"])
    latents = ootd.data("garm_latents", 2, 4, height, width) * 4
    context = Context(prompt)
    shifts = time_shifts(unet, torch.tensor([0]))
    return unet, context, reference_tokens(unet, latents, shifts, contexts(unet, context), Taken.BEFORE_NORM)


def tokens_of_nothing(ootd: Records, garment_pass: tuple[Any, Context, list[Tensor]]) -> list[Tensor]:
    unet, context, _ = garment_pass
    latents = torch.zeros(2, 4, *ootd.meta["latent_hw"])
    return reference_tokens(unet, latents, time_shifts(unet, torch.tensor([0])), contexts(unet, context), Taken.BEFORE_NORM)


def try_on_inputs(ootd: Records) -> tuple[Tensor, Tensor]:
    height, width = ootd.meta["latent_hw"]
    noisy, person = ootd.data("noisy", 2, 4, height, width), ootd.data("vton_latents", 2, 4, height, width) * 4
    return noisy, person


def looked(unet: Any, tokens: list[Tensor], context: Context) -> Contexts:
    seen = reference_keys_values(unet, tokens, Taken.BEFORE_NORM)
    across = [Tabulated(each) for each in tabulate(unet, context.value)] if context.value is not None else []
    rest = iter(across)
    made = looking_through(contexts(unet, context), [Look(each) for each in seen])
    return [each if each is None else replace(each, across=next(rest)) for each in made]


def test_ootdiffusions_garment_tokens_come_in_running_order_as_they_enter_a_block(ootd: Records, garment_pass):
    _, _, tokens = garment_pass
    assert len(tokens) == 16
    for number, each in enumerate(tokens):
        near(each, ootd.recorded(f"feat_{number:02d}"), FEATURES)


def test_a_zero_latent_has_tokens_too(ootd: Records, garment_pass):
    tokens = tokens_of_nothing(ootd, garment_pass)
    assert np.allclose([float(each.mean()) for each in tokens], ootd.arrays["feat_uncond_mean"], atol=1e-5)
    assert np.allclose([float(each.std()) for each in tokens], ootd.arrays["feat_uncond_std"], atol=1e-5)


def test_ootdiffusions_noise_with_and_without_garment_and_guided(ootd: Records, garment_pass):
    unet, (_, context, tokens) = ootd.unet("unet_vton", 8), garment_pass
    x, shifts = torch.cat(try_on_inputs(ootd), dim=1), time_shifts(unet, ootd.recorded("t"))
    with_garment = predict_noise(unet, x, shifts, looked(unet, tokens, context))
    without = predict_noise(unet, x, shifts, looked(unet, tokens_of_nothing(ootd, garment_pass), context))
    near(with_garment, ootd.recorded("eps_garment"), EPS)
    near(without, ootd.recorded("eps_no_garment"), EPS)
    scale = ootd.meta["image_guidance_scale"]
    near(without + scale * (with_garment - without), ootd.recorded("eps_cfg"), EPS)


@pytest.mark.parametrize("wanted_only", [False, True])
def test_the_published_arrangement_which_asks_for_the_garments_half_too_says_the_same(
    ootd: Records, garment_pass, wanted_only: bool
):
    unet, (_, context, tokens) = ootd.unet("unet_vton", 8), garment_pass
    looks = [LookOfAll(each, Taken.BEFORE_NORM, wanted_only) for each in tokens]
    found = predict_noise(
        unet,
        torch.cat(try_on_inputs(ootd), dim=1),
        time_shifts(unet, ootd.recorded("t")),
        looking_through(contexts(unet, context), looks),
    )
    near(found, ootd.recorded("eps_garment"), EPS)


def test_a_four_channel_unet_widened_with_zeros_says_what_it_said_before(ootd: Records, garment_pass):
    _, context, tokens = garment_pass
    narrow, wide = ootd.unet("unet_vton4", 4), ootd.unet("unet_vton4", 8)
    state = narrow.state_dict()
    state["conv_in.weight"] = torch.cat([state["conv_in.weight"], torch.zeros_like(state["conv_in.weight"])], dim=1)
    wide.load_state_dict(state)
    noisy, person = try_on_inputs(ootd)
    shifts = time_shifts(wide, ootd.recorded("t"))
    near(
        predict_noise(wide, torch.cat([noisy, person], dim=1), shifts, looked(wide, tokens, context)),
        ootd.recorded("eps_widened_unet_vton4"),
        EPS,
    )


def test_the_running_order_is_not_that_of_named_modules(ootd: Records):
    unet = ootd.unet("unet_garm", 4)
    listed = [module for name, module in unet.named_modules() if name.endswith("transformer_blocks.0")]
    ran = reference_blocks(unet)
    assert {id(each) for each in listed} == {id(each) for each in ran}
    assert listed[-1] is ran[6] and ran[6] is unet.mid_block.attentions[0].transformer_blocks[0]


@torch.enable_grad()
def test_gradients_reach_giver_and_reader_whether_maps_are_kept_or_recomputed(ootd: Records):
    giver, reader = (ootd.unet(name, inputs).requires_grad_(True) for name, inputs in (("unet_garm", 4), ("unet_vton", 8)))
    for unet in (giver, reader):
        use_plain_layers(unet)
    height, width = ootd.meta["latent_hw"]
    prompt = Context(ootd.data("prompt_embeds", 2, ootd.meta["network_prompt_len"], ootd.meta["unet"]["cross_attention_dim"]))
    found = []
    for recompute in (False, True):
        for unet in (giver, reader):
            unet.zero_grad()
        tokens = reference_tokens(
            giver,
            ootd.data("garm_latents", 2, 4, height, width) * 4,
            time_shifts(giver, torch.tensor([0])),
            contexts(giver, prompt),
            Taken.BEFORE_NORM,
            recompute=recompute,
        )
        answer = predict_noise(
            reader,
            torch.cat(try_on_inputs(ootd), dim=1),
            time_shifts(reader, ootd.recorded("t")),
            looked(reader, tokens, prompt),
            recompute=recompute,
        )
        answer.square().mean().backward()
        found.append([unet.conv_in.weight.grad.clone() for unet in (giver, reader)])
    for kept, recomputed in zip(*found, strict=True):
        assert float(kept.abs().max()) > 0
        near(recomputed, kept, 1e-7)
    dead = [name for name, each in giver.named_parameters() if each.grad is None]
    assert sorted(f"unet_garm.{name}" for name in dead) == sorted(ootd.arrays["params_without_grad"].tolist())


def test_several_garments_are_seen_as_one_longer_sequence(ootd: Records, garment_pass):
    """The published form cannot: its two halves have one length."""
    unet, (_, context, tokens) = ootd.unet("unet_vton", 8), garment_pass
    twice = [torch.cat([each, each], dim=1) for each in tokens]
    x, shifts = torch.cat(try_on_inputs(ootd), dim=1), time_shifts(unet, ootd.recorded("t"))
    once, doubled = (predict_noise(unet, x, shifts, looked(unet, each, context)) for each in (tokens, twice))
    assert torch.isfinite(doubled).all() and float((once - doubled).abs().max()) > 1e-3


def test_magic_clothing_takes_tokens_behind_the_norm_and_shows_zero_tokens_for_nothing(adapters: Records):
    height, width = adapters.meta["latent_hw"]
    dim = adapters.meta["unet"]["cross_attention_dim"]
    unet, giver = adapters.unet("unet", 4), adapters.unet("ref_unet", 4)
    text, negative, null = (adapters.data(name, *shape) for name, shape in magic_texts(adapters, dim).items())
    tokens = reference_tokens(
        giver,
        adapters.data("cloth_latents", 1, 4, height, width),
        time_shifts(giver, torch.tensor([0])),
        contexts(giver, Context(null)),
        Taken.AFTER_NORM,
    )
    near(tokens[0], adapters.recorded("magic_store_first"), FEATURES)
    three = [torch.cat([torch.zeros_like(each), each, each]) for each in tokens]
    seen = reference_keys_values(unet, three, Taken.AFTER_NORM)
    context = Context(torch.cat([negative, negative, text[:1]]))
    noisy = adapters.data("noisy", 2, 4, height, width)[:1].expand(3, -1, -1, -1)
    eps = predict_noise(
        unet,
        noisy.contiguous(),
        time_shifts(unet, torch.tensor([321])),
        looking_through(contexts(unet, context), [Look(each) for each in seen]),
    )
    near(eps, adapters.recorded("magic_eps3"), EPS)
    nothing, cloth, both = eps.chunk(3)
    near(nothing + 7.5 * (both - cloth) + 2.5 * (cloth - nothing), adapters.recorded("magic_eps_guided_7.5_2.5"), 1e-4)


def magic_texts(adapters: Records, dim: int) -> dict[str, tuple[int, ...]]:
    return {"text": (2, 7, dim), "neg_text": (1, 7, dim), "null_text": (1, 7, dim)}


def test_catvtons_cross_attention_is_passed_through_and_not_left_out(adapters: Records):
    height, width = adapters.meta["latent_hw"]
    unet = adapters.unet("catvton_unet", 9)
    noisy = adapters.data("cat_noisy", 1, 4, 2 * height, width)
    person, garment = (adapters.data(name, 1, 4, height, width) for name in ("person_latents", "garment_latents"))
    mask = torch.zeros(1, 1, 2 * height, width)
    mask[:, :, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 1
    stacks = [
        torch.cat([noisy, mask, torch.cat([person, below], dim=2)], dim=1) for below in (torch.zeros_like(garment), garment)
    ]
    found = predict_noise(
        unet,
        torch.cat(stacks),
        time_shifts(unet, torch.tensor([321])),
        contexts(unet, Context(across=pass_through)),
    )
    near(found, adapters.recorded("catvton_eps_uncond_cond"), EPS)
    nothing, shown = found.chunk(2)
    near(nothing + 2.5 * (shown - nothing), adapters.recorded("catvton_eps_cfg_2.5"), 1e-4)


@pytest.mark.parametrize("scale", [0.0, 0.6, 1.0])
def test_ip_adapters_image_tokens_have_keys_and_values_of_their_own(adapters: Records, scale: float):
    height, width = adapters.meta["latent_hw"]
    unet = adapters.unet("unet", 4)
    text = adapters.data("text", 2, 7, adapters.meta["unet"]["cross_attention_dim"])
    image = adapters.recorded("ip_tokens")
    numbers = {id(block.attn2): number for number, block in enumerate(published_order(adapters, unet))}
    looks = []
    for block in reference_blocks(unet):
        number = 2 * numbers[id(block.attn2)] + 1
        keys, values = (image @ ip_weight(adapters, number, kind).T for kind in "kv")
        looks.append(Decoupled(text, KeysValues(keys, values), scale))
    rest = iter(looks)
    seen = [None if each is None else Context(across=next(rest)) for each in contexts(unet, Context())]
    found = predict_noise(unet, adapters.data("noisy", 2, 4, height, width), time_shifts(unet, torch.tensor([321, 45])), seen)
    near(found, adapters.recorded(f"ip_eps_scale_{scale}"), EPS)


def published_order(adapters: Records, unet: Any) -> list[Any]:
    """IP-Adapter numbers attentions as diffusers lists them: down, up, and the middle last."""
    names = [name.removesuffix(".attn1.processor") for name in adapters.meta["attn_processor_order"] if "attn1" in name]
    modules = dict(unet.named_modules())
    return [modules[name] for name in names]


def ip_weight(adapters: Records, number: int, kind: str) -> Tensor:
    key = f"{number}.to_{kind}_ip.weight"
    shape = adapters.meta["ip_adapter_keys"][key]
    return torch.from_numpy(adapters.make.tensor_for(f"ip_adapter.{key}", shape, adapters.salt))


def test_leffa_takes_tokens_behind_the_norm_and_has_no_text(fixtures_root: Path):
    leffa = Records(fixtures_root / "engines", "leffa.npz", "leffa.")
    height, width = (side // 8 for side in leffa.meta["size"])
    giver, nothing = leffa.unet("unet_encoder", 4), Context(across=pass_through)
    tokens = reference_tokens(
        giver,
        leffa.data("garment_latents", 2, 4, height, width),
        time_shifts(giver, leffa.recorded("call/timesteps")),
        contexts(giver, nothing),
        Taken.AFTER_NORM,
    )
    for number, each in enumerate(tokens):
        near(each[:1], leffa.recorded(f"call/ref{number:02d}"), 2e-5)


@pytest.mark.parametrize("savings", [ALL, OFFICIAL])
def test_kernels_agree_on_the_joined_tokens(ootd: Records, garment_pass, savings):
    unet, (_, context, tokens) = ootd.unet("unet_vton", 8), garment_pass
    x, shifts = torch.cat(try_on_inputs(ootd), dim=1), time_shifts(unet, ootd.recorded("t"))
    made = looked(unet, tokens, context)
    with torch.inference_mode():
        near(predict_noise(unet, x, shifts, made, savings.attention), predict_noise(unet, x, shifts, made, Kernel.EXPLICIT), EPS)
