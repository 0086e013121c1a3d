"""What the user says about a background, in files of any editor."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.placement_files import PlacementFiles
from pipeline.core.errors import InputError
from pipeline.core.items import Background
from pipeline.core.layout import BACKGROUND_LIST, Layout

ROOM = Background("room", "inputs:background/room.jpg")
FILES = {"background/room.toml": "height = 0.5\n", BACKGROUND_LIST: "room.jpg pos.txt\n", "pos.txt": "300 560 300\n"}


def written(folder: Path, spoilt: str = "", encoding: str = "utf-8", only: tuple[str, ...] = tuple(FILES)) -> PlacementFiles:
    for name in only:
        path = folder / "inputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xe4" + FILES[name].encode() if name == spoilt else FILES[name].encode(encoding))
    return PlacementFiles(Layout(folder / "inputs", folder / "outputs"))


@pytest.mark.parametrize("only", [("background/room.toml",), (BACKGROUND_LIST, "pos.txt")])
def test_a_mark_of_the_byte_order_changes_nothing(tmp_path: Path, only: tuple[str, ...]):
    plain, marked = (written(tmp_path / kind, "", kind, only).read(ROOM) for kind in ("utf-8", "utf-8-sig"))
    assert plain == marked and plain[0].spots[0] != PlacementFiles(Layout(tmp_path)).read(ROOM)[0].spots[0]


@pytest.mark.parametrize("spoilt", FILES)
def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path, spoilt: str):
    only = (spoilt,) if spoilt.endswith(".toml") else (BACKGROUND_LIST, "pos.txt")
    with pytest.raises(InputError, match=f"{spoilt}: not UTF-8"):
        written(tmp_path, spoilt, only=only).read(ROOM)
