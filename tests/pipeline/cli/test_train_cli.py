"""The command `train`: light help, the published script's flags, errors with a cure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from training_trees import training_tree
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core import images
from pipeline.core.errors import UsageError
from tryon.engines.stableviton.training.config import PRESETS
from tryon.engines.stableviton.training.official_flags import translate
from tryon.training.data.tree import Kind, find_tree

ROOT = Path(__file__).resolve().parents[3]


def invoke(*words: str):
    result = CliRunner().invoke(app, ["train", *words])
    if isinstance(result.exception, ModuleNotFoundError):
        raise result.exception
    return result


@pytest.mark.parametrize("words", [["train", "--help"], ["train", "begin", "--help"]])
def test_help_imports_nothing_heavy(words):
    code = f"""
import sys
sys.argv = ["run.py", *{words!r}]
from pipeline.door import main
try:
    main()
except SystemExit:
    heavy = {{"torch", "numpy", "cv2", "accelerate"}} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "stableviton" in done.stdout or "--data" in done.stdout


def test_the_published_command_is_understood():
    settings, lines = translate(
        ["--transform_size", "shiftscale3", "hflip", "--transform_color", "hsv", "bright_contrast", "--use_atv_loss"]
    )
    assert settings == (
        *("augment.flip=0", "augment.move=0", "augment.hsv=0", "augment.contrast=0", "augment.move=0.5", "augment.flip=0.5"),
        *("augment.hsv=0.5", "augment.contrast=0.5", "stableviton.attention_loss=true"),
    )
    assert len(lines) == 3 and lines[0].startswith("--transform_size shiftscale3 hflip = --set")


@pytest.mark.parametrize(
    ("flag", "setting"),
    [
        ("--sd_unlocked", "stableviton.unlock=['decoder']"),
        ("--all_unlocked", "stableviton.unlock=['all']"),
        ("--batch_size 8", "loop.batch=8"),
        ("--batch_size=8", "loop.batch=8"),
        ("--learning_rate 1e-5", "optimiser.learning_rate=1e-5"),
        ("--img_H 1024", "data.height=1024"),
    ],
)
def test_each_published_flag_has_its_setting(flag, setting):
    assert translate(flag.split())[0] == (setting,)


@pytest.mark.parametrize("flag", ["--config_name VITONHD", "--vae_load_path x.ckpt", "--max_epochs 1000"])
def test_published_flags_that_belong_elsewhere_are_answered(flag):
    settings, (line,) = translate(flag.split())
    assert settings == () and line.startswith(flag)


@pytest.mark.parametrize("words", ["--transform_size shiftscal", "--batch_sise 4", "--batch_size 1 2", "loose"])
def test_what_is_no_published_flag_is_refused_with_the_nearest(words):
    with pytest.raises(UsageError) as error:
        translate(words.split())
    assert error.value.remedy


def test_every_preset_fits_the_settings():
    from tryon.engines.stableviton.training.recipe import RECIPE
    from tryon.engines.stableviton.training.vae_decoder import RECIPE as DECODER
    from tryon.training.config import SECTIONS, resolve_settings

    for recipe in (RECIPE, DECODER):
        for preset in recipe.presets.values():
            resolve_settings({**SECTIONS, **recipe.sections}, preset, ())
    assert {"base", "atv", "base-1024", "dresscode-upper", "ablation-controlnet", "ablation-without-atv"} <= set(PRESETS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stablevitn"], "did you mean stableviton"),
        (["stableviton"], "--data DIR is missing"),
        (["stableviton", "--data", "not-there"], "no training pairs here"),
        (["stableviton", "--data", "x", "--preset", "bas"], "did you mean base"),
        (["stableviton", "--data", "x", "--set", "loop.bach=3"], "unknown setting loop.bach"),
        (["stableviton", "--data", "x", "--batch", "0"], "loop.batch = 0: input should be greater than or equal to 1, or"),
        (["stableviton", "--data", "x", "--batch", "many"], "loop.batch = 'many': input should be a valid integer"),
        (["dci-warp", "--data", "x", "--batch", "-1"], "loop.batch = -1"),
        (["ootdiffusion", "--data", "x", "--set", "loop.batch=0"], "loop.batch = 0"),
        (["prepare", "stableviton"], "nothing to do"),
        (["report", "nobody"], "no such run"),
        (["export", "nobody", "--to", "x"], "no such run"),
    ],
)
def test_wrong_words_are_answered_with_a_cure(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = invoke(*words)
    assert isinstance(found.exception, UsageError) and says in str(found.exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ootdiffusion --arrangement jiont", "--arrangement jiont: ootdiffusion has no such arrangement"),
        ("ootdiffusion --arrangement=jiont", "--arrangement jiont"),
        ("ootdiffusion --preset jiont", "--preset jiont: ootdiffusion has no such preset"),
        ("ootdiffusion --arrangement joint --preset jiont", "--preset jiont"),
        ("viton-hd --train_model sge", "--train_model sge: no stage"),
        ("viton-hd --stage sge", "--stage sge: no stage"),
        ("ootdiffusion --train_model seg", "--train_model seg: it is trained in one"),
        ("ootdiffusion --data . --continue_train", "--continue_train: "),
        ("ootdiffusion --data . --continue", "--continue: "),
    ],
)
def test_an_option_of_several_names_is_answered_by_the_one_that_was_typed(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problem = invoke(*words.split()).exception
    assert isinstance(problem, UsageError) and says in str(problem)


def test_data_are_checked_shown_and_prepared_without_any_weights(tmp_path):
    root = training_tree(tmp_path / "data", pairs=2, size=(64, 64), worn=False)
    assert invoke("prepare", "stableviton", "--data", str(root)).exit_code == 0
    assert all(Kind.WORN in pair.files for pair in find_tree(root).pairs("train"))
    sheet = tmp_path / "sheet.png"
    words = ["stableviton", "--data", str(root), "--preset", "atv", "--runs", str(tmp_path / "runs"), "--show-data", str(sheet)]
    found = invoke(*words, "--set", "data.height=64", "--set", "data.width=64")
    assert found.exit_code == 0, found.output
    assert images.read_rgb(sheet).shape[0] == 20 + 2 * 4 * 256
    assert "2 pairs, 2 without a problem" in found.output


def test_a_cache_of_pictures_that_augmentation_changes_is_refused(tmp_path):
    root = training_tree(tmp_path / "data", pairs=2)
    words = ("stableviton", "--data", str(root), "--runs", str(tmp_path / "runs"), "--set", "stableviton.cache=2")
    refused = invoke(*words).exception
    assert isinstance(refused, UsageError) and "augment.flip=0" in str(refused)
