"""Several OpenCV distributions install into one folder `cv2`: what was overwritten or taken away is told."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from pipeline.doctor.facts import Check, Level, OpenCV
from pipeline.doctor.opencv import installed_opencv, opencv_checks

RULE = ">=4.11,<5"
CONTRIB, HEADLESS = "opencv-contrib-python", "opencv-python-headless"


class Environment:
    """A folder of installed packages, to which distributions are added and from which they are taken as pip does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, version: str, **files: bytes) -> Environment:
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        rows = [f"{info.name}/RECORD,,"]
        for module, body in files.items():
            path = self.folder / "cv2" / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(body)
            digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            rows.append(f"cv2/{module}.py,sha256={digest},{len(body)}")
        (info / "RECORD").write_text("\n".join(rows))
        return self

    def uninstall(self, name: str) -> Environment:
        info = next(self.folder.glob(f"{name.replace('-', '_')}-*.dist-info"))
        for row in (info / "RECORD").read_text().splitlines():
            (self.folder / row.split(",")[0]).unlink(missing_ok=True)
        for path in (info / "METADATA", info):
            path.unlink(missing_ok=True) if path.is_file() else path.rmdir()
        return self

    def told(self) -> list[Check]:
        return opencv_checks(installed_opencv([str(self.folder)]), RULE)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_one_whole_distribution_needs_no_line(environment) -> None:
    environment.install(CONTRIB, "4.12.0.88", core=b"contrib", data=b"haar")
    assert environment.told() == []


def test_two_of_one_version_work_and_are_named_with_the_whole_one(environment) -> None:
    environment.install(HEADLESS, "4.12.0.88", core=b"headless", data=b"haar")
    environment.install(CONTRIB, "4.12.0.88", core=b"the contrib one", data=b"haar")
    (told,) = environment.told()
    assert told.level is Level.OK and f"{CONTRIB} 4.12.0.88, {HEADLESS} 4.12.0.88" in told.text
    assert f"cv2 is that of {CONTRIB}" in told.text


def test_taking_one_of_two_away_guts_the_other(environment) -> None:
    environment.install(HEADLESS, "4.12.0.88", core=b"headless", data=b"haar")
    environment.install(CONTRIB, "4.12.0.88", core=b"the contrib one", data=b"haar").uninstall(HEADLESS)
    (told,) = environment.told()
    assert told.level is Level.FAIL and f"2 files of {CONTRIB} are gone" in told.text
    assert told.remedy == f"pip uninstall -y {CONTRIB} && pip install '{CONTRIB}{RULE}'"


def test_a_mixture_of_two_is_nobodys(environment) -> None:
    environment.install(HEADLESS, "4.12.0.88", core=b"headless", data=b"haar")
    environment.install(CONTRIB, "4.12.0.88", core=b"the contrib one", data=b"haarcascades")
    (environment.folder / "cv2" / "core.py").write_bytes(b"headless")
    (told,) = environment.told()
    assert told.level is Level.WARN and "belongs to neither" in told.text
    assert told.remedy.startswith(f"pip uninstall -y {CONTRIB} {HEADLESS} && ")


def test_different_versions_side_by_side_are_a_warning_though_one_is_whole(environment) -> None:
    environment.install("opencv-python", "4.8.1.78", core=b"old", extra=b"left over")
    environment.install(CONTRIB, "4.12.0.88", core=b"the contrib one")
    (told,) = environment.told()
    assert told.level is Level.WARN and "opencv-python 4.8.1.78" in told.text and RULE in told.remedy


def test_a_distribution_without_a_list_of_files_is_taken_for_whole(environment) -> None:
    environment.install(CONTRIB, "4.12.0.88")
    next(environment.folder.rglob("RECORD")).unlink()
    assert installed_opencv([str(environment.folder)]) == {CONTRIB: OpenCV("4.12.0.88")} and environment.told() == []
