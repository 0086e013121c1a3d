"""What numba compiles is found where numba keeps it, and made by a child where it is not there yet."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.core.machine import compiled_code
from pipeline.core.machine.compiled_code import compile_apart, compiling_apart, is_kept

TAG = f"py{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of a package, whose `__pycache__` is there."""
    file = tmp_path / "package" / "solver.py"
    (file.parent / "__pycache__").mkdir(parents=True)
    file.write_text("")
    return file


def where(folder: Path) -> dict[str, str]:
    """Variables of somebody whose own folder is this one."""
    return {"HOME": str(folder), "LOCALAPPDATA": str(folder)}


def test_code_for_another_python_or_of_another_file_is_not_this_files(source: Path, tmp_path: Path) -> None:
    kept = source.parent / "__pycache__"
    for name in (f"other.f-1.{TAG}.nbi", "solver.f-1.py27.nbi", f"solver.f-1.{TAG}.1.nbc"):
        (kept / name).touch()
    assert is_kept(source, where(tmp_path)) is False
    (kept / f"solver.f-1.{TAG}.nbi").touch()
    assert is_kept(source, where(tmp_path)) is True


def test_the_folder_that_the_user_names_comes_first(source: Path, tmp_path: Path) -> None:
    (source.parent / "__pycache__" / f"solver.f-1.{TAG}.nbi").touch()
    chosen = tmp_path / "chosen"
    environment = where(tmp_path) | {"NUMBA_CACHE_DIR": str(chosen)}
    assert is_kept(source, environment) is False and not chosen.exists()
    (chosen / "package_0a1b").mkdir(parents=True)
    (chosen / "package_0a1b" / f"solver.f-1.{TAG}.nbi").touch()
    assert is_kept(source, environment) is True


def test_where_nothing_can_be_kept_beside_the_file_the_users_folder_counts(source: Path, tmp_path: Path) -> None:
    (source.parent / "__pycache__").rmdir()
    (source.parent / "__pycache__").write_text("a file, as good as a folder without permission")
    home = tmp_path / "home"
    home.mkdir()
    assert is_kept(source, where(home)) is False
    assert is_kept(source, where(source)) is None  # nor there


def test_a_child_compiles_what_is_not_kept_and_nothing_else(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.write_text("import pathlib, sys; pathlib.Path(__file__).with_name('imported').write_text(__name__)")
    compile_apart("package.solver", source)
    assert (source.parent / "imported").read_text() == "package.solver"
    (source.parent / "imported").unlink()
    (source.parent / "__pycache__" / f"solver.f-1.{TAG}.nbi").touch()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    compile_apart("package.solver", source)
    assert not (source.parent / "imported").exists()


def test_a_child_compiles_beside_other_work_and_is_waited_for(source: Path) -> None:
    source.write_text(
        "import pathlib, time\n"
        "here = pathlib.Path(__file__)\n"
        "here.with_name('begun').touch()\n"
        "while not here.with_name('go').exists(): time.sleep(0.01)\n"
        "here.with_name('ended').touch()\n"
    )
    with compiling_apart("package.solver", source):
        while not source.with_name("begun").exists():
            time.sleep(0.01)
        source.with_name("go").touch()
    assert source.with_name("ended").exists()


def test_work_that_fails_does_not_wait_for_the_child(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.write_text("import time; time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(ValueError, match="no room"), compiling_apart("package.solver", source):
        raise ValueError("no room")
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("executable", ["/no/such/python", ""])
def test_without_a_child_the_import_here_compiles(source: Path, monkeypatch: pytest.MonkeyPatch, executable: str) -> None:
    monkeypatch.setattr(compiled_code.sys, "executable", executable)
    compile_apart("package.solver", source)


def test_a_child_that_fails_or_hangs_does_no_harm(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_code, "CHILD_SECONDS", 0.5)
    for text in ("raise SystemExit(3)", "import time; time.sleep(60)"):
        source.write_text(text)
        compile_apart("package.solver", source)


@pytest.mark.slow
def test_the_solver_is_loaded_from_what_the_child_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent then compiles nothing: numba counts what it found."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    program = (
        "import sys; from pipeline.core.pixels import foreground; foreground.warm();"
        "print(sum(sys.modules[foreground.MULTILEVEL]._estimate_fb_ml.stats.cache_hits.values()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.strip() == "1"
