"""Two processes average their gradients: a published training called modules past their wrapper, so theirs never met."""

from __future__ import annotations

import pytest
from test_training_processes import free_port
from tiny_ootd_training import write_start
from training_process import run_apart
from training_trees import training_tree

from tryon.training.logs.run_logs import LOG, read_table

pytestmark = pytest.mark.slow

WANTED = (
    *("data.height=64", "data.width=64", "data.threads=0", "precision.numbers=fp32", "loop.draw_every=0", "loop.steps=2"),
    *("loop.validate_every=0", "loop.measure_every=0", "loop.save_every=9", "ootd.trained=joint"),
)


def test_two_processes_see_the_gradient_of_all_their_pairs(tmp_path):
    training_tree(tmp_path / "data", pairs=4, size=(64, 64))
    write_start(tmp_path / "weights")
    given = {"data": str(tmp_path / "data"), "start": str(tmp_path / "weights"), "run": "one", "device": "cpu"}
    one = {**given, "runs": str(tmp_path / "alone"), "overrides": [*WANTED, "loop.batch=4"]}
    two = {**given, "runs": str(tmp_path / "pair"), "overrides": [*WANTED, "loop.batch=2"]}
    port = free_port()
    started = [run_apart("tiny_ootd_training", two, processes=2, rank=rank, port=port) for rank in (0, 1)]
    started.append(run_apart("tiny_ootd_training", one))
    said = [process.communicate(timeout=600)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)
    alone, pair = (read_table(tmp_path / name / "one" / LOG) for name in ("alone", "pair"))
    for step in range(2):
        for name in ("loss", "gradient"):
            assert float(pair[step][name]) == pytest.approx(float(alone[step][name]), rel=1e-3), (step, name)
