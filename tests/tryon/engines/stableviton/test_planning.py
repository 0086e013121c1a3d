"""Choosing, building and planning with the engine loads nothing heavy; the command line reaches its settings."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import app as cli
from pipeline.cli import session
from pipeline.core import images
from pipeline.core.config import load_settings
from pipeline.core.errors import ConfigError
from pipeline.core.layout import ATTENTION, maker
from pipeline.core.weights.converted import converted_folder
from pipeline.core.weights.table import row
from pipeline.settings import read_settings
from tryon.engines.stableviton.config import StableVITONConfig, sampling_config
from tryon.engines.stableviton.engine import StableVITON

FAMILY = ("stableviton", "stableviton_1024", "sift_vton")

PLAN = """
import sys
from pathlib import Path
from pipeline.api import Request, prepare
from pipeline.core.records.transaction import open_records
request = Request(steps=("tryon",), inputs=Path("inputs"), outputs=Path("outputs"), weights=Path("weights"))
job = prepare(request)
with open_records(request.layout, writable=False) as records:
    job.plan(records)
engine = job.stages[0].step.engines["stableviton"]
print(engine.card.name, [name for name in ("torch", "diffusers", "transformers") if name in sys.modules])
"""


@pytest.fixture
def workspace(tmp_path):
    """One person, one garment, and what looks like a converted folder of the published file."""
    random = np.random.default_rng(0)
    for name in ("inputs/person/ann.png", "inputs/cloth/upper/tee.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(images.png(random.integers(0, 256, (128, 96, 3), dtype=np.uint8)))
    folder, content = converted_folder(StableVITON.card.weights[0], tmp_path / "weights"), b"safetensors"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "model.safetensors").write_bytes(content)
    listed = {"unet/model.safetensors": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
    source = row(StableVITON.card.weights[0]).files[0].sha256[0]
    (folder / "model_index.json").write_text(json.dumps({"source_sha256": source, "files": listed}))
    return tmp_path


def test_building_the_step_and_planning_import_no_torch(workspace):
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(
        [sys.executable, "-c", PLAN], cwd=workspace, capture_output=True, text=True, env={"PYTHONPATH": str(root)}, check=True
    )
    assert done.stdout.split() == ["stableviton", "[]"]


def test_save_attention_switches_on_every_engine_that_can_and_nothing_else(monkeypatch):
    asked = []

    class Recording:
        def __init__(self, request, console, ahead=None):
            asked.append(request)

        def show_plan(self):
            return 0

    monkeypatch.setattr(session, "Session", Recording)
    for words in ([], ["--save-attention"]):
        assert CliRunner().invoke(cli.app, ["--step", "tryon", "--dry-run", *words]).exit_code == 0
    plain, saving = (read_settings(Path("inputs"), None, request.overrides) for request in asked)
    able = {name for name in plain if hasattr(plain[name], "save_attention")}
    assert {name for name in plain if plain[name] != saving[name]} == able
    assert all(saving[name].save_attention for name in able)
    assert able == {*FAMILY, "ootdiffusion_hd", "ootdiffusion_dc"}


def test_attention_pictures_belong_to_the_tryon_step():
    assert maker(ATTENTION.of("ann__tee", "stableviton")) == "tryon"


@pytest.mark.parametrize("solver", ["plms", "ddim", "dpmpp_2m", "unipc"])
@pytest.mark.parametrize("steps", [-3, 0, 1, 1001])
def test_a_number_of_steps_that_makes_no_picture_is_refused_with_what_is_allowed(solver, steps):
    """Settings are read before any weights are looked for."""
    schema = {"stableviton": StableVITONConfig}
    with pytest.raises(ConfigError, match=rf"stableviton.steps = {steps}: .*allowed are 2 to 1000"):
        load_settings(schema, environment={}, overrides=[f"stableviton.solver={solver}", f"stableviton.steps={steps}"])


@pytest.mark.parametrize("steps", [2, 1000])
def test_the_fewest_and_the_most_steps_are_allowed(steps):
    assert sampling_config(StableVITONConfig(steps=steps), "balanced").steps == steps
