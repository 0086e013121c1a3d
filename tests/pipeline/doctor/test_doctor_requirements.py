"""The project's own requirements are read and compared as package indexes do, those of other Pythons and systems left out."""

from __future__ import annotations

import sys

import pytest

from pipeline.doctor.requirements import check_line, lines_here, project_rules

LINES = [
    "numpy>=1.26",
    "mediapipe==0.10.14 ; python_version < '3.13'",
    "ai-edge-litert>=2.1; python_version >= '3.13'",
    'pywin32; sys_platform == "win32"',
]


def test_rules_come_from_our_own_project_file() -> None:
    base, extras, python = project_rules()
    assert any(line.startswith("mediapipe==") for line in base) and "3.11" in python
    assert any(line.startswith("torch") for line in extras["diffusion"])


def test_requirement_lines_are_compared_as_package_indexes_do() -> None:
    versions = {"scikit-image": "0.26.0", "numpy": "2.1.0", "rembg": "2.0.69", "mediapipe": "0.10.14"}
    assert check_line("Scikit_Image>=0.24", versions).satisfied is True
    assert check_line("numpy>=1.26,<2", versions).satisfied is False
    assert check_line("rembg[cpu]==2.0.69 ; extra == 'rembg'", versions).satisfied is True
    assert check_line("torch>=2.6", versions).satisfied is None
    assert check_line("mediapipe==0.10.14 ; python_version < '3.13'", versions).rule == "==0.10.14"


@pytest.mark.parametrize(("python", "runtime"), [("3.11", "mediapipe"), ("3.12", "mediapipe"), ("3.13", "ai-edge-litert")])
def test_only_what_this_python_and_system_need_is_asked_for(python: str, runtime: str) -> None:
    here = lines_here(LINES, environment={"python_version": python, "sys_platform": "linux"})
    assert [check_line(line, {}).package for line in here] == ["numpy", runtime]


def test_requirements_of_an_installed_extra_carry_its_name_beside_other_conditions() -> None:
    lines = ["torch>=2.6; extra == 'diffusion'", "uvloop; extra == 'diffusion' and sys_platform == 'darwin'"]
    assert lines_here(lines, "diffusion", {"sys_platform": "linux"}) == lines[:1]
    assert lines_here(lines, "web", {"sys_platform": "linux"}) == []


def test_without_packaging_only_unconditional_requirements_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("packaging", "packaging.markers", "pip._vendor.packaging", "pip._vendor.packaging.markers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert lines_here(LINES) == LINES[:1]


def test_another_opencv_distribution_serves_as_well_when_its_version_fits() -> None:
    line = "opencv-contrib-python>=4.11,<5"
    headless = check_line(line, {"opencv-python-headless": "4.12.0.88"})
    assert headless.satisfied and headless.version == "4.12.0.88 (opencv-python-headless)"
    assert check_line(line, {"opencv-python": "4.8.0.74"}).satisfied is None
    assert check_line("opencv-contrib-python>=4.11,<5", {}).satisfied is None
