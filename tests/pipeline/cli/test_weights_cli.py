"""`weights list | pull | verify | path` as typed, against a server on 127.0.0.1."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer
from tiny_weights import BODY, OTHER, tiny_table
from typer.testing import CliRunner, Result

from pipeline.cli.weights import app
from pipeline.core.errors import WeightsError
from pipeline.core.weights import table as weights_table


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("HF_HUB_OFFLINE", "LOOKBOOK_OFFLINE", "LOOKBOOK_MIRROR", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    running = FileServer()
    monkeypatch.setattr(weights_table, "table", lambda: tiny_table(running.url("")))
    running.put("/known", BODY)
    running.put("/unknown", BODY)
    yield running
    running.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def typed(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> WeightsError:
    result = typed(*words)
    assert isinstance(result.exception, WeightsError), result.output
    return result.exception


def test_help_loads_neither_the_network_nor_anything_heavy() -> None:
    heavy = ("ssl", "urllib.request", "numpy", "cv2", "torch", "pydantic", "mediapipe")
    code = f"import sys, pipeline.cli.weights; sys.exit(' '.join(m for m in {heavy!r} if m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr.strip() == ""


def test_pull_path_verify_and_list_belong_together(server: FileServer, root: Path) -> None:
    pulled = typed("pull", "known", "unknown", "--yes", "--weights", root)
    assert pulled.exit_code == 0, pulled.output
    assert "cc-by-nc-4.0" in pulled.output and "pinned on first use" in pulled.output
    assert typed("path", "known", "--weights", root).stdout == f"{root / 'known' / 'model.ckpt'}\n"
    assert "2 verified, 0 missing or wrong" in typed("verify", "--weights", root).output
    listed = typed("list", "known", "--weights", root).output
    assert "verified" in listed and "tryon:known" in listed and "licence" in listed
    again = typed("pull", "known", "--weights", root)
    assert "everything is here and verified" in again.output and len(server.asked) == 2


def test_a_licence_is_shown_once_and_must_be_accepted(server: FileServer, root: Path) -> None:
    refusal = refused("pull", "known", "--weights", root)
    assert "not accepted" in refusal.message and "--yes" in refusal.remedy
    assert server.asked == []
    typed("pull", "known", "--weights", root, "--yes")
    (root / "known" / "model.ckpt").unlink()
    second = typed("pull", "known", "--weights", root)
    assert second.exit_code == 0 and "cc-by-nc-4.0" not in second.output


def test_a_dry_run_fetches_nothing_and_accepts_nothing(server: FileServer, root: Path) -> None:
    shown = typed("pull", "known", "by-hand", "--dry-run", "--weights", root)
    assert shown.exit_code == 0 and server.asked == [] and not root.exists()
    assert f"2.4 kB from {server.url('/known')}" in shown.output
    assert "https://drive.example/folder (by hand)" in shown.output and "nothing was fetched" in shown.output


def test_business_mode_refuses_before_anything_is_shown(server: FileServer, root: Path) -> None:
    refusal = refused("pull", "clean", "known", "--commercial-only", "--yes", "--weights", root)
    assert refusal.remedy == "use instead: row clean" and server.asked == []
    assert typed("pull", "clean", "--commercial-only", "--yes", "--weights", root).exit_code == 0
    names = typed("list", "--commercial-only", "--weights", root).output
    assert "clean" in names and "several" not in names


def test_everything_to_fetch_by_hand_is_said_before_the_first_byte(server: FileServer, root: Path) -> None:
    refusal = refused("pull", "known", "by-hand", "--yes", "--weights", root)
    assert "drive.ckpt" in refusal.message and "https://drive.example/folder" in refusal.remedy
    assert server.asked == []


def test_offline_mode_says_how_to_bring_the_file(server: FileServer, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refusal = refused("pull", "known", "--yes", "--weights", root)
    assert "HF_HUB_OFFLINE" in refusal.message and "weights pull known --from FILE" in refusal.remedy
    assert server.asked == []


def test_a_file_brought_by_hand_needs_no_network(server: FileServer, root: Path, tmp_path: Path) -> None:
    (tmp_path / "download (1).ckpt").write_bytes(BODY)
    brought = typed("pull", "by-hand", "--from", tmp_path / "download (1).ckpt", "--yes", "--weights", root)
    assert brought.exit_code == 0 and "pinned on first use" in brought.output and server.asked == []
    assert (root / "by-hand" / "drive.ckpt").read_bytes() == BODY


def test_a_wrong_file_makes_verify_fail(server: FileServer, root: Path) -> None:
    typed("pull", "known", "unknown", "--yes", "--weights", root)
    (root / "unknown" / "new.ckpt").write_bytes(OTHER)
    wrong = typed("verify", "--weights", root)
    assert wrong.exit_code == 2 and "differs from the file pinned" in wrong.output
    assert typed("verify", "unknown", "--repin", "--weights", root).exit_code == 0
    assert typed("verify", "--weights", root).exit_code == 0


def test_an_empty_folder_has_nothing_to_verify(root: Path) -> None:
    result = typed("verify", "--weights", root)
    assert result.exit_code == 0 and "no model files" in result.output


def test_rows_are_listed_by_part_of_a_name_or_by_user() -> None:
    listed = typed("list", "tryon:stableviton", "tryon:sift_vton").output
    assert "stableviton-vitonhd" in listed and "sift-vton" in listed and "openpose" not in listed
    assert "rembg-u2netp" in typed("list", "u2net").output
    assert "no model is called 'qqqq'" in refused("list", "qqqq").message


def test_a_missing_model_has_no_path_but_a_cure(root: Path) -> None:
    assert "weights pull stableviton-vitonhd" in refused("path", "stableviton-vitonhd", "--weights", root).remedy
