"""Whole runs of a toy network: killed and resumed to the same bits, stopped, refused, told about."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from toy_training import RECIPE, write_start
from training_runs import Place, contents, differing, measured_step, quiet, training_place
from training_trees import training_tree

from pipeline.core.errors import InputError, MissingPackageError, OutputError, UsageError, WeightsError
from tryon.training import checkpoint as checkpoints
from tryon.training import loop, probe
from tryon.training.data.tree import find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, METRICS, VALIDATION, read_table
from tryon.training.machine import make_accelerator
from tryon.training.memory import plan_memory
from tryon.training.session import settings_of, start
from tryon.training.stopping import NotANumberError


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "start.safetensors", "toy.drop=0.5")


@pytest.fixture(scope="module")
def straight(place, tmp_path_factory) -> dict[str, bytes]:
    """A run of three steps that nobody disturbed."""
    runs_folder = tmp_path_factory.mktemp("straight")
    place.train(runs_folder, "loop.steps=3", "loop.save_every=1", "loop.validate_every=1")
    return contents(runs_folder / "one")


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path):
    wanted = ("loop.steps=12", "loop.save_every=1", "loop.accumulation=2", "loop.batch=1")
    place.straight(tmp_path / "straight", *wanted)
    assert place.killed(tmp_path / "killed", *wanted, kills=5) >= 2
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


@pytest.mark.parametrize("when", [1, 2, 3, 4, 5])
def test_killed_inside_a_step_or_between_two_files_of_a_checkpoint_it_ends_with_the_same_bits(
    place, straight, tmp_path, when, monkeypatch
):
    where = {1: "_clip", 2: "save", 3: "validate"}.get(when)

    class Killed(Exception):
        pass

    def die(*given, **named):
        raise Killed

    with monkeypatch.context() as patch:
        if where is not None:
            patch.setattr(loop.Trainer, where, die)
        elif when == 4:
            patch.setattr(checkpoints, "digest", die)
        else:
            patch.setattr(Path, "replace", die)
        with pytest.raises((Killed, OutputError)):
            place.train(tmp_path, "loop.steps=3", "loop.save_every=1", "loop.validate_every=1")
    place.train(tmp_path, "loop.steps=3", "loop.save_every=1", "loop.validate_every=1")
    ours = contents(tmp_path / "one")
    assert {name for name in straight if ours[name] != straight[name]} == set()


def test_checkpoints_in_threads_and_with_recomputed_maps_are_the_same_bits(place, straight, tmp_path):
    more = ("data.threads=3", "precision.recompute=true")
    place.train(tmp_path, "loop.steps=3", "loop.save_every=1", "loop.validate_every=1", *more)
    ours = contents(tmp_path / "one")
    assert ours["weights.safetensors"] == straight["weights.safetensors"] and ours[LOG] == straight[LOG]


def test_a_second_stage_begins_with_the_weights_of_the_first(place, tmp_path):
    place.train(tmp_path, "loop.steps=1", "loop.save_every=1", preset="base")
    wanted = place.options(tmp_path, "loop.steps=1", "loop.save_every=1", "optimiser.learning_rate=1e-12", run="two")
    start(RECIPE, replace(wanted, start=tmp_path / "one"), quiet)
    first, second = (checkpoints.newest(tmp_path / name / checkpoints.FOLDER).tensors("weights") for name in ("one", "two"))
    assert all(torch.allclose(first[name], second[name], rtol=0, atol=1e-9) for name in first if name != "seen")
    assert float(second["seen"]) == 2 * float(first["seen"])  # a running statistic goes on too
    run = json.loads((tmp_path / "two" / "run.json").read_text())
    assert run["start"] == str((tmp_path / "one").absolute()) and "from run" in run["facts"]


def test_other_data_settings_or_start_weights_are_refused_unless_said(place, tmp_path):
    place.train(tmp_path, "loop.steps=1", "loop.save_every=1")
    with pytest.raises(UsageError, match=r"loop\.batch: 2 before, 1 now"):
        place.train(tmp_path, "loop.steps=2", "loop.batch=1")
    other = training_tree(tmp_path / "data", pairs=5, size=(64, 64))
    with pytest.raises(UsageError, match=r"data: '\w+' before"):
        start(RECIPE, replace(place.options(tmp_path, "loop.steps=2"), data=other), quiet)
    assert start(RECIPE, replace(place.options(tmp_path, "loop.steps=2"), data=other, changed=True), quiet) == 0
    assert [row["step"] for row in read_table(tmp_path / "one" / LOG)] == ["1", "2"]


def test_ctrl_c_saves_and_stops_and_so_does_the_command(place, tmp_path, monkeypatch):
    for how, code in (("SIGINT", 130), ("SIGTERM", 143), ("file", 0)):
        folder, real = tmp_path / how, loop.Trainer._one_step

        def interrupted(trainer, batches, how=how, folder=folder, real=real):
            measured = real(trainer, batches)
            if trainer.step == 2:
                runs.stop(folder, "one", quiet) if how == "file" else os.kill(os.getpid(), getattr(signal, how))
            return measured

        with monkeypatch.context() as patch:
            patch.setattr(loop.Trainer, "_one_step", interrupted)
            assert place.train(folder, "loop.steps=9", "loop.save_every=9") == code
        assert checkpoints.newest(folder / "one" / checkpoints.FOLDER).step == 2
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_loss_that_is_no_number_stops_with_the_pairs_and_keeps_the_last_checkpoint(place, tmp_path, monkeypatch):
    real = loop.Trainer._read

    def poisoned(trainer, request):
        batch, ids = real(trainer, request)
        return (replace(batch, noise=batch.noise * float("nan")) if request[0] == 2 else batch), ids

    monkeypatch.setattr(loop.Trainer, "_read", poisoned)
    with pytest.raises(NotANumberError, match=r"step 3: loss and noise not finite, for 0000\d_00\.jpg"):
        place.train(tmp_path, "loop.steps=9", "loop.save_every=1")
    assert checkpoints.newest(tmp_path / "one" / checkpoints.FOLDER).step == 2


def test_a_full_disk_at_a_checkpoint_keeps_the_one_before(place, tmp_path, monkeypatch):
    real = checkpoints.save_file

    def full(tensors, path, *rest):
        if "000000002" in str(path):
            raise OSError(28, "No space left on device")
        return real(tensors, path, *rest)

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OutputError, match=r"kept: .*step-000000001"):
        place.train(tmp_path, "loop.steps=9", "loop.save_every=1")
    assert [path.name for path in (tmp_path / "one" / checkpoints.FOLDER).iterdir()] == ["step-000000001"]


@pytest.mark.parametrize(
    ("overrides", "error", "says"),
    [
        (("precision.numbers=fp16",), UsageError, "a CPU convolves fp16"),
        (("precision.numbers=bf16",), UsageError, "--precision fp32"),
        (("precision.frozen=half",), UsageError, "needs 16-bit arithmetic"),
        (("loop.batch=8",), UsageError, "4 pairs are fewer than one step takes"),
        (("optimiser.name=adamw8bit",), UsageError, "bitsandbytes"),
        (("data.height=100",), UsageError, "multiple of 64"),
        (("toy.drip=1",), UsageError, "unknown setting toy.drip"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(place, tmp_path, overrides, error, says):
    with pytest.raises(error, match=says):
        place.train(tmp_path, "loop.steps=1", *overrides)


def test_a_tree_without_pairs_or_with_a_broken_one_is_refused(place, tmp_path):
    root = training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    (root / "train" / "cloth" / "00001_00.jpg").write_bytes(b"no picture")
    wanted = replace(place.options(tmp_path, "loop.steps=1", "loop.batch=1"), data=root)
    with pytest.raises(InputError, match=r"1 of 2 pairs have problems: 1 × unreadable"):
        start(RECIPE, wanted, quiet)
    assert start(RECIPE, replace(wanted, skip_bad=True), quiet) == 0
    assert json.loads((tmp_path / "one" / "data.json").read_text())["problems"] == {"unreadable": ["00001_00.jpg"]}
    (root / "train_pairs.txt").write_text("", "utf-8")
    with pytest.raises(UsageError, match="no training pairs"):
        start(RECIPE, wanted, quiet)


def test_the_attention_loss_without_warped_masks_is_refused_with_the_command_that_makes_them(place, tmp_path):
    root = training_tree(tmp_path / "data", pairs=2, size=(64, 64), worn=False)
    lines: list[str] = []
    with pytest.raises(InputError, match="2 × no warped mask"):
        start(RECIPE, replace(place.options(tmp_path), data=root, preset="atv"), lines.append)
    assert any("train prepare stableviton" in line for line in lines)


def test_no_start_weights_or_wrong_ones_are_an_error(place, tmp_path):
    with pytest.raises(UsageError, match="which weights to start from"):
        start(RECIPE, replace(place.options(tmp_path), start=None), quiet)
    with pytest.raises((WeightsError, OSError)):
        start(RECIPE, replace(place.options(tmp_path), start=tmp_path / "not_there.safetensors"), quiet)


def test_one_run_at_a_time_works_in_a_folder(place, tmp_path):
    from pipeline.core.records.lock import LockedError, RunLock

    with RunLock(tmp_path / "one" / ".lock"), pytest.raises(LockedError):
        place.train(tmp_path, "loop.steps=1")


def test_a_dry_run_says_values_memory_steps_disk_and_time(place, tmp_path):
    lines: list[str] = []
    assert place.train(tmp_path, "loop.steps=1000", dry_run=True, say=lines.append) == 0
    text = "\n".join(lines)
    for word in ("ends 443", "memory per process", "2 steps per epoch", "= 500.0 epochs", "per checkpoint", "s per step"):
        assert word in text
    assert text.endswith("nothing was saved") and not (tmp_path / "one").exists()


def test_an_automatic_batch_is_tried_once_and_halved_while_the_memory_is_full(place, tmp_path, monkeypatch):
    from toy_training import Toy

    real, lines = Toy.forward, []

    def full(toy, batch):
        if len(batch.pictures) > 1 and not batch.pictures.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(toy, batch)

    monkeypatch.setattr(Toy, "forward", full)
    monkeypatch.setattr("tryon.training.probe.MOST", 4)
    assert place.train(tmp_path, "loop.batch='auto'", "loop.steps=1", "loop.save_every=1", say=lines.append) == 0
    assert [line for line in lines if line.startswith("--batch auto")][1:] == [
        "--batch auto: 4 pairs do not fit, trying 2",
        "--batch auto: 2 pairs do not fit, trying 1",
    ]
    assert "batch = 1\n" in (tmp_path / "one" / "run.toml").read_text("utf-8")
    assert place.train(tmp_path, "loop.batch='auto'", "loop.steps=2", "loop.save_every=1") == 0


SMALLER = ("precision.recompute=true", "optimiser.name=adamw8bit", "loop.ema_decay=0", "data.height=64", "data.width=64")


@pytest.mark.parametrize(
    ("room", "done", "says"),
    [
        (1.1, 0, f"--set {SMALLER[0]}: 0.0 GB"),
        (
            0.3,
            0,
            ", and ".join(
                [f"--set {each}: 0.0 GB" for each in SMALLER[:3]] + ["--set data.height=64 --set data.width=64: 0.0 GB"]
            ),
        ),
        (0.3, 3, "--set data.height=64 --set data.width=64: 0.0 GB"),
        (0.0, 5, "more needs a larger machine"),
    ],
)
def test_where_a_pair_does_not_fit_it_is_said_with_which_settings_it_would(place, tmp_path, monkeypatch, room, done, says):
    wanted = ("loop.batch='auto'", "data.height=128", "data.width=128", *SMALLER[:done])
    need = plan_memory(RECIPE, settings_of(RECIPE, place.options(tmp_path, *wanted), quiet), 1).total
    monkeypatch.setattr(probe, "largest_batch", lambda needs, free: 0)
    monkeypatch.setattr(probe, "free_memory", lambda device: room * need / probe.USABLE)
    with pytest.raises(UsageError, match=r"a single pair needs 0\.0 GB") as found:
        place.train(tmp_path, *wanted)
    assert found.value.remedy == says


@pytest.mark.parametrize("batch", [1, 4])
def test_the_plan_is_near_what_a_step_takes(place, tmp_path, batch):
    wanted = place.options(tmp_path, f"loop.batch={batch}")
    settings = settings_of(RECIPE, wanted, quiet)
    pairs, accelerator = find_tree(wanted.data).pairs("train"), make_accelerator(settings["precision"], "cpu")
    trainee = RECIPE.open(wanted.start, settings, {})
    trainer = loop.Trainer(trainee, loop.Job(tmp_path, pairs, [], settings), accelerator)
    assert plan_memory(RECIPE, dict(settings), batch).total == pytest.approx(measured_step(trainer), rel=0.15)


def test_pairs_may_come_as_listed_and_keep_their_draws(place, tmp_path):
    still = ("loop.in_order=true", "loop.one_draw=true", "optimiser.learning_rate=1e-12", "toy.drop=0")
    still += tuple(f"augment.{name}=0" for name in ("flip", "move", "hsv", "contrast"))  # drawn anew in every epoch
    place.train(tmp_path, "loop.steps=4", *still)
    losses = [float(row["loss"]) for row in read_table(tmp_path / "one" / LOG)]
    assert losses[:2] == pytest.approx(losses[2:], rel=1e-6) and losses[0] != pytest.approx(losses[1], rel=1e-5)


def test_validation_sees_held_out_pairs_at_fixed_timesteps(place, tmp_path):
    place.train(tmp_path, "loop.steps=2", "loop.save_every=2", "loop.validate_every=1", "optimiser.learning_rate=1e-12")
    first, second = read_table(tmp_path / "one" / VALIDATION)
    assert list(first)[1:] == ["t50", "t250", "t500", "t750", "t950"]
    assert all(float(first[name]) == pytest.approx(float(second[name]), rel=1e-5) for name in list(first)[1:])


def test_list_report_and_export_know_the_run(place, tmp_path):
    place.train(tmp_path, "loop.steps=2", "loop.save_every=2", preset="base")
    rows = runs.list_runs(tmp_path)
    assert rows[1][:4] == ("one", "toy", "base", "2/2") and rows[1][6] == "done"
    lines: list[str] = []
    runs.report(tmp_path, "one", lines.append)
    assert any(line.startswith("loss: first") for line in lines) and (tmp_path / "one" / "curves.png").is_file()
    with pytest.raises(UsageError, match="no such run"):
        runs.report(tmp_path, "two", quiet)
    with pytest.raises(UsageError, match="where to"):
        runs.export(RECIPE, tmp_path / "one", runs.Wanted(), quiet)
    with pytest.raises(UsageError, match="no whole checkpoint of step 7"):
        runs.export(RECIPE, tmp_path / "one", runs.Wanted(to=tmp_path / "x", step=7), quiet)


def test_drawn_pictures_are_measured_by_the_names_of_the_evaluation(place, tmp_path):
    place.train(tmp_path, "loop.steps=2", "loop.save_every=2", "loop.measure_every=1", "loop.measure_pairs=1")
    first, second = read_table(tmp_path / "one" / METRICS)
    assert (first["step"], second["step"]) == ("1", "2")
    assert {"ssim_rgb_full", "ssim_grey", "psnr_outside_mask", "average_ssim_rgb_full"} <= set(first)
    assert -1 <= float(first["ssim_grey"]) <= 1 and not any(name.startswith(("fid", "lpips")) for name in first)


def test_figures_are_copied_for_weights_and_biases_and_never_sent(place, tmp_path, monkeypatch):
    written: list[tuple[int, dict]] = []
    begun: dict[str, object] = {}

    class Copy:
        log = staticmethod(lambda values, step: written.append((step, values)))
        finish = staticmethod(lambda: begun.update(ended=True))

    fake = SimpleNamespace(init=lambda **given: begun.update(given) or Copy)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    place.train(tmp_path, "loop.steps=1", "loop.save_every=1", "loop.wandb=true", "loop.validate_every=1")
    assert begun["mode"] == "offline" and begun["dir"] == str(tmp_path / "one") and begun["ended"]
    assert written[0][0] == 1 and "loss" in written[0][1] and any("validation/t50" in values for _, values in written)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingPackageError, match="pip install wandb"):
        place.train(tmp_path, "loop.steps=2", "loop.wandb=true")
