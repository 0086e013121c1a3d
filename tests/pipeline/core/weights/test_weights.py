"""Verified paths, cheap presence, pins, business rules, and files brought by hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer
from tiny_weights import BODY, OTHER, SHA, tiny_table

from pipeline.core.errors import WeightsError
from pipeline.core.weights import files as weights_files
from pipeline.core.weights import table as weights_table
from pipeline.core.weights import verify as weights_verify
from pipeline.core.weights.access import available, forget_pins, paths, require, require_all, sha_of, status_of, verify
from pipeline.core.weights.copying import copy_files
from pipeline.core.weights.http import Network
from pipeline.core.weights.licence import accept, is_accepted, licence_lines, refuse_non_commercial
from pipeline.core.weights.pull import Want, addresses, plan_pull, pull_file, refuse_full_disk
from pipeline.core.weights.verify import FileState


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = FileServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_table, "table", tiny_table)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "weights"


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which files were read from end to end."""
    seen: list[Path] = []
    original = weights_files.digest_of

    def counted(path: Path, progress: weights_files.Progress = weights_files.no_progress) -> weights_files.Digest:
        seen.append(path)
        return original(path, progress)

    monkeypatch.setattr(weights_verify, "digest_of", counted)
    return seen


def place(root: Path, name: str, file: str, body: bytes = BODY) -> Path:
    path = root / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_a_single_file_is_given_as_a_file_and_several_as_their_folder(root: Path) -> None:
    path = place(root, "known", "model.ckpt")
    assert require("known", root) == path
    place(root, "several", "unet/model.bin")
    place(root, "several", "model.ckpt")
    assert require("several", root) == root / "several"
    assert paths("several", root)["unet/model.bin"] == root / "several" / "unet" / "model.bin"


def test_the_error_lists_everything_that_is_missing_at_once_with_one_command(root: Path) -> None:
    place(root, "several", "model.ckpt", OTHER)
    with pytest.raises(WeightsError) as caught:
        require_all(("known", "several", "by-hand"), root)
    text = str(caught.value)
    assert "4 model files" in text
    for line in (
        "known/model.ckpt: missing (2.4 kB)",
        "several/unet/model.bin: missing",
        "several/model.ckpt: corrupt",
        "drive.ckpt",
    ):
        assert line in text
    assert f"python run.py weights pull known several --weights {root}" in text
    assert "https://drive.example/folder" in text and f"weights pull by-hand --weights {root} --from FILE" in text


def test_the_default_folder_is_not_repeated_in_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError) as caught:
        require("known")
    assert caught.value.remedy == "python run.py weights pull known"


def test_a_file_is_hashed_once_and_again_only_when_it_changes(root: Path, hashings: list[Path]) -> None:
    path = place(root, "known", "model.ckpt")
    for _ in range(3):
        require("known", root)
        sha_of("known", root)
        available("known", root)
    assert hashings == [path]
    path.write_bytes(OTHER)
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsError, match=r"corrupt or altered: right size"):
        require("known", root)
    assert hashings == [path, path]


def test_rehash_reads_everything_again_and_finds_silent_damage(root: Path) -> None:
    path = place(root, "known", "model.ckpt")
    require("known", root)
    times = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert verify("known", root)[0].state is FileState.VERIFIED
    assert verify("known", root, rehash=True)[0].state is FileState.UNUSABLE


def test_presence_is_answered_without_hashing(root: Path, hashings: list[Path]) -> None:
    assert not available("known", root)
    place(root, "known", "model.ckpt")
    assert available("known", root) and status_of("known", root)[0].state is FileState.UNVERIFIED
    place(root, "known", "model.ckpt", BODY[:-1])
    assert not available("known", root)
    place(root, "several", "model.ckpt")
    assert not available("several", root)
    assert hashings == []


def test_a_half_copied_file_is_called_incomplete(root: Path) -> None:
    place(root, "known", "model.ckpt", BODY[:-1])
    with pytest.raises(WeightsError, match=r"2399 bytes instead of 2400: incomplete"):
        require("known", root)


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs pointer"), (b"<html>" + b" " * 2394, "web page")],
)
def test_stub_files_are_named_before_anything_is_hashed(root: Path, hashings: list[Path], body: bytes, words: str) -> None:
    place(root, "known", "model.ckpt", body)
    with pytest.raises(WeightsError, match=words):
        require("known", root)
    assert hashings == []


