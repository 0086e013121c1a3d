"""Watching a network: what led to what, what has no say, what each stage costs."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tryon.study.boxes import flow_of
from tryon.study.trace import traced


class Small(nn.Module):
    """Two stages, a layer whose answer is thrown away, one that is never asked, and half a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(12, 3)
        self.thrown_away, self.never_asked = nn.Linear(6, 5), nn.Linear(2, 2)
        self.halved = nn.Linear(4, 8)


def answer(network: Small, inputs):
    x = network.first(inputs["picture"])
    network.thrown_away(x)
    other = nn.functional.linear(inputs["mask"], network.halved.weight[:6], network.halved.bias[:6])
    return network.second(torch.cat([x, other], dim=1)).relu()


def watched(run=answer, network=None, **shapes):
    with torch.device("meta"):
        network = network or Small()
        inputs = {name: torch.empty(shape) for name, shape in shapes.items()}
    return traced(network, run, inputs)


@pytest.fixture
def trace():
    return watched(picture=(1, 4), mask=(1, 4))


def stage(tensor: str) -> str:
    return tensor.split(".")[0]


def test_weights_on_which_the_answer_does_not_depend_have_no_say(trace):
    assert trace.dead_values() == {
        "thrown_away.weight": 30,
        "thrown_away.bias": 5,
        "never_asked.weight": 4,
        "never_asked.bias": 2,
        "halved.weight": 8,
        "halved.bias": 2,
    }


def test_arrows_go_through_what_only_lays_tensors_side_by_side(trace):
    flow = flow_of(trace, stage)
    assert {pair: shapes for pair, shapes in flow.arrows.items() if "thrown_away" not in pair} == {
        ("picture", "first"): [(1, 4)],
        ("mask", "halved"): [(1, 4)],
        ("first", "second"): [(1, 6)],
        ("halved", "second"): [(1, 6)],
    }
    assert flow.result == "second" and flow.boxes["second"].gives == [(1, 3)]
    assert set(flow.boxes) - flow.living == {"thrown_away"}


def test_arithmetic_is_that_of_pytorchs_own_counter(trace):
    flow = flow_of(trace, stage)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        answer(Small(), {"picture": torch.zeros(1, 4), "mask": torch.zeros(1, 4)})
    assert sum(box.flops for box in flow.boxes.values()) == counter.get_total_flops() == 2 * (4 * 6 + 6 * 5 + 4 * 6 + 12 * 3)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)


def attend(network: Attention, inputs):
    x, tokens = inputs["x"], inputs["tokens"]
    return nn.functional.scaled_dot_product_attention(network.query(x), network.key(tokens), network.value(tokens))


@pytest.mark.parametrize(("keys", "without_say"), [(1, {"query", "key"}), (2, set())])
def test_over_a_single_key_queries_and_keys_have_no_say(keys, without_say):
    with torch.device("meta"):
        network = Attention()
    dead = watched(attend, network, x=(1, 5, 8), tokens=(1, keys, 8)).dead_values()
    assert {name.split(".")[0] for name in dead} == without_say


def test_hooks_and_times_end_with_the_run():
    network = Small()
    inputs = {"picture": torch.zeros(1, 4), "mask": torch.zeros(1, 4)}
    timed = traced(network, answer, inputs, wait=lambda: None)
    assert sum(operation.seconds for operation in timed.operations) > 0
    count = len(timed.operations)
    answer(network, inputs)
    assert len(timed.operations) == count
    assert not sum(operation.seconds for operation in traced(network, answer, inputs).operations)


def test_a_run_that_fails_leaves_no_hook():
    def fail(network, inputs):
        raise ValueError

    with pytest.raises(ValueError):
        watched(fail, picture=(1, 4))
    assert not nn.modules.module._global_forward_pre_hooks
