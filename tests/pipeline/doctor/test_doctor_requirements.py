"""The project's own requirements are read and compared as package indexes do."""

from __future__ import annotations

from pipeline.doctor.requirements import check_line, project_rules


def test_rules_come_from_our_own_project_file() -> None:
    base, extras, python = project_rules()
    assert any(line.startswith("mediapipe==") for line in base) and "3.11" in python
    assert any(line.startswith("torch") for line in extras["diffusion"])


def test_requirement_lines_are_compared_as_package_indexes_do() -> None:
    versions = {"scikit-image": "0.26.0", "numpy": "2.1.0", "rembg": "2.0.69"}
    assert check_line("Scikit_Image>=0.24", versions).satisfied is True
    assert check_line("numpy>=1.26,<2", versions).satisfied is False
    assert check_line("rembg[cpu]==2.0.69 ; extra == 'rembg'", versions).satisfied is True
    assert check_line("torch>=2.6", versions).satisfied is None
