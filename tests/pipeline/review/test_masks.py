"""A mask drawn by hand is an artefact like any other: respected by the next run, followed by what depends on it."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from desk import Desk
from PIL import Image
from starlette.testclient import TestClient

from pipeline.core import images
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH, CLOTH_MASK
from pipeline.core.records.transaction import open_records

PNG = {"content-type": "image/png"}


def drawn(box: tuple[slice, slice], size: tuple[int, int] = (1024, 768)) -> bytes:
    mask = np.zeros(size, bool)
    mask[box] = True
    return images.mask_png(mask)


def read(desk: Desk, ref: str) -> np.ndarray:
    return images.read_rgb(desk.layout.path(ref)).astype(int)


def test_an_agnostic_mask_is_saved_and_its_grey_picture_left_to_the_step_that_follows(desk: Desk, client: TestClient):
    shown = client.get("/api/masks/agnostic/ann").json()
    assert shown["size"] == [1024, 768] and shown["steps"] == ["parsing", "tryon", "compose"] and shown["only"] == "ann"
    grey = desk.layout.path(AGNOSTIC.of("ann", Category.UPPER)).read_bytes()
    box = slice(100, 300), slice(200, 400)
    saved = client.put("/api/masks/agnostic/ann", content=drawn(box), headers=PNG).json()
    assert saved["version"] != shown["version"]
    mask = images.read_mask(desk.layout.path(AGNOSTIC_MASK.of("ann", Category.UPPER)))
    assert mask[box].all() and mask.sum() == 200 * 200
    assert desk.layout.path(AGNOSTIC.of("ann", Category.UPPER)).read_bytes() == grey


def test_what_the_cloth_mask_loses_becomes_ground_in_the_cloth_picture(desk: Desk, client: TestClient):
    kept = slice(200, 500), slice(150, 620)
    assert client.put("/api/masks/cloth/tee", content=drawn(kept), headers=PNG).status_code == 200
    cloth = read(desk, CLOTH.of("tee"))
    assert np.abs(cloth[520:790, 160:610] - 244).max() <= 3 and cloth[300, 300].tolist() == pytest.approx([40, 90, 170], abs=4)
    assert images.read_mask(desk.layout.path(CLOTH_MASK.of("tee"))).sum() == pytest.approx(300 * 470, rel=0.01)


def test_an_edited_mask_counts_as_edited_by_hand(desk: Desk, client: TestClient):
    client.put("/api/masks/agnostic/ann", content=drawn((slice(0, 9), slice(0, 9))), headers=PNG)
    with open_records(desk.layout, writable=False) as records:
        assert records.is_hand_edit(AGNOSTIC_MASK.of("ann", Category.UPPER))


def test_automatic_again_takes_the_files_away_for_the_next_run(desk: Desk, client: TestClient):
    client.put("/api/masks/agnostic/ann", content=drawn((slice(0, 9), slice(0, 9))), headers=PNG)
    assert client.delete("/api/masks/agnostic/ann").json()["size"] is None
    assert not desk.layout.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).exists()
    late = client.put("/api/masks/agnostic/ann", content=drawn((slice(0, 9), slice(0, 9))), headers=PNG)
    assert late.status_code == 409 and "--step all" in late.json()["remedy"]


def bomb(width: int, height: int) -> bytes:
    """A tiny PNG that promises an enormous picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + b"\0" * 40


def noisy_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (768, 1024)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"\x89PNG\r\n\x1a\n",
        noisy_jpeg(),
        drawn((slice(0, 9), slice(0, 9)), (512, 384)),
        bomb(60_000, 60_000),
        bomb(768, 1024),
        drawn((slice(0, 9), slice(0, 9)))[:300],
    ],
    ids=["empty", "text", "head", "jpeg", "small", "bomb", "hollow", "torn"],
)
def test_what_is_no_mask_is_refused_and_the_old_one_stays(desk: Desk, client: TestClient, data: bytes):
    path = desk.layout.path(AGNOSTIC_MASK.of("ann", Category.UPPER))
    before = path.read_bytes()
    assert client.put("/api/masks/agnostic/ann", content=data, headers=PNG).status_code == 422
    assert path.read_bytes() == before
    assert not list(desk.layout.outputs.rglob("*.part"))


def test_unknown_masks_are_said(client: TestClient):
    assert client.get("/api/masks/agnostic/nobody").status_code == 404
    assert client.get("/api/masks/shoe/ann").status_code == 422
    assert client.get("/api/masks/agnostic/ann?category=dress").json()["size"] is None
    listed = client.get("/api/masks").json()["masks"]
    assert {(each["kind"], each["id"]) for each in listed} == {
        ("agnostic", "ann"),
        ("agnostic", "bob"),
        ("cloth", "tee"),
        ("cloth", "top"),
    }
