"""Two processes that share the work learn what one with twice the batch learns, up to the order of sums."""

from __future__ import annotations

import socket

import pytest
from toy_training import write_start
from training_process import run_apart
from training_trees import training_tree

from tryon.training import checkpoint as checkpoints
from tryon.training.logs.run_logs import LOG, read_table

pytestmark = pytest.mark.slow

WANTED = (
    *("data.height=64", "data.width=64", "data.threads=0", "precision.numbers=fp32", "loop.ema_decay=0.9", "loop.draw_every=0"),
    *("loop.validate_every=20", "toy.drop=0.5", "loop.save_every=20", "loop.steps=20"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_and_one_with_twice_the_batch_come_to_the_same_weights(tmp_path):
    training_tree(tmp_path / "data", pairs=4, size=(64, 64))
    write_start(tmp_path / "start.safetensors")
    given = {"data": str(tmp_path / "data"), "start": str(tmp_path / "start.safetensors"), "run": "one", "device": "cpu"}
    one = {**given, "runs": str(tmp_path / "alone"), "overrides": [*WANTED, "loop.batch=4"]}
    two = {**given, "runs": str(tmp_path / "pair"), "overrides": [*WANTED, "loop.batch=2"]}
    port = free_port()
    started = [run_apart("toy_training", two, processes=2, rank=rank, port=port) for rank in (0, 1)] + [
        run_apart("toy_training", one)
    ]
    said = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)
    logs = [read_table(tmp_path / name / "one" / LOG) for name in ("alone", "pair")]
    for name in ("loss", "gradient"):
        assert float(logs[1][0][name]) == pytest.approx(float(logs[0][0][name]), rel=1e-6)
    weights, others = (
        checkpoints.newest(tmp_path / name / "one" / checkpoints.FOLDER).tensors("weights") for name in ("alone", "pair")
    )
    assert len(logs[0]) == len(logs[1]) == 20
    assert max(float((weights[name] - others[name]).abs().max()) for name in weights) < 1e-4
    assert weights["token"].any()  # a parameter that only some steps use is trained in both