def test_an_unpublished_hash_is_pinned_once_and_says_so(root: Path) -> None:
    place(root, "unknown", "new.ckpt")
    first = verify("unknown", root)[0]
    assert SHA in first.notice and "pinned on first use" in first.notice and first.pinned
    assert verify("unknown", root)[0].notice == ""
    place(root, "unknown", "new.ckpt", OTHER)
    with pytest.raises(WeightsError, match="differs from the file pinned on first use"):
        require("unknown", root)
    forget_pins("unknown", root)
    assert require("unknown", root).read_bytes() == OTHER


def test_a_pin_survives_the_loss_of_its_file(root: Path) -> None:
    place(root, "unknown", "new.ckpt")
    require("unknown", root)
    (root / "unknown" / "new.ckpt").unlink()
    assert verify("unknown", root)[0].state is FileState.MISSING
    place(root, "unknown", "new.ckpt", OTHER)
    assert verify("unknown", root)[0].state is FileState.UNUSABLE


def test_another_edition_is_taken_by_hand_where_the_row_knows_of_one(root: Path) -> None:
    place(root, "editions", "model.ckpt", OTHER[:2000])
    assert available("editions", root)
    finding = verify("editions", root)[0]
    assert finding.pinned and "pinned" in finding.notice
    place(root, "editions", "model.ckpt", OTHER[:1400])
    assert not available("editions", root)


def test_an_edition_of_the_published_size_with_another_hash_is_corrupt(root: Path) -> None:
    place(root, "editions", "model.ckpt", OTHER)
    with pytest.raises(WeightsError, match="corrupt"):
        require("editions", root)


def test_a_publishers_md5_guards_a_file_placed_by_hand(root: Path) -> None:
    place(root, "md5", "m.onnx", OTHER)
    with pytest.raises(WeightsError, match="md5"):
        require("md5", root)
    place(root, "md5", "m.onnx", BODY)
    assert require("md5", root)


def test_fingerprints_change_with_any_file_of_the_row(root: Path) -> None:
    place(root, "known", "model.ckpt")
    assert sha_of("known", root) == SHA
    place(root, "several", "model.ckpt")
    place(root, "several", "unet/model.bin")
    before = sha_of("several", root)
    place(root, "several", "unet/model.bin", OTHER)
    forget_pins("several", root)
    assert sha_of("several", root) != before and len(before) == 64


def test_a_damaged_record_only_costs_time(root: Path, hashings: list[Path]) -> None:
    path = place(root, "known", "model.ckpt")
    require("known", root)
    for text in ("", "[1]", '{"model.ckpt": {"sha": 1}}', '{"model.ckpt": 3}'):
        (root / "known" / weights_files.VERIFIED_LIST).write_text(text)
        assert require("known", root) == path
    assert len(hashings) == 5


