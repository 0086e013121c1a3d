"""Downloads against a server on 127.0.0.1: resumed, verified, and refused with the right words."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from file_server import FileServer, Served

from pipeline.core.errors import WeightsError
from pipeline.core.weights import download as download_module
from pipeline.core.weights.download import Expected, download, network_from
from pipeline.core.weights.http import Network, RedirectRule
from pipeline.core.weights.part import Part

BODY = bytes(range(256)) * 6000  # 1.5 MB: several reads, above the size at which a wrong length is refused at once
OTHER = BODY[::-1]
SHA = hashlib.sha256(BODY).hexdigest()
KNOWN = Expected(size=len(BODY), sha256=(SHA,))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = FileServer()
    yield running
    running.stop()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "row" / "model.ckpt"


def fetch(url: str, target: Path, expected: Expected = KNOWN, network: Network | None = None) -> list[float]:
    """Download without waiting; returns the waits that would have been made."""
    waits: list[float] = []
    download(url, target, expected, network or Network(timeout_seconds=5), sleep=waits.append)
    return waits


def ranges_of(server: FileServer) -> list[str]:
    return [asked.headers.get("Range", "") for asked in server.asked]


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_arrives_whole_and_nothing_else_stays(server: FileServer, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    digest = download(server.put("/m", BODY), target, KNOWN, Network(), lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == BODY and digest.sha256 == SHA
    assert leftovers(target) == ["model.ckpt"]
    assert seen[-1] == (len(BODY), len(BODY)) and seen == sorted(seen)


def test_a_broken_transfer_goes_on_where_it_stopped(server: FileServer, target: Path) -> None:
    waits = fetch(server.put("/m", BODY, break_after=[400_000, 300_000]), target)
    assert target.read_bytes() == BODY
    assert ranges_of(server) == ["", "bytes=400000-", "bytes=700000-"]
    assert len(waits) == 2


def test_another_process_goes_on_where_the_first_was_killed(server: FileServer, target: Path) -> None:
    url = server.put("/m", BODY, break_after=[500_000])
    with pytest.raises(WeightsError, match="broke off"):
        fetch(url, target, network=Network(attempts=1))
    assert target.with_name("model.ckpt.part").stat().st_size == 500_000 and not target.exists()
    fetch(url, target)
    assert target.read_bytes() == BODY and ranges_of(server)[-1] == "bytes=500000-"


def test_a_server_without_ranges_starts_again(server: FileServer, target: Path) -> None:
    fetch(server.put("/m", BODY, ranges=False, break_after=[400_000]), target)
    assert target.read_bytes() == BODY


def test_parts_of_two_editions_are_never_joined_without_a_known_hash(server: FileServer, target: Path) -> None:
    def replace_file(served: Served) -> None:
        served.body = OTHER

    fetch(server.put("/m", BODY, break_after=[400_000], after_answer=replace_file), target, Expected())
    assert target.read_bytes() == OTHER


def test_without_a_hash_and_a_validator_the_download_starts_again(server: FileServer, target: Path) -> None:
    fetch(server.put("/m", BODY, break_after=[400_000], etag=False), target, Expected())
    assert target.read_bytes() == BODY and ranges_of(server) == ["", ""]


def test_a_part_of_something_else_is_found_out_and_fetched_anew(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.ckpt.part").write_bytes(OTHER[:300_000])
    fetch(server.put("/m", BODY), target)
    assert target.read_bytes() == BODY and ranges_of(server) == ["bytes=300000-", ""]


def test_a_part_killed_just_before_renaming_needs_no_further_byte(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.ckpt.part").write_bytes(BODY)
    fetch(server.put("/m", BODY), target)
    assert target.read_bytes() == BODY and server.asked == []
    target.with_name("model.ckpt.part").write_bytes(BODY)
    fetch(server.url("/m"), target, Expected(sha256=(SHA,)))  # size unknown: the server's 416 says that it is whole
    assert target.read_bytes() == BODY and ranges_of(server) == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.ckpt.part").write_bytes(BODY + b"more")
    fetch(server.put("/m", BODY), target)
    assert target.read_bytes() == BODY


def test_a_connection_that_never_brings_a_byte_ends_with_a_remedy(server: FileServer, target: Path) -> None:
    url = server.put("/m", BODY, break_after=[0] * 20)
    waits: list[float] = []
    with pytest.raises(WeightsError, match="broke off 4 times") as caught:
        download(url, target, KNOWN, Network(attempts=4, back_off_seconds=0.5), sleep=waits.append)
    assert waits == [0.5, 1.0, 2.0]
    assert "goes on where it stopped" in caught.value.remedy
    assert leftovers(target) == []


def test_a_busy_server_is_asked_again_when_it_says_so(server: FileServer, target: Path) -> None:
    waits = fetch(server.put("/m", BODY, statuses=[503, 429], headers={"Retry-After": "7"}), target)
    assert waits == [7.0, 7.0] and target.read_bytes() == BODY


def test_a_body_without_length_that_breaks_off_is_not_taken_for_whole(server: FileServer, target: Path) -> None:
    url = server.put("/m", BODY, announce_length=False, break_after=[400_000])
    fetch(url, target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("status", [401, 403])
def test_401_says_removed_private_or_login_and_is_not_repeated(server: FileServer, target: Path, status: int) -> None:
    with pytest.raises(WeightsError, match="removed, private, or needs a login") as caught:
        fetch(server.put("/m", BODY, statuses=[status] * 9), target)
    assert "HF_TOKEN" in caught.value.remedy and len(server.asked) == 1


def test_404_says_that_the_address_is_gone(server: FileServer, target: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        fetch(server.url("/nothing"), target)
    assert len(server.asked) == 1 and leftovers(target) == []


def test_a_file_of_another_size_has_moved_and_is_not_even_fetched(server: FileServer, target: Path) -> None:
    seen: list[int] = []
    with pytest.raises(WeightsError, match=r"revision moved.*bytes instead of"):
        download(server.put("/m", BODY * 2), target, KNOWN, Network(), lambda done, _: seen.append(done))
    assert seen == [] and not target.exists()


def test_the_hubs_own_hash_tells_of_a_moved_revision_before_the_transfer(server: FileServer, target: Path) -> None:
    stated = {"X-Linked-ETag": f'"{hashlib.sha256(OTHER).hexdigest()}"'}
    server.put("/cdn", OTHER)
    seen: list[int] = []
    with pytest.raises(WeightsError, match="revision moved"):
        url = server.put("/m", b"", redirect="/cdn", headers=stated)
        download(url, target, KNOWN, Network(), lambda done, _: seen.append(done))
    assert seen == []


def test_the_same_wrong_file_twice_means_that_the_revision_moved(server: FileServer, target: Path) -> None:
    with pytest.raises(WeightsError, match=r"revision moved.*in the table"):
        fetch(server.put("/m", OTHER), target)
    assert len(server.asked) == 2 and leftovers(target) == []


def test_two_different_wrong_files_mean_a_corrupt_transfer(server: FileServer, target: Path) -> None:
    def damage(served: Served) -> None:
        served.body = served.body[:-1] + b"?"

    with pytest.raises(WeightsError, match="corrupt twice"):
        fetch(server.put("/m", OTHER, after_answer=damage), target)
    assert not target.exists()


def test_one_corrupt_transfer_is_repeated_and_forgotten(server: FileServer, target: Path) -> None:
    def repair(served: Served) -> None:
        served.body = BODY

    fetch(server.put("/m", OTHER, after_answer=repair), target)
    assert target.read_bytes() == BODY


def test_a_pinned_file_that_changed_names_the_way_to_take_the_new_one(server: FileServer, target: Path) -> None:
    with pytest.raises(WeightsError, match="pinned here on first use") as caught:
        fetch(server.put("/m", OTHER), target, Expected(sha256=(SHA,), pinned=True))
    assert "--repin" in caught.value.remedy


def test_a_publishers_md5_is_checked_where_no_sha256_is_known(server: FileServer, target: Path) -> None:
    md5 = hashlib.md5(BODY).hexdigest()
    with pytest.raises(WeightsError, match="revision moved"):
        fetch(server.put("/m", OTHER), target, Expected(md5=md5))
    fetch(server.put("/n", BODY), target, Expected(md5=md5))
    assert target.read_bytes() == BODY


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + SHA.encode() + b"\nsize 1536000\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (POINTER, "git-lfs pointer of"),
        (b"this file is stored elsewhere\n", "stub of 30 bytes"),
        (b"<!DOCTYPE html><html>Google Drive: quota exceeded" + b" " * 3000, "web page"),
    ],
)
def test_a_file_that_only_stands_for_the_model_is_named(server: FileServer, target: Path, body: bytes, words: str) -> None:
    for expected in (KNOWN, Expected(), Expected(about=1_500_000)):
        with pytest.raises(WeightsError, match=words):
            fetch(server.put("/m", body), target, expected)
    assert leftovers(target) == []


def test_a_redirect_is_followed_and_the_part_is_resumed_through_it(server: FileServer, target: Path) -> None:
    server.put("/cdn", BODY, break_after=[400_000])
    fetch(server.put("/m", b"", redirect="/cdn"), target)
    assert target.read_bytes() == BODY
    assert [asked.headers.get("Range") for asked in server.asked if asked.path == "/cdn"] == [None, "bytes=400000-"]


def test_the_token_goes_to_the_hub_and_to_no_other_host(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = FileServer()
    cdn = elsewhere.put("/cdn", BODY)
    network = Network(hub=server.url(""), token="hf_secret")
    server.put("/renamed", b"", redirect=cdn)
    fetch(server.put("/m", b"", redirect="/renamed"), target, network=network)
    elsewhere.stop()
    assert [asked.headers.get("Authorization") for asked in server.asked] == ["Bearer hf_secret"] * 2
    assert "Authorization" not in elsewhere.asked[0].headers
    assert "hf_secret" not in repr(network)


def test_the_token_never_travels_in_the_clear() -> None:
    plain = Network(hub="http://hub.example", token="hf_secret")
    assert not plain.may_send_token("http://hub.example/m")
    assert plain.with_hub("https://hub.example").may_send_token("https://hub.example/m")
    assert not plain.with_hub("https://hub.example").may_send_token("https://hub.example.evil.net/m")
    assert not Network(hub="https://hub.example").may_send_token("https://hub.example/m")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/m", "/etc/hostname"])
def test_only_http_addresses_are_opened_directly_or_by_redirect(server: FileServer, target: Path, address: str) -> None:
    with pytest.raises(WeightsError, match="not an http"):
        fetch(address, target)
    if ":" in address:
        with pytest.raises(WeightsError, match=r"not safe|not allowed"):
            fetch(server.put("/m", b"", redirect=address), target)
    assert not target.exists()


def test_a_redirect_never_leaves_encryption() -> None:
    request = urllib.request.Request("https://hub.example/m")
    with pytest.raises(WeightsError, match="not safe"):
        RedirectRule(Network()).redirect_request(request, io.BytesIO(), 302, "Found", Message(), "http://hub.example/m")


def test_a_redirect_loop_ends(server: FileServer, target: Path) -> None:
    with pytest.raises(WeightsError, match="refused"):
        fetch(server.put("/m", b"", redirect="/m"), target)


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "LOOKBOOK_OFFLINE"])
def test_offline_mode_asks_nobody_and_names_its_variable(server: FileServer, target: Path, variable: str) -> None:
    with pytest.raises(WeightsError, match=variable):
        fetch(server.put("/m", BODY), target, network=network_from({variable: "1"}))
    assert server.asked == []
    fetch(server.url("/m"), target, network=network_from({variable: "0"}))


def test_the_environment_sets_hub_mirror_and_token() -> None:
    network = network_from(
        {"HF_ENDPOINT": "https://hub.example/", "LOOKBOOK_MIRROR": "http://files.example/", "HF_TOKEN": " t\n"}
    )
    assert (network.hub, network.mirror, network.token) == ("https://hub.example", "http://files.example", "t")
    assert network_from({}) == Network()


def test_too_little_room_stops_before_the_first_byte(server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": download_module.SPARE_BYTES + len(BODY) - 1})
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match=r"needs 1\.5 MB more"):
        fetch(server.put("/m", BODY), target)
    assert not target.exists()


def test_a_disk_that_fills_up_is_not_mistaken_for_a_bad_line(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Part, "append", full)
    with pytest.raises(WeightsError, match="disk is full"):
        fetch(server.put("/m", BODY), target)
    assert len(server.asked) == 1


def test_two_downloads_of_one_file_do_not_write_into_each_other(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    with Part(target) as first:
        first.restart("u", "")
        first.append(b"half")
        with pytest.raises(WeightsError, match="another process is downloading"):
            fetch(server.put("/m", BODY), target)
        assert first.path.read_bytes() == b"half"


def test_a_folder_that_cannot_be_made_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "row").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="cannot be written"):
        fetch(server.put("/m", BODY), tmp_path / "row" / "model.ckpt")


def test_what_is_remembered_of_a_part_is_only_its_address_and_validator(server: FileServer, target: Path) -> None:
    url = server.put("/m", BODY, break_after=[400_000])
    with pytest.raises(WeightsError):
        fetch(url, target, network=Network(attempts=1, token="hf_secret", hub=server.url("")))
    facts = json.loads(target.with_name("model.ckpt.part.json").read_text())
    assert set(facts) == {"url", "validator"} and "hf_secret" not in str(facts)
