"""Parity: the network against tensors recorded from the published modules, same weights (noise of the record: 4e-6)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tryon.engines.fashn.blocks import attention
from tryon.engines.fashn.network import FashnVton, time_features
from tryon.engines.fashn.rotary import positions, turn_of, turned
from tryon.networks.attention import Kernel
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings

CALL, BLOCK, TABLE = 2e-5, 1e-5, 1e-6


def assert_near(ours: torch.Tensor, theirs: np.ndarray, tolerance: float) -> None:
    assert tuple(ours.shape) == theirs.shape
    assert float((ours.float() - torch.from_numpy(theirs)).abs().max()) <= tolerance


def predict(network: FashnVton, given: dict[str, torch.Tensor], *, without: bool = False) -> torch.Tensor:
    """One call, with its conditions or without them."""
    person, garment, categories = given["person"], given["garment"], given["categories"]
    if without:
        person, garment, categories = torch.zeros_like(person), torch.zeros_like(garment), torch.zeros_like(categories)
    with torch.inference_mode():
        modulation = network.modulations(given["times"], categories)
        return network(given["noisy"], person, network.garment_tokens(garment), modulation)


@pytest.fixture
def seen(network: FashnVton, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What every block answers in one call."""
    answers: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: object, inputs: object, out: torch.Tensor | tuple[torch.Tensor, torch.Tensor]) -> None:
            if isinstance(out, tuple):
                answers[f"{name}.person"], answers[f"{name}.garment"] = out
            else:
                answers[name] = out

        return hook

    rows = {"x_patch_mixer": network.mixer_blocks, "double_blocks": network.pair_blocks, "single_blocks": network.joint_blocks}
    handles = [
        block.register_forward_hook(keep(f"{name}.{number}"))
        for name, blocks in rows.items()
        for number, block in enumerate(blocks)
    ]
    answers["velocity"] = predict(network, given)
    for handle in handles:
        handle.remove()
    return answers


def test_every_block_answers_as_recorded(seen, network_records):
    arrays, _ = network_records
    names = {key.removeprefix("act/") for key in arrays if key.split("/")[-1].split(".")[0] in {
        "x_patch_mixer", "double_blocks", "single_blocks"
    }}  # fmt: skip
    assert names == set(seen) - {"velocity"}
    for name in names:
        wanted = arrays[f"act/{name}"]
        assert_near(seen[name], wanted[:, -seen[name].shape[1] :], BLOCK)  # all savings: of the last block the person's half


def test_the_last_block_answers_only_for_the_person_when_that_is_all_that_is_read(network_with, given, architecture):
    shapes = {}
    for savings in (OFFICIAL, ALL):
        network = network_with(savings)
        network.joint_blocks[-1].register_forward_hook(
            lambda module, inputs, out, savings=savings: shapes.update({savings: out.shape[1]})
        )
        predict(network, given)
    assert shapes == {OFFICIAL: 2 * architecture.tokens, ALL: architecture.tokens}


def test_a_call_gives_the_recorded_velocity(seen, network_records):
    assert_near(seen["velocity"], network_records[0]["velocity"], CALL)


def test_a_call_without_conditions_gives_the_recorded_velocity(network, given, network_records):
    assert_near(predict(network, given, without=True), network_records[0]["cfg/v_u"], CALL)


def test_a_picture_in_a_batch_is_the_picture_alone(network, given):
    alone = {name: value[1:] for name, value in given.items()}
    torch.testing.assert_close(predict(network, alone)[0], predict(network, given)[1], rtol=0, atol=1e-5)


def test_savings_change_nothing_but_rounding(network_with: Callable[[Savings], FashnVton], given):
    ours, official = (predict(network_with(savings), given) for savings in (ALL, OFFICIAL))
    assert float((ours - official).abs().max() / official.abs().max()) <= 1e-5


def test_patches_become_tokens_as_recorded(network, given, network_records):
    arrays, _ = network_records
    with torch.inference_mode():
        garment = network.garment_in(given["garment"])
        person = network.person_in(torch.cat([given["noisy"], given["person"]], dim=1))
    assert_near(garment, arrays["act/garment_embedder"], BLOCK)
    assert_near(person, arrays["act/x_embedder"], BLOCK)


def test_time_is_felt_as_recorded(network_records):
    """To the last place of an angle of 1,000 in fp32: exponentials differ by that much from processor to processor."""
    assert_near(time_features(torch.tensor([0.0, 0.125, 0.5, 0.71, 1.0])), network_records[0]["time_embedding"], 2.0**-14)


def test_tokens_know_their_rows_and_columns(architecture, network_records):
    arrays, _ = network_records
    assert_near(positions(architecture.grid).float(), arrays["rope/ids"], 0)
    assert_near(turned(torch.from_numpy(arrays["rope/q_before"]), turn_of(architecture)), arrays["rope/q_after"], TABLE)


def test_the_first_channels_of_a_head_are_never_turned(architecture):
    """Their axis is a constant 0."""
    cosine, sine = turn_of(architecture)
    still = architecture.axes[0] // 2
    assert (cosine[..., :still] == 1).all() and (sine[..., :still] == 0).all()
    assert (sine[..., 1:, still:] != 0).any()


def test_queries_that_are_scaled_before_they_are_rounded_find_the_same():
    random = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(1, 2, 640, 128, generator=random) for _ in range(3))
    exact = attention(query, key, value, Kernel.EXPLICIT)
    with torch.inference_mode():
        plain, ready = (attention(query, key, value.bfloat16(), kernel).float() for kernel in (Kernel.FUSED, Kernel.BLOCKS))
    assert plain.shape == ready.shape == (1, 640, 256)
    assert (ready - exact).abs().max() < 1.5 * (plain - exact).abs().max() + 1e-4