def test_a_read_only_weights_folder_works(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(root, "known", "model.ckpt")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(weights_files, "write_json", refuse)
    assert require("known", root)


def test_business_mode_refuses_and_names_the_alternative() -> None:
    refuse_non_commercial("clean")
    with pytest.raises(WeightsError, match="known is not for business use") as caught:
        refuse_non_commercial("known")
    assert caught.value.remedy == "use instead: row clean"
    with pytest.raises(WeightsError, match="terms to be cleared"):
        refuse_non_commercial("several")
    refuse_non_commercial("several", allow_conditional=True)
    with pytest.raises(WeightsError):
        refuse_non_commercial("known", allow_conditional=True)


def test_a_licence_is_accepted_once_and_again_when_its_terms_change(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = weights_table.row("known")
    assert not is_accepted(weight, root)
    accept(weight, root)
    assert is_accepted(weight, root) and not is_accepted(weights_table.row("several"), root)
    rows = tiny_table()
    changed = weights_table.parse_row(
        "known", {"licence": "new", "inherited": "i", "commercial": "no", "used_by": [], "pickle": "", "title": "", "files": []}
    )
    monkeypatch.setattr(weights_table, "table", lambda: {**rows, "known": changed})
    assert not is_accepted(weights_table.row("known"), root)


def test_the_terms_are_shown_in_full() -> None:
    text = "\n".join(licence_lines(weights_table.row("several")))
    for part in ("cc-by-nc-4.0", "CC BY-NC 4.0", "only under a condition", "terms to be cleared"):
        assert part in text


def served(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> None:
    monkeypatch.setattr(weights_table, "table", lambda: tiny_table(server.url("")))


def test_pull_fetches_only_what_is_not_verified(root: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, server)
    server.put("/known", BODY)
    server.put("/unet", OTHER)
    place(root, "several", "model.ckpt")
    wants = plan_pull(("several", "known", "known"), root)
    assert [(want.weight.name, want.file.name) for want in wants] == [("several", "unet/model.bin"), ("known", "model.ckpt")]
    findings = [pull_file(want, Network()) for want in wants]
    assert [finding.state for finding in findings] == [FileState.VERIFIED] * 2
    assert hashlib.sha256(OTHER).hexdigest() in findings[0].notice
    assert plan_pull(("several", "known"), root) == []


def test_a_downloaded_file_is_not_hashed_a_second_time(
    root: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch, hashings: list[Path]
) -> None:
    served(monkeypatch, server)
    server.put("/known", BODY)
    pull_file(plan_pull(("known",), root)[0], Network())
    require("known", root)
    assert hashings == []


def test_a_moved_pin_is_noticed_and_taken_only_on_request(
    root: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, server)
    server.put("/unknown", BODY)
    pull_file(plan_pull(("unknown",), root)[0], Network())
    server.put("/unknown", OTHER)
    (root / "unknown" / "new.ckpt").unlink()
    want = plan_pull(("unknown",), root)[0]
    with pytest.raises(WeightsError, match="pinned here on first use") as caught:
        pull_file(want, Network())
    assert caught.value.remedy == "python run.py weights pull unknown --repin"
    assert hashlib.sha256(OTHER).hexdigest() in pull_file(want, Network(), repin=True).notice


def test_a_pinned_file_is_fetched_again_when_asked(root: Path) -> None:
    place(root, "unknown", "new.ckpt")
    place(root, "known", "model.ckpt")
    verify("unknown", root)
    assert plan_pull(("unknown", "known"), root) == []
    assert [want.file.name for want in plan_pull(("unknown", "known"), root, repin=True)] == ["new.ckpt"]


def test_mirrors_of_the_table_are_asked_only_on_request(root: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, server)
    server.put("/mirror", BODY)
    want = plan_pull(("clean",), root)[0]
    with pytest.raises(WeightsError, match="does not exist"):
        pull_file(want, Network())
    assert [asked.path for asked in server.asked] == ["/known"]
    assert pull_file(want, Network(), mirrors=True).usable


def test_the_users_own_mirror_replaces_every_address(root: Path, server: FileServer) -> None:
    server.put("/files/known/model.ckpt", BODY)
    network = Network(mirror=server.url("/files"))
    assert pull_file(plan_pull(("known",), root)[0], network).usable
    want = Want(weights_table.row("several"), weights_table.row("several").files[0], root)
    assert addresses(want, network, mirrors=True) == (server.url("/files/several/unet/model.bin"),)


def test_a_file_fetched_by_hand_shows_its_page(root: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        pull_file(plan_pull(("by-hand",), root)[0], Network())
    assert "https://drive.example/folder" in caught.value.remedy and "--from FILE" in caught.value.remedy


def test_everything_planned_must_fit_on_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wants = plan_pull(("known",), root)
    refuse_full_disk(wants, root)
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match=r"2\.4 kB to download, 1\.0 kB free"):
        refuse_full_disk(wants, root)
    refuse_full_disk([], root)


def test_a_file_from_a_stick_is_verified_while_it_is_copied(root: Path, tmp_path: Path) -> None:
    stick = place(tmp_path, "stick", "any name.bin")
    assert copy_files("known", stick, root)[0].path.read_bytes() == BODY
    assert stick.exists()
    wrong = place(tmp_path, "stick", "wrong.bin", OTHER)
    with pytest.raises(WeightsError, match="is not clean/model"):
        copy_files("clean", wrong, root)
    assert list((root / "clean").iterdir()) == []


def test_a_folder_from_a_stick_brings_the_files_it_has(root: Path, tmp_path: Path) -> None:
    place(tmp_path, "stick", "unet/model.bin", OTHER)
    place(tmp_path, "stick", "model.bin", BODY)
    place(tmp_path, "stick", "model.ckpt")
    adopted = copy_files("several", tmp_path / "stick", root)
    assert sorted(finding.file.name for finding in adopted) == ["model.ckpt", "unet/model.bin"]
    assert (root / "several" / "unet" / "model.bin").read_bytes() == OTHER
    with pytest.raises(WeightsError, match=r"expected: new\.ckpt"):
        copy_files("unknown", tmp_path / "stick", root)
    with pytest.raises(WeightsError, match="holds no file"):
        copy_files("unknown", tmp_path / "absent", root)


def test_a_stub_from_a_stick_is_refused(root: Path, tmp_path: Path) -> None:
    stub = place(tmp_path, "stick", "drive.ckpt", b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match="git-lfs pointer"):
        copy_files("by-hand", stub, root)
