"""Checkpoints appear whole or not at all, are held against their digests, and rotate without losing the last good one."""

from __future__ import annotations

import pytest
import torch

from pipeline.core.errors import MissingPackageError, OutputError, UsageError
from tryon.training import checkpoint as checkpoints
from tryon.training.config import SECTIONS, as_facts, refuse_other_settings, resolve_settings, with_steps, write_settings
from tryon.training.ema import MovingAverage, decay_at
from tryon.training.moments import load_state, state_by_name
from tryon.training.optimiser import OptimiserConfig, build_optimiser
from tryon.training.randomness import SampleDraws, happens, order
from tryon.training.schedule import Schedule
from tryon.training.stopping import NotANumberError, Overflows, check_finite

WEIGHTS = {"weights": {"a.10": torch.arange(4.0), "a.2": torch.ones(2, 3)}}


def write(folder, step):
    return checkpoints.write(folder, step, WEIGHTS, {"step": step})


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path):
    made = write(tmp_path, 12)
    found = checkpoints.newest(tmp_path)
    assert found == made and found.step == 12 and found.state == {"step": 12}
    assert all(torch.equal(found.tensors("weights")[name], tensor) for name, tensor in WEIGHTS["weights"].items())
    assert found.tensors("ema") == {}


@pytest.mark.parametrize("damage", ["cut", "other byte", "no manifest", "lost file", "manifest of another kind"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, damage):
    write(tmp_path, 1)
    newest, lines = write(tmp_path, 2).path, []
    file = newest / "weights.safetensors"
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "other byte":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "no manifest":
        (newest / checkpoints.MANIFEST).unlink()
    elif damage == "lost file":
        file.unlink()
    else:
        (newest / checkpoints.MANIFEST).write_text("[]", "utf-8")
    assert checkpoints.newest(tmp_path, lines).step == 1
    assert len(lines) == 1 and str(newest) in lines[0]


@pytest.mark.parametrize("where", ["save_file", "_flush", "digest"])
def test_a_full_disk_leaves_nothing_of_the_checkpoint_and_the_earlier_ones(tmp_path, monkeypatch, where):
    write(tmp_path, 1)

    def full(*given, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, where, full)
    with pytest.raises(OutputError, match=r"could not be written.*No space left") as error:
        write(tmp_path, 2)
    monkeypatch.undo()
    assert "step-000000001" in str(error.value) or where == "digest"
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]


def test_what_a_killed_run_left_half_written_is_cleared_and_never_counts(tmp_path):
    write(tmp_path, 1)
    part = tmp_path / ".step-000000002.part"
    part.mkdir()
    (part / "weights.safetensors").write_bytes(b"half")
    assert checkpoints.newest(tmp_path).step == 1
    checkpoints.clear_parts(tmp_path)
    assert not part.exists()


def test_rotation_keeps_the_newest_and_every_nth(tmp_path):
    assert checkpoints.surplus([10, 20, 30, 40, 50, 60], keep_last=2, keep_every=20) == [10, 30]
    assert checkpoints.surplus([10], keep_last=1, keep_every=0) == []
    for step in range(1, 6):
        write(tmp_path, step)
        checkpoints.rotate(tmp_path, keep_last=2, keep_every=3)
    assert [each.step for each in checkpoints.every(tmp_path)] == [3, 4, 5]


def test_too_little_room_is_said_before_the_first_step(tmp_path):
    checkpoints.room_for(tmp_path, 1)
    with pytest.raises(OutputError, match="free, a checkpoint needs"):
        checkpoints.room_for(tmp_path, 10**18)


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_an_optimisers_state_comes_back_by_name_whatever_the_order(name):
    torch.manual_seed(0)

    def parameters():
        return {f"layer.{number}": torch.nn.Parameter(torch.ones(3, number + 2)) for number in range(12)}

    def step(optimiser, values, by):
        for number, value in enumerate(values.values()):
            value.grad = torch.full_like(value, 0.1 * by * (number + 1))
        optimiser.step()

    config = OptimiserConfig(name=name)
    straight = parameters()
    one = build_optimiser({"all": straight}, config)
    for by in (1, 2, 3):
        step(one, straight, by)
    first = parameters()
    two = build_optimiser({"all": first}, config)
    step(two, first, 1)
    tensors, numbers = state_by_name(two, first)
    resumed = parameters()
    for key, value in resumed.items():
        value.data.copy_(first[key])
    three = build_optimiser({"all": resumed}, config)
    load_state(three, resumed, dict(sorted(tensors.items())), numbers)
    for by in (2, 3):
        step(three, resumed, by)
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)


