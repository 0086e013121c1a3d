"""The command line: instant help, clear mistakes, documented exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.door import main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "cv2", "mediapipe", "numpy", "pydantic", "diffusers", "transformers", "skimage", "PIL")


def run(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / "run.py"), *words], cwd=folder, capture_output=True, text=True, timeout=120)


def test_help_imports_no_heavy_library():
    code = (
        "import sys, runpy; sys.argv = ['run.py', '--help']\n"
        "try: runpy.run_path('run.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "LOADED []" in result.stdout, result.stdout[-300:] + result.stderr


def run_without(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The door bell on a machine that lacks one package."""
    code = (
        f"import sys, runpy; sys.modules[{module!r}] = None; sys.argv = ['run.py', *sys.argv[1:]]\n"
        "runpy.run_path('run.py', run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("module", ["typer", "tqdm", "pydantic"])
@pytest.mark.parametrize("words", [("doctor",), ("--step", "all", "--inputs", "no such folder")])
def test_a_missing_package_is_named_with_the_line_that_installs_it(module: str, words: tuple[str, ...]):
    result = run_without(module, *words)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert repr(module) in result.stderr and "→ pip install -e ." in result.stderr


@pytest.mark.parametrize(("module", "extra"), [("accelerate", "diffusion"), ("safetensors", "diffusion"), ("uvicorn", "web")])
def test_a_missing_package_of_an_extra_is_named_with_that_extra(module: str, extra: str, monkeypatch, capsys):
    def needs_it() -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("pipeline.cli.app.main", needs_it)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and f"→ pip install -e '.[{extra}]'" in capsys.readouterr().err


def test_a_missing_module_of_ours_is_no_matter_of_installation():
    result = run_without("pipeline.catalog", "doctor")
    assert "ModuleNotFoundError" in result.stderr and "pip install" not in result.stderr


def test_another_package_in_front_of_ours_is_named(tmp_path: Path):
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "__init__.py").write_text("")
    code = "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from pipeline.cli.app import main; main()"
    words = [sys.executable, "-c", code, str(tmp_path), str(ROOT), "--step", "all"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and str(tmp_path / "compose") in result.stdout and "doctor" in result.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--step", "parsin"), "parsing"),
        (("--step", "9"), "there is no step 9"),
        (("--step", ""), "names no step"),
        (("--from", "compose", "--until", "pose"), "comes after"),
        (("--step", "all", "--from", "pose"), "exclude each other"),
        (("--step", "all", "--set", "parsing.nonsense=1"), "unknown setting parsing.nonsense"),
        (("--step", "all", "--set", "pars.x=1"), "unknown section"),
        (("--step", "all", "--config", "absent.toml"), "config --init --config 'absent.toml'"),
        (("--set", "parsing.nonsense=1"), "unknown setting parsing.nonsense"),
        (("--step", "all", "--engine", "stablevito"), "stableviton"),
        (("--step", "all", "--backend", "parsing=embeded"), "parsing=auto|segformer|schp|fashn|pgn|embedded"),
        (("--step", "all", "--backend", "schp"), "the form is --backend STEP=NAME"),
        (("--step", "all", "--backend", "compose=embedded"), "parsing=auto|segformer|schp|fashn|pgn|embedded"),
    ],
)
def test_a_mistake_gets_one_message_with_the_nearest_thing_and_exit_code_2(tmp_path: Path, words: tuple[str, ...], expected: str):
    (tmp_path / "inputs").mkdir()
    result = run(*words, folder=tmp_path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert expected in result.stdout and "Traceback" not in result.stderr


def test_a_bare_call_is_answered_with_help_and_options_without_a_step_mean_all_steps(tmp_path: Path):
    assert "Usage:" in run(folder=tmp_path).stdout
    (tmp_path / "inputs" / "person").mkdir(parents=True)
    (tmp_path / "inputs" / "person" / "a.jpg").write_bytes(b"x")
    result = run("--dry-run", folder=tmp_path)
    assert result.returncode == 0 and "1 background: never run" in result.stdout and "compose" in result.stdout


def test_empty_inputs_say_where_to_put_photos(tmp_path: Path):
    (tmp_path / "inputs" / "person").mkdir(parents=True)
    result = run("--step", "all", folder=tmp_path)
    assert result.returncode == 2 and "run.py demo" in result.stdout


def test_an_absent_inputs_folder_is_said(tmp_path: Path):
    result = run("--step", "all", folder=tmp_path)
    assert result.returncode == 2 and "no folder inputs" in result.stdout


def test_config_writes_a_file_that_it_reads_back_and_never_overwrites(tmp_path: Path):
    assert run("config", "--init", folder=tmp_path).returncode == 0
    shown = run("config", "--show", folder=tmp_path)
    assert shown.stdout.strip() == (tmp_path / "lookbook.toml").read_text("utf-8").strip()
    assert run("config", "--init", folder=tmp_path).returncode == 2


def test_an_explicit_engine_without_weights_is_an_error_with_the_cure(tmp_path: Path):
    pytest.importorskip("torch", reason="without it the answer is the line that installs it")
    for kind in ("person", "cloth"):
        (tmp_path / "inputs" / kind).mkdir(parents=True)
        (tmp_path / "inputs" / kind / "a.jpg").write_bytes(b"x")
    result = run("--step", "all", "--engine", "stableviton", folder=tmp_path)
    assert result.returncode == 2 and "weights pull" in result.stdout


def test_business_use_refuses_a_research_model_by_name_and_says_which_would_do(tmp_path: Path):
    (tmp_path / "inputs/person").mkdir(parents=True)
    (tmp_path / "inputs/person/a.jpg").write_bytes(b"x")
    words = ("--step", "parsing", "--backend", "parsing=segformer", "--commercial-only", "--dry-run")
    result = run(*words, folder=tmp_path)
    assert result.returncode == 2
    assert "segformer-clothes" in result.stdout and "parsing backend embedded" in result.stdout


def test_the_help_of_a_contact_sheet_loads_nothing_heavy_and_an_empty_run_has_none(tmp_path: Path):
    result = run_without("PIL", "sheet", "--help")
    assert result.returncode == 0 and "A4" in result.stdout
    (tmp_path / "inputs" / "person").mkdir(parents=True)
    empty = run("sheet", folder=tmp_path)
    assert empty.returncode == 2 and "no finished picture" in empty.stdout and "--step all" in empty.stdout
