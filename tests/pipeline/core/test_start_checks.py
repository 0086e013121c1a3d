"""What would end every run is told in one line before the work begins; a healthy machine passes in silence."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core.errors import UsageError
from pipeline.core.machine import start_checks
from pipeline.core.machine.start_checks import address_space_gb, obstacles, opencv_damage, refuse_obstacles

ROOT = Path(__file__).parents[3]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are kept on Linux")


def cv2_folder(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / "cv2" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cv2" / name).write_text("")
    return folder


DAMAGED = {
    "an empty shell": ("data/haarcascade.xml", "qt/fonts.ttf"),
    "lost its library": ("__init__.py", "config.py", "version.py"),
    "lost its config.py": ("__init__.py", "cv2.abi3.so"),
}
WHOLE = {
    "a wheel": ("__init__.py", "config.py", "cv2.abi3.so"),
    "conda": ("__init__.py", "config.py", "python-3.11/cv2.cpython-311-x86_64-linux-gnu.so"),
    "Windows": ("__init__.py", "config.py", "cv2.pyd"),
}


def alone_on_the_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "path", [str(folder)])
    sys.path_importer_cache.clear()


@pytest.mark.parametrize("damage", DAMAGED)
def test_an_opencv_that_another_package_has_emptied_is_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    alone_on_the_path(monkeypatch, cv2_folder(tmp_path, *DAMAGED[damage]))
    with pytest.raises(UsageError, match=damage) as caught:
        refuse_obstacles()
    assert str(tmp_path / "cv2") in caught.value.message and "pip uninstall -y opencv-python" in caught.value.remedy


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_opencv_of_any_origin_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    alone_on_the_path(monkeypatch, cv2_folder(tmp_path, *WHOLE[kind]))
    assert opencv_damage() == ""


def test_a_system_package_of_one_file_passes_and_an_absent_one_is_left_to_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone_on_the_path(monkeypatch, tmp_path)
    assert opencv_damage() == ""
    (tmp_path / "cv2.abi3.so").write_bytes(b"")
    sys.path_importer_cache.clear()
    assert opencv_damage() == ""


def test_this_environment_has_no_obstacle() -> None:
    assert list(obstacles()) == [] and address_space_gb() == math.inf
    refuse_obstacles(memory_gb=1000)


def limited(gigabytes: float, code: str) -> subprocess.CompletedProcess[str]:
    bounds = round(gigabytes * 1e9)
    words = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({bounds}, {bounds}))\n{code}"
    return subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, timeout=60)


@linux_only
@pytest.mark.parametrize("gigabytes", [0.3, 1.0, 1.6])
def test_too_small_an_address_space_ends_the_command_at_once_with_code_2(tmp_path: Path, gigabytes: float) -> None:
    (tmp_path / "person").mkdir()
    begin = f"import sys; sys.argv = ['run.py', '--step', 'all', '--inputs', {str(tmp_path)!r}]; from pipeline.door import main; "
    ended = limited(gigabytes, begin + "main()")
    assert ended.returncode == 2, ended.stderr
    assert f"limited to {gigabytes} GB" in ended.stdout and "ulimit -v unlimited" in ended.stdout


@linux_only
def test_the_limit_is_held_against_what_the_work_needs_and_a_roomy_one_passes() -> None:
    code = "from pipeline.core.machine.start_checks import *; refuse_obstacles(3.9); print('passed'); refuse_obstacles(4.5)"
    ended = limited(4.0, code)
    assert ended.stdout == "passed\n" and "this work needs 4.5 GB" in ended.stderr


def test_the_doctors_and_the_runs_checks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_checks, "address_space_gb", lambda: 1.5)
    assert [each.name for each in obstacles()] == ["address space"]