def test_a_missing_optimiser_library_is_an_error_and_never_another_optimiser(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes.optim", None)
    with pytest.raises(MissingPackageError, match="adamw8bit") as error:
        build_optimiser({"all": {}}, OptimiserConfig(name="adamw8bit"))
    assert all(cure in error.value.remedy for cure in ("pip install bitsandbytes", "optimiser.name=adafactor", "adamw"))


def test_the_learning_rate_is_a_function_of_the_step():
    config = OptimiserConfig(warmup=100)
    assert config.rate(0, 10) == pytest.approx(1e-6)
    assert config.rate(50, 10) == pytest.approx(0.505e-4)
    assert config.rate(100, 10) == config.rate(10**6, 10) == 1e-4
    assert OptimiserConfig().rate(0, 10) == 1e-4


def test_the_learning_rate_falls_by_epochs_after_the_constant_ones():
    """50 whole and 50 falling epochs: the 51st is still whole, the last has a fiftieth."""
    config = OptimiserConfig(learning_rate=1.0, constant_epochs=50, decay_epochs=50)
    rates = [config.rate(7 * epoch + 3, 7) for epoch in range(100)]
    assert rates[:51] == [1.0] * 51
    assert rates[51:] == pytest.approx([1 - fallen / 50 for fallen in range(1, 50)])
    assert config.rate(7 * 200, 7) == 0


def test_where_epochs_count_the_number_of_steps_follows():
    settings = resolve_settings(SECTIONS, ("loop.epochs=3",), ("loop.steps=5",))
    assert with_steps(settings, 7)["loop"].steps == 21
    assert with_steps(resolve_settings(SECTIONS, (), ("loop.steps=5",)), 7)["loop"].steps == 5


def test_the_average_warms_up_and_follows():
    assert [decay_at(step, 0.9999) for step in (0, 8)] == [0.1, 0.5]
    assert decay_at(10**9, 0.9999) == 0.9999
    weight = torch.nn.Parameter(torch.zeros(1))
    average = MovingAverage({"w": weight}, 0.5)
    weight.data.fill_(1.0)
    average.update(10**6)
    assert float(average.average["w"]) == 0.5
    assert MovingAverage({"w": weight}, 0).average == {}
    assert MovingAverage({"w": weight, "count": torch.tensor(3)}, 0.5).average.keys() == {"w"}


def test_the_order_is_a_permutation_that_seed_and_epoch_decide():
    assert sorted(order(1, 2, 50)) == list(range(50))
    assert order(1, 2, 50) == order(1, 2, 50) != order(1, 3, 50) != order(2, 3, 50)


def test_noise_depends_on_seed_step_sample_and_purpose():
    draws = SampleDraws(1, 2, "a")
    same = draws.normal("noise", (4, 8, 8))
    assert torch.equal(same, SampleDraws(1, 2, "a").normal("noise", (4, 8, 8)))
    for other in (SampleDraws(2, 2, "a"), SampleDraws(1, 3, "a"), SampleDraws(1, 2, "b")):
        assert not torch.equal(same, other.normal("noise", (4, 8, 8)))
    assert not torch.equal(same, draws.normal("garment", (4, 8, 8)))
    assert abs(float(SampleDraws(0, 0, "x").normal("n", (4, 64, 64)).std()) - 1) < 0.02
    steps = [SampleDraws(0, step, "a").timestep(1000) for step in range(500)]
    assert min(steps) < 20 and max(steps) > 980
    assert 0.15 < sum(happens(0.2, "drop", step) for step in range(1000)) / 1000 < 0.25


def test_epochs_steps_and_batches_are_the_fields_arithmetic():
    schedule = Schedule(pairs=11_647, batch=32)
    assert schedule.steps_per_epoch == 363
    assert Schedule(pairs=11_647, batch=8, processes=4).steps_per_epoch == 363
    assert (schedule.epoch(362), schedule.epoch(363)) == (0, 1)


def test_an_epoch_sees_every_pair_at_most_once_and_two_processes_see_what_one_sees():
    one = Schedule(pairs=22, batch=4, accumulation=2)
    seen = [place for step in range(one.steps_per_epoch) for micro in one.micro_batches(step) for place in micro]
    assert len(seen) == 16 == len(set(seen))
    two = Schedule(pairs=22, batch=2, accumulation=2, processes=2)
    for step in range(4):
        together = [a + b for a, b in zip(two.micro_batches(step, 0), two.micro_batches(step, 1), strict=True)]
        assert together == one.micro_batches(step)


def test_fewer_pairs_than_a_step_takes_is_an_error():
    with pytest.raises(UsageError, match="4 pairs are fewer than one step takes"):
        _ = Schedule(pairs=4, batch=8).steps_per_epoch


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_stops_with_the_samples(value):
    check_finite({"loss": 1.0}, 6, ["a"])
    with pytest.raises(NotANumberError, match=r"step 7: loss not finite, for a\.jpg, b\.jpg"):
        check_finite({"loss": value, "noise": 1.0}, 6, ["a.jpg", "b.jpg"])


def test_fp16_may_overflow_while_its_scale_settles_but_not_for_good():
    overflows = Overflows(3)
    for skipped in (True, True, False, True, True):
        overflows.count(skipped, 0, ["a"])
    with pytest.raises(NotANumberError, match="3 steps in a row"):
        overflows.count(True, 5, ["a"])


def test_settings_go_through_their_file_and_differences_are_listed(tmp_path):
    settings = resolve_settings(SECTIONS, ("loop.batch=32",), ("loop.seed=4", "augment.flip=0.25"))
    write_settings(tmp_path, settings)
    again = resolve_settings(SECTIONS, (), (), tmp_path / "run.toml")
    assert as_facts(again) == as_facts(settings)
    free = resolve_settings(SECTIONS, ("loop.batch=32",), ("loop.seed=4", "augment.flip=0.25", "loop.steps=9", "data.threads=0"))
    refuse_other_settings(as_facts(settings), as_facts(free), tmp_path)
    other = resolve_settings(SECTIONS, ("loop.batch=16",), ("loop.seed=4",))
    with pytest.raises(UsageError) as error:
        refuse_other_settings(as_facts(settings), as_facts(other), tmp_path)
    assert "augment.flip: 0.25 before, 0.5 now" in str(error.value) and "loop.batch: 32 before, 16 now" in str(error.value)
    assert "loop.seed" not in str(error.value)


def test_a_misspelt_setting_names_the_nearest_one():
    with pytest.raises(UsageError, match=r"unknown setting loop\.bach"):
        resolve_settings(SECTIONS, (), ("loop.bach=2",))
