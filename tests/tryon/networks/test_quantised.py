"""Weights in 8 bits: how far they are off, which layers have them, and that nothing gives them away again."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers.models.activations import GEGLU
from torch import nn

from benchmarks.generated import TINY, generated_network
from pipeline.core.errors import UsageError
from tryon.networks import attention
from tryon.networks.savings.packed import Packed, kernels_work
from tryon.networks.savings.quantised import SPARED, Quantised, QuantisedLinear, check_weight_format, plain_weight, quantise
from tryon.networks.savings.swapping import use_cheaper_layers, use_plain_layers, use_quantised_layers
from tryon.networks.savings.switches import ALL
from tryon.networks.unet_layers import attend

FORMATS = ["int8", "fp8"]
HALF_A_STEP = 0.5 + 127 * 2**-9  # of a scale; the second part is the rounding to bf16 before


def weight(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(shape) * torch.logspace(-6, 2, shape[0]).view(-1, *[1] * (len(shape) - 1))


def layers(savings=ALL) -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(24, 40, 3, padding=1), nn.Conv2d(40, 16, 3, stride=2), nn.Linear(6, 32), GEGLU(32, 24))
    use_cheaper_layers([made.requires_grad_(False)], savings)
    return made


def quantised(weight_format: str, dtype=torch.float32) -> nn.Sequential:
    made = layers().to(dtype)
    use_quantised_layers([made], weight_format)
    return made


def eight_bits(network: nn.Module) -> list[Quantised]:
    return [layer for layer in network.modules() if isinstance(layer, Quantised)]


@pytest.mark.parametrize("shape", [(9, 40), (12, 5, 3, 3), (3, 1)])
def test_int8_is_off_by_half_a_step_of_its_channel(shape):
    given = weight(*shape)
    numbers, scale = quantise(given, "int8")
    steps = (numbers.double().flatten(1) - given.double().flatten(1) / scale[:, None]).abs()
    assert numbers.dtype == torch.int8 and numbers.shape == given.shape and scale.shape == shape[:1]
    assert steps.max() <= HALF_A_STEP
    assert (numbers.flatten(1).abs().amax(1) >= 126).all(), "the largest weight of a channel uses the whole range"


@pytest.mark.parametrize("shape", [(9, 40), (12, 5, 3, 3)])
def test_fp8_is_off_by_a_sixteenth_of_a_number_or_a_thousandth_of_its_scale(shape):
    given = weight(*shape)
    numbers, scale = quantise(given, "fp8")
    exact = given.double().flatten(1) / scale[:, None]
    off = (numbers.double().flatten(1) - exact).abs()
    assert torch.isfinite(numbers.float()).all()
    assert (off <= exact.abs() * (2**-4 + 2**-8) + 2**-10).all()


@pytest.mark.parametrize("weight_format", FORMATS)
def test_a_channel_of_zeros_stays_zero_and_what_is_not_a_number_stays_none(weight_format):
    given = weight(4, 6)
    given[1], given[2, 3] = 0, torch.nan
    layer = nn.Linear(6, 4).requires_grad_(False)
    layer.weight.copy_(given)
    use_quantised_layers([layer], weight_format)
    spelt = plain_weight(layer, torch.float32)
    assert (spelt[1] == 0).all() and torch.isnan(spelt[2]).any() and torch.isfinite(spelt[[0, 1, 3]]).all()


@pytest.mark.parametrize("weight_format", FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_from_fp32_and_from_bf16_come_the_same_bits(weight_format, dtype):
    first, second = (quantise(given, weight_format) for given in (weight(9, 40), weight(9, 40).bfloat16().to(dtype)))
    assert torch.equal(first[0].view(torch.uint8), second[0].view(torch.uint8)) and torch.equal(first[1], second[1])
    assert torch.equal(first[1].bfloat16().float(), first[1]), "scales are rounded once, before they are used"


@pytest.mark.parametrize("weight_format", FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_quantised_layer_computes_with_its_spelt_out_weight(weight_format, dtype):
    ours, plain, x = quantised(weight_format, dtype), layers().to(dtype), torch.randn(2, 24, 13, 13).to(dtype)
    use_plain_layers(plain)
    for target, source in zip(plain.modules(), ours.modules(), strict=True):
        if isinstance(source, Quantised):
            target.weight = nn.Parameter(plain_weight(source, dtype), requires_grad=False)
    assert torch.equal(ours(x), plain(x))
    assert torch.equal(ours(x), ours(x)), "the same answer every time"


@pytest.mark.parametrize(("weight_format", "bound"), [("int8", 0.02), ("fp8", 0.06)])
def test_answers_move_little(weight_format, bound):
    x = torch.randn(2, 24, 13, 13)
    exact = layers()(x)
    assert 0 < (quantised(weight_format)(x) - exact).norm() < bound * exact.norm()


@pytest.mark.parametrize("weight_format", FORMATS)
def test_no_change_of_number_format_changes_the_8_bits(weight_format):
    ours, x = quantised(weight_format), torch.randn(2, 24, 13, 13)
    before, first = copy.deepcopy(ours.state_dict()), ours(x)
    assert ours.to(torch.bfloat16)(x.bfloat16()).dtype == torch.bfloat16
    again = ours.half().to(torch.float32).to(memory_format=torch.channels_last)
    assert {layer.weight.element_size() for layer in eight_bits(again)} == {1}
    assert all(
        torch.equal(layer.state_dict()[name].float(), before[f"{prefix}.{name}"].float())
        for prefix, layer in again.named_modules()
        if isinstance(layer, Quantised)
        for name in ("weight", "weight_scale")
    )
    assert torch.allclose(again(x), first, atol=0.05), "biases were rounded to 16 bits on the way"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_layers_give_their_place_to_quantised_ones(dtype):
    if not kernels_work(dtype):
        pytest.skip(f"no packed {dtype} kernels on this CPU")
    ours, x = layers().to(dtype), torch.randn(2, 24, 13, 13).to(dtype)
    ours(x)  # packs
    use_quantised_layers([ours], "int8")
    assert not [layer for layer in ours.modules() if isinstance(layer, Packed)]
    assert len(eight_bits(ours)) == 4
    assert torch.allclose(ours(x), quantised("int8", dtype)(x), rtol=1e-2, atol=1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_spared_layers_and_norms_stay_packed_or_plain():
    made = nn.ModuleDict(
        {"conv_in": nn.Conv2d(3, 4, 3), "deep": nn.ModuleDict({"conv": nn.Conv2d(4, 4, 3), "norm": nn.GroupNorm(2, 4)})}
    )
    use_cheaper_layers([made.requires_grad_(False)], ALL)
    use_quantised_layers([made], "int8")
    assert [type(layer).__name__ for layer in made.modules()][1:] == [
        "PackedConv2d",
        "ModuleDict",
        "QuantisedConv2d",
        "ExactGroupNorm",
    ]


def test_full_changes_nothing_and_a_second_time_neither():
    ours = layers()
    kinds = [type(layer) for layer in ours.modules()]
    use_quantised_layers([ours], "full")
    assert [type(layer) for layer in ours.modules()] == kinds
    use_quantised_layers([ours], "int8")
    once = copy.deepcopy(ours.state_dict())
    use_quantised_layers([ours], "int8")
    assert all(torch.equal(tensor, once[name]) for name, tensor in ours.state_dict().items())


def test_a_compiler_sees_through_them(monkeypatch):
    ours, x = quantised("int8"), torch.randn(2, 24, 13, 13)
    use_plain_layers(ours)
    assert len(eight_bits(ours)) == 4, "only packed layers are opaque"
    assert torch.allclose(torch.compile(ours, backend="eager", fullgraph=True)(x), ours(x), atol=1e-6)


def test_attention_with_ready_scores_takes_the_scale_into_the_weights(monkeypatch):
    """As `PackedLinear.scaled` does: on CPUs without matrix tiles the exponentials are then taken inside the product."""
    if not kernels_work(torch.bfloat16):
        pytest.skip("no packed bf16 kernels on this CPU")
    from diffusers.models.attention_processor import Attention

    monkeypatch.setattr(attention, "_cpu_has_matrix_tiles", lambda: False)
    torch.manual_seed(0)
    layer = Attention(80, heads=2, dim_head=40).requires_grad_(False).to(torch.bfloat16)
    use_quantised_layers([layer], "int8")
    tokens = torch.randn(1, 1100, 80).bfloat16()
    seen, scaled = [], QuantisedLinear.scaled
    monkeypatch.setattr(QuantisedLinear, "scaled", lambda *given: seen.append(given[2:]) or scaled(*given))
    blocks, fused = (
        attend(layer, tokens, tokens, kernel=kernel).float() for kernel in (attention.Kernel.BLOCKS, attention.Kernel.FUSED)
    )
    assert sorted(how for _, how in seen) == ["div", "mul"]
    assert (blocks - fused).norm() < 0.02 * fused.norm()


@pytest.mark.parametrize(("weight_format", "kind"), [("full", "mps"), ("int8", "mps"), ("fp8", "cpu"), ("fp8", "cuda")])
def test_formats_that_a_device_reads_are_let_through(weight_format, kind):
    check_weight_format(weight_format, kind)


def test_fp8_on_a_device_that_does_not_read_it_is_refused_with_the_cure():
    with pytest.raises(UsageError, match=r"'mps' device does not read.*full, int8") as refused:
        check_weight_format("fp8", "mps")
    assert "weight_format=int8" in refused.value.remedy


@pytest.mark.parametrize("weight_format", FORMATS)
def test_a_whole_network_has_every_layer_in_8_bits_but_the_spared_ones_and_what_makes_pixels(weight_format):
    network = generated_network(ALL, torch.bfloat16, TINY)
    before = {name: part.nbytes for name, part in network.named_parameters()}
    network.use_weight_format(weight_format)
    spared = SPARED | {"garment_in"}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            kept = bool(spared & set(name.split("."))) or name.startswith(
                "vae." if weight_format == "fp8" else ("vae.decoder", "vae.q", "vae.p")
            )
            assert isinstance(layer, Quantised) is not kept, name
    after = {name: part.nbytes for name, part in network.named_parameters()}
    halved = [f"{name}.weight" for name, layer in network.named_modules() if isinstance(layer, Quantised)]
    assert all(after[name] * 2 == before[name] for name in halved)
    assert sum(after.values()) < 0.65 * sum(before.values()), "the tiny VAE and CLIP's positions are a large part here"
    assert network.dtype == torch.bfloat16


ROOT = Path(__file__).parents[3]
PREDICT = """
import sys, hashlib, torch
torch.set_num_threads(1)
from benchmarks.generated import TINY, generated_network
from tryon.networks.savings.switches import ALL
network = generated_network(ALL, torch.bfloat16, TINY)
network.use_weight_format(sys.argv[1])
torch.manual_seed(0)
x, garment, token = torch.randn(1, 13, 16, 16), torch.randn(1, 4, 16, 16), torch.randn(1, 1, TINY.context_dim).bfloat16()
with torch.inference_mode():
    shifts, contexts = network.time_shifts(torch.tensor([500])), network.contexts(token)
    noise = network.noise(x, network.garment_features(x, garment, shifts, contexts), shifts, contexts)
print(hashlib.sha256(noise.float().numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("weight_format", FORMATS)
def test_two_processes_predict_the_same_noise(weight_format):
    run = [sys.executable, "-c", PREDICT, weight_format]
    both = [subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT) for _ in range(2)]
    first, second = (each.stdout for each in both)
    assert first == second and len(first) == 65
