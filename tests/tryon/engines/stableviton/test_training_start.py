"""What training starts from, and what the published code can load of what it made."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipeline.core.errors import WeightsError
from tryon.engines.stableviton.checkpoint import read_published
from tryon.engines.stableviton.training.official_file import official_state as to_official
from tryon.engines.stableviton.training.official_file import write_official
from tryon.engines.stableviton.training.start import FIRST_INPUT, new_warp_blocks, read_start
from tryon.samplers.schedule import alphas_cumprod
from tryon.training.official_file import schedule_buffers


@pytest.fixture
def painted(official_state, key_list):
    """Paint-by-Example with a fifth of the channels: its own list of names, nine inputs."""
    names = set(key_list["pbe_9ch"]["keys"]) & set(official_state)
    state = {name: official_state[name] for name in sorted(names)}
    assert len(state) < len(official_state) and not any(name.startswith("control_model") for name in state)
    return state | {FIRST_INPUT: official_state[FIRST_INPUT][:, :9].clone()}


def saved(path, state):
    torch.save({"state_dict": state}, path)
    return path


@pytest.mark.slow
def test_paint_by_example_is_widened_as_by_hand(tmp_path, painted, tiny):
    start = read_start(saved(tmp_path / "model.ckpt", painted), tiny)
    official = to_official(start.weights, tiny)
    by_hand = dict(painted)
    by_hand[FIRST_INPUT] = torch.cat([painted[FIRST_INPUT], torch.zeros(64, 4, 3, 3)], dim=1)
    for name in [name for name in by_hand if name.startswith("model.diffusion_model.")]:
        inner = name.removeprefix("model.diffusion_model.")
        if not inner.startswith(("output_blocks.", "out.")):
            by_hand[f"control_model.{inner}"] = by_hand[name]
    by_hand |= {f"control_model.cond_first_block.0.{kind}": torch.zeros(*shape) for kind, shape in
                (("weight", (64, 4, 3, 3)), ("bias", (64,)))}  # fmt: skip
    compared = {name: tensor for name, tensor in by_hand.items() if name not in schedule_buffers()}
    assert len(compared) > 1300
    assert [name for name, tensor in compared.items() if not torch.equal(official[name], tensor)] == []
    assert "widened" in start.about


@pytest.mark.slow
def test_new_blocks_leave_the_start_file_as_it_is(tmp_path, painted, tiny):
    start = read_start(saved(tmp_path / "model.ckpt", painted), tiny)
    closing = [tensor for name, tensor in start.weights.items() if name.startswith("warp.") and "zero_conv" in name]
    assert closing and not any(tensor.any() for tensor in closing)
    assert start.weights["warp.4.transformer.transformer_blocks.0.attn2.to_k.weight"].any()
    assert all(
        torch.equal(a, b) for a, b in zip(new_warp_blocks(tiny, 3).values(), new_warp_blocks(tiny, 3).values(), strict=True)
    )


@pytest.mark.slow
def test_another_nine_channel_model_is_refused_with_its_differences(tmp_path, painted, tiny):
    state = {name: tensor for name, tensor in painted.items() if not name.startswith("cond_stage_model.mapper")}
    with pytest.raises(WeightsError, match=r"not a checkpoint of Paint-by-Example[\s\S]*missing: cond_stage_model\.mapper"):
        read_start(saved(tmp_path / "model.ckpt", state), tiny)
    with pytest.raises(WeightsError, match="no such file"):
        read_start(tmp_path / "not_there.ckpt", tiny)


@pytest.mark.slow
def test_the_published_code_finds_every_name_and_shape_that_it_expects(
    key_list, tmp_path, official_state, official_network, tiny
):
    made = to_official(official_network.state_dict(), tiny)
    theirs = {name: tensor.shape for name, tensor in official_state.items()}
    assert {name: tensor.shape for name, tensor in made.items()} == theirs
    clip_layers = [name for name in key_list["full_model"] if name not in made]
    assert all(".encoder.layers." in name for name in clip_layers)  # the tiny tower has fewer
    write_official(tmp_path / "out" / "made.ckpt", official_network.state_dict(), tiny)
    back = read_published(tmp_path / "out" / "made.ckpt", tiny).weights
    assert all(torch.equal(back[name], tensor) for name, tensor in official_network.state_dict().items())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["made.ckpt"]
    with pytest.raises(WeightsError, match="exists already"):
        write_official(tmp_path / "out" / "made.ckpt", official_network.state_dict(), tiny)


@pytest.mark.slow
def test_without_the_control_tail_no_published_file_is_written(tmp_path, network, tiny):
    with pytest.raises(WeightsError, match="only the published code keeps"):
        write_official(tmp_path / "made.ckpt", network.state_dict(), tiny)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_network_of_the_ablation_cannot_go_into_a_published_file(tmp_path, official_state, tiny):
    plain = replace(tiny, plain_addition=True)
    start = read_start(saved(tmp_path / "VITONHD.ckpt", official_state), plain)
    assert start.weights["warp.8.zero_conv.weight"].shape == (64, 64, 1, 1)
    with pytest.raises(WeightsError, match="without attention"):
        to_official(start.weights, plain)


def test_schedule_buffers_are_those_of_the_schedule():
    buffers = schedule_buffers()
    assert len(buffers) == 13
    assert torch.equal(buffers["alphas_cumprod"], torch.from_numpy(alphas_cumprod()))
    assert torch.equal(buffers["alphas_cumprod_prev"][1:], buffers["alphas_cumprod"][:-1])
    assert float(buffers["posterior_variance"][0]) == 0
