"""Whatever lies in the folders: what can be used is finished, everything else gets a line of its own, and nothing is lost."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import time
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from workspaces import ROOT, Workspace, fill, room, save, tee

from pipeline.core import images

pytestmark = pytest.mark.slow


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 30000 × 30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")


def encoded(kind: str, image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def crowd() -> np.ndarray:
    """Two people side by side, the right one larger."""
    person = astronaut()
    small = np.asarray(Image.fromarray(person).resize((360, 360)))
    left = np.full((512, 360, 3), 128, np.uint8)
    left[152:] = small
    return np.concatenate([left, person], 1)


PERSON = Image.fromarray(astronaut())
JPEG = encoded("JPEG", PERSON, quality=92)
BAD_PEOPLE: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "empty"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "damaged"),
    "page.jpg": (b"<html>404</html>", "not a picture"),
    "bomb.png": (bomb(), "megapixels"),
    "dot.png": (encoded("PNG", Image.new("RGB", (1, 1))), "too small"),
    "strip.png": (encoded("PNG", Image.new("RGB", (10000, 200), (90, 120, 160))), "no person"),
    "wall.jpg": (encoded("JPEG", Image.fromarray(room())), "no person"),
}
ODD_PEOPLE: dict[str, bytes] = {
    "png named.jpg": encoded("PNG", PERSON),
    "cmyk.jpg": encoded("JPEG", PERSON.convert("CMYK"), quality=92),
    "grey.png": encoded("PNG", PERSON.convert("L")),
    "palette.gif": encoded("GIF", PERSON.convert("P")),
    "new\nline.png": encoded("PNG", PERSON),
    "-rf.png": encoded("PNG", PERSON),
    "👩‍🚀 Ünï 사람.png": encoded("PNG", PERSON),
    "x" * 240 + ".png": encoded("PNG", PERSON),
}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, int, list[dict], str]:
    """One run over everything bad and odd at once."""
    workspace = Workspace(tmp_path_factory.mktemp("poison"))
    fill(workspace.inputs)
    people = workspace.inputs / "person"
    for name, (data, _) in BAD_PEOPLE.items():
        (people / name).write_bytes(data)
    for name, data in ODD_PEOPLE.items():
        (people / name).write_bytes(data)
    (people / "twins").mkdir()
    for name in ("a.jpg", "a.png", "A.jpg", "é.png", unicodedata.normalize("NFD", "é.png")):
        (people / "twins" / name).write_bytes(encoded("PNG", PERSON))
    (people / "out.png").symlink_to("/etc/hostname")
    (people / "loop").symlink_to(people)
    (workspace.inputs / "background" / "broken.jpg").write_bytes(JPEG[:999])
    save(workspace.inputs / "cloth" / "grey.png", np.full((300, 300, 3), 200, np.uint8))
    (workspace.inputs / "pairs.txt").write_text(
        "\n".join(
            f"{path.relative_to(people)} tee.jpg"
            for path in sorted(people.rglob("*"))
            if path.is_file() and "\n" not in path.name
        )
        + "\nnobody.jpg tee.jpg\nann.png grey.png\n"
    )
    code, events = workspace.run("--step", "all")
    return workspace, code, events, (workspace.outputs / "report/index.html").read_text("utf-8")


def failures(events: list[dict]) -> dict[str, str]:
    return {event["item"]: event["message"] for event in events if event["event"] == "failed"}


def test_the_run_finishes_and_the_exit_code_remembers(poisoned: tuple):
    assert poisoned[1] == 3


@pytest.mark.parametrize("name", BAD_PEOPLE)
def test_a_bad_photo_fails_alone_with_its_name_its_reason_and_a_remedy(poisoned: tuple, name: str):
    _, _, events, report = poisoned
    found = [event for event in events if event["event"] == "failed" and event["item"] == name.rpartition(".")[0]]
    assert len(found) == 1
    assert BAD_PEOPLE[name][1] in found[0]["message"] and found[0]["remedy"]
    assert name in found[0]["message"] and found[0]["item"] in report


def test_every_odd_photo_is_finished(poisoned: tuple):
    workspace = poisoned[0]
    finals = sorted((workspace.outputs / "final/preview").glob("*__tee__room.png"))
    assert len(finals) >= 1 + (len(ODD_PEOPLE) - 1) + 5
    assert all(images.read_rgb(path).std() > 20 for path in finals)


def test_twins_never_share_an_output(poisoned: tuple):
    workspace = poisoned[0]
    twins = list((workspace.outputs / "tryon/preview").glob("twins-*__tee.png"))
    assert len(twins) == 5


def test_links_that_leave_or_circle_and_unknown_names_are_reported(poisoned: tuple):
    problems = [f"{event['path']}: {event['reason']}" for event in poisoned[2] if event["event"] == "problem"]
    text = "\n".join(problems)
    assert "leads out" in text and "circle" in text and "nobody.jpg" in text


def test_a_garment_of_one_colour_and_a_broken_background_fail_alone(poisoned: tuple):
    found = failures(poisoned[2])
    assert "grey" in found
    assert any("broken.jpg" in message for message in found.values())


def test_no_failure_was_our_own_mistake(poisoned: tuple):
    assert not [message for message in failures(poisoned[2]).values() if "internal error" in message]


def test_no_message_spells_a_path_as_only_we_do(poisoned: tuple):
    said = [str(event.get(key, "")) for event in poisoned[2] for key in ("message", "remedy", "reason", "path", "text")]
    assert any(said) and not [text for text in said if "inputs:" in text]


def test_every_exif_orientation_gives_the_same_pictures(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fill(workspace.inputs)
    (workspace.inputs / "person/ann.png").unlink()
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        stored = PERSON.transpose(Image.Transpose[turns[number]]) if number in turns else PERSON
        stored.save(workspace.inputs / f"person/turn{number}.png", exif=exif)
    assert workspace.run("--step", "background,pose")[0] == 0
    pictures = {(workspace.outputs / f"vitonhd/test/image/turn{number}.jpg").read_bytes() for number in range(1, 9)}
    assert len(pictures) == 1


def test_two_people_are_flagged_and_a_settings_file_chooses_the_other(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fill(workspace.inputs)
    save(workspace.inputs / "person/ann.png", crowd())
    code, events = workspace.run("--step", "background,pose")
    flags = [flag["flag"] for event in events if event["event"] == "done" for flag in event["flags"]]
    assert code == 0 and "several-people" in flags
    larger = images.read_grey(workspace.outputs / "matte/ann.png")
    assert larger[:, 400:].mean() > 4 * larger[:, :330].mean()
    (workspace.inputs / "person/ann.toml").write_text("person = 1\n")
    assert workspace.run("--step", "background,pose")[0] == 0
    smaller = images.read_grey(workspace.outputs / "matte/ann.png")
    assert smaller[:, :330].mean() > 4 * smaller[:, 400:].mean()


def test_two_runs_at_once_the_second_says_who_holds_the_folder(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fill(workspace.inputs)
    first = subprocess.Popen([sys.executable, str(ROOT / "run.py"), "--step", "all"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        lock = workspace.outputs / ".ledger/lock"
        deadline = time.monotonic() + 60
        while not lock.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        second = workspace.cli("--step", "all")
        assert second.returncode == 2 and str(first.pid) in second.stdout
    finally:
        assert first.wait(120) == 0


def test_a_read_only_outputs_folder_is_one_line(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fill(workspace.inputs)
    workspace.outputs.mkdir(mode=0o555)
    # Root may write anywhere; without this capability it is bound by the folder's mode like everybody else.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*drop, sys.executable, str(ROOT / "run.py"), "--step", "all"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and "Traceback" not in result.stderr, result.stdout + result.stderr
    assert "outputs" in result.stdout and "→" in result.stdout
    assert not list(workspace.outputs.iterdir())


def test_demo_garment_stays_when_its_person_is_gone(tmp_path: Path):
    workspace = Workspace(tmp_path)
    save(workspace.inputs / "cloth/tee.jpg", tee())
    code, _ = workspace.run("--step", "all")
    assert code == 0 and (workspace.outputs / "vitonhd/test/cloth/tee.jpg").exists()
